// SPDX-License-Identifier: Apache-2.0
#include "exit_oracle.h"

#include "model/contains.h"

namespace davit::simulation {

using namespace model;

namespace {

constexpr int start_failed = 121;
constexpr int critical_failed = 122;

/// A stop was asked for: main's own code, a listed one counts as 0; 0 or never ran before online is 121.
int after_a_stop(const ServiceSpec& main, const std::optional<ExitStatus>& end, bool online_ever) {
    const int own = end ? container_code(*end) : 0;
    const bool success = own == 0 || contains(main.success_exit_codes, own);
    if (!success) {
        return own;
    }
    return online_ever ? 0 : start_failed;
}

int after_an_end(const std::optional<ExitStatus>& end, bool online_ever) {
    const int own = end ? container_code(*end) : 0;
    return own == 0 && !online_ever ? start_failed : own;
}

int after_a_failure(const std::optional<ExitStatus>& end, bool online_ever) {
    const int own = end ? container_code(*end) : 0;
    return own != 0 ? own : online_ever ? critical_failed : start_failed;
}

} // namespace

std::set<int> allowed_codes(const PodSpec& spec, const Ledger& ledger) {
    const ServiceIndex index = *spec.main();
    const ServiceSpec& main = spec.services[index];
    // What PID 1 leaves behind is killed by the kernel.
    const bool left = ledger.services[index].told != Process::none;
    const std::optional<ExitStatus> end = left ? killed_by(SIGKILL) : ledger.services[index].last_exit;
    const bool online = ledger.online_ever;
    switch (ledger.end_reason) {
    case EndReason::asked: return {after_a_stop(main, end, online)};
    case EndReason::start_failed: return {start_failed};
    case EndReason::critical_failed: return {critical_failed};
    case EndReason::main_ended: {
        // A code that is not listed as a success is a failure, also when it is 0.
        const bool failed_with_0 = end && container_code(*end) == 0 && !contains(main.success_exit_codes, 0);
        return {failed_with_0 ? after_a_failure(end, online) : after_an_end(end, online)};
    }
    case EndReason::main_failed: return {after_a_failure(end, online)};
    case EndReason::none:
    case EndReason::unknown: break;
    }
    return {};
}

} // namespace davit::simulation
