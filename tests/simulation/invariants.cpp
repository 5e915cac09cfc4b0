// SPDX-License-Identifier: Apache-2.0
#include "invariants.h"

#include "exit_oracle.h"
#include "model/contains.h"
#include "model/overloaded.h"
#include "model/pod_verdict.h"
#include "model/told_probe.h"

#include <algorithm>
#include <array>

namespace davit::simulation {

using namespace model;

namespace {

using Complaint = std::optional<std::string>;

/// How late an end may be after its plan: the patience with what KILL does not end.
constexpr Duration patience_of_the_end = 500ms;
/// A loop that is a little late, a KILL that takes its time.
constexpr Duration lateness = 60ms;

std::string name_of(const Observation& seen, ServiceIndex index) {
    return seen.spec.services[index].name;
}

std::string seconds(Duration length) {
    return std::to_string(to_seconds(length)) + " s";
}

/// A short grace period leaves less.
Duration patience_at_the_end(const Observation& seen) {
    return std::min(patience_of_the_end, seen.spec.grace / 8);
}

const Lifecycle& next_lifecycle(const Observation& seen) {
    return seen.transition.next.lifecycle;
}

bool went_through(const Observation& seen, Phase phase) {
    return seen.before.lifecycle.phase == phase ||
           std::ranges::any_of(seen.transition.changes,
                               [&](const Change& change) { return !change.service && change.to == to_string(phase); });
}

template <typename Order>
const Order* service_order(const Action& action) {
    const auto* order = std::get_if<ServiceOrder>(&action);
    return order == nullptr ? nullptr : std::get_if<Order>(&order->action);
}

ServiceIndex service_of(const Action& action) {
    return std::get<ServiceOrder>(action).service;
}

// ---- of single orders ------------------------------------------------------------------------------------------

/// Facts and orders carry an attempt: an order for another one would hit a stranger.
Complaint orders_are_of_the_present(const Observation& seen, const Action& action) {
    const auto* order = std::get_if<ServiceOrder>(&action);
    if (order == nullptr) {
        return {};
    }
    const ServiceLedger& service = seen.ledger.services[order->service];
    const bool launch = std::holds_alternative<Launch>(order->action);
    if (order->attempt != service.attempt + (launch ? 1 : 0)) {
        return "an order for attempt " + std::to_string(order->attempt) + " of " + name_of(seen, order->service) +
               ", the present one is " + std::to_string(service.attempt);
    }
    if (!seen.spec.services[order->service].enabled) {
        return name_of(seen, order->service) + " is disabled and gets orders";
    }
    return {};
}

/// Signals, checks and stop commands are for what lives; nothing is launched twice, nor before its old session is gone.
Complaint orders_find_their_process(const Observation& seen, const Action& action) {
    const auto* order = std::get_if<ServiceOrder>(&action);
    if (order == nullptr || std::holds_alternative<CancelChecks>(order->action)) {
        return {};
    }
    const Process told = seen.ledger.services[order->service].told;
    if (std::holds_alternative<Launch>(order->action)) {
        const bool free = told == Process::none && seen.census.living[order->service] == 0;
        return free ? Complaint{} : name_of(seen, order->service) + " is launched while its last attempt lives";
    }
    if (std::holds_alternative<CancelLaunch>(order->action)) {
        return told == Process::launching ? Complaint{} : name_of(seen, order->service) + " is not being launched";
    }
    const bool to_all = std::holds_alternative<SignalSession>(order->action);
    const bool good = told == Process::alive || (to_all && told == Process::leaving);
    return good ? Complaint{}
                : to_string(order->action) + " for " + name_of(seen, order->service) + ", which has no process";
}

/// What was told of a probe that is told; nullopt: it is tried.
std::optional<bool> told_good(const ServiceSpec& spec, const ServiceLedger& service, ProbeKind kind) {
    const ProbeSpec* probe = probe_spec(spec, kind);
    if (probe == nullptr || !is_told(*probe)) {
        return std::nullopt;
    }
    if (std::holds_alternative<LogCheck>(probe->check)) {
        return service.line_matched[static_cast<std::size_t>(kind)];
    }
    return kind == ProbeKind::startup ? service.said_ready : service.says_ready;
}

bool was_ever_ready(const ServiceSpec& spec, const ServiceLedger& service) {
    return told_good(spec, service, ProbeKind::readiness).value_or(service.ever_ready);
}

bool is_met(const Observation& seen, const Dependency& dependency) {
    const ServiceSpec& spec = seen.spec.services[dependency.service];
    const Service& service = seen.transition.next.services[dependency.service];
    const ServiceLedger& told = seen.ledger.services[dependency.service];
    if (!spec.enabled) {
        return true;
    }
    const Pending pending = seen.transition.next.pending[dependency.service];
    const bool comes_back = pending == Pending::restart || pending == Pending::reload;
    const bool given_up = service.state == ServiceState::failed || service.state == ServiceState::held ||
                          service.state == ServiceState::backoff ||
                          (service.state == ServiceState::stopped && !comes_back);
    if (!dependency.required && given_up) {
        return true;
    }
    const bool completed = service.state == ServiceState::completed && told.told == Process::none;
    switch (dependency.condition) {
    case Condition::started: return told.told == Process::alive || completed;
    case Condition::ready:
        if (seen.spec.mode == Mode::debug) {
            return told.told == Process::alive || completed;
        }
        return (told.told == Process::alive && service.state == ServiceState::running &&
                (!spec.readiness_probe || was_ever_ready(spec, told))) ||
               (spec.oneshot && completed);
    case Condition::completed: break;
    }
    return completed;
}

/// Contract 3.2: a service starts when what it depends on has reached its condition.
Complaint no_start_before_its_dependencies(const Observation& seen, const Action& action) {
    if (service_order<Launch>(action) == nullptr) {
        return {};
    }
    for (const Dependency& dependency : seen.spec.services[service_of(action)].depends_on) {
        if (!is_met(seen, dependency)) {
            return name_of(seen, service_of(action)) + " starts, its dependency " + name_of(seen, dependency.service) +
                   " is not there";
        }
    }
    return {};
}

/// A stop that has begun starts nothing new, main least of all.
Complaint a_stop_starts_nothing_new(const Observation& seen, const Action& action) {
    if (service_order<Launch>(action) == nullptr) {
        return {};
    }
    const ServiceIndex index = service_of(action);
    const Lifecycle& lifecycle = next_lifecycle(seen);
    const bool first = seen.ledger.services[index].attempt == 0;
    const bool down_for_good = seen.before.lifecycle.goal >= Goal::main_stopped || seen.ledger.hurried_since ||
                               seen.ledger.now_since || seen.ledger.ended;
    if (down_for_good && (first || index == seen.spec.main())) {
        return name_of(seen, index) + " starts during a stop of the whole";
    }
    if (seen.ledger.ended || (helpers_must_stop(seen.before.lifecycle) && helpers_must_stop(lifecycle))) {
        return name_of(seen, index) + " starts while the helpers stop";
    }
    const bool goes_on_offline = lifecycle.phase == Phase::offline && lifecycle.goal == Goal::offline;
    if (index == seen.spec.main() && !went_through(seen, Phase::starting) && !goes_on_offline) {
        return "main starts in phase " + std::string{to_string(lifecycle.phase)};
    }
    return {};
}

Phase phase_of(StepKind kind) {
    switch (kind) {
    case StepKind::preload: return Phase::preloading;
    case StepKind::online: return Phase::going_online;
    case StepKind::offline: return Phase::going_offline;
    case StepKind::stop: break;
    }
    return Phase::stopping;
}

/// Never two at once: a script may rely on the one before it being over.
Complaint one_step_at_a_time(const Observation& seen, const Action& action) {
    if (!std::holds_alternative<RunStep>(action)) {
        return {};
    }
    if (seen.ledger.running) {
        return "step run " + std::to_string(std::get<RunStep>(action).run) + " starts while run " +
               std::to_string(seen.ledger.running->run) + " is not over";
    }
    return {};
}

Complaint continues_list(const Observation& seen, const RunStep& step) {
    const Ledger& ledger = seen.ledger;
    const auto& steps = seen.spec.lifecycle.steps(step.kind);
    if (step.index >= steps.size() || step.attempt < 1 || step.attempt > steps[step.index].attempts) {
        return "there is no such step or attempt";
    }
    if (step.index == 0 && step.attempt == 1) {
        return {};
    }
    if (!ledger.last || ledger.last->kind != step.kind) {
        return "a list begins in its middle";
    }
    const bool again = step.index == ledger.last->index && step.attempt == ledger.last->attempt + 1;
    const bool success = ledger.last_outcome == StepOutcome::succeeded && !ledger.last_was_ended;
    if (again && success) {
        return "a step that succeeded runs again";
    }
    if (again) {
        const Duration pause = seen.now - ledger.last_over;
        const bool in_time = pause >= steps[step.index].period || ledger.hurried_since;
        return in_time ? Complaint{} : "the next attempt comes after " + seconds(pause);
    }
    const bool start = step.kind == StepKind::preload || step.kind == StepKind::online;
    const bool next = step.index > ledger.last->index && step.attempt == 1;
    return next && (success || !start) ? Complaint{} : Complaint{"this step does not follow the last one"};
}

/// Steps run in their phase, in their order, attempt by attempt.
Complaint steps_keep_their_order(const Observation& seen, const Action& action) {
    const auto* step = std::get_if<RunStep>(&action);
    if (step == nullptr) {
        return {};
    }
    const Phase phase = step->reason == StepReason::stale ? Phase::starting : phase_of(step->kind);
    if (!went_through(seen, phase)) {
        return std::string{to_string(step->kind)} + " runs in phase " +
               std::string{to_string(next_lifecycle(seen).phase)};
    }
    if (step->remaining <= Duration{}) {
        return "a step runs with no time left";
    }
    // Main may well end while its stop steps run: that is what they are for.
    const bool main_lives = seen.ledger.services[*seen.spec.main()].told == Process::alive;
    if (step->kind == StepKind::stop && step->index == 0 && step->attempt == 1 && !main_lives) {
        return "stop steps begin, and main does not run";
    }
    if (const auto wrong = continues_list(seen, *step)) {
        return std::string{to_string(step->kind)} + " " + std::to_string(step->index + 1) + " attempt " +
               std::to_string(step->attempt) + ": " + *wrong;
    }
    return {};
}

/// Contract 4.4: once for each online that was attempted, and never without one.
Complaint offline_runs_once_per_online(const Observation& seen, const Action& action) {
    const Ledger& ledger = seen.ledger;
    if (ledger.offline_begun > ledger.online_begun) {
        return "offline begins " + std::to_string(ledger.offline_begun) + " times, online was attempted " +
               std::to_string(ledger.online_begun) + " times";
    }
    const auto* step = std::get_if<RunStep>(&action);
    if (step != nullptr && step->kind == StepKind::offline && step->reason != StepReason::stale && step->index == 0 &&
        step->attempt == 1 && ledger.offline_lists + 1 > ledger.offline_begun) {
        return "the offline list runs a second time";
    }
    return {};
}

bool stops_main(const Observation& seen, const Action& action) {
    const bool stop =
        service_order<SignalSession>(action) != nullptr || service_order<RunStopCommand>(action) != nullptr;
    return stop && service_of(action) == seen.spec.main() &&
           seen.ledger.services[service_of(action)].told == Process::alive;
}

/// Traffic is turned away before main goes; only haste (4.6) and main's own end (4.7) come first.
Complaint offline_comes_before_mains_stop(const Observation& seen, const Action& action) {
    const Ledger& ledger = seen.ledger;
    const bool hasty = ledger.hurried_since || ledger.now_since;
    const Lifecycle& lifecycle = next_lifecycle(seen);
    const bool past_all =
        lifecycle.budget && lifecycle.haste != Haste::none && seen.now >= main_deadline(*lifecycle.budget);
    if (hasty || past_all) {
        return {};
    }
    const bool ends = std::holds_alternative<EndContainer>(action);
    if (!ends && !stops_main(seen, action)) {
        return {};
    }
    if (ledger.offline_begun != ledger.online_begun) {
        return std::string{ends ? "the container ends" : "main is stopped"} + " and offline has not run";
    }
    if (ledger.running && ledger.running->kind == StepKind::offline) {
        return std::string{ends ? "the container ends" : "main is stopped"} + " while offline runs";
    }
    return {};
}

bool belongs_to_the_end(const Observation& seen, ServiceIndex index) {
    const Lifecycle& lifecycle = next_lifecycle(seen);
    const Service& before = seen.before.services[index];
    const Service& next = seen.transition.next.services[index];
    return seen.ledger.services[index].told == Process::alive && !next.failed_probe && lifecycle.goal == Goal::exit &&
           lifecycle.phase == Phase::stopped && lifecycle.haste == Haste::none &&
           seen.before.pending[index] == Pending::none && before.state != ServiceState::stopping &&
           next.state == ServiceState::stopping && next.after_stop == AfterStop::rest;
}

/// Helpers stop after everything that depends on them, main included: a log agent is there to the last line.
Complaint dependents_stop_first(const Observation& seen, const Action& action) {
    const bool stop =
        service_order<SignalSession>(action) != nullptr || service_order<RunStopCommand>(action) != nullptr;
    if (!stop || service_of(action) == seen.spec.main() || !belongs_to_the_end(seen, service_of(action))) {
        return {};
    }
    for (const ServiceIndex dependent : transitive_dependents(seen.graph, service_of(action))) {
        if (seen.ledger.services[dependent].told != Process::none) {
            return name_of(seen, service_of(action)) + " is stopped before " + name_of(seen, dependent) +
                   ", which depends on it";
        }
    }
    return {};
}

/// The earliest moment for KILL of what has been stopped since `since`.
TimePoint earliest_kill(const Observation& seen, ServiceIndex index, TimePoint since) {
    const ServiceSpec& spec = seen.spec.services[index];
    const std::optional<ShutdownBudget>& budget = next_lifecycle(seen).budget;
    TimePoint earliest = TimePoint::max();
    const std::optional<Duration> grace = seen.ledger.services[index].grace_then;
    if (grace || !spec.main) {
        earliest = since + grace.value_or(10s);
    }
    if (spec.main && !seen.ledger.services[index].planned_then) { // by hand in a scene: a budget of its own
        earliest = std::min(earliest, main_deadline({.began = since, .total = seen.spec.grace}));
    }
    if (spec.main && seen.ledger.services[index].left_behind) { // helper's rule: nobody asked
        earliest = std::min(earliest, since + grace.value_or(10s));
    }
    if (!budget) {
        return earliest == TimePoint::max() ? since + 10s : earliest;
    }
    // A budget that counts anew does not lengthen a stop that began before it.
    const TimePoint end = std::min(budget->began + budget->total - std::min<Duration>(1s, budget->total / 4),
                                   seen.ledger.services[index].planned_then.value_or(TimePoint::max()));
    if (spec.main) {
        const TimePoint mains_end = end - std::min<Duration>(2s, budget->total / 4);
        return std::min(earliest, mains_end);
    }
    if (seen.ledger.helpers_stop_since) {
        // At worst all that was up stops one after the other in equal shares.
        const auto share = static_cast<Duration::rep>(std::max<std::size_t>(seen.ledger.up_when_helpers_stop, 1));
        const TimePoint begin = *seen.ledger.helpers_stop_since;
        earliest =
            std::min(earliest, begin + std::max<Duration>(std::min(end, seen.ledger.planned_when_helpers_stop) - begin,
                                                          Duration{}) /
                                           share);
    }
    return earliest;
}

/// A service gets its grace period, or its share of the budget, to end by itself.
Complaint kill_waits_for_the_deadline(const Observation& seen, const Action& action) {
    const auto* signal = service_order<SignalSession>(action);
    if (signal == nullptr || signal->signal != SIGKILL || seen.ledger.hurried_since || seen.ledger.now_since) {
        return {};
    }
    const ServiceIndex index = service_of(action);
    const ServiceLedger& service = seen.ledger.services[index];
    const auto& budget = next_lifecycle(seen).budget;
    if (budget && next_lifecycle(seen).goal == Goal::exit && seen.now >= planned_end(*budget)) {
        return {}; // the grace period is used up
    }
    if (service.stopped_in_launch) {
        return {}; // the stop came before the process
    }
    if (!service.stop_began) {
        return name_of(seen, index) + " is killed, and nobody told it to stop";
    }
    const TimePoint earliest = earliest_kill(seen, index, *service.stop_began);
    if (seen.now < earliest) {
        return name_of(seen, index) + " is killed " + seconds(seen.now - *service.stop_began) +
               " after its stop began, it has " + seconds(earliest - *service.stop_began);
    }
    return {};
}

/// The end leaves nothing behind but what even KILL does not end.
Complaint nothing_outlives_the_container(const Observation& seen, const Action& action) {
    // A loop that stood still until the grace period was over can only go.
    const bool too_late = seen.census.stalled && next_lifecycle(seen).budget &&
                          seen.now >= hard_deadline(next_lifecycle(seen)) + patience_at_the_end(seen);
    if (!std::holds_alternative<EndContainer>(action) || too_late) {
        return {};
    }
    for (ServiceIndex index = 0; index < seen.census.living.size(); ++index) {
        const bool came_late = seen.ledger.services[index].stopped_in_launch;
        if (seen.census.living[index] > 0 && seen.census.killable[index] && !came_late) {
            return name_of(seen, index) + " lives on with " + std::to_string(seen.census.living[index]) + " processes";
        }
        const bool in_time = seen.now < hard_deadline(next_lifecycle(seen)) + patience_at_the_end(seen);
        if (seen.ledger.services[index].told == Process::launching && in_time) {
            return name_of(seen, index) + " is being launched while the container ends";
        }
    }
    return seen.census.step_lives ? Complaint{"a step lives on"} : Complaint{};
}

/// Contract 5, from the outside.
Complaint the_exit_code_is_the_contracts(const Observation& seen, const Action& action) {
    const auto* end = std::get_if<EndContainer>(&action);
    if (end == nullptr) {
        return {};
    }
    const std::set<int> allowed = allowed_codes(seen.spec, seen.ledger);
    if (allowed.contains(end->code)) {
        return (end->code == 0) == end->lines.empty() ? Complaint{} : Complaint{"reasons go with a code that is not 0"};
    }
    return "the container ends with " + std::to_string(end->code) + ", not with " +
           (allowed.empty() ? "(nothing asked for an end)" : std::to_string(*allowed.begin()));
}

bool is_true(const Observation& seen, const Request& request) {
    const Pod& pod = seen.transition.next;
    const auto down = [&](ServiceIndex index) { return seen.ledger.services[index].told == Process::none; };
    const auto up = [&](ServiceIndex index) {
        return pod.services[index].state == ServiceState::completed ||
               seen.ledger.services[index].told == Process::alive;
    };
    switch (request.verb) {
    case Verb::prestop:
        return seen.spec.mode == Mode::debug || (pod.lifecycle.phase == Phase::stopped && down(*seen.spec.main()));
    case Verb::online: return pod.lifecycle.phase == Phase::online || pod.lifecycle.at_manual_gate;
    case Verb::offline:
        return pod.lifecycle.phase >= Phase::offline && seen.ledger.online_begun == seen.ledger.offline_begun;
    case Verb::isolate:
        return seen.ledger.isolated && pod.lifecycle.phase >= Phase::offline &&
               seen.ledger.online_begun == seen.ledger.offline_begun;
    case Verb::rejoin:
        return !seen.ledger.isolated &&
               (pod.lifecycle.phase == Phase::online || pod.lifecycle.at_manual_gate || seen.spec.mode == Mode::debug);
    case Verb::stop: return std::ranges::all_of(request.services, down);
    case Verb::start:
    case Verb::restart:
    case Verb::wait_service: return std::ranges::all_of(request.services, up);
    case Verb::wait_phase: return pod.lifecycle.phase == request.phase;
    case Verb::reload: return !pod.reload || pod.reload->request != request.id;
    case Verb::poststart:
    case Verb::signal: break;
    }
    return true;
}

/// Restart policy and limit of the configuration, unless a person asks for more.
Complaint restarts_follow_the_policy(const Observation& seen, const Action& action) {
    if (service_order<Launch>(action) == nullptr) {
        return {};
    }
    const ServiceIndex index = service_of(action);
    const ServiceSpec& spec = seen.spec.services[index];
    const ServiceLedger& service = seen.ledger.services[index];
    // A way up by hand starts what main needs, also what failed meanwhile.
    const bool way_up = next_lifecycle(seen).by_hand && went_through(seen, Phase::starting);
    if (service.attempt == 0 || service.asked_up || service.no_resources || way_up) {
        return {};
    }
    if (spec.restart_policy == RestartPolicy::never) {
        return spec.name + " is started again, its policy is never";
    }
    const bool too_often = spec.backoff.limit > 0 && service.restarts >= spec.backoff.limit;
    return too_often ? spec.name + " is started more often than its limit" : Complaint{};
}

/// Contract 4.5: after prestop PID 1 stays until SIGTERM, so that the hook is not cut, or until the budget ends.
Complaint prestop_alone_does_not_end_it(const Observation& seen, const Action& action) {
    const Ledger& ledger = seen.ledger;
    const bool by_prestop = ledger.end_reason == EndReason::asked && !ledger.first_signal;
    if (!std::holds_alternative<EndContainer>(action) || !by_prestop) {
        return {};
    }
    const Duration grace = seen.spec.grace;
    const Duration helpers_begin = grace - std::min<Duration>(1s, grace / 4) - std::min<Duration>(2s, grace / 4);
    return seen.now < *ledger.kubelet_since + helpers_begin ? Complaint{"the container ends before SIGTERM came"}
                                                            : Complaint{};
}

/// Going offline leaves everything running: main is stopped on the way down only, or when it left processes behind.
/// In a scene a person stops it as any service; a stop that has begun goes on to its end.
Complaint main_is_stopped_on_the_way_down(const Observation& seen, const Action& action) {
    const ServiceLedger& main = seen.ledger.services[*seen.spec.main()];
    const bool by_hand = is_scene(seen.ledger, seen.spec) && main.named_down;
    const bool wrong = stops_main(seen, action) && next_lifecycle(seen).goal < Goal::main_restart && !by_hand &&
                       !main.stop_began && !main.stopped_in_launch;
    return wrong ? Complaint{"main is stopped, and the goal is " + std::string{to_string(next_lifecycle(seen).goal)}}
                 : Complaint{};
}

/// Everybody who stays is answered once, with the truth, and nobody who left.
Complaint answers_are_true_and_single(const Observation& seen, const Action& action) {
    const auto* answer = std::get_if<Answer>(&action);
    if (answer == nullptr) {
        return {};
    }
    const auto asked = seen.ledger.open.find(answer->request);
    if (asked == seen.ledger.open.end()) {
        return "request " + std::to_string(answer->request) + " is answered " +
               (seen.ledger.left.contains(answer->request) ? "after it left" : "a second time");
    }
    const Request& request = asked->second;
    if (answer->verdict == Verdict::done && !request.no_wait && !is_true(seen, request)) {
        return std::string{to_string(request.verb)} + " is told that it is done: " + answer->message;
    }
    if (answer->verdict == Verdict::timed_out && request.verb != Verb::poststart) {
        return std::string{to_string(request.verb)} + " has no time of its own";
    }
    if (answer->message.empty()) {
        return std::string{to_string(request.verb)} + " is answered without a word";
    }
    return {};
}

/// EndStep names the step that runs, TERM once before KILL.
Complaint only_the_running_step_is_ended(const Observation& seen, const Action& action) {
    const auto* step = std::get_if<EndStep>(&action);
    if (step == nullptr) {
        return {};
    }
    const bool good = seen.ledger.running && seen.ledger.running->run == step->run &&
                      (step->signal == SIGKILL || !seen.ledger.running_is_ended);
    return good ? Complaint{} : "EndStep for run " + std::to_string(step->run) + " at the wrong time";
}

// ---- of the whole after an event -------------------------------------------------------------------------------

/// What the model believes of processes is what it was told: a lost or a made-up exit shows here.
Complaint facts_are_taken(const Observation& seen) {
    for (ServiceIndex index = 0; index < seen.ledger.services.size(); ++index) {
        const Service& service = seen.transition.next.services[index];
        if (service.process != seen.ledger.services[index].told) {
            constexpr std::array names{"none", "launching", "alive", "leaving"};
            return "the model believes that " + name_of(seen, index) + " is " +
                   names[static_cast<std::size_t>(service.process)] + ", it was told " +
                   names[static_cast<std::size_t>(seen.ledger.services[index].told)];
        }
        if (service.attempt != seen.ledger.services[index].attempt) {
            return "the attempt of " + name_of(seen, index) + " is not the number of its launches";
        }
    }
    const auto& steps = next_lifecycle(seen).steps;
    const bool believes = steps && steps->running;
    if (believes != seen.ledger.running.has_value() && !seen.ledger.ended) {
        return believes ? "the model believes that a step runs" : "the model has forgotten a step that runs";
    }
    return {};
}

/// State and process of a service go together.
Complaint states_have_their_process(const Observation& seen) {
    for (ServiceIndex index = 0; index < seen.ledger.services.size(); ++index) {
        const Service& service = seen.transition.next.services[index];
        const Process told = seen.ledger.services[index].told;
        const bool up = service.state == ServiceState::running || service.state == ServiceState::starting ||
                        service.state == ServiceState::stopping;
        if (up != (told != Process::none)) {
            return name_of(seen, index) + " is " + std::string{to_string(service.state)} + " and " +
                   (up ? "has no process" : "has a process");
        }
    }
    return {};
}

/// Contract 4.3: ready is a promise to the load balancer.
Complaint ready_means_online(const Observation& seen) {
    const Pod& pod = seen.transition.next;
    if (!is_ready(seen.spec, pod)) {
        return {};
    }
    if (pod.lifecycle.phase != Phase::online || seen.ledger.offline_begun >= seen.ledger.online_begun) {
        return "ready, and not online";
    }
    if (seen.ledger.online_steps_done != seen.ledger.online_steps) {
        return "ready after " + std::to_string(seen.ledger.online_steps_done) + " of the online steps";
    }
    for (ServiceIndex index = 0; index < pod.services.size(); ++index) {
        const ServiceSpec& spec = seen.spec.services[index];
        const ServiceLedger& service = seen.ledger.services[index];
        if (!spec.enabled || !spec.readiness_probe || pod.services[index].state == ServiceState::completed) {
            continue;
        }
        const bool bad = service.told != Process::alive || !was_ever_ready(spec, service) ||
                         service.bad_checks >= spec.readiness_probe->failure_threshold;
        if (bad) {
            return "ready, and the readiness of " + spec.name + " is not good";
        }
    }
    return {};
}

/// The other side of it: with everything good the pod is not kept out of traffic.
Complaint online_and_good_means_ready(const Observation& seen) {
    const Pod& pod = seen.transition.next;
    const bool online = pod.lifecycle.phase == Phase::online && pod.lifecycle.goal == Goal::online;
    return online && is_gate_good(seen.spec, pod) && !is_ready(seen.spec, pod)
               ? Complaint{"online, all readiness is good, and not ready"}
               : Complaint{};
}

struct Arrow {
    Phase from;
    Phase to;
};

/// Isolation rests at offline, from wherever it comes.
bool is_drawn_for_isolation(Phase from, Phase to) {
    const bool rests = from == Phase::stopping || from == Phase::stopped || from == Phase::failed;
    return rests && to == Phase::offline;
}

bool is_drawn(Phase from, Phase to) {
    using enum Phase;
    constexpr std::array arrows{
        Arrow{starting, preloading},    Arrow{preloading, checking},
        Arrow{checking, going_online},  Arrow{going_online, online},
        Arrow{starting, offline},       Arrow{preloading, offline},
        Arrow{checking, offline},       Arrow{starting, failed},
        Arrow{preloading, failed},      Arrow{checking, failed},
        Arrow{starting, stopping},      Arrow{preloading, stopping},
        Arrow{checking, stopping},      Arrow{going_online, going_offline},
        Arrow{online, going_offline},   Arrow{going_online, stopping},
        Arrow{online, stopping},        Arrow{going_offline, draining},
        Arrow{going_offline, offline},  Arrow{going_offline, failed},
        Arrow{going_offline, stopping}, Arrow{draining, offline},
        Arrow{draining, failed},        Arrow{draining, stopping},
        Arrow{offline, checking},       Arrow{offline, starting},
        Arrow{offline, stopping},       Arrow{failed, starting},
        Arrow{failed, stopping},        Arrow{stopping, stopped},
        Arrow{stopped, starting},
    };
    return std::ranges::any_of(arrows, [&](const Arrow& arrow) { return arrow.from == from && arrow.to == to; });
}

/// Phases follow each other as they are drawn in the contract.
Complaint phases_follow_the_picture(const Observation& seen) {
    Phase at = seen.before.lifecycle.phase;
    // What isolation has begun goes on to its place of rest, also when a rejoin came meanwhile.
    const bool by_isolation = seen.ledger.isolated || seen.before.lifecycle.rejoins;
    for (const Change& change : seen.transition.changes) {
        if (change.service || !is_of_state(change)) {
            continue;
        }
        const auto from = phase_from_name(change.from);
        const auto to = phase_from_name(change.to);
        const bool drawn = from && to && (is_drawn(*from, *to) || (by_isolation && is_drawn_for_isolation(*from, *to)));
        if (!drawn || *from != at) {
            return "there is no way from " + change.from + " to " + change.to;
        }
        at = *to;
    }
    return at == next_lifecycle(seen).phase ? Complaint{} : Complaint{"a change of phase was not told"};
}

Complaint waits_of_probe(const Observation& seen, ServiceIndex index, ProbeKind kind) {
    const ProbeState& probe = probe_state(seen.transition.next.services[index], kind);
    if (kind == ProbeKind::readiness && is_told(*probe_spec(seen.spec.services[index], kind))) {
        return {}; // It waits for a word of the service, for ever if need be.
    }
    const bool flies = seen.ledger.services[index].check_in_flight[static_cast<std::size_t>(kind)];
    if (probe.in_flight != flies) {
        return "a check of " + name_of(seen, index) + " is " + (flies ? "forgotten" : "waited for that nobody runs");
    }
    return probe.due || flies ? Complaint{}
                              : "the " + std::string{to_string(kind)} + " probe of " + name_of(seen, index) + " sleeps";
}

Complaint waits_of_service(const Observation& seen, ServiceIndex index) {
    const Service& service = seen.transition.next.services[index];
    const ServiceSpec& spec = seen.spec.services[index];
    const bool probed = service.process == Process::alive && !service.failed_probe;
    if (service.state == ServiceState::stopping && !service.deadline) {
        return name_of(seen, index) + " stops without a deadline";
    }
    if (service.state == ServiceState::backoff && !service.deadline) {
        return name_of(seen, index) + " is in backoff without a deadline";
    }
    if (service.state == ServiceState::starting && probed) {
        return spec.startup_probe ? waits_of_probe(seen, index, ProbeKind::startup)
                                  : name_of(seen, index) + " is starting and waits for nothing";
    }
    if (service.state == ServiceState::running && probed) {
        for (const ProbeKind kind : {ProbeKind::readiness, ProbeKind::liveness}) {
            const bool has = probe_spec(spec, kind) != nullptr;
            const Complaint sleeps = has ? waits_of_probe(seen, index, kind) : Complaint{};
            if (sleeps) {
                return sleeps;
            }
        }
    }
    return {};
}

/// A blocked service waits for something that can be named, and whose turn has not been passed over.
Complaint waits_of_blocked(const Observation& seen, ServiceIndex index) {
    const Pod& pod = seen.transition.next;
    const bool main = index == seen.spec.main();
    const bool may = main                               ? may_launch_main(pod.lifecycle)
                     : pod.services[index].attempt == 0 ? may_start_first_time(pod.lifecycle)
                                                        : may_restart(pod.lifecycle);
    const bool met = std::ranges::all_of(seen.spec.services[index].depends_on,
                                         [&](const Dependency& dependency) { return is_met(seen, dependency); });
    const bool ready_counts =
        std::ranges::none_of(seen.spec.services[index].depends_on,
                             [](const Dependency& dependency) { return dependency.condition == Condition::ready; });
    return may && met && ready_counts ? name_of(seen, index) + " is blocked and nothing holds it" : Complaint{};
}

bool is_place_of_rest(const Lifecycle& lifecycle) {
    switch (lifecycle.phase) {
    case Phase::online: return lifecycle.goal == Goal::online;
    case Phase::checking: return lifecycle.at_manual_gate;
    case Phase::offline:
    case Phase::failed: return lifecycle.goal == Goal::offline;
    case Phase::stopped: return lifecycle.goal == Goal::main_held;
    case Phase::starting:
    case Phase::preloading:
    case Phase::going_online:
    case Phase::going_offline:
    case Phase::draining:
    case Phase::stopping: break;
    }
    return false;
}

/// Everything that is not at rest has a deadline, or a fact that the world owes.
Complaint every_wait_has_an_end(const Observation& seen) {
    const Pod& pod = seen.transition.next;
    if (seen.ledger.ended || !seen.ledger.begun) {
        return {};
    }
    for (ServiceIndex index = 0; index < pod.services.size(); ++index) {
        const bool blocked = pod.services[index].state == ServiceState::blocked;
        const Complaint waits = blocked ? waits_of_blocked(seen, index) : waits_of_service(seen, index);
        if (waits) {
            return waits;
        }
    }
    const bool owed = pod.lifecycle.phase == Phase::stopping || pod.lifecycle.phase == Phase::stopped;
    const bool bounded = next_deadline(pod.lifecycle).has_value() || is_place_of_rest(pod.lifecycle) || owed ||
                         seen.ledger.running.has_value();
    if (!bounded) {
        return "phase " + std::string{to_string(pod.lifecycle.phase)} + ", goal " +
               std::string{to_string(pod.lifecycle.goal)} + " waits without an end";
    }
    return {};
}

/// The budget counts from what began the stop, and from the first prestop or stop signal when there was one.
Complaint the_budget_counts_from_its_trigger(const Observation& seen) {
    const Lifecycle& lifecycle = next_lifecycle(seen);
    if (!lifecycle.budget || seen.ledger.ended) {
        return {};
    }
    if (lifecycle.budget->total != seen.spec.grace) {
        return "the budget is not the grace period";
    }
    if (seen.ledger.kubelet_since) {
        return lifecycle.budget->began == *seen.ledger.kubelet_since
                   ? Complaint{}
                   : Complaint{"the budget does not count from the first prestop or stop signal"};
    }
    const bool old = seen.before.lifecycle.budget == lifecycle.budget;
    const bool fresh = lifecycle.budget->began == seen.now;
    return old || fresh ? Complaint{} : Complaint{"the budget counts from a moment of nobody"};
}

/// A stop always ends in time: 1 s before the grace period ends, and 0.5 s later with what even KILL does not end.
Complaint a_stop_ends_inside_the_budget(const Observation& seen) {
    const Ledger& ledger = seen.ledger;
    if (ledger.ended) {
        return {};
    }
    const auto over = [&](std::optional<TimePoint> since, Duration length, const char* what) -> Complaint {
        if (since && seen.now > *since + length + ledger.stalled + lateness) {
            return std::string{what} + " has lasted " + seconds(seen.now - *since);
        }
        return {};
    };
    const Duration grace = seen.spec.grace;
    const Duration planned = grace - std::min<Duration>(1s, grace / 4) + patience_of_the_end;
    if (auto late = over(ledger.now_since, 950ms, "a stop that was to be now")) {
        return late;
    }
    if (auto late = over(ledger.hurried_since, 1950ms + patience_of_the_end, "a hurried stop")) {
        return late;
    }
    return over(ledger.kubelet_since ? ledger.kubelet_since : ledger.exit_since, planned, "the stop");
}

/// By its own time poststart is answered; nobody waits beyond the end.
Complaint nobody_is_forgotten(const Observation& seen) {
    const Ledger& ledger = seen.ledger;
    if (ledger.ended && !ledger.open.empty()) {
        return std::string{to_string(ledger.open.begin()->second.verb)} + " is not answered at the end";
    }
    for (const auto& [id, request] : ledger.open) {
        const bool known = std::ranges::any_of(seen.transition.next.waiters,
                                               [&](const Waiter& waiter) { return waiter.request.id == id; });
        if (!known) {
            return std::string{to_string(request.verb)} + " was forgotten";
        }
        const bool late = request.verb == Verb::poststart && seen.now > ledger.latest.at(id) + lateness;
        if (late && !seen.census.stalled) {
            return "poststart waits longer than its time";
        }
    }
    return seen.transition.next.waiters.size() == ledger.open.size() ? Complaint{}
                                                                     : Complaint{"somebody who left is waited for"};
}

bool is_late(const Observation& seen) {
    const auto* fact = std::get_if<ServiceFact>(&seen.event);
    if (fact == nullptr) {
        return false;
    }
    return std::visit(
        [&](const auto& event) {
            if constexpr (requires { event.attempt; }) {
                return event.attempt != seen.before.services[fact->service].attempt;
            } else {
                return false;
            }
        },
        fact->event);
}

/// A fact of an attempt that is gone concerns nobody.
Complaint late_facts_change_nothing(const Observation& seen) {
    const bool moved = !(seen.before == seen.transition.next) || !seen.transition.actions.empty();
    return is_late(seen) && moved ? Complaint{"a late fact moved something"} : Complaint{};
}

/// A helper whose liveness is bad for good is not left running, but in a scene.
Complaint a_bad_probe_has_consequences(const Observation& seen) {
    for (ServiceIndex index = 0; index < seen.ledger.services.size() && !is_scene(seen.ledger, seen.spec); ++index) {
        const ServiceSpec& spec = seen.spec.services[index];
        const bool bad = spec.liveness_probe && !spec.main &&
                         seen.ledger.services[index].bad_liveness >= spec.liveness_probe->failure_threshold;
        if (bad && seen.transition.next.services[index].state == ServiceState::running) {
            return spec.name + " runs on with a bad liveness probe";
        }
    }
    return {};
}

/// A service that tells by itself is up and ready by its own word of this attempt, and by nothing else.
Complaint who_tells_is_ready_by_its_word(const Observation& seen) {
    for (ServiceIndex index = 0; index < seen.ledger.services.size(); ++index) {
        const ServiceSpec& spec = seen.spec.services[index];
        const Service& service = seen.transition.next.services[index];
        if (service.state != ServiceState::running) {
            continue;
        }
        if (told_good(spec, seen.ledger.services[index], ProbeKind::startup) == false) {
            return spec.name + " is running and has not told that it started";
        }
        const auto readiness = told_good(spec, seen.ledger.services[index], ProbeKind::readiness);
        if (readiness && *readiness != is_ready(spec, service)) {
            return spec.name + (*readiness ? " says that it is ready, and is not" : " is ready and does not say so");
        }
    }
    return {};
}

/// A helper that is to be heard of again and again, and is not, does not run on, but in a scene.
Complaint silence_has_consequences(const Observation& seen) {
    for (ServiceIndex index = 0; index < seen.ledger.services.size() && !is_scene(seen.ledger, seen.spec); ++index) {
        const ServiceSpec& spec = seen.spec.services[index];
        const Service& service = seen.transition.next.services[index];
        const ServiceLedger& told = seen.ledger.services[index];
        if (service.state != ServiceState::running || spec.main || !spec.liveness_probe ||
            !is_told(*spec.liveness_probe) || seen.census.stalled) {
            continue;
        }
        const TimePoint listening = std::max(service.since, *told.launched + spec.liveness_probe->initial_delay);
        if (seen.now > std::max(told.may_be_silent_until, listening + patience_of(*spec.liveness_probe)) + lateness) {
            return spec.name + " was not heard of in time and runs on";
        }
    }
    return {};
}

/// EXTEND_TIMEOUT_USEC moves the KILL of a stop, never beyond the end of the budget.
Complaint an_extension_keeps_to_the_budget(const Observation& seen) {
    const auto* fact = std::get_if<ServiceFact>(&seen.event);
    const auto* notified = fact == nullptr ? nullptr : std::get_if<Notified>(&fact->event);
    if (notified == nullptr || !notified->said.extend) {
        return {};
    }
    const Service& before = seen.before.services[fact->service];
    const Service& next = seen.transition.next.services[fact->service];
    if (before.state != ServiceState::stopping || next.state != ServiceState::stopping) {
        return {};
    }
    const std::string& name = seen.spec.services[fact->service].name;
    if (*next.deadline < *before.deadline && seen.now < *before.deadline && !next.killed) {
        return name + " asks for more time and gets less";
    }
    const auto& budget = next_lifecycle(seen).budget;
    const TimePoint end = budget ? planned_end(*budget) : before.since + seen.spec.grace;
    return *next.deadline > std::max(*before.deadline, end) ? name + " gets more time than there is" : Complaint{};
}

/// The way up is bounded by readyTimeoutSeconds, but for the manual gate; a stall of the loop does not count.
Complaint the_gate_has_its_time(const Observation& seen) {
    const Lifecycle& lifecycle = next_lifecycle(seen);
    const bool waits = lifecycle.phase == Phase::starting || lifecycle.phase == Phase::preloading ||
                       lifecycle.phase == Phase::checking;
    if (!waits || seen.ledger.stale_due || lifecycle.at_manual_gate || lifecycle.goal != Goal::online ||
        !seen.ledger.gate_since) {
        return {};
    }
    const Duration length = seen.ledger.time_at_gate(seen.now);
    return length > seen.ledger.gate_length + lateness ? Complaint{"the way up lasts " + seconds(length)} : Complaint{};
}

/// At least `min` and at most `max`, but where the budget, haste or main's end cut it.
Complaint a_drain_keeps_its_times(const Observation& seen) {
    if (!seen.ledger.drained || seen.census.stalled) {
        return {};
    }
    const Lifecycle& lifecycle = next_lifecycle(seen);
    const DrainSpec& drain = seen.spec.lifecycle.drain;
    if (*seen.ledger.drained > drain.max + lateness) {
        return "it drains for " + seconds(*seen.ledger.drained);
    }
    // What is written for the stop steps, and a short grace period, cut it too.
    const auto is_late = [&](const std::optional<ShutdownBudget>& budget) {
        return budget && seen.now + 20s >= main_deadline(*budget);
    };
    const bool late = is_late(lifecycle.budget) || is_late(seen.before.lifecycle.budget);
    const auto* fact = std::get_if<ServiceFact>(&seen.event);
    const bool main_ends = fact != nullptr && fact->service == seen.spec.main();
    const bool cut =
        late || main_ends || lifecycle.main_lost || lifecycle.haste != Haste::none || seen.spec.grace < 30s;
    return *seen.ledger.drained < drain.min && !cut ? "it drains for only " + seconds(*seen.ledger.drained)
                                                    : Complaint{};
}

/// HUP, USR1, USR2 and WINCH go to main, and only there.
Complaint main_gets_its_signals(const Observation& seen) {
    const auto* signal = std::get_if<SignalReceived>(&seen.event);
    if (signal == nullptr || is_stop_signal(signal->signal)) {
        return {};
    }
    const ServiceIndex main = *seen.spec.main();
    const ServiceOrder order{main, seen.ledger.services[main].attempt, SignalLeader{signal->signal}};
    const bool lives = seen.ledger.services[main].told == Process::alive;
    const auto is_signal = [](const Action& action) { return service_order<SignalLeader>(action) != nullptr; };
    const auto count = std::ranges::count_if(seen.transition.actions, is_signal);
    const bool good = lives ? count == 1 && contains(seen.transition.actions, Action{order}) : count == 0;
    return good ? Complaint{} : Complaint{"a signal for main goes astray"};
}

/// A resize is told once, with its signal, to what runs and wants to know; what still starts hears of it later.
Complaint a_resize_is_told_to_who_runs(const Observation& seen) {
    for (ServiceIndex index = 0; index < seen.spec.services.size(); ++index) {
        const Service& service = seen.transition.next.services[index];
        const ServiceLedger& ledger = seen.ledger.services[index];
        const std::optional<int> signal = seen.spec.services[index].cpus.on_change;
        const bool runs = service.state == ServiceState::running && ledger.told == Process::alive;
        const auto told = std::ranges::count_if(seen.transition.changes, [&](const Change& change) {
            return change.service == index && is_of_cpus(change);
        });
        const bool is_due = runs && signal && ledger.cpus_untold && ledger.attempt == service.attempt;
        if (told != (is_due ? 1 : 0)) {
            return name_of(seen, index) + (is_due ? " was not told of a resize" : " was told of a resize");
        }
        const Action order = ServiceOrder{index, service.attempt, SignalLeader{signal.value_or(0)}};
        if (is_due && !contains(seen.transition.actions, order)) {
            return name_of(seen, index) + " got no signal";
        }
    }
    return {};
}

/// Only what the contract names ends the container: a stop by hand, a hold, a place of rest never do.
Complaint nothing_ends_the_container_unasked(const Observation& seen) {
    if (seen.ledger.end_reason == EndReason::unknown) {
        return "the container goes down and nothing asked for it";
    }
    const bool held =
        seen.ledger.end_reason == EndReason::start_failed && seen.spec.lifecycle.on_failure == OnFailure::hold;
    return held ? Complaint{"a failed start ends the container, it was to be held"} : Complaint{};
}

// ---- reload ----------------------------------------------------------------------------------------------------

/// A service whose process does not depend on what changed keeps it.
Complaint a_reload_stops_only_what_changed(const Observation& seen, const Action& action) {
    const bool stop =
        service_order<SignalSession>(action) != nullptr || service_order<RunStopCommand>(action) != nullptr;
    if (!stop) {
        return {};
    }
    const ServiceIndex index = service_of(action);
    if (seen.ledger.services[index].stop_began) {
        return {}; // KILL follows, whatever the files say by now
    }
    const std::string& reason = seen.transition.next.services[index].reason;
    const auto loaded = seen.loaded.find(name_of(seen, index));
    const bool is_there = loaded && seen.loaded.services[*loaded].enabled;
    if (reason == "its configuration changed") {
        const bool changed = is_there && process_differs(seen.spec.services[index], seen.loaded.services[*loaded]);
        return changed ? Complaint{} : Complaint{name_of(seen, index) + " is stopped, and did not change"};
    }
    const bool gone = reason == "removed from the configuration" || reason == "disabled in the configuration";
    return gone && is_there ? Complaint{name_of(seen, index) + " is stopped, and is still there"} : Complaint{};
}

/// What is not in the configuration any more has no process once the new one counts.
Complaint nothing_that_is_gone_runs(const Observation& seen) {
    for (ServiceIndex index = 0; index < seen.spec.services.size(); ++index) {
        const bool runs = seen.ledger.services[index].told != Process::none || seen.census.living[index] > 0;
        if (!seen.spec.services[index].enabled && runs) {
            return name_of(seen, index) + " is gone or disabled and runs";
        }
    }
    return {};
}

/// Main is not restarted by a reload that may not.
Complaint a_reload_leaves_main_alone(const Observation& seen) {
    const auto* asked = std::get_if<ReloadAsked>(&seen.event);
    const bool goes_down = seen.before.lifecycle.goal < next_lifecycle(seen).goal;
    const bool wrong = asked != nullptr && asked->request.main_restart == MainRestart::forbidden && goes_down;
    return wrong ? Complaint{"a reload without --main brings main down"} : Complaint{};
}

/// The services that are there are those of the configuration, each once, and those that stayed kept their place.
Complaint places_are_kept(const Observation& seen) {
    if (!std::holds_alternative<SpecAdopted>(seen.event)) {
        return {};
    }
    std::size_t there = 0;
    for (const ServiceSpec& service : seen.spec.services) {
        there += service.removed ? 0U : 1U;
        if (!service.removed && !seen.loaded.find(service.name)) {
            return service.name + " is not in the configuration";
        }
    }
    const bool same_number = there == seen.loaded.services.size();
    const bool all_have_state = seen.transition.next.services.size() == seen.spec.services.size() &&
                                seen.transition.next.pending.size() == seen.spec.services.size();
    return same_number && all_have_state ? Complaint{} : Complaint{"services got lost in a reload"};
}

// ---- a scene for somebody to look at ---------------------------------------------------------------------------

/// It lasts: debug mode or isolation, and nothing stops the pod.
bool is_kept_scene(const Observation& seen) {
    return is_scene(seen.ledger, seen.spec) && next_lifecycle(seen).goal < Goal::main_stopped && !seen.ledger.ended;
}

/// Contract 6: no life cycle step in debug mode; in isolation only those of the way offline, and of a stop.
Complaint no_step_disturbs_a_scene(const Observation& seen, const Action& action) {
    const auto* step = std::get_if<RunStep>(&action);
    if (step == nullptr || !is_scene(seen.ledger, seen.spec)) {
        return {};
    }
    const bool stops = step->kind == StepKind::stop && next_lifecycle(seen).goal >= Goal::main_stopped;
    const bool may = seen.spec.mode == Mode::normal && (step->kind == StepKind::offline || stops);
    return may ? Complaint{}
               : std::string{to_string(step->kind)} + " runs in " +
                     (seen.spec.mode == Mode::debug ? "debug mode" : "isolation");
}

/// Contract 6: nothing restarts but by hand. A first start, and one that found no process or memory, goes on.
Complaint nothing_restarts_in_a_scene(const Observation& seen, const Action& action) {
    if (service_order<Launch>(action) == nullptr || !is_scene(seen.ledger, seen.spec)) {
        return {};
    }
    const ServiceLedger& service = seen.ledger.services[service_of(action)];
    const bool goes_on = service.no_resources && !service.by_policy;
    const bool may = service.attempt == 0 || service.named_up || goes_on;
    return may ? Complaint{} : name_of(seen, service_of(action)) + " is started again in a scene";
}

/// Nobody is stopped there but by hand (or by a reload); what was being stopped when the scene began is ended.
Complaint nobody_is_stopped_in_a_scene(const Observation& seen, const Action& action) {
    const bool stop =
        service_order<SignalSession>(action) != nullptr || service_order<RunStopCommand>(action) != nullptr;
    if (!stop || !is_kept_scene(seen)) {
        return {};
    }
    const ServiceLedger& service = seen.ledger.services[service_of(action)];
    const bool may =
        service.told != Process::alive || service.named_down || service.stop_began || service.stopped_in_launch;
    return may ? Complaint{} : name_of(seen, service_of(action)) + " is stopped in a scene, and nobody asked for it";
}

/// Only prestop and a stop signal lead out of it and down; in debug mode the hook only returns.
Complaint only_a_stop_ends_a_scene(const Observation& seen) {
    const bool ends = seen.before.lifecycle.goal < Goal::main_stopped &&
                      next_lifecycle(seen).goal >= Goal::main_stopped && is_scene(seen.ledger, seen.spec);
    const auto* signal = std::get_if<SignalReceived>(&seen.event);
    const bool asked = (signal != nullptr && is_stop_signal(signal->signal)) || is_prestop(seen.event, seen.spec);
    return ends && !asked ? Complaint{"the pod goes down in a scene, and nobody asked for it"} : Complaint{};
}

/// The phase is offline in debug mode, and heads for it in isolation, where it rests.
Complaint a_scene_rests_offline(const Observation& seen) {
    const Lifecycle& lifecycle = next_lifecycle(seen);
    if (!is_kept_scene(seen) || !seen.ledger.begun) {
        return {};
    }
    const std::string phase{to_string(lifecycle.phase)};
    if (seen.spec.mode == Mode::debug) {
        return lifecycle.phase == Phase::offline ? Complaint{} : "debug mode, and the phase is " + phase;
    }
    for (const Change& change : seen.transition.changes) {
        const auto to = change.service ? std::nullopt : phase_from_name(change.to);
        const bool lowers = to == Phase::going_offline || to == Phase::draining || to == Phase::offline ||
                            (to == Phase::stopped && change.from == to_string(Phase::stopping));
        if (to && !lowers) {
            return "isolated, and the phase becomes " + change.to;
        }
    }
    const bool rests = lifecycle.phase == Phase::online || lifecycle.phase == Phase::failed ||
                       lifecycle.phase == Phase::stopped || lifecycle.at_manual_gate;
    return rests ? "isolated, and the phase rests at " + phase : Complaint{};
}

/// What ends there is held, but a oneshot that has done its work; what could not be launched for want of memory waits.
Complaint what_ends_in_a_scene_is_held(const Observation& seen) {
    if (!is_scene(seen.ledger, seen.spec)) {
        return {};
    }
    for (const Change& change : seen.transition.changes) {
        if (!change.service) {
            continue;
        }
        const ServiceIndex index = *change.service;
        const bool done = change.to == "completed" && !seen.spec.services[index].oneshot;
        const bool again = change.to == "backoff" && !seen.ledger.services[index].no_resources;
        if (change.to == "failed" || done || again) {
            return name_of(seen, index) + " becomes " + change.to + " in a scene";
        }
    }
    return {};
}

/// Out of traffic, and neither the kubelet's startup probe nor its liveness probe may end what somebody looks at.
Complaint a_scene_is_not_ready(const Observation& seen) {
    if (!is_kept_scene(seen) || !seen.ledger.begun) {
        return {};
    }
    if (is_ready(seen.spec, seen.transition.next)) {
        return "ready in a scene";
    }
    return is_started_up(seen.spec, seen.transition.next) ? Complaint{} : Complaint{"probe startup says no in a scene"};
}

/// Isolated as the last of isolate, rejoin and the key said: no rejoin while the key is there.
Complaint isolation_is_as_asked(const Observation& seen) {
    const Lifecycle& lifecycle = next_lifecycle(seen);
    if (lifecycle.isolated != seen.ledger.isolated) {
        return std::string{lifecycle.isolated ? "isolated" : "not isolated"} + ", which nobody asked for";
    }
    const bool leaves = seen.ledger.key_there && !seen.ledger.isolated && lifecycle.goal < Goal::main_stopped;
    return leaves ? Complaint{"not isolated, and the key is there"} : Complaint{};
}

/// Who rejoined does not stay at a place of rest.
Complaint a_rejoin_comes_back(const Observation& seen) {
    const Lifecycle& lifecycle = next_lifecycle(seen);
    const bool rests = lifecycle.phase == Phase::offline || lifecycle.phase == Phase::failed;
    return seen.ledger.comes_back && rests && lifecycle.goal == Goal::offline
               ? Complaint{"rejoined, and it rests at " + std::string{to_string(lifecycle.phase)}}
               : Complaint{};
}

/// Whether the refusal of isolate or rejoin has its reason, and a failure is one.
Complaint verdicts_on_isolation_are_true(const Observation& seen, const Action& action) {
    const auto* answer = std::get_if<Answer>(&action);
    const auto asked = answer == nullptr ? seen.ledger.open.end() : seen.ledger.open.find(answer->request);
    if (asked == seen.ledger.open.end()) {
        return {};
    }
    const Verb verb = asked->second.verb;
    const Lifecycle& lifecycle = next_lifecycle(seen);
    const bool down = seen.before.lifecycle.goal >= Goal::main_stopped;
    const bool back = !seen.before.lifecycle.isolated && !seen.before.lifecycle.rejoins;
    switch (answer->verdict) {
    case Verdict::refused: {
        const bool true_isolate = verb != Verb::isolate || down;
        const bool true_rejoin = verb != Verb::rejoin || down || seen.ledger.key_there || back;
        return true_isolate && true_rejoin ? Complaint{} : std::string{to_string(verb)} + " is refused for no reason";
    }
    case Verdict::failed: {
        const bool true_isolate = verb != Verb::isolate || !seen.ledger.isolated || lifecycle.offline_failed ||
                                  lifecycle.goal >= Goal::main_stopped;
        const bool true_rejoin = verb != Verb::rejoin || lifecycle.phase != Phase::online;
        return true_isolate && true_rejoin ? Complaint{} : std::string{to_string(verb)} + " is told that it failed";
    }
    case Verdict::done:
    case Verdict::timed_out: break;
    }
    return {};
}

/// Who waits for online is told when it is.
Complaint nobody_waits_for_what_is(const Observation& seen) {
    const Lifecycle& lifecycle = next_lifecycle(seen);
    const bool is_online = lifecycle.phase == Phase::online && lifecycle.goal == Goal::online;
    for (const auto& [id, request] : seen.ledger.open) {
        const bool waits =
            request.verb == Verb::online || request.verb == Verb::rejoin || request.verb == Verb::poststart;
        if (is_online && waits) {
            return std::string{to_string(request.verb)} + " waits, and the pod is online";
        }
    }
    return {};
}

// ---- a start after a crash -------------------------------------------------------------------------------------

/// Contract 3.1: what the run before owes comes before any service, once, and nothing else in its place.
Complaint stale_offline_comes_first(const Observation& seen, const Action& action) {
    const Ledger& ledger = seen.ledger;
    if (ledger.stale_due && service_order<Launch>(action) != nullptr) {
        return name_of(seen, service_of(action)) + " starts, and the run before owes its offline";
    }
    const auto* step = std::get_if<RunStep>(&action);
    if (step == nullptr) {
        return {};
    }
    const bool stale = step->reason == StepReason::stale;
    if (stale != ledger.stale_due) {
        return std::string{to_string(step->kind)} +
               (stale ? " runs as stale, and nothing is owed" : " runs, and the run before owes its offline");
    }
    const bool again = stale && step->index == 0 && step->attempt == 1 && ledger.stale_lists > 0;
    return again ? Complaint{"the stale offline runs a second time"} : Complaint{};
}

/// It is called done when its list was run to the end.
Complaint stale_offline_is_run(const Observation& seen) {
    for (const Change& change : seen.transition.changes) {
        const bool over = change.from == of_run_before && change.to != "offline runs";
        if (over && seen.ledger.stale_lists == 0 && !seen.spec.lifecycle.offline.empty()) {
            return "the stale offline is " + change.to + ", and it never ran";
        }
    }
    return {};
}

// ---- all of them -----------------------------------------------------------------------------------------------

struct ActionRule {
    const char* name;
    Complaint (*look)(const Observation&, const Action&);
};
struct StateRule {
    const char* name;
    Complaint (*look)(const Observation&);
};

#define RULE(name) {#name, name}

constexpr std::array action_rules{
    ActionRule RULE(orders_are_of_the_present),
    ActionRule RULE(orders_find_their_process),
    ActionRule RULE(no_start_before_its_dependencies),
    ActionRule RULE(a_stop_starts_nothing_new),
    ActionRule RULE(one_step_at_a_time),
    ActionRule RULE(steps_keep_their_order),
    ActionRule RULE(offline_runs_once_per_online),
    ActionRule RULE(offline_comes_before_mains_stop),
    ActionRule RULE(dependents_stop_first),
    ActionRule RULE(kill_waits_for_the_deadline),
    ActionRule RULE(only_the_running_step_is_ended),
    ActionRule RULE(nothing_outlives_the_container),
    ActionRule RULE(the_exit_code_is_the_contracts),
    ActionRule RULE(restarts_follow_the_policy),
    ActionRule RULE(prestop_alone_does_not_end_it),
    ActionRule RULE(main_is_stopped_on_the_way_down),
    ActionRule RULE(answers_are_true_and_single),
    ActionRule RULE(a_reload_stops_only_what_changed),
    ActionRule RULE(no_step_disturbs_a_scene),
    ActionRule RULE(nothing_restarts_in_a_scene),
    ActionRule RULE(nobody_is_stopped_in_a_scene),
    ActionRule RULE(verdicts_on_isolation_are_true),
    ActionRule RULE(stale_offline_comes_first),
};

constexpr std::array state_rules{
    StateRule RULE(isolation_is_as_asked),
    StateRule RULE(nothing_that_is_gone_runs),
    StateRule RULE(facts_are_taken),
    StateRule RULE(states_have_their_process),
    StateRule RULE(ready_means_online),
    StateRule RULE(online_and_good_means_ready),
    StateRule RULE(phases_follow_the_picture),
    StateRule RULE(every_wait_has_an_end),
    StateRule RULE(the_budget_counts_from_its_trigger),
    StateRule RULE(a_stop_ends_inside_the_budget),
    StateRule RULE(nobody_is_forgotten),
    StateRule RULE(late_facts_change_nothing),
    StateRule RULE(nothing_ends_the_container_unasked),
    StateRule RULE(a_bad_probe_has_consequences),
    StateRule RULE(the_gate_has_its_time),
    StateRule RULE(a_drain_keeps_its_times),
    StateRule RULE(main_gets_its_signals),
    StateRule RULE(a_resize_is_told_to_who_runs),
    StateRule RULE(a_reload_leaves_main_alone),
    StateRule RULE(places_are_kept),
    StateRule RULE(who_tells_is_ready_by_its_word),
    StateRule RULE(silence_has_consequences),
    StateRule RULE(an_extension_keeps_to_the_budget),
    StateRule RULE(only_a_stop_ends_a_scene),
    StateRule RULE(a_scene_rests_offline),
    StateRule RULE(what_ends_in_a_scene_is_held),
    StateRule RULE(a_scene_is_not_ready),
    StateRule RULE(a_rejoin_comes_back),
    StateRule RULE(nobody_waits_for_what_is),
    StateRule RULE(stale_offline_is_run),
};

#undef RULE

} // namespace

std::optional<Violation> check_action(const Observation& seen, const Action& action) {
    for (const ActionRule& rule : action_rules) {
        if (const Complaint complaint = rule.look(seen, action)) {
            return Violation{rule.name, *complaint};
        }
    }
    return std::nullopt;
}

std::optional<Violation> check_state(const Observation& seen) {
    if (seen.transition.next.adopting) {
        return std::nullopt; // half of a step: SpecAdopted follows before anything else happens
    }
    for (const StateRule& rule : state_rules) {
        if (const Complaint complaint = rule.look(seen)) {
            return Violation{rule.name, *complaint};
        }
    }
    return std::nullopt;
}

std::vector<std::string> invariant_names() {
    std::vector<std::string> names;
    for (const ActionRule& rule : action_rules) {
        names.emplace_back(rule.name);
    }
    for (const StateRule& rule : state_rules) {
        names.emplace_back(rule.name);
    }
    names.insert(names.end(), {"same_input_same_output", "a_settled_pod_stays", "a_deadline_is_dealt_with",
                               "the_story_ends", "a_crash_is_remembered"});
    return names;
}

} // namespace davit::simulation
