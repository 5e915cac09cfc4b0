// SPDX-License-Identifier: Apache-2.0
#include "model/pod_end.h"

#include "model/contains.h"

#include <algorithm>

namespace davit::model {
namespace {

int code_of_main(const PodSpec& spec, const Pod& pod, ServiceIndex main) {
    const Service& service = pod.services[main];
    if (!is_down(service)) {
        return container_code(killed_by(SIGKILL)); // what is left when PID 1 goes is killed by the kernel
    }
    if (!service.last_exit) {
        return code_start_failed;
    }
    const int code = container_code(*service.last_exit);
    const bool online_ever = pod.lifecycle.online_ever;
    switch (pod.lifecycle.cause) {
    case EndCause::main_failed: return code != 0 ? code : online_ever ? code_critical_failed : code_start_failed;
    case EndCause::stop_asked:
        if (code != 0 && !contains(spec.services[main].success_exit_codes, code)) {
            return code;
        }
        return online_ever ? 0 : code_start_failed;
    case EndCause::none:
    case EndCause::main_ended:
    case EndCause::start_failed:
    case EndCause::critical_failed: break;
    }
    return code != 0 ? code : online_ever ? 0 : code_start_failed;
}

std::string first_line(const PodSpec& spec, const Pod& pod) {
    const auto main = spec.main();
    const std::string name = main ? spec.services[*main].name : "main";
    switch (pod.lifecycle.cause) {
    case EndCause::start_failed: return "the start failed: " + pod.lifecycle.failure.text;
    case EndCause::critical_failed: return "a critical service failed: " + pod.lifecycle.failure.text;
    case EndCause::main_failed: return name + " failed: " + pod.lifecycle.failure.text;
    case EndCause::stop_asked:
        return pod.lifecycle.online_ever ? name + " was stopped: " + main_end(spec, pod)
                                         : "stopped before it was online; " + name + ": " + main_end(spec, pod);
    case EndCause::none:
    case EndCause::main_ended: break;
    }
    if (main && pod.services[*main].cannot_execute) {
        return name + " cannot be started: " + main_end(spec, pod);
    }
    const std::string_view too_early = pod.lifecycle.online_ever || spec.plain_init ? "" : " before it was online";
    return name + " ended" + std::string{too_early} + ": " + main_end(spec, pod);
}

} // namespace

Blame output_behind_end(const PodSpec& spec, const Pod& pod) {
    const Lifecycle& lifecycle = pod.lifecycle;
    const bool has_failed = lifecycle.cause == EndCause::start_failed || lifecycle.cause == EndCause::critical_failed;
    if (has_failed && !std::holds_alternative<std::monostate>(lifecycle.failure.blame)) {
        return lifecycle.failure.blame;
    }
    const auto main = spec.main();
    return main ? Blame{*main} : Blame{};
}

std::string main_end(const PodSpec& spec, const Pod& pod) {
    const auto main = spec.main();
    if (!main) {
        return {};
    }
    const Service& service = pod.services[*main];
    if (service.cannot_execute || service.failed_probe || !service.left_behind.empty()) {
        return service.reason;
    }
    return service.last_exit ? describe(*service.last_exit) : "did not run";
}

int exit_code(const PodSpec& spec, const Pod& pod) {
    const auto main = spec.main();
    if (spec.plain_init) {
        const auto& end = pod.services[*main].last_exit;
        return end ? container_code(*end) : code_cannot_run;
    }
    switch (pod.lifecycle.cause) {
    case EndCause::start_failed: return code_start_failed;
    case EndCause::critical_failed: return code_critical_failed;
    case EndCause::none:
    case EndCause::stop_asked:
    case EndCause::main_ended:
    case EndCause::main_failed: break;
    }
    return main ? code_of_main(spec, pod, *main) : code_cannot_run;
}

std::vector<std::string> end_lines(const PodSpec& spec, const Pod& pod) {
    std::vector<std::string> lines;
    if (exit_code(spec, pod) == 0) {
        return lines;
    }
    lines.push_back(first_line(spec, pod));
    const bool told = pod.lifecycle.cause == EndCause::main_ended || pod.lifecycle.cause == EndCause::stop_asked;
    const std::string end = main_end(spec, pod);
    if (!told && !end.empty()) {
        lines.push_back("main: " + end);
    }
    if (!pod.lifecycle.step_failure.empty()) {
        lines.push_back(pod.lifecycle.step_failure);
    }
    return lines;
}

} // namespace davit::model
