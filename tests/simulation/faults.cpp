// SPDX-License-Identifier: Apache-2.0
#include "faults.h"

#include <algorithm>
#include <csignal>
#include <memory>
#include <utility>

namespace davit::simulation {

using namespace model;

namespace {

/// After the offline list it is run once more.
PodTransition run_offline_again(PodTransition transition, const Pod& before) {
    Lifecycle& next = transition.next.lifecycle;
    const bool leaves = before.lifecycle.phase == Phase::going_offline && next.phase != Phase::going_offline;
    const bool ran = before.lifecycle.steps && before.lifecycle.steps->kind == StepKind::offline;
    if (leaves && ran) {
        transition.actions.insert(transition.actions.begin(),
                                  RunStep{++next.runs, StepKind::offline, 0, 1, StepReason::manual, 1s});
    }
    return transition;
}

/// Online is told when its first step begins.
PodTransition be_ready_early(PodTransition transition) {
    Lifecycle& next = transition.next.lifecycle;
    if (next.phase == Phase::going_online && next.steps) {
        next.phase = Phase::online;
        transition.changes.push_back(Change{std::nullopt, "going-online", "online", "too early"});
    }
    return transition;
}

/// The helper with the highest index gets no signal any more, and is believed to be down.
PodTransition forget_a_helper(PodTransition transition, const PodSpec& spec) {
    for (ServiceIndex index = spec.services.size(); index-- > 0;) {
        if (spec.services[index].main) {
            continue;
        }
        std::erase_if(transition.actions, [&](const Action& action) {
            const auto* order = std::get_if<ServiceOrder>(&action);
            return order != nullptr && order->service == index &&
                   (std::holds_alternative<SignalSession>(order->action) ||
                    std::holds_alternative<RunStopCommand>(order->action));
        });
        return transition;
    }
    return transition;
}

bool is_late_exit(const Pod& pod, const PodEvent& event) {
    const auto* fact = std::get_if<ServiceFact>(&event);
    return fact != nullptr && pod.services[fact->service].state == ServiceState::stopping &&
           (std::holds_alternative<LeaderExited>(fact->event) || std::holds_alternative<SessionEmptied>(fact->event));
}

/// Who is told to stop has half of its time.
PodTransition halve_the_time(PodTransition transition, const Pod& before, TimePoint now) {
    for (ServiceIndex index = 0; index < before.services.size(); ++index) {
        Service& next = transition.next.services[index];
        const bool begins = next.state == ServiceState::stopping &&
                            before.services[index].state != ServiceState::stopping && next.deadline &&
                            *next.deadline > now;
        if (begins) {
            next.deadline = now + (*next.deadline - now) / 2;
        }
    }
    return transition;
}

/// Every helper is stopped for a reload.
PodTransition stop_for_reload(PodTransition transition, const PodSpec& spec) {
    for (ServiceIndex index = 0; transition.next.reload && index < spec.services.size(); ++index) {
        if (!spec.services[index].main) {
            transition.next.pending[index] = Pending::reload;
        }
    }
    return transition;
}

/// Nothing is stopped for a reload.
PodTransition keep_in_reload(PodTransition transition) {
    if (transition.next.reload) {
        std::ranges::fill(transition.next.pending, Pending::none);
    }
    return transition;
}

PodEvent with_main(const PodEvent& event) {
    PodEvent changed = event;
    if (auto* asked = std::get_if<ReloadAsked>(&changed)) {
        asked->request.main_restart = MainRestart::allowed;
    }
    return changed;
}

/// A READY=1 that came before the present attempt still counts.
PodTransition remember_old_words(PodTransition transition, const PodSpec& spec, const Pod& before) {
    for (ServiceIndex index = 0; index < before.services.size(); ++index) {
        Service& next = transition.next.services[index];
        const auto& probe = spec.services[index].readiness_probe;
        const bool begins =
            next.state == ServiceState::running && before.services[index].state != ServiceState::running;
        if (begins && next.attempt > 1 && probe && std::holds_alternative<NotifyCheck>(probe->check)) {
            next.readiness.tracker.good = true;
        }
    }
    return transition;
}

/// Nobody looks whether a watchdog is late.
PodTransition be_deaf(PodTransition transition, const PodSpec& spec) {
    for (ServiceIndex index = 0; index < spec.services.size(); ++index) {
        const auto& probe = spec.services[index].liveness_probe;
        if (probe && std::holds_alternative<NotifyCheck>(probe->check) &&
            transition.next.services[index].liveness.due) {
            transition.next.services[index].liveness.due = TimePoint{} + 10000h;
        }
    }
    return transition;
}

/// Who asks for more time gets an hour.
PodTransition grant_an_hour(PodTransition transition, const PodEvent& event, TimePoint now) {
    const auto* fact = std::get_if<ServiceFact>(&event);
    const auto* notified = fact == nullptr ? nullptr : std::get_if<Notified>(&fact->event);
    if (notified != nullptr && notified->said.extend &&
        transition.next.services[fact->service].state == ServiceState::stopping) {
        transition.next.services[fact->service].deadline = now + 1h;
    }
    return transition;
}

/// What still starts gets the signal at once.
PodTransition tell_at_once(PodTransition transition, const PodSpec& spec) {
    for (const CpuNotice& notice : std::exchange(transition.next.cpu_notices, {})) {
        if (const auto signal = spec.services[notice.service].cpus.on_change) {
            transition.actions.emplace_back(ServiceOrder{notice.service, notice.attempt, SignalLeader{*signal}});
            transition.changes.push_back(Change{notice.service, "cpus 2", "cpus 1", "too early"});
        }
    }
    return transition;
}

/// Only what runs at the moment of a resize is told.
PodTransition forget_notices(PodTransition transition) {
    transition.next.cpu_notices.clear();
    return transition;
}

bool is_in_a_scene(const PodSpec& spec, const Pod& pod) {
    return pod.lifecycle.isolated || spec.mode == Mode::debug;
}

/// What would be held waits for its next start instead.
PodTransition restart_what_ends(PodTransition transition, const PodSpec& spec, const Pod& before, TimePoint now) {
    for (ServiceIndex index = 0; is_in_a_scene(spec, before) && index < before.services.size(); ++index) {
        Service& next = transition.next.services[index];
        const bool ends = next.state == ServiceState::held && before.services[index].state == ServiceState::running;
        if (ends && !spec.services[index].main) {
            next.state = ServiceState::backoff;
            next.deadline = now + 500ms;
            next.failures = 0;
        }
    }
    return transition;
}

/// Whoever runs when isolation comes gets TERM.
PodTransition stop_a_helper(PodTransition transition, const PodSpec& spec, const Pod& before) {
    const bool comes = transition.next.lifecycle.isolated && !before.lifecycle.isolated;
    for (ServiceIndex index = 0; comes && index < before.services.size(); ++index) {
        const Service& service = transition.next.services[index];
        if (!spec.services[index].main && service.state == ServiceState::running) {
            transition.actions.emplace_back(ServiceOrder{index, service.attempt, SignalSession{SIGTERM}});
        }
    }
    return transition;
}

/// For a rejoin the key is not there.
PodTransition forget_the_key(const PodSpec& spec, const DependencyGraph& graph, Pod pod, const PodEvent& event,
                             Moment moment) {
    const auto* request = std::get_if<Request>(&event);
    const bool key = pod.lifecycle.isolation_key;
    if (request != nullptr && request->verb == Verb::rejoin) {
        pod.lifecycle.isolation_key = false;
    }
    PodTransition transition = on_event(spec, graph, std::move(pod), event, moment);
    if (request != nullptr) {
        transition.next.lifecycle.isolation_key = key;
    }
    return transition;
}

/// The stop of a pod in debug mode begins with its stop steps.
PodTransition run_stop_steps(PodTransition transition, const PodSpec& spec, const Pod& before) {
    Lifecycle& next = transition.next.lifecycle;
    const bool begins = before.lifecycle.phase == Phase::offline && next.phase != Phase::offline;
    if (spec.mode == Mode::debug && begins && !spec.lifecycle.stop.empty()) {
        transition.actions.insert(transition.actions.begin(),
                                  RunStep{++next.runs, StepKind::stop, 0, 1, StepReason::signal, 1s});
    }
    return transition;
}

/// Nothing is written.
PodTransition write_nothing(PodTransition transition) {
    std::erase_if(transition.actions, [](const Action& action) { return std::holds_alternative<Remember>(action); });
    return transition;
}

} // namespace

Machine with_fault(Fault fault) {
    return [fault](const PodSpec& spec, const DependencyGraph& graph, Pod pod, const PodEvent& event, Moment moment) {
        if (fault == Fault::late_exit_is_lost && is_late_exit(pod, event)) {
            return on_event(spec, graph, std::move(pod), ClientLeft{0}, moment);
        }
        if (fault == Fault::reload_restarts_main) {
            return on_event(spec, graph, std::move(pod), with_main(event), moment);
        }
        if (fault == Fault::stale_is_ignored && std::holds_alternative<PodStarted>(event)) {
            return on_event(spec, graph, std::move(pod), PodStarted{{}, std::get<PodStarted>(event).key_is_there},
                            moment);
        }
        if (fault == Fault::rejoin_ignores_the_key) {
            return forget_the_key(spec, graph, std::move(pod), event, moment);
        }
        PodTransition transition = on_event(spec, graph, pod, event, moment);
        switch (fault) {
        case Fault::offline_twice: return run_offline_again(std::move(transition), pod);
        case Fault::ready_before_online: return be_ready_early(std::move(transition));
        case Fault::stop_forgets_a_helper: return forget_a_helper(std::move(transition), spec);
        case Fault::kill_before_the_budget: return halve_the_time(std::move(transition), pod, moment.now);
        case Fault::ready_by_an_old_word: return remember_old_words(std::move(transition), spec, pod);
        case Fault::silence_is_not_heard: return be_deaf(std::move(transition), spec);
        case Fault::extension_without_end: return grant_an_hour(std::move(transition), event, moment.now);
        case Fault::reload_stops_the_unchanged: return stop_for_reload(std::move(transition), spec);
        case Fault::reload_forgets_the_removed: return keep_in_reload(std::move(transition));
        case Fault::resize_tells_who_starts: return tell_at_once(std::move(transition), spec);
        case Fault::resize_is_forgotten: return forget_notices(std::move(transition));
        case Fault::scene_restarts_what_ends: return restart_what_ends(std::move(transition), spec, pod, moment.now);
        case Fault::scene_stops_a_helper: return stop_a_helper(std::move(transition), spec, pod);
        case Fault::debug_runs_a_step: return run_stop_steps(std::move(transition), spec, pod);
        case Fault::crash_is_forgotten: return write_nothing(std::move(transition));
        case Fault::stale_is_ignored:
        case Fault::rejoin_ignores_the_key:
        case Fault::reload_restarts_main:
        case Fault::late_exit_is_lost: break;
        }
        return transition;
    };
}

} // namespace davit::simulation
