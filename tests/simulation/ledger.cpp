// SPDX-License-Identifier: Apache-2.0
#include "ledger.h"

#include "model/overloaded.h"
#include "model/told_probe.h"

#include <algorithm>
#include <iterator>

namespace davit::simulation {

using namespace model;

namespace {

void take_check(ServiceLedger& service, const ServiceSpec& spec, const CheckFinished& check) {
    const auto kind = static_cast<std::size_t>(check.probe);
    if (check.attempt != service.attempt || !service.check_in_flight[kind]) {
        return;
    }
    service.check_in_flight[kind] = false;
    const bool counts = check.outcome == CheckOutcome::good || !service.check_may_be_forgiven[kind];
    if (check.probe == ProbeKind::liveness && counts) {
        service.bad_liveness = check.outcome == CheckOutcome::good ? 0 : service.bad_liveness + 1;
    }
    if (check.probe != ProbeKind::readiness) {
        return;
    }
    if (check.outcome == CheckOutcome::good) {
        ++service.good_checks;
        service.bad_checks = 0;
        service.ever_ready = service.ever_ready || service.good_checks >= spec.readiness_probe->success_threshold;
    } else if (!service.check_may_be_forgiven[kind]) {
        ++service.bad_checks;
        service.good_checks = 0;
    }
}

/// What it said keeps a watchdog quiet for so long.
void take_sign_of_life(ServiceLedger& service, const ServiceSpec& spec, const Notification& said, TimePoint now) {
    const Duration patience = spec.liveness_probe ? patience_of(*spec.liveness_probe) : Duration{};
    const auto until = [&](Duration length) {
        service.may_be_silent_until = std::max(service.may_be_silent_until, now + length);
    };
    if (said.alive || said.word != SelfWord::none) {
        until(patience);
    }
    if (said.word == SelfWord::stopping) {
        until(spec.grace.value_or(10s));
    }
    if (said.extend) {
        until(*said.extend);
    }
}

void take_word(ServiceLedger& service, const ServiceSpec& spec, const Notified& fact, TimePoint now) {
    if (fact.attempt == service.attempt) {
        service.said_ready = service.said_ready || fact.said.said_ready;
        service.says_ready = fact.said.ready.value_or(service.says_ready);
        take_sign_of_life(service, spec, fact.said, now);
    }
}

void take_line(ServiceLedger& service, const ServiceSpec& spec, const LineMatched& fact, TimePoint now) {
    if (fact.attempt == service.attempt) {
        service.line_matched[static_cast<std::size_t>(fact.probe)] = true;
        if (fact.probe == ProbeKind::liveness) {
            service.may_be_silent_until = now + patience_of(*spec.liveness_probe);
        }
    }
}

void take_fact(ServiceLedger& service, const ServiceSpec& spec, const ServiceEvent& event, TimePoint now) {
    const auto ends = [&] {
        const bool long_enough = service.launched && now - *service.launched >= spec.backoff.reset_after;
        service.restarts = long_enough ? 0 : service.restarts;
        service.told = Process::none;
        std::ranges::fill(service.check_in_flight, false);
    };
    std::visit(Overloaded{
                   [&](const Launched& fact) {
                       if (fact.attempt == service.attempt && service.told == Process::launching) {
                           service.told = Process::alive;
                           service.launched = now;
                       }
                   },
                   [&](const LaunchFailed& fact) {
                       if (fact.attempt != service.attempt || service.told != Process::launching) {
                           return;
                       }
                       ends();
                       service.unasked_end = !service.stop_began;
                       service.no_resources = fact.failure == LaunchFailure::no_resources;
                       if (!service.no_resources) {
                           service.last_exit = exited_with(fact.failure == LaunchFailure::not_found ? 127 : 126);
                       }
                   },
                   [&](const LeaderExited& fact) {
                       if (fact.attempt != service.attempt || service.told != Process::alive) {
                           return;
                       }
                       ends();
                       service.last_exit = fact.status;
                       service.unasked_end = !service.stop_began;
                       service.left_behind = service.unasked_end && !fact.left_behind.empty();
                       if (!fact.left_behind.empty()) {
                           service.told = Process::leaving;
                       }
                   },
                   [&](const SessionEmptied& fact) {
                       if (fact.attempt == service.attempt && service.told == Process::leaving) {
                           ends();
                       }
                   },
                   [&](const CheckFinished& fact) { take_check(service, spec, fact); },
                   [&](const Notified& fact) { take_word(service, spec, fact, now); },
                   [&](const LineMatched& fact) { take_line(service, spec, fact, now); },
                   [](const auto&) {},
               },
               event);
}

void take_resize(Ledger& ledger, const CpusChanged& resize) {
    for (const CpuNotice& notice : resize.services) {
        ServiceLedger& service = ledger.services[notice.service];
        if (service.attempt != notice.attempt) {
            continue;
        }
        service.cpus_untold = service.cpus_untold.value_or(notice.from);
        if (*service.cpus_untold == notice.to) {
            service.cpus_untold.reset();
        }
    }
}

void take_signal(Ledger& ledger, const SignalReceived& signal, TimePoint now) {
    if (!is_stop_signal(signal.signal)) {
        return;
    }
    const bool prestop_waits =
        std::ranges::any_of(ledger.open, [](const auto& entry) { return entry.second.verb == Verb::prestop; });
    if (!ledger.kubelet_since) {
        ledger.kubelet_since = now;
        ledger.stalled = {};
    }
    ledger.first_signal = ledger.first_signal.value_or(now);
    if (signal.from_inside) {
        return;
    }
    const bool term_or_int = signal.signal == SIGTERM || signal.signal == SIGINT;
    if (!ledger.first_outside) {
        ledger.first_outside = now;
        if (prestop_waits) {
            ledger.hurried_since = now;
        }
    } else if (term_or_int && now - *ledger.first_outside >= 1s && !ledger.now_since) {
        ledger.now_since = now;
    }
}

bool is_up(const Service& service) {
    return service.state == ServiceState::starting || service.state == ServiceState::running;
}

void name_what_rests(Ledger& ledger, const Pod& pod) {
    for (ServiceIndex index = 0; index < ledger.services.size(); ++index) {
        ledger.services[index].named_up = ledger.services[index].named_up || !is_up(pod.services[index]);
    }
}

/// Who is named by a start (with what it needs), by a stop or a restart (with what hangs on it, if it was said).
void take_names(Ledger& ledger, const PodSpec& spec, const Pod& pod, const Request& request) {
    std::vector<ServiceIndex> named = request.services;
    if (request.cascade && request.verb != Verb::start) {
        const DependencyGraph graph = build_graph(spec);
        for (const ServiceIndex index : request.services) {
            std::ranges::copy(transitive_dependents(graph, index), std::back_inserter(named));
        }
    }
    for (const ServiceIndex index : named) {
        ledger.services[index].named_down = ledger.services[index].named_down || request.verb != Verb::start;
        ledger.services[index].named_up = ledger.services[index].named_up || request.verb == Verb::restart;
    }
    if (request.verb != Verb::start) {
        return;
    }
    for (const ServiceIndex index : request.services) {
        if (spec.services[index].main) {
            return name_what_rests(ledger, pod); // what failed meanwhile is started with it
        }
        std::ranges::copy(required_dependencies(spec, index), std::back_inserter(named));
    }
    for (const ServiceIndex index : named) {
        ledger.services[index].named_up = ledger.services[index].named_up || !is_up(pod.services[index]);
    }
}

/// A person may bring up what rests: the services that are named, what these need, or (online) what the pod needs.
void take_wish(Ledger& ledger, const PodSpec& spec, const Pod& pod, const Request& request) {
    const bool names = request.verb == Verb::start || request.verb == Verb::stop || request.verb == Verb::restart;
    if (names) {
        take_names(ledger, spec, pod, request);
    }
    if (request.verb == Verb::online) {
        name_what_rests(ledger, pod);
    }
    if (request.verb == Verb::start || request.verb == Verb::restart || request.verb == Verb::online) {
        for (ServiceLedger& service : ledger.services) {
            service.asked_up = true;
        }
    }
}

// ---- isolation ---------------------------------------------------------------------------------------

/// A pod that is being stopped is not isolated any more. What main was told and has not reached it is off.
void isolate(Ledger& ledger, const PodSpec& spec, const Pod& pod) {
    ledger.comes_back = false;
    if (ledger.isolated || pod.lifecycle.goal >= Goal::main_stopped) {
        return;
    }
    ledger.isolated = true;
    if (spec.mode == Mode::debug) {
        return;
    }
    const ServiceIndex main = *spec.main();
    ledger.services[main].named_down = false;
    ledger.services[main].named_up = pod.services[main].state == ServiceState::blocked;
}

/// What ended in the scene comes up again, as if a person had asked for it. A probe that was bad all the time is bad
/// with its next check.
void rejoin(Ledger& ledger, const PodSpec& spec, const Pod& pod, TimePoint now) {
    if (!ledger.isolated || ledger.key_there) {
        return;
    }
    ledger.isolated = false;
    ledger.comes_back = spec.mode == Mode::normal && pod.lifecycle.goal == Goal::offline;
    name_what_rests(ledger, pod);
    for (ServiceIndex index = 0; index < ledger.services.size(); ++index) {
        ServiceLedger& service = ledger.services[index];
        service.asked_up = true;
        if (const auto& probe = spec.services[index].liveness_probe) {
            service.bad_liveness = std::min(service.bad_liveness, probe->failure_threshold - 1);
            service.may_be_silent_until = std::max(service.may_be_silent_until, now + patience_of(*probe));
        }
    }
}

void take_key(Ledger& ledger, const PodSpec& spec, const Pod& pod, bool is_there, TimePoint now) {
    ledger.key_there = is_there;
    if (is_there) {
        return isolate(ledger, spec, pod);
    }
    rejoin(ledger, spec, pod, now);
}

void take_request(Ledger& ledger, const PodSpec& spec, const Pod& pod, const Request& request, TimePoint now) {
    ledger.open[request.id] = request;
    ledger.latest[request.id] = now + request.timeout.value_or(spec.lifecycle.post_start_timeout);
    take_wish(ledger, spec, pod, request);
    if (request.verb == Verb::isolate) {
        isolate(ledger, spec, pod);
    }
    if (request.verb == Verb::rejoin && pod.lifecycle.goal < Goal::main_stopped) {
        rejoin(ledger, spec, pod, now);
    }
    if (request.verb == Verb::offline) {
        ledger.comes_back = false;
    }
    if (request.verb == Verb::online && pod.lifecycle.at_manual_gate) {
        ledger.gate_since = now;
        ledger.gate_length = spec.lifecycle.ready_timeout;
        ledger.stalled_at_gate = {};
    }
    if (is_prestop(request, spec) && !ledger.kubelet_since) {
        ledger.kubelet_since = now;
        ledger.stalled = {};
    }
}

/// It may stop what it changes or takes away; main only if that was said.
void take_reload(Ledger& ledger, const PodSpec& spec, const Request& request) {
    ledger.open[request.id] = request;
    for (ServiceIndex index = 0; index < ledger.services.size(); ++index) {
        const bool may = !spec.services[index].main || request.main_restart == MainRestart::allowed;
        ledger.services[index].named_down = ledger.services[index].named_down || may;
    }
}

void take_step_end(Ledger& ledger, const StepFinished& step, TimePoint now) {
    if (!ledger.running || ledger.running->run != step.run) {
        return;
    }
    ledger.last = ledger.running;
    ledger.last_outcome = step.outcome;
    ledger.last_was_ended = ledger.running_is_ended;
    ledger.last_over = now;
    ledger.running.reset();
    if (ledger.last->kind == StepKind::online && step.outcome == StepOutcome::succeeded && !ledger.last_was_ended) {
        ledger.online_steps_done = ledger.last->index + 1;
    }
}

/// What one event can mean for the end, read from the event itself and from which services failed in it.
EndReason reason_of(const Ledger& ledger, const PodSpec& spec, const Pod& before, const PodEvent& event,
                    const PodTransition& transition, TimePoint now) {
    const auto main = *spec.main();
    const auto* signal = std::get_if<SignalReceived>(&event);
    if ((signal != nullptr && is_stop_signal(signal->signal)) || is_prestop(event, spec)) {
        return EndReason::asked;
    }
    // A restart of main finds a dependency that failed long ago.
    const bool starts_anew = std::ranges::any_of(transition.changes, [](const Change& change) {
        return !change.service && change.to == to_string(Phase::starting);
    });
    if (starts_anew) {
        return EndReason::start_failed;
    }
    if (transition.next.services[main].failed_probe && !before.services[main].failed_probe) {
        // Told, or found out because nothing was told. At the end of its time the gate comes first: it names main too.
        const bool gate_is_over = before.lifecycle.goal == Goal::online && before.lifecycle.phase < Phase::online &&
                                  ledger.gate_since && ledger.time_at_gate(now) >= ledger.gate_length;
        return gate_is_over ? EndReason::start_failed : EndReason::main_failed;
    }
    const auto* fact = std::get_if<ServiceFact>(&event);
    if (fact != nullptr && fact->service == main) {
        const bool ends =
            std::holds_alternative<LeaderExited>(fact->event) || std::holds_alternative<LaunchFailed>(fact->event);
        const bool failed = ledger.services[main].left_behind || transition.next.services[main].failed_probe;
        return ends && !failed ? EndReason::main_ended : EndReason::main_failed;
    }
    for (ServiceIndex index = 0; index < spec.services.size(); ++index) {
        const bool newly_failed = transition.next.services[index].state == ServiceState::failed &&
                                  before.services[index].state != ServiceState::failed && index != main;
        if (newly_failed) {
            const bool coming_up = before.lifecycle.goal == Goal::online && before.lifecycle.phase < Phase::online;
            const auto needed = required_dependencies(spec, main);
            const bool required = std::ranges::find(needed, index) != needed.end();
            return coming_up && required ? EndReason::start_failed : EndReason::critical_failed;
        }
    }
    return before.lifecycle.phase < Phase::online ? EndReason::start_failed : EndReason::unknown;
}

void take_phase(Ledger& ledger, const PodSpec& spec, const Change& change, TimePoint now) {
    const std::string_view phase = change.to;
    if (phase == "starting" || phase == "checking") {
        ledger.comes_back = false;
    }
    if (phase == "starting" || (phase == "checking" && change.from == "offline")) {
        ledger.gate_since = now;
        ledger.gate_length = spec.lifecycle.ready_timeout;
        ledger.stalled_at_gate = {};
    }
    if (phase == "draining") {
        ledger.drain_since = now;
    }
    if (change.from == "draining" && ledger.drain_since) {
        ledger.drained = now - *ledger.drain_since;
    }
    if (phase == "going-online") {
        ++ledger.online_begun;
        ledger.online_steps_done = 0;
        ledger.online_steps = spec.lifecycle.online.size();
    } else if (phase == "online") {
        ledger.online_ever = true;
    } else if (phase == "going-offline") {
        ++ledger.offline_begun;
    }
    if (change.from == "going-offline") {
        ledger.owes_offline = false;
    }
    if (phase == "starting" || phase == "checking") {
        ledger.stop_lists_in_way = 0;
    }
}

void take_stop(ServiceLedger& service, const ServiceSpec& spec, const Lifecycle& lifecycle, TimePoint now) {
    if (!service.stop_began) {
        service.stop_began = now;
        service.grace_then = spec.grace;
        if (lifecycle.budget) {
            service.planned_then = planned_end(*lifecycle.budget);
        }
    }
}

void take_order(ServiceLedger& service, const ServiceSpec& spec, const Lifecycle& lifecycle, const ServiceOrder& order,
                TimePoint now) {
    std::visit(Overloaded{
                   [&](const Launch&) {
                       const bool counted = !service.asked_up && !service.no_resources && order.attempt > 1;
                       const bool by_policy =
                           !service.named_up && (service.no_resources ? service.by_policy : order.attempt > 1);
                       const int restarts = service.asked_up ? 0 : service.restarts + (counted ? 1 : 0);
                       service = ServiceLedger{.told = Process::launching,
                                               .attempt = order.attempt,
                                               .last_exit = service.last_exit,
                                               .by_policy = by_policy,
                                               .restarts = restarts};
                   },
                   [](const CancelLaunch&) {},
                   [&](const SignalSession&) { take_stop(service, spec, lifecycle, now); },
                   [&](const RunStopCommand&) { take_stop(service, spec, lifecycle, now); },
                   [](const SignalLeader&) {},
                   [&](const RunCheck& check) {
                       service.check_in_flight[static_cast<std::size_t>(check.probe)] = true;
                       service.check_may_be_forgiven[static_cast<std::size_t>(check.probe)] = false;
                   },
                   [&](const CancelChecks&) { std::ranges::fill(service.check_in_flight, false); },
               },
               order.action);
}

} // namespace

bool is_stop_signal(int signal) {
    return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT || signal == 37;
}

bool is_scene(const Ledger& ledger, const PodSpec& spec) {
    return ledger.isolated || spec.mode == Mode::debug;
}

bool is_prestop(const PodEvent& event, const PodSpec& spec) {
    const auto* request = std::get_if<Request>(&event);
    return request != nullptr && request->verb == Verb::prestop && spec.mode == Mode::normal;
}

void take_event(Ledger& ledger, const PodSpec& spec, const Pod& pod, const PodEvent& event, TimePoint now) {
    std::visit(Overloaded{
                   [&](const ServiceFact& fact) {
                       if (std::holds_alternative<Launched>(fact.event)) {
                           ledger.services[fact.service].stopped_in_launch =
                               pod.services[fact.service].state == ServiceState::stopping;
                       }
                       take_fact(ledger.services[fact.service], spec.services[fact.service], fact.event, now);
                   },
                   [&](const StepFinished& step) { take_step_end(ledger, step, now); },
                   [&](const SignalReceived& signal) { take_signal(ledger, signal, now); },
                   [&](const Request& request) { take_request(ledger, spec, pod, request, now); },
                   [&](const IsolationKeyRead& key) { take_key(ledger, spec, pod, key.is_there, now); },
                   [&](const PodStarted& start) {
                       ledger.begun = true;
                       if (start.key_is_there) {
                           take_key(ledger, spec, pod, true, now);
                       }
                       if (start.recalled.isolated) {
                           isolate(ledger, spec, pod);
                       }
                       ledger.stale_due = start.recalled.online_owed > 0 && spec.mode == Mode::normal;
                   },
                   [&](const CpusChanged& resize) { take_resize(ledger, resize); },
                   [&](const ReloadAsked& asked) { take_reload(ledger, spec, asked.request); },
                   [&](const ClientLeft& client) {
                       ledger.open.erase(client.id);
                       ledger.left.insert(client.id);
                   },
                   [&](const LoopStalled& stall) {
                       ledger.stalled += stall.length;
                       ledger.stalled_at_gate += stall.length;
                       for (ServiceLedger& service : ledger.services) {
                           std::ranges::fill(service.check_may_be_forgiven, true);
                       }
                   },
                   [](const auto&) {},
               },
               event);
}

void take_changes(Ledger& ledger, const PodSpec& spec, const Pod& before, const PodEvent& event,
                  const PodTransition& transition, TimePoint now) {
    ledger.drained.reset();
    for (const Change& change : transition.changes) {
        if (change.from == of_run_before && change.to != "offline runs") {
            ledger.stale_due = false;
            ledger.owes_offline = false;
            ledger.gate_since = now;
            ledger.stalled_at_gate = {};
        }
        if (!change.service && is_of_state(change)) {
            take_phase(ledger, spec, change, now);
        }
    }
    const Lifecycle& next = transition.next.lifecycle;
    const bool down_for_good = next.goal >= Goal::main_stopped;
    if (down_for_good && before.lifecycle.goal < Goal::main_stopped) {
        ledger.end_reason = reason_of(ledger, spec, before, event, transition, now);
    }
    ledger.also_asked = ledger.also_asked || ledger.kubelet_since.has_value();
    if (next.goal == Goal::exit && !ledger.exit_since) {
        ledger.exit_since = now;
        if (!ledger.kubelet_since) {
            ledger.stalled = {};
        }
    }
    if (helpers_must_stop(next) && !ledger.helpers_stop_since) {
        ledger.helpers_stop_since = now;
        ledger.planned_when_helpers_stop = planned_end(*next.budget);
        ledger.up_when_helpers_stop = static_cast<std::size_t>(std::ranges::count_if(
            ledger.services, [](const ServiceLedger& service) { return service.told != Process::none; }));
    }
}

void forget_told_resizes(Ledger& ledger, const Pod& pod) {
    for (ServiceIndex index = 0; index < pod.services.size(); ++index) {
        if (pod.services[index].state != ServiceState::starting) {
            ledger.services[index].cpus_untold.reset();
        }
    }
}

void take_new_spec(ServiceLedger& service, const ServiceSpec& before, const ServiceSpec& after, bool runs) {
    if (before == after) {
        return;
    }
    service.asked_up = true; // a changed service may come up again, whatever its policy says
    service.named_up = true;
    if (before.readiness_probe != after.readiness_probe && runs) {
        // One that was ready is so until the new probe has failed.
        service.ever_ready = !before.readiness_probe ||
                             (service.ever_ready && service.bad_checks < before.readiness_probe->failure_threshold);
        service.good_checks = 0;
        service.bad_checks = 0;
    }
    if (before.liveness_probe != after.liveness_probe) {
        service.bad_liveness = 0;
    }
}

void take_action(Ledger& ledger, const PodSpec& spec, const Lifecycle& lifecycle, const Action& action, TimePoint now) {
    std::visit(Overloaded{
                   [&](const ServiceOrder& order) {
                       take_order(ledger.services[order.service], spec.services[order.service], lifecycle, order, now);
                   },
                   [&](const RunStep& step) {
                       ledger.running = step;
                       ledger.running_is_ended = false;
                       const bool first = step.index == 0 && step.attempt == 1;
                       const bool stale = step.reason == StepReason::stale;
                       ledger.offline_lists += first && step.kind == StepKind::offline && !stale ? 1U : 0U;
                       ledger.stale_lists += first && stale ? 1U : 0U;
                       ledger.owes_offline = ledger.owes_offline || step.kind == StepKind::online;
                       ledger.stop_lists_in_way += first && step.kind == StepKind::stop ? 1U : 0U;
                   },
                   [&](const EndStep& step) {
                       if (ledger.running && ledger.running->run == step.run) {
                           ledger.running_is_ended = true;
                       }
                   },
                   [](const CountConnections&) {},
                   [&](const Answer& answer) { ledger.open.erase(answer.request); },
                   [&](const EndContainer&) { ledger.ended = true; },
                   [](const AdoptSpec&) {},
                   [](const Remember&) {},
               },
               action);
}

} // namespace davit::simulation
