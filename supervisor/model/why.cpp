// SPDX-License-Identifier: Apache-2.0
// The body of why.h: one short function a state.
#include "model/why.h"

#include "model/overloaded.h"
#include "model/pod_verdict.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <variant>
#include <vector>

namespace davit::model {
namespace {

std::string two_digits(long long number) {
    return (number < 10 ? "0" : "") + std::to_string(number);
}

std::string until(TimePoint moment, TimePoint now) {
    return describe(std::max(moment - now, Duration::zero()));
}

std::string since(TimePoint moment, TimePoint now) {
    return describe(std::max(now - moment, Duration::zero()));
}

std::string ordinal_of(std::size_t index, std::size_t count) {
    return count == 1 ? "" : " " + std::to_string(index + 1) + " of " + std::to_string(count);
}

// ---- dependencies ------------------------------------------------------------------------------------

std::vector<Dependency> unmet(const PodSpec& spec, const Pod& pod, ServiceIndex service) {
    std::vector<Dependency> missing;
    std::ranges::copy_if(spec.services[service].depends_on, std::back_inserter(missing),
                         [&](const Dependency& dependency) { return !dependency_met(spec, pod, dependency); });
    return missing;
}

std::string_view wanted_state(Condition condition) {
    switch (condition) {
    case Condition::started: return " to start";
    case Condition::ready: return " to be ready";
    case Condition::completed: break;
    }
    return " to complete";
}

/// What was last seen of a service that others wait for.
std::string last_seen(const PodSpec& spec, const Service& service, ServiceIndex index) {
    const ServiceSpec& service_spec = spec.services[index];
    if (service.state == ServiceState::starting && service_spec.startup_probe &&
        !service.startup.last_message.empty()) {
        return service.startup.last_message;
    }
    if (service.state == ServiceState::running && service_spec.readiness_probe &&
        !service.readiness.last_message.empty()) {
        return service.readiness.last_message;
    }
    const bool reason_helps = service.state != ServiceState::running && service.state != ServiceState::starting &&
                              service.state != ServiceState::inactive && !service.reason.empty();
    return std::string{to_string(service.state)} + (reason_helps ? ": " + service.reason : "");
}

/// "mesh to be ready (...)"; of a service that is blocked itself, what that one waits for, to the root.
std::string missing_text(const PodSpec& spec, const Pod& pod, const Dependency& dependency, std::size_t depth) {
    const ServiceSpec& wanted = spec.services[dependency.service];
    std::string text = wanted.name + std::string{wanted_state(dependency.condition)};
    const Service& service = pod.services[dependency.service];
    if (service.state == ServiceState::blocked && depth < spec.services.size()) {
        const auto next = unmet(spec, pod, dependency.service);
        if (!next.empty()) {
            return text + ", which waits for " + missing_text(spec, pod, next.front(), depth + 1);
        }
    }
    return text + " (" + last_seen(spec, service, dependency.service) + ")";
}

std::string all_missing_text(const PodSpec& spec, const Pod& pod, const std::vector<Dependency>& missing) {
    constexpr std::size_t shown = 3;
    std::string text;
    for (std::size_t index = 0; index < std::min(shown, missing.size()); ++index) {
        text += (index == 0 ? "" : ", ") + missing_text(spec, pod, missing[index], 0);
    }
    if (missing.size() > shown) {
        text += ", and " + std::to_string(missing.size() - shown) + " more";
    }
    return text;
}

// ---- one function a state ----------------------------------------------------------------------------

std::string failures_text(const ProbeSpec& probe, const ProbeState& state) {
    if (state.tracker.failures == 0) {
        return "";
    }
    return "failed " + std::to_string(state.tracker.failures) + " of " + std::to_string(probe.failure_threshold) +
           " times";
}

std::string last_exit_text(const Service& service) {
    if (!service.last_exit) {
        return "";
    }
    const std::string how = describe(*service.last_exit);
    return service.reason.find(how) == std::string::npos ? "; last exit: " + how : "";
}

std::string reason_or(const Service& service, std::string_view otherwise) {
    return service.reason.empty() ? std::string{otherwise} : service.reason;
}

/// What it said of itself, after what davit knows.
std::string says_text(const Service& service) {
    const Heard& heard = service.heard;
    std::string text;
    if (service.state == ServiceState::running && heard.word == SelfWord::reloading) {
        text += "; it reloads";
    } else if (service.state == ServiceState::running && heard.word == SelfWord::stopping) {
        text += "; it ends by itself";
    }
    if (!heard.status.empty()) {
        text += "; it says: " + heard.status;
    }
    return heard.error.empty() ? text : text + "; it reports " + heard.error;
}

std::string why_inactive(const ServiceSpec& spec, const Service& service, const Lifecycle& lifecycle) {
    if (!spec.enabled) {
        return "inactive: switched off in the configuration (enabled: false)";
    }
    if (service.reason.empty() && !may_start_first_time(lifecycle)) {
        return "inactive: never started; nothing starts any more, the pod is being stopped";
    }
    return "inactive: " + reason_or(service, "not started yet");
}

std::string why_blocked(const PodSpec& spec, const Pod& pod, ServiceIndex index, TimePoint now) {
    const Service& service = pod.services[index];
    if (runs_stale_offline(pod.lifecycle)) {
        return "blocked: waits for the offline that the run before owes, for " + since(service.since, now);
    }
    const auto missing = unmet(spec, pod, index);
    if (!missing.empty()) {
        return "blocked: waits for " + all_missing_text(spec, pod, missing) + ", for " + since(service.since, now);
    }
    if (spec.services[index].main ? !may_launch_main(pod.lifecycle) : !may_restart(pod.lifecycle)) {
        return "blocked: may not start while the phase is " + std::string{to_string(pod.lifecycle.phase)};
    }
    return "blocked: everything it depends on is there, it starts now";
}

std::string why_starting(const ServiceSpec& spec, const Service& service, TimePoint now) {
    if (service.process == Process::launching) {
        return "starting: is being launched, for " + since(service.since, now);
    }
    if (service.failed_probe) {
        return "starting: " + service.reason;
    }
    if (!spec.startup_probe) {
        return "starting: " + reason_or(service, "launched");
    }
    const ProbeState& probe = service.startup;
    const std::string message = probe.last_message.empty() ? "no answer yet" : probe.last_message;
    const std::string failures = failures_text(*spec.startup_probe, probe);
    return "starting: waits for its startup probe, for " + since(service.launched_at.value_or(service.since), now) +
           " (" + message + ")" + (failures.empty() ? "" : ", " + failures) + says_text(service);
}

std::string liveness_text(const ServiceSpec& spec, const Service& service) {
    if (!spec.liveness_probe || service.liveness.tracker.failures == 0) {
        return "";
    }
    return "; its liveness probe " + failures_text(*spec.liveness_probe, service.liveness) + " (" +
           service.liveness.last_message + ")";
}

std::string readiness_text(const ServiceSpec& spec, const Service& service, TimePoint now) {
    if (!spec.readiness_probe) {
        return spec.oneshot ? "running: for " + since(service.since, now) + ", not completed yet"
                            : "ready: runs (no readiness probe)";
    }
    const ProbeState& probe = service.readiness;
    if (!probe.tracker.good) {
        return "not ready: " + (probe.last_message.empty() ? "no check has ended yet" : probe.last_message);
    }
    const std::string failures = failures_text(*spec.readiness_probe, probe);
    return "ready: " + probe.last_message + (failures.empty() ? "" : ", " + failures);
}

std::string why_running(const ServiceSpec& spec, const Service& service, Pending pending, TimePoint now) {
    std::string text = service.failed_probe ? "running: " + service.reason
                                            : readiness_text(spec, service, now) + liveness_text(spec, service);
    text += says_text(service);
    switch (pending) {
    case Pending::none: break;
    case Pending::stop: text += "; is to stop, waits until what depends on it has stopped"; break;
    case Pending::restart: text += "; is to restart, waits until what depends on it has stopped"; break;
    case Pending::reload: text += "; is to stop for a reload, waits until what depends on it has stopped"; break;
    }
    return text;
}

std::string why_backoff(const Pod& pod, const Service& service, TimePoint now) {
    if (!may_restart(pod.lifecycle)) {
        return "backoff: " + reason_or(service, "it ended") + "; does not start again while the phase is " +
               std::string{to_string(pod.lifecycle.phase)};
    }
    return "backoff: " + reason_or(service, "it ended") + "; start " + std::to_string(service.attempt + 1) + " in " +
           until(service.deadline.value_or(now), now);
}

std::string why_stopping(const Service& service, TimePoint now) {
    std::string text = "stopping: " + reason_or(service, "asked to stop");
    if (service.killed) {
        return text + "; KILL was sent, waits until its processes are gone";
    }
    text +=
        service.process == Process::leaving ? "; its leader has ended, waits for what it left" : "; waits for its end";
    text += service.deadline ? ", KILL in " + until(*service.deadline, now) : "";
    return text + says_text(service);
}

std::string why_at_rest(const Service& service, std::string_view otherwise) {
    return std::string{to_string(service.state)} + ": " + reason_or(service, otherwise) + last_exit_text(service);
}

std::string why_held(const PodSpec& spec, const Pod& pod, ServiceIndex index) {
    const Service& service = pod.services[index];
    std::string text = why_at_rest(service, "rests");
    if (pod.lifecycle.isolated) {
        return text + "; nothing restarts while the pod is isolated (" + pod.lifecycle.isolated_because + ")";
    }
    return text +
           (spec.mode == Mode::debug ? "; debug mode: nothing restarts by itself" : "; until it is started by hand");
}

// ---- the pod -----------------------------------------------------------------------------------------

std::string step_name(const StepSpec& step) {
    return std::visit(Overloaded{
                          [](const ExecStep& exec) {
                              return exec.command.empty() ? std::string{"exec"} : exec.command.front().written;
                          },
                          [](const HttpStep& http) { return http.method + " " + http.url.written; },
                          [](const TcpStep& tcp) { return "tcpSocket port " + std::to_string(tcp.port); },
                          [](const SleepStep& sleep) { return "sleep " + describe(sleep.length); },
                      },
                      step.action);
}

std::string attempt_text(const StepSpec& step, int attempt) {
    return step.attempts > 1 ? ", attempt " + std::to_string(attempt) + " of " + std::to_string(step.attempts) : "";
}

std::string steps_text(const PodSpec& spec, const StepList& list, TimePoint now) {
    const auto& steps = spec.lifecycle.steps(list.kind);
    if (list.index >= steps.size()) {
        return std::string{to_string(list.kind)} + " is done";
    }
    const StepSpec& step = steps[list.index];
    std::string text = std::string{to_string(list.kind)} + " step" + ordinal_of(list.index, steps.size()) + " (" +
                       step_name(step) + attempt_text(step, list.attempt) + ")";
    if (list.running) {
        text += " runs for " + since(list.running->began, now);
        text +=
            list.running->kill ? ", it was told to end" : ", at most " + until(list.running->deadline, now) + " more";
    } else if (list.next_try) {
        text += " is tried in " + until(*list.next_try, now);
    }
    return list.failure.empty() ? text : text + "; " + list.failure;
}

std::string main_text(const PodSpec& spec, const Pod& pod, TimePoint now) {
    const auto main = spec.main();
    return main ? spec.services[*main].name + " is " + why(spec, pod, *main, now) : "there is no main";
}

std::string time_left(const Lifecycle& lifecycle, TimePoint now) {
    return lifecycle.gate_deadline ? "; gives up in " + until(*lifecycle.gate_deadline, now) : "";
}

std::string why_checking(const PodSpec& spec, const Pod& pod, TimePoint now) {
    if (pod.lifecycle.at_manual_gate) {
        return "everything is ready, waits for `davit online` (goOnline: manual)";
    }
    const std::string missing = gate_missing(spec, pod);
    return "waits for readiness: " + (missing.empty() ? "everything is ready now" : missing) +
           time_left(pod.lifecycle, now);
}

std::string why_online(const PodSpec& spec, const Pod& pod, TimePoint now) {
    if (is_ready(spec, pod)) {
        return "ready, for " + since(pod.lifecycle.since, now);
    }
    return "not ready: " + gate_missing(spec, pod);
}

std::string connections_text(unsigned count) {
    return std::to_string(count) + (count == 1 ? " connection is" : " connections are") + " still open";
}

std::string drain_text(const Lifecycle& lifecycle, TimePoint now) {
    if (!lifecycle.drain) {
        return lifecycle.reason;
    }
    const Drain& drain = *lifecycle.drain;
    if (now < drain.earliest) {
        return "waits at least " + until(drain.earliest, now) + " more for traffic to end";
    }
    const std::string seen = drain.connections ? connections_text(*drain.connections) : "counts the open connections";
    return seen + ", waits at most " + until(drain.latest, now) + " more";
}

std::string helpers_text(const PodSpec& spec, const Pod& pod) {
    std::string names;
    for (ServiceIndex index = 0; index < spec.services.size(); ++index) {
        if (!is_down(pod.services[index])) {
            names += (names.empty() ? "" : ", ") + spec.services[index].name;
        }
    }
    return names.empty() ? "everything is down" : "main is down, waits for the end of " + names;
}

std::string why_stopped(const PodSpec& spec, const Pod& pod) {
    switch (pod.lifecycle.goal) {
    case Goal::exit: return helpers_text(spec, pod);
    case Goal::main_held: return "main was stopped by hand; the helpers run on";
    case Goal::main_stopped: return "prestop is done, waits for SIGTERM; the helpers run on";
    case Goal::main_restart: return "main is down and starts again";
    case Goal::online:
    case Goal::offline: break;
    }
    return "main is down";
}

std::string step_or_reason(const PodSpec& spec, const Pod& pod, TimePoint now) {
    return pod.lifecycle.steps ? steps_text(spec, *pod.lifecycle.steps, now) : pod.lifecycle.reason;
}

std::string why_offline(const PodSpec& spec, const Lifecycle& lifecycle) {
    if (lifecycle.isolated) {
        return "isolated (" + lifecycle.isolated_because + "): nothing restarts, no probe kills, what ends is held";
    }
    if (spec.mode == Mode::debug) {
        return "debug mode: no health check gates, no step runs, nothing restarts, what ends is held";
    }
    return "everything runs on, no traffic is wanted";
}

std::string why_stale(const PodSpec& spec, const Lifecycle& lifecycle, TimePoint now) {
    const std::string what = lifecycle.steps ? ": " + steps_text(spec, *lifecycle.steps, now) : "";
    return "the run before ended while it was online, its offline runs first" + what;
}

/// Not of a stop by hand that is not under a deadline of the kubelet.
std::string budget_text(const Lifecycle& lifecycle, TimePoint now) {
    return lifecycle.budget && lifecycle.goal >= Goal::main_stopped
               ? "; the grace period ends in " + until(hard_deadline(lifecycle), now)
               : "";
}

std::string why_in_phase(const PodSpec& spec, const Pod& pod, TimePoint now) {
    const Lifecycle& lifecycle = pod.lifecycle;
    switch (lifecycle.phase) {
    case Phase::starting:
        return runs_stale_offline(lifecycle) ? why_stale(spec, lifecycle, now)
                                             : main_text(spec, pod, now) + time_left(lifecycle, now);
    case Phase::preloading:
    case Phase::going_online:
    case Phase::going_offline: return step_or_reason(spec, pod, now);
    case Phase::checking: return why_checking(spec, pod, now);
    case Phase::online: return why_online(spec, pod, now);
    case Phase::draining: return drain_text(lifecycle, now);
    case Phase::offline: return why_offline(spec, lifecycle);
    case Phase::stopping:
        return (lifecycle.steps ? steps_text(spec, *lifecycle.steps, now) : main_text(spec, pod, now)) +
               budget_text(lifecycle, now);
    case Phase::stopped: return why_stopped(spec, pod) + budget_text(lifecycle, now);
    case Phase::failed: break;
    }
    return lifecycle.failure.text.empty() ? lifecycle.reason : lifecycle.failure.text;
}

/// What may be wrong with a probe that is not good, by what it waits for.
std::string probe_to_check(const ProbeSpec& probe, std::string_view kind) {
    const std::string check = "; check that its " + std::string{kind} + " probe ";
    return std::visit(Overloaded{
                          [&](const ExecCheck&) { return check + "runs the right command"; },
                          [&](const FileCheck&) { return check + "names the right path"; },
                          [&](const LogCheck&) { return check + "has the pattern of a line that it writes"; },
                          [&](const NotifyCheck&) {
                              return std::string{"; check that it sends READY=1 to $NOTIFY_SOCKET (sd_notify)"};
                          },
                          [&](const auto&) { return check + "asks the right address"; },
                      },
                      probe.check);
}

std::string offline_what_to_do(const PodSpec& spec, const Lifecycle& lifecycle, const std::string& main) {
    if (lifecycle.isolation_key) {
        return "take the key " + spec.isolate_key + " away to go online again";
    }
    if (lifecycle.isolated) {
        return "look at the scene with `davit shell`; `davit rejoin` goes online again";
    }
    if (spec.mode == Mode::debug) {
        return "look with `davit why " + main + "`, change what is wrong with `davit shell`, then `davit restart " +
               main + "`";
    }
    return "`davit online` goes online again";
}

/// A raw service writes to the container's own log, which davit does not keep; what is discarded nobody has.
std::string look_at_output(const PodSpec& spec, ServiceIndex index) {
    const ServiceSpec& service = spec.services[index];
    if (spec.keeps_output_of(service)) {
        return "look at its output with `davit logs " + service.name + "`";
    }
    return service.log_mode == LogMode::discard ? "let its output be seen: it has `logs: discard`"
                                                : "look at its output with `kubectl logs`";
}

/// Where the chain of those that wait for each other ends.
ServiceIndex root_cause(const PodSpec& spec, const Pod& pod, ServiceIndex index, std::size_t depth) {
    const auto missing = unmet(spec, pod, index);
    const bool waits = pod.services[index].state == ServiceState::blocked && !missing.empty();
    return waits && depth < spec.services.size() ? root_cause(spec, pod, missing.front().service, depth + 1) : index;
}

std::string blocked_what_to_do(const PodSpec& spec, const Pod& pod, ServiceIndex index) {
    const ServiceIndex root = root_cause(spec, pod, index, 0);
    if (root == index) {
        return "";
    }
    const std::string& name = spec.services[root].name;
    const std::string see = "see `davit why " + name + "`";
    const Service& service = pod.services[root];
    const bool comes_by_itself = !is_resting(service) || service.state == ServiceState::inactive;
    return comes_by_itself ? see : see + "; it goes on once `davit start " + name + "` succeeds";
}

std::string held_what_to_do(const Pod& pod, const ServiceSpec& spec) {
    const std::string& name = spec.name;
    if (pod.lifecycle.goal == Goal::main_held && spec.main) {
        return "`davit start " + name + "` starts it again";
    }
    return "change what is wrong with `davit shell " + name + "`, then `davit start " + name + "`";
}

/// Of what the ready gate asks, the first that is not good.
std::string see_missing(const PodSpec& spec, const Pod& pod) {
    for (ServiceIndex index = 0; index < spec.services.size(); ++index) {
        if (!is_gate_good_for(spec, pod, index)) {
            return "see `davit why " + spec.services[index].name + "`";
        }
    }
    return "";
}

bool has_what_is_asked(const PodSpec& spec, const Pod& pod, Verb verb, ServiceIndex index) {
    const Service& service = pod.services[index];
    if (verb == Verb::stop) {
        return is_down(service);
    }
    return service.state == ServiceState::completed || is_ready(spec.services[index], service);
}

} // namespace

std::string describe(Duration length) {
    const double seconds = to_seconds(length);
    if (seconds < 59.95) {
        const auto tenths = static_cast<long long>(std::llround(seconds * 10));
        return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + "s";
    }
    const auto whole = static_cast<long long>(std::llround(seconds));
    if (whole < 3600) {
        return std::to_string(whole / 60) + "m" + two_digits(whole % 60) + "s";
    }
    const long long minutes = whole / 60;
    constexpr long long minutes_of_a_day = 1440;
    if (minutes < minutes_of_a_day) {
        return std::to_string(minutes / 60) + "h" + two_digits(minutes % 60) + "m";
    }
    return std::to_string(minutes / minutes_of_a_day) + "d" + two_digits(minutes / 60 % 24) + "h";
}

std::string why(const PodSpec& spec, const Pod& pod, ServiceIndex index, TimePoint now) {
    const ServiceSpec& service_spec = spec.services[index];
    const Service& service = pod.services[index];
    switch (service.state) {
    case ServiceState::inactive: return why_inactive(service_spec, service, pod.lifecycle);
    case ServiceState::blocked: return why_blocked(spec, pod, index, now);
    case ServiceState::starting: return why_starting(service_spec, service, now);
    case ServiceState::running: return why_running(service_spec, service, pod.pending[index], now);
    case ServiceState::backoff: return why_backoff(pod, service, now);
    case ServiceState::stopping: return why_stopping(service, now);
    case ServiceState::stopped: return why_at_rest(service, "asked to stop");
    case ServiceState::completed: return why_at_rest(service, "it ended well");
    case ServiceState::failed: return why_at_rest(service, "it failed");
    case ServiceState::held: break;
    }
    return why_held(spec, pod, index);
}

std::string pod_why(const PodSpec& spec, const Pod& pod, TimePoint now) {
    return std::string{to_string(pod.lifecycle.phase)} + ": " + why_in_phase(spec, pod, now);
}

std::string why_no_output(const PodSpec& spec, ServiceIndex index) {
    const ServiceSpec& service = spec.services[index];
    if (spec.keeps_output_of(service)) {
        return {};
    }
    return service.log_mode == LogMode::raw
               ? service.name + " writes to the container's log itself (logs: raw): see kubectl logs"
               : "the output of " + service.name + " is thrown away (logs: discard)";
}

std::string still_waiting(const PodSpec& spec, const Pod& pod, RequestId request, TimePoint now) {
    const auto waiter = std::ranges::find(pod.waiters, request, [](const Waiter& one) { return one.request.id; });
    if (waiter == pod.waiters.end()) {
        return "";
    }
    const std::string text = "after " + since(waiter->since, now) + " still ";
    for (const ServiceIndex index : waiter->request.services) {
        if (!has_what_is_asked(spec, pod, waiter->request.verb, index)) {
            return text + "waiting for " + spec.services[index].name + ", which is " + why(spec, pod, index, now);
        }
    }
    return text + pod_why(spec, pod, now);
}

std::string what_to_do(const PodSpec& spec, const Pod& pod, ServiceIndex index) {
    const ServiceSpec& service_spec = spec.services[index];
    const Service& service = pod.services[index];
    const std::string start = "`davit start " + service_spec.name + "`";
    const std::string look = look_at_output(spec, index);
    switch (service.state) {
    case ServiceState::inactive:
        return service_spec.enabled ? "" : "set `enabled: true` in the configuration and `davit reload` to have it";
    case ServiceState::blocked: return blocked_what_to_do(spec, pod, index);
    case ServiceState::starting:
        return service_spec.startup_probe ? look + probe_to_check(*service_spec.startup_probe, "startup") : "";
    case ServiceState::running:
        if (service_spec.oneshot || is_ready(service_spec, service)) {
            return "";
        }
        return look + (service_spec.readiness_probe ? probe_to_check(*service_spec.readiness_probe, "readiness") : "");
    case ServiceState::backoff: return look + "; " + start + " starts it without waiting";
    case ServiceState::stopping:
        return service.killed ? "" : "`davit signal KILL " + service_spec.name + "` ends it without waiting";
    case ServiceState::stopped: return start + " starts it again";
    case ServiceState::held: return look + "; " + held_what_to_do(pod, service_spec);
    case ServiceState::completed: return "";
    case ServiceState::failed: break;
    }
    return look + ", mend the cause, then " + start;
}

std::string pod_what_to_do(const PodSpec& spec, const Pod& pod) {
    const auto main = spec.main();
    const std::string main_name = main ? spec.services[*main].name : "main";
    switch (pod.lifecycle.phase) {
    case Phase::starting:
        return main ? "see `davit why " + spec.services[root_cause(spec, pod, *main, 0)].name + "`" : "";
    case Phase::checking:
        return pod.lifecycle.at_manual_gate ? "`davit online` when you want the traffic" : see_missing(spec, pod);
    case Phase::online: return is_ready(spec, pod) ? "" : see_missing(spec, pod);
    case Phase::offline: return offline_what_to_do(spec, pod.lifecycle, main_name);
    case Phase::failed: return "mend the cause, then `davit online` tries again";
    case Phase::stopped:
        return pod.lifecycle.goal == Goal::main_held ? "`davit start " + main_name + "` starts it again" : "";
    case Phase::preloading:
    case Phase::going_online:
    case Phase::going_offline:
    case Phase::draining:
    case Phase::stopping: break;
    }
    return "";
}

} // namespace davit::model
