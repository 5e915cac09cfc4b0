// SPDX-License-Identifier: Apache-2.0
#include "runtime/narrator.h"

#include "model/why.h"

#include <string>

namespace davit::runtime {
namespace {

using model::Phase;
using model::ServiceState;

/// A phase that nothing leads out of by itself, but a person or a new start does.
bool is_rest(std::string_view phase) {
    return phase == model::to_string(Phase::offline) || phase == model::to_string(Phase::failed) ||
           phase == model::to_string(Phase::stopped) || phase == model::to_string(Phase::online);
}

std::string with_reason(std::string_view subject, std::string_view state, std::string_view reason) {
    std::string line{subject};
    line.append(" ").append(state);
    return reason.empty() ? line : line.append(" (").append(reason).append(")");
}

/// "cpus 2 -> 1 (quota 1 of /sys/fs/cgroup/cpu.max)".
std::string resize_text(const model::Change& change) {
    const std::string_view to = std::string_view{change.to}.substr(change.to.find(' ') + 1);
    return with_reason(change.from, "-> " + std::string{to}, change.reason);
}

/// What nobody asked for is a warning, what is given up an error; how a plain init's command ends is its own affair.
LogLevel level_of(const model::Change& change, const model::Service& service, const model::PodSpec& spec) {
    if (change.to == model::to_string(ServiceState::failed)) {
        return spec.plain_init && !service.cannot_execute ? LogLevel::info : LogLevel::error;
    }
    const bool troubled = change.to == model::to_string(ServiceState::backoff) || change.to == "not ready" ||
                          (change.to == model::to_string(ServiceState::stopping) && !service.stop_asked);
    return troubled ? LogLevel::warn : LogLevel::info;
}

} // namespace

void Narrator::tell(const model::Change& change, const model::Pod& pod, TimePoint now) {
    if (way_up_began_ == TimePoint{}) {
        way_up_began_ = now; // davit's own start
    }
    journal_.add(JournalEntry{.number = 0,
                              .at = now,
                              .service = change.service ? spec_.services[*change.service].name : std::string{},
                              .from = change.from,
                              .to = change.to,
                              .reason = change.reason});
    if (change.service) {
        tell_service(change, pod.services[*change.service]);
    } else {
        tell_pod(change, now);
    }
}

void Narrator::tell_pod(const model::Change& change, TimePoint now) {
    if (model::is_of_cpus(change)) {
        return log(LogLevel::info, resize_text(change));
    }
    if (change.from == model::of_configuration) {
        const std::string line = "configuration: " + change.reason;
        log(LogLevel::info, line);
        return listeners_.tell_pod(line);
    }
    if (change.from == model::of_run_before) {
        const std::string line = with_reason("the run before:", change.to, change.reason);
        log(change.to == "offline failed" ? LogLevel::warn : LogLevel::info, line);
        return listeners_.tell_pod(line);
    }
    if (is_rest(change.from)) {
        way_up_began_ = now;
    }
    std::string line;
    if (change.to == model::to_string(Phase::online)) {
        line = "phase online (took " + model::describe(now - way_up_began_) + ")";
    } else {
        line = with_reason("phase", change.to, change.reason);
    }
    log(change.to == model::to_string(Phase::failed) ? LogLevel::error : LogLevel::info, line);
    listeners_.tell_pod(line);
    told_missing_.clear();
}

void Narrator::tell_service(const model::Change& change, const model::Service& service) {
    const std::string& name = spec_.services[*change.service].name;
    const std::string line =
        model::is_of_cpus(change) ? name + " " + resize_text(change) : with_reason(name, change.to, change.reason);
    log(level_of(change, service, spec_), line);
    listeners_.tell_service(*change.service, line);
}

/// A plain init is as silent as the command would be without it.
void Narrator::log(LogLevel level, std::string_view line) {
    if (!spec_.plain_init || level != LogLevel::info) {
        log_.write(level, line);
    }
}

void Narrator::tell_missing(const model::Pod& pod) {
    if (pod.lifecycle.phase != Phase::checking || listeners_.is_empty()) {
        return;
    }
    std::string missing = model::gate_missing(spec_, pod);
    if (!missing.empty() && missing != told_missing_) {
        listeners_.tell_pod("waiting for " + missing);
        told_missing_ = std::move(missing);
    }
}

void Narrator::tell_phase(const model::Request& request, const model::Pod& pod) {
    if (request.services.empty()) {
        listeners_.tell(request.id, with_reason("phase", model::to_string(pod.lifecycle.phase), pod.lifecycle.reason));
        told_missing_.clear();
    } else if (request.verb == model::Verb::wait_service) {
        const model::ServiceIndex service = request.services.front();
        if (!model::is_ready(spec_.services[service], pod.services[service])) {
            listeners_.tell(request.id, spec_.services[service].name + " is " +
                                            model::why(spec_, pod, service, std::chrono::steady_clock::now()));
        }
    }
}

} // namespace davit::runtime
