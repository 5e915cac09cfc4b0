// SPDX-License-Identifier: Apache-2.0
#include "model/pod_verdict.h"

#include "model/contains.h"
#include "model/why.h"
#include "model/words.h"

#include <algorithm>

namespace davit::model {
namespace {

const std::string stopping_text = "the pod is being stopped";

bool leads_down_for_good(const Pod& pod) {
    return pod.lifecycle.goal >= Goal::main_stopped || pod.lifecycle.haste != Haste::none;
}

std::string state_text(const PodSpec& spec, const Pod& pod, ServiceIndex index) {
    return spec.services[index].name + " is " + std::string{to_string(pod.services[index].state)};
}

std::string state_with_reason(const PodSpec& spec, const Pod& pod, ServiceIndex index) {
    const std::string& reason = pod.services[index].reason;
    return state_text(spec, pod, index) + (reason.empty() ? "" : ": " + reason);
}

// ---- refusals ----------------------------------------------------------------------------------------

const std::string debug_text = "debug mode: no health check gates and no step runs";

std::string refusal_of_isolation(const PodSpec& spec, const Pod& pod) {
    if (spec.plain_init) {
        return "davit runs as a plain init: there is no life cycle";
    }
    return leads_down_for_good(pod) ? stopping_text : std::string{};
}

std::string refusal_of_rejoin(const PodSpec& spec, const Pod& pod) {
    if (std::string refusal = refusal_of_isolation(spec, pod); !refusal.empty()) {
        return refusal;
    }
    if (pod.lifecycle.isolation_key) {
        return "the key " + spec.isolate_key + " is in " + spec.isolate_file.written +
               ": the pod comes back by itself when it is taken away there";
    }
    return pod.lifecycle.isolated || pod.lifecycle.rejoins ? std::string{} : "the pod is not isolated";
}

std::string refusal_of_online(const PodSpec& spec, const Pod& pod) {
    const Lifecycle& lifecycle = pod.lifecycle;
    if (lifecycle.isolated && !leads_down_for_good(pod)) {
        return "the pod is isolated (" + lifecycle.isolated_because + "); davit rejoin brings it back";
    }
    if (spec.mode == Mode::debug && !leads_down_for_good(pod)) {
        return debug_text + "; start the container without DAVIT_MODE=debug to go online";
    }
    switch (lifecycle.goal) {
    case Goal::online:
    case Goal::main_restart: return {};
    case Goal::offline:
        if (lifecycle.phase == Phase::offline || lifecycle.phase == Phase::failed) {
            return {};
        }
        return "the pod goes offline; ask again when it is offline";
    case Goal::main_held: return "main is stopped by hand; start it first";
    case Goal::main_stopped:
    case Goal::exit: break;
    }
    return stopping_text;
}

const std::string reloading_text = "a reload is under way; ask again when it is done";

std::string refusal_of_reload(const PodSpec& spec, const Pod& pod, const Request& request) {
    if (spec.plain_init) {
        return "davit runs as a plain init: there is no configuration to reload";
    }
    if (leads_down_for_good(pod)) {
        return stopping_text;
    }
    if (pod.reload || pod.adopting) {
        return reloading_text;
    }
    const bool main_is_stopped_by_hand = pod.lifecycle.goal == Goal::main_held && pod.lifecycle.phase != Phase::stopped;
    return request.main_restart == MainRestart::allowed && main_is_stopped_by_hand
               ? "main is being stopped by hand; ask again when it is held"
               : std::string{};
}

std::string refusal_of_services(const PodSpec& spec, const Pod& pod, const Request& request) {
    if (pod.reload) {
        return reloading_text;
    }
    for (const ServiceIndex index : request.services) {
        const ServiceSpec& service = spec.services[index];
        if (!service.enabled) {
            return service.name + " is disabled (enabled: false)";
        }
        const bool plain = spec.plain_init && service.main;
        if (plain) {
            return "davit runs as a plain init: its command is not started or stopped by hand";
        }
        const bool restart_of_held =
            request.verb == Verb::restart && service.main && pod.lifecycle.goal == Goal::main_held;
        if (restart_of_held) {
            return "main is stopped by hand; start it";
        }
        const bool start_while_going = request.verb == Verb::start && service.main &&
                                       pod.lifecycle.goal == Goal::main_held && !is_resting(pod.services[index]);
        if (start_while_going) {
            return "main is being stopped by hand; ask again when it is held";
        }
    }
    return leads_down_for_good(pod) ? stopping_text : std::string{};
}

std::string refusal_of_signal(const PodSpec& spec, const Pod& pod, const Request& request) {
    for (const ServiceIndex index : request.services) {
        if (pod.services[index].process == Process::alive) {
            return {};
        }
    }
    return request.services.size() == 1 ? state_text(spec, pod, request.services.front()) + ", it has no process"
                                        : "none of the services has a process";
}

// ---- verdicts ----------------------------------------------------------------------------------------

Judgement done(std::string message) {
    return {Verdict::done, std::move(message)};
}
Judgement failed(std::string message) {
    return {Verdict::failed, std::move(message)};
}

std::string online_text(const Pod& pod) {
    return "online: " + pod.lifecycle.reason;
}

std::optional<Judgement> judge_way_up(const PodSpec& spec, const Pod& pod) {
    const Lifecycle& lifecycle = pod.lifecycle;
    if (lifecycle.phase == Phase::online && lifecycle.goal == Goal::online) {
        return done(online_text(pod));
    }
    if (lifecycle.phase == Phase::failed) {
        return failed("the start failed: " + lifecycle.failure.text + "; everything is held as it is");
    }
    if (lifecycle.at_manual_gate) {
        return done("ready; waits at the manual gate for `davit online`");
    }
    if (leads_down_for_good(pod)) {
        return failed("the start was broken off: " +
                      (lifecycle.failure.text.empty() ? stopping_text : lifecycle.failure.text));
    }
    if (lifecycle.goal == Goal::main_held) {
        return failed("main is stopped by hand");
    }
    (void)spec;
    return std::nullopt;
}

std::optional<Judgement> judge_poststart(const PodSpec& spec, const Pod& pod, const Waiter& waiter, TimePoint now) {
    const Lifecycle& lifecycle = pod.lifecycle;
    if (spec.mode == Mode::debug) {
        return done(debug_text);
    }
    if (lifecycle.isolated && lifecycle.goal < Goal::main_stopped) {
        return done("isolated (" + lifecycle.isolated_because + "); it stays out of traffic");
    }
    const bool rests = (lifecycle.phase == Phase::offline && lifecycle.goal == Goal::offline && !lifecycle.rejoins) ||
                       (lifecycle.phase == Phase::stopped && lifecycle.goal == Goal::main_held);
    if (rests) {
        return done("taken " + std::string{to_string(lifecycle.phase)} + " by hand; it stays so");
    }
    if (auto judgement = judge_way_up(spec, pod)) {
        // A hook that fails makes the kubelet end the container: a scene that is held would be lost.
        if (lifecycle.phase == Phase::failed) {
            judgement->verdict = Verdict::done;
        }
        return judgement;
    }
    if (waiter.deadline && *waiter.deadline <= now) {
        const std::string state =
            "not online after " + seconds_text(now - waiter.since) + ", phase " + pod_why(spec, pod, now);
        if (spec.lifecycle.post_start_on_timeout == OnTimeout::fail) {
            return Judgement{Verdict::timed_out, state};
        }
        return done(state + "; readiness keeps gating");
    }
    return std::nullopt;
}

std::optional<Judgement> judge_online(const PodSpec& spec, const Pod& pod) {
    const Lifecycle& lifecycle = pod.lifecycle;
    if (lifecycle.isolated) {
        return failed("isolated meanwhile: " + lifecycle.isolated_because);
    }
    if (lifecycle.rejoins) {
        return std::nullopt;
    }
    if (lifecycle.phase == Phase::offline && lifecycle.goal == Goal::offline) {
        return failed("taken offline by hand meanwhile");
    }
    return judge_way_up(spec, pod);
}

std::optional<Judgement> judge_rejoin(const PodSpec& spec, const Pod& pod) {
    if (spec.mode == Mode::debug && !leads_down_for_good(pod)) {
        return done("no longer isolated; " + debug_text);
    }
    return judge_online(spec, pod);
}

std::optional<Judgement> judge_offline(const Pod& pod) {
    const Lifecycle& lifecycle = pod.lifecycle;
    switch (lifecycle.phase) {
    case Phase::starting:
    case Phase::preloading:
    case Phase::checking:
    case Phase::going_online:
    case Phase::online:
        // The way down was left again (main restarts): offline ran, and nothing rests.
        return lifecycle.goal == Goal::online ? std::optional{failed("main was restarted meanwhile")} : std::nullopt;
    case Phase::going_offline:
    case Phase::draining: return std::nullopt;
    case Phase::offline:
    case Phase::failed:
    case Phase::stopping:
    case Phase::stopped: break;
    }
    return lifecycle.offline_failed
               ? failed("offline, but a step failed: " + lifecycle.step_failure)
               : done(lifecycle.drain_result.empty() ? "offline" : "offline; drain: " + lifecycle.drain_result);
}

std::optional<Judgement> judge_isolate(const Pod& pod) {
    if (!pod.lifecycle.isolated) {
        return failed("rejoined meanwhile");
    }
    std::optional<Judgement> judgement = judge_offline(pod);
    if (judgement && judgement->verdict == Verdict::done) {
        judgement->message = "isolated; " + judgement->message;
    }
    return judgement;
}

std::optional<Judgement> judge_prestop(const PodSpec& spec, const Pod& pod) {
    if (spec.mode == Mode::debug) {
        return done(debug_text);
    }
    const Lifecycle& lifecycle = pod.lifecycle;
    if (lifecycle.phase != Phase::stopped) {
        return std::nullopt;
    }
    if (lifecycle.offline_failed || lifecycle.stop_failed) {
        return failed("main is down, but a step failed: " + lifecycle.step_failure);
    }
    return done(lifecycle.reason);
}

bool never_ready_again(const PodSpec& spec, const Pod& pod, ServiceIndex index) {
    const Service& service = pod.services[index];
    if (!spec.services[index].enabled) {
        return true;
    }
    if (service.state == ServiceState::completed) {
        return !spec.services[index].oneshot;
    }
    const bool rests =
        is_resting(service) && service.state != ServiceState::inactive && pod.pending[index] == Pending::none;
    return rests || (leads_down_for_good(pod) && !is_ready(spec.services[index], service));
}

bool is_attained(const PodSpec& spec, const Pod& pod, ServiceIndex index) {
    const Service& service = pod.services[index];
    return spec.services[index].oneshot ? service.state == ServiceState::completed
                                        : is_ready(spec.services[index], service);
}

/// For start, restart and wait: all are ready (oneshots: completed), or one never will be.
std::optional<Judgement> judge_services_up(const PodSpec& spec, const Pod& pod, const Waiter& waiter) {
    for (std::size_t place = 0; place < waiter.request.services.size(); ++place) {
        const ServiceIndex index = waiter.request.services[place];
        const Service& service = pod.services[index];
        const bool restarted = waiter.request.verb != Verb::restart || service.attempt > waiter.attempts[place];
        if (restarted && is_attained(spec, pod, index)) {
            continue;
        }
        if ((restarted || leads_down_for_good(pod)) && never_ready_again(spec, pod, index)) {
            return failed(state_with_reason(spec, pod, index));
        }
        return std::nullopt;
    }
    return done("ready");
}

bool concerns_main(const PodSpec& spec, const Waiter& waiter) {
    return std::ranges::any_of(waiter.request.services, [&](ServiceIndex index) { return spec.services[index].main; });
}

/// main is started when it is online, or rests at the manual gate; its cycle ends in a failure else.
std::optional<Judgement> judge_start(const PodSpec& spec, const Pod& pod, const Waiter& waiter) {
    if (concerns_main(spec, waiter) && pod.lifecycle.phase == Phase::failed) {
        return failed("the start failed: " + pod.lifecycle.failure.text);
    }
    const std::optional<Judgement> services = judge_services_up(spec, pod, waiter);
    if (!services || services->verdict != Verdict::done || !concerns_main(spec, waiter)) {
        return services;
    }
    if (pod.lifecycle.goal == Goal::offline) {
        return services; // started, and the pod rests offline as somebody asked
    }
    return judge_way_up(spec, pod);
}

/// As a start of what restarts or is new; nullopt also while that has not begun.
std::optional<Judgement> judge_reload(const PodSpec& spec, const Pod& pod, const Waiter& waiter) {
    if (waiter.message.empty()) {
        return pod.reload ? std::nullopt : std::optional{failed(stopping_text + "; the reload was broken off")};
    }
    std::optional<Judgement> judgement = judge_start(spec, pod, waiter);
    if (judgement && judgement->verdict == Verdict::done) {
        judgement->message = waiter.message;
    } else if (judgement) {
        judgement->message = waiter.message + "; " + judgement->message;
    }
    return judgement;
}

/// By a start or restart by hand that came after the stop. (Main's own way down cannot be turned round.)
bool is_started_again(const PodSpec& spec, const Pod& pod, ServiceIndex index) {
    const ServiceState state = pod.services[index].state;
    const bool is_up = state == ServiceState::blocked || state == ServiceState::starting ||
                       state == ServiceState::running || state == ServiceState::backoff;
    const bool goes_by_hand = !spec.services[index].main || scene_rests(spec, pod.lifecycle);
    return goes_by_hand && (pod.pending[index] == Pending::restart || (pod.pending[index] == Pending::none && is_up));
}

std::optional<Judgement> judge_stop(const PodSpec& spec, const Pod& pod, const Waiter& waiter) {
    for (const ServiceIndex index : waiter.request.services) {
        if (is_started_again(spec, pod, index)) {
            return failed(spec.services[index].name + " was started again meanwhile");
        }
    }
    for (const ServiceIndex index : waiter.request.services) {
        const Service& service = pod.services[index];
        const bool down = is_down(service) && is_resting(service) && pod.pending[index] == Pending::none;
        const bool main_rests =
            !spec.services[index].main || pod.lifecycle.phase == Phase::stopped || scene_rests(spec, pod.lifecycle);
        if (!down || !main_rests) {
            return std::nullopt;
        }
    }
    return done("stopped");
}

std::optional<Judgement> judge_wait_phase(const PodSpec& spec, const Pod& pod, Phase wanted) {
    const Lifecycle& lifecycle = pod.lifecycle;
    if (lifecycle.phase == wanted) {
        return done("phase " + std::string{to_string(wanted)});
    }
    if (spec.mode == Mode::debug && (wanted < Phase::offline || wanted == Phase::failed)) {
        return failed(debug_text + ", the phase stays offline");
    }
    const bool only_further_down = leads_down_for_good(pod);
    const bool lies_below = wanted >= Phase::going_offline && wanted != Phase::failed && wanted > lifecycle.phase;
    if (only_further_down && !lies_below) {
        return failed("the pod is " + std::string{to_string(lifecycle.phase)} + " and will not be " +
                      std::string{to_string(wanted)} + " again");
    }
    return std::nullopt;
}

/// Whom the ready gate waits for: main that does not run yet, the others, main that does.
std::vector<ServiceIndex> missing_at_gate(const PodSpec& spec, const Pod& pod) {
    std::vector<ServiceIndex> missing;
    const auto main = spec.main();
    const bool main_runs = main && pod.services[*main].state == ServiceState::running;
    if (main && !main_runs) {
        missing.push_back(*main);
    }
    for (ServiceIndex index = 0; index < spec.services.size(); ++index) {
        const ServiceSpec& wanted = spec.services[index];
        const Service& service = pod.services[index];
        const bool counts = wanted.enabled && index != main && service.state != ServiceState::completed &&
                            (wanted.readiness_probe || wanted.startup_probe);
        if (counts && !is_ready(wanted, service)) {
            missing.push_back(index);
        }
    }
    if (main_runs && !is_ready(spec.services[*main], pod.services[*main])) {
        missing.push_back(*main);
    }
    return missing;
}

/// What was last seen of a service that the gate waits for, or where it is.
std::string missing_text(const PodSpec& spec, const Pod& pod, ServiceIndex index) {
    const Service& service = pod.services[index];
    const std::string state{to_string(service.state)};
    const std::string& started = service.startup.last_message;
    if (!spec.services[index].main) {
        const std::string& seen = service.readiness.last_message.empty() ? started : service.readiness.last_message;
        return seen.empty() ? state : seen;
    }
    if (service.state != ServiceState::running) {
        return state + (started.empty() ? "" : ", " + started);
    }
    return service.readiness.last_message.empty() ? "not checked yet" : service.readiness.last_message;
}

} // namespace

std::string refusal_of(const PodSpec& spec, const Pod& pod, const Request& request) {
    switch (request.verb) {
    case Verb::poststart:
    case Verb::prestop:
    case Verb::wait_phase:
    case Verb::wait_service: return {};
    case Verb::online: return refusal_of_online(spec, pod);
    case Verb::isolate: return refusal_of_isolation(spec, pod);
    case Verb::rejoin: return refusal_of_rejoin(spec, pod);
    case Verb::offline: return spec.plain_init ? "davit runs as a plain init: there is no life cycle" : std::string{};
    case Verb::start:
    case Verb::stop:
    case Verb::restart: return refusal_of_services(spec, pod, request);
    case Verb::reload: return refusal_of_reload(spec, pod, request);
    case Verb::signal: break;
    }
    return refusal_of_signal(spec, pod, request);
}

std::optional<Judgement> judge(const PodSpec& spec, const Pod& pod, const Waiter& waiter, TimePoint now) {
    switch (waiter.request.verb) {
    case Verb::poststart: return judge_poststart(spec, pod, waiter, now);
    case Verb::prestop:
        return spec.plain_init ? std::optional{done("plain init: nothing to do")} : judge_prestop(spec, pod);
    case Verb::online: return judge_online(spec, pod);
    case Verb::offline: return judge_offline(pod);
    case Verb::isolate: return judge_isolate(pod);
    case Verb::rejoin: return judge_rejoin(spec, pod);
    case Verb::start:
    case Verb::restart: return judge_start(spec, pod, waiter);
    case Verb::stop: return judge_stop(spec, pod, waiter);
    case Verb::wait_phase: return judge_wait_phase(spec, pod, waiter.request.phase);
    case Verb::wait_service: return judge_services_up(spec, pod, waiter);
    case Verb::reload: return judge_reload(spec, pod, waiter);
    case Verb::signal: break;
    }
    return done("sent");
}

bool dependency_met(const PodSpec& spec, const Pod& pod, const Dependency& dependency) {
    const ServiceSpec& target = spec.services[dependency.service];
    const Service& service = pod.services[dependency.service];
    if (!target.enabled) {
        return true;
    }
    // What is restarted by hand or by a reload is stopped for a moment only.
    const Pending pending = pod.pending[dependency.service];
    const bool stopped =
        service.state == ServiceState::stopped && pending != Pending::restart && pending != Pending::reload;
    const bool given_up = stopped || service.state == ServiceState::failed || service.state == ServiceState::held ||
                          service.state == ServiceState::backoff;
    if (!dependency.required && given_up) {
        return true;
    }
    switch (dependency.condition) {
    case Condition::started: return service.process == Process::alive || service.state == ServiceState::completed;
    case Condition::ready:
        if (spec.mode == Mode::debug) {
            return service.process == Process::alive || service.state == ServiceState::completed;
        }
        // A oneshot that has done its work may have been too fast for its probe.
        return is_ready(target, service) || (target.oneshot && service.state == ServiceState::completed);
    case Condition::completed: break;
    }
    return service.state == ServiceState::completed;
}

bool dependencies_met(const PodSpec& spec, const Pod& pod, ServiceIndex service) {
    return std::ranges::all_of(spec.services[service].depends_on,
                               [&](const Dependency& dependency) { return dependency_met(spec, pod, dependency); });
}

bool is_gate_good_for(const PodSpec& spec, const Pod& pod, ServiceIndex service) {
    const ServiceSpec& wanted = spec.services[service];
    const bool counts =
        wanted.enabled && wanted.readiness_probe && pod.services[service].state != ServiceState::completed;
    return !counts || is_ready(wanted, pod.services[service]);
}

bool is_gate_good(const PodSpec& spec, const Pod& pod) {
    for (ServiceIndex index = 0; index < spec.services.size(); ++index) {
        if (!is_gate_good_for(spec, pod, index)) {
            return false;
        }
    }
    return true;
}

std::string gate_missing(const PodSpec& spec, const Pod& pod) {
    std::string text;
    for (const ServiceIndex index : missing_at_gate(spec, pod)) {
        text += (text.empty() ? "" : "; ") + spec.services[index].name + ": " + missing_text(spec, pod, index);
    }
    return text;
}

std::optional<ServiceIndex> holds_up_gate(const PodSpec& spec, const Pod& pod) {
    for (const ServiceIndex index : missing_at_gate(spec, pod)) {
        const ServiceState state = pod.services[index].state;
        if (state != ServiceState::inactive && state != ServiceState::blocked) {
            return index;
        }
    }
    return std::nullopt;
}

bool is_ready(const PodSpec& spec, const Pod& pod) {
    return pod.lifecycle.phase == Phase::online && pod.lifecycle.goal == Goal::online && is_gate_good(spec, pod);
}

bool is_started_up(const PodSpec& spec, const Pod& pod) {
    const Lifecycle& lifecycle = pod.lifecycle;
    const bool held = lifecycle.phase == Phase::failed || lifecycle.goal == Goal::main_held;
    const bool offline_by_hand = lifecycle.goal == Goal::offline;
    return scene_rests(spec, lifecycle) || lifecycle.online_ever || lifecycle.at_manual_gate || held || offline_by_hand;
}

std::string_view to_string(Verb verb) {
    switch (verb) {
    case Verb::poststart: return "poststart";
    case Verb::prestop: return "prestop";
    case Verb::online: return "online";
    case Verb::offline: return "offline";
    case Verb::isolate: return "isolate";
    case Verb::rejoin: return "rejoin";
    case Verb::start: return "start";
    case Verb::stop: return "stop";
    case Verb::restart: return "restart";
    case Verb::signal: return "signal";
    case Verb::reload: return "reload";
    case Verb::wait_phase:
    case Verb::wait_service: break;
    }
    return "wait";
}

std::string_view to_string(Verdict verdict) {
    switch (verdict) {
    case Verdict::done: return "done";
    case Verdict::failed: return "failed";
    case Verdict::refused: return "refused";
    case Verdict::timed_out: break;
    }
    return "timed_out";
}

} // namespace davit::model
