// SPDX-License-Identifier: Apache-2.0
// The body of lifecycle_machine.h: a working set (`Turn`) with one function an event, one function a phase
// for `advance`, and the lists of steps, which all four kinds share.
#include "model/lifecycle_machine.h"

#include "model/overloaded.h"
#include "model/words.h"

#include <algorithm>
#include <array>

namespace davit::model {
namespace {

/// From TERM to KILL of a step that is ended early or out of time.
constexpr Duration step_kill_after = 2s;
/// With the kubelet's grace used up, KILL follows 2 s after its SIGTERM: be gone before.
constexpr Duration hurry_length = 1500ms;
/// A second stop signal this long after the first means now; a runtime that repeats itself does not.
constexpr Duration second_signal_after = 1s;
/// What cannot even be killed (a process in the kernel's D state) does not keep the container longer, and half of
/// what a short grace period leaves after the planned end is kept.
Duration unkillable_patience(const ShutdownBudget& budget) {
    return std::min<Duration>(500ms, budget.total / 8);
}

bool is_way_up(Phase phase) {
    switch (phase) {
    case Phase::starting:
    case Phase::preloading:
    case Phase::checking:
    case Phase::going_online:
    case Phase::online: return true;
    case Phase::going_offline:
    case Phase::draining:
    case Phase::offline:
    case Phase::stopping:
    case Phase::stopped:
    case Phase::failed: break;
    }
    return false;
}

bool is_start_step(StepKind kind) {
    return kind == StepKind::preload || kind == StepKind::online;
}

/// The end cannot come before main is down.
bool waits_for_main(const Lifecycle& lifecycle) {
    return lifecycle.goal == Goal::exit && lifecycle.phase != Phase::stopped && lifecycle.haste == Haste::none;
}

/// From then on helpers go beside a main that not even KILL has ended.
TimePoint helpers_turn(const ShutdownBudget& budget) {
    return main_deadline(budget) + (planned_end(budget) - main_deadline(budget)) / 4;
}

class Turn {
public:
    Turn(const PodSpec& spec, Lifecycle& state, LifecycleActions& actions, const ServicesView& services, TimePoint now)
        : spec_(spec), state_(state), actions_(actions), services_(services), now_(now) {}

    void handle(const LifecycleEvent& event) {
        std::visit(Overloaded{
                       [&](const PodStarted& start) { begin(start); },
                       [&](const StepFinished& step) { take_step(step); },
                       [&](const ConnectionsCounted& sample) { take_sample(sample.count); },
                       [&](const StopSignalled& signal) { take_stop_signal(signal); },
                       [&](const PrestopAsked&) { take_prestop(); },
                       [&](const OnlineAsked&) { take_online(); },
                       [&](const OfflineAsked&) { take_offline(); },
                       [&](const IsolateAsked& isolate) { take_isolate(isolate.reason); },
                       [&](const RejoinAsked&) { take_rejoin(); },
                       [&](const IsolationKeyRead& key) { take_key(key.is_there); },
                       [&](const MainStopAsked& stop) { take_main_stop(stop.goal); },
                       [&](const MainStartAsked&) { take_main_start(); },
                       [&](const MainEnded&) { take_main_end(); },
                       [&](const ViewChanged&) { advance(); },
                       [&](const DeadlineReached&) { take_deadlines(); },
                       [&](const LoopStalled& stall) { extend(stall.length); },
                   },
                   event);
    }

private:
    // ---- events ------------------------------------------------------------------------------------

    void begin(const PodStarted& start) {
        state_.since = now_;
        if (start.key_is_there) {
            take_key(true);
        }
        take_up(start.recalled);
        if (spec_.mode == Mode::debug) {
            state_.goal = Goal::offline;
            return enter(Phase::offline, "debug mode");
        }
        if (state_.offline_owed) {
            return begin_stale_offline();
        }
        if (!state_.isolated) {
            arm_gate();
        }
    }

    void take_up(const PodRecord& recalled) {
        state_.remembered = recalled;
        state_.online_attempt = recalled.online_owed;
        state_.offline_owed = recalled.online_owed > 0;
        if (recalled.isolated) {
            take_isolate(recalled.isolated_because);
        }
    }

    void begin_stale_offline() {
        state_.budget = ShutdownBudget{.began = now_, .total = spec_.grace};
        begin_steps(StepKind::offline, StepReason::stale);
    }

    void take_stop_signal(const StopSignalled& signal) {
        const bool sent_again = state_.stop_signalled && (signal.signal == SIGTERM || signal.signal == SIGINT) &&
                                now_ - *state_.stop_signalled >= second_signal_after;
        const bool first_from_outside = !signal.from_inside && !state_.stop_signalled;
        if (!signal.from_inside && sent_again) {
            return hasten(Haste::now, "a second " + signal_name(signal.signal) + " came");
        }
        if (first_from_outside) {
            state_.stop_signalled = now_;
        }
        count_from_kubelet();
        go_down(Goal::exit, StepReason::signal);
        if (first_from_outside && signal.prestop_client_waits) {
            hasten(Haste::hurried,
                   signal_name(signal.signal) + " came while prestop still waits: the grace period is used up");
        }
    }

    void take_prestop() {
        count_from_kubelet();
        go_down(Goal::main_stopped, StepReason::prestop);
    }

    void take_offline() {
        state_.rejoins = false;
        go_down(Goal::offline, StepReason::manual);
    }

    // ---- isolation ---------------------------------------------------------------------------------

    void take_isolate(const std::string& reason) {
        state_.rejoins = false;
        if (state_.isolated || state_.goal >= Goal::main_stopped) {
            return;
        }
        state_.isolated = true;
        state_.isolated_because = reason.empty() ? "by hand" : reason;
        if (spec_.mode == Mode::normal) {
            head_for_the_scene();
        }
    }

    void head_for_the_scene() {
        if (state_.start_failed) {
            state_.preloaded_for = 0; // a failed start begins again at preload, also from here
        }
        switch (state_.goal) {
        case Goal::online: return go_down(Goal::offline, StepReason::isolate);
        case Goal::offline:
            if (state_.phase == Phase::failed) {
                rest_isolated();
            }
            return;
        case Goal::main_restart:
        case Goal::main_held: return keep_main();
        case Goal::main_stopped:
        case Goal::exit: return;
        }
    }

    /// main was to go down. A signal that it has cannot be taken back; without one it stays.
    void keep_main() {
        if (state_.phase == Phase::stopping && state_.main_stop_ordered) {
            return; // when_stopped goes on
        }
        state_.goal = Goal::offline;
        state_.by_hand = false;
        if (state_.phase == Phase::stopping && state_.steps) {
            return drop_steps(now_ + time_to_kill());
        }
        if (state_.phase == Phase::stopped) {
            rest_isolated();
        }
    }

    void rest_isolated() {
        state_.goal = Goal::offline;
        state_.by_hand = false;
        state_.budget.reset();
        enter(Phase::offline, "isolated: " + state_.isolated_because);
    }

    void take_rejoin() {
        if (!state_.isolated || state_.isolation_key) {
            return;
        }
        state_.isolated = false;
        state_.rejoins = spec_.mode == Mode::normal && state_.goal == Goal::offline;
    }

    void take_key(bool is_there) {
        state_.isolation_key = is_there;
        if (is_there) {
            return take_isolate("the key " + spec_.isolate_key + " is in " + spec_.isolate_file.written);
        }
        take_rejoin();
    }

    /// From rest: offline or failed.
    void come_back(const std::string& reason) {
        go_up_by_hand();
        if (!is_preloaded()) {
            return start_again(reason);
        }
        enter(Phase::checking, reason);
    }

    bool is_preloaded() const {
        return services_.main == MainView::running && state_.preloaded_for == services_.main_attempt;
    }

    // ---- main by hand ------------------------------------------------------------------------------

    void take_main_stop(Goal goal) {
        if (scene_rests(spec_, state_)) {
            return; // the pod machine stops it as any service
        }
        go_down(goal, StepReason::manual);
        state_.by_hand = state_.goal == Goal::main_restart;
    }

    void take_online() {
        if (state_.phase == Phase::online || scene_rests(spec_, state_)) {
            return;
        }
        state_.online_asked = true;
        if (is_way_up(state_.phase)) {
            if (state_.at_manual_gate) {
                go_up_by_hand();
            }
            return;
        }
        if (state_.phase == Phase::offline && is_at_rest()) {
            return come_back("online by hand"); // at preload, if the start was broken off before that was done
        }
        if (state_.phase == Phase::failed) {
            go_up_by_hand();
            start_again("online by hand");
        }
    }

    void take_main_start() {
        if (scene_rests(spec_, state_)) {
            actions_.push_back(StartServices{"start by hand"});
        } else if (is_at_rest()) {
            go_up_by_hand();
            start_again("main is started by hand");
        }
    }

    void take_main_end() {
        switch (state_.phase) {
        case Phase::stopping:
        case Phase::stopped: return; // Its end is what the stop is for.
        case Phase::starting:
        case Phase::preloading:
        case Phase::checking:
        case Phase::going_online:
        case Phase::online:
        case Phase::going_offline:
        case Phase::draining:
        case Phase::offline:
        case Phase::failed: break;
        }
        state_.main_lost = true;
        if (scene_rests(spec_, state_)) {
            return;
        }
        const bool was_to_end = state_.goal >= Goal::main_held || (state_.goal == Goal::main_restart && state_.by_hand);
        if (was_to_end) {
            return; // A little early: what was asked for goes on without it, and prestop returns before the end.
        }
        if (services_.main_restarts) {
            return go_down(Goal::main_restart, StepReason::exit);
        }
        end_with(services_.main_end_is_failure ? EndCause::main_failed : EndCause::main_ended, StepReason::exit,
                 {.text = services_.main_end});
    }

    void take_deadlines() {
        if (state_.gate_deadline && *state_.gate_deadline <= now_) {
            const auto& [missing, blame] = services_.gate_missing;
            fail_start({.text = "not ready after " + seconds_text(spec_.lifecycle.ready_timeout) +
                                (missing.empty() ? "" : ": " + missing),
                        .blame = blame});
        }
        take_step_deadlines();
        if (state_.drain && next_sample(*state_.drain) && *next_sample(*state_.drain) <= now_) {
            actions_.push_back(CountConnections{});
            state_.drain = sample_asked(*state_.drain);
        }
        take_drain_deadline();
        take_budget_deadlines();
    }

    void take_budget_deadlines() {
        if (state_.goal == Goal::main_stopped && main_deadline(*state_.budget) <= now_) {
            state_.goal = Goal::exit;
        }
        if (waits_for_main(state_) && helpers_turn(*state_.budget) <= now_) {
            hasten(Haste::hurried, "main does not end, and the grace period is used up");
        }
        if (state_.goal != Goal::exit || now_ < hard_deadline(state_)) {
            return;
        }
        hasten(Haste::now, "the grace period is used up");
        if (now_ >= *state_.haste_began + unkillable_patience(*state_.budget)) {
            exit();
        }
    }

    /// What timed out while the loop stood still was not given its time. Stop budgets go on: the kubelet's clock did.
    void extend(Duration length) {
        if (state_.gate_deadline) {
            *state_.gate_deadline += length;
        }
        if (state_.steps && state_.steps->running && is_start_step(state_.steps->kind) &&
            !state_.steps->running->kill) {
            state_.steps->running->deadline += length;
        }
    }

    // ---- goals -------------------------------------------------------------------------------------

    /// Heads for `goal`, unless the pod heads further down already.
    void go_down(Goal goal, StepReason reason) {
        if (goal <= state_.goal) {
            return;
        }
        if (state_.goal == Goal::online || is_at_rest()) {
            begin_way_down(reason);
        }
        state_.goal = goal;
        state_.by_hand = false;
        state_.rejoins = false;
        if (goal >= Goal::main_stopped && state_.cause == EndCause::none) {
            state_.cause = EndCause::stop_asked;
        }
    }

    void begin_way_down(StepReason reason) {
        state_.step_reason = reason;
        if (!runs_stale_offline(state_)) { // its offline is this way's
            state_.offline_failed = false;
            state_.step_failure.clear();
        }
        state_.stop_failed = false;
        state_.gate_deadline.reset();
        state_.at_manual_gate = false;
        state_.online_asked = false;
        if (!state_.budget) {
            state_.budget = ShutdownBudget{.began = now_, .total = spec_.grace};
        }
    }

    /// Everything goes down without anybody having asked for it.
    void end_with(EndCause cause, StepReason reason, Trouble failure) {
        if (state_.cause == EndCause::none) {
            state_.cause = cause;
            state_.failure = std::move(failure);
        }
        go_down(Goal::exit, reason);
    }

    void fail_start(Trouble failure) {
        state_.gate_deadline.reset();
        if (state_.by_hand || spec_.lifecycle.on_failure == OnFailure::hold) {
            state_.failure = std::move(failure);
            state_.start_failed = true;
            return go_down(Goal::offline, StepReason::failure);
        }
        end_with(EndCause::start_failed, StepReason::failure, std::move(failure));
    }

    void go_up_by_hand() {
        state_.goal = Goal::online;
        state_.by_hand = true;
        state_.budget.reset();
        state_.failure = {};
        state_.start_failed = false;
        state_.main_lost = false;
        state_.at_manual_gate = false;
        state_.rejoins = false;
        arm_gate();
    }

    void start_again(std::string reason) {
        state_.preloaded_for = 0;
        actions_.push_back(StartServices{reason});
        enter(Phase::starting, std::move(reason));
    }

    void count_from_kubelet() {
        if (state_.kubelet_counts) {
            return;
        }
        state_.kubelet_counts = true;
        state_.budget = ShutdownBudget{.began = now_, .total = spec_.grace};
        if (state_.drain) { // the stop does not inherit what an older way down had left
            const DrainSpec& drain = spec_.lifecycle.drain;
            state_.drain->latest = std::min(state_.drain->began + drain.max, drain_limit(*state_.budget, spec_, now_));
            state_.drain->earliest = std::min(state_.drain->began + drain.min, state_.drain->latest);
        }
        if (state_.steps && state_.steps->running && !is_start_step(state_.steps->kind) &&
            !state_.steps->running->kill) {
            state_.steps->running->deadline = std::min(state_.steps->running->deadline,
                                                       step_deadline_from_now(state_.steps->kind, state_.steps->index));
        }
    }

    void hasten(Haste haste, std::string reason) {
        if (haste <= state_.haste) {
            return;
        }
        state_.haste = haste;
        state_.haste_began = now_;
        if (state_.failure.text.empty()) {
            state_.failure.text = std::move(reason);
        }
        state_.drain.reset();
        if (state_.steps && state_.steps->next_try && haste == Haste::hurried &&
            state_.steps->kind == StepKind::offline) {
            state_.steps->next_try = now_;
        }
        const bool goes_on = haste == Haste::hurried && state_.steps && state_.steps->kind == StepKind::offline;
        if (state_.steps && !goes_on) {
            drop_steps(now_);
        } else if (state_.steps && state_.steps->running) {
            state_.steps->running->deadline = std::min(state_.steps->running->deadline, hard_deadline(state_));
        }
        order_main_stop();
    }

    /// The pod stays where it is until somebody asks for something.
    bool is_at_rest() const {
        if (state_.steps || state_.drain) {
            return false;
        }
        switch (state_.phase) {
        case Phase::offline: return state_.goal == Goal::offline;
        case Phase::failed: return true;
        case Phase::stopped: return state_.goal == Goal::main_held;
        case Phase::online:
        case Phase::starting:
        case Phase::preloading:
        case Phase::checking:
        case Phase::going_online:
        case Phase::going_offline:
        case Phase::draining:
        case Phase::stopping: break;
        }
        return false;
    }

    void arm_gate() { state_.gate_deadline = now_ + spec_.lifecycle.ready_timeout; }

    void enter(Phase phase, std::string reason) {
        state_.phase = phase;
        state_.since = now_;
        state_.reason = std::move(reason);
    }

    // ---- advance: one function a phase ---------------------------------------------------------------

    void advance() {
        if (runs_stale_offline(state_)) {
            return when_stale();
        }
        notice_failures();
        if (is_way_up(state_.phase) && state_.goal != Goal::online) {
            return leave_way_up();
        }
        switch (state_.phase) {
        case Phase::starting: return when_starting();
        case Phase::preloading: return when_preloading();
        case Phase::checking: return when_checking();
        case Phase::going_online: return when_going_online();
        case Phase::online: return;
        case Phase::going_offline: return when_going_offline();
        case Phase::draining: return when_draining();
        case Phase::offline: return when_offline();
        case Phase::stopping: return when_stopping();
        case Phase::stopped: return when_stopped();
        case Phase::failed: return when_failed();
        }
    }

    /// Failures of services that concern the whole pod.
    void notice_failures() {
        if (scene_rests(spec_, state_) || state_.rejoins) {
            return; // a rejoin finds them on its way up, where a failure holds
        }
        const bool coming_up = state_.goal == Goal::online && is_way_up(state_.phase) && state_.phase != Phase::online;
        if (coming_up && !services_.failed_required.text.empty()) {
            return fail_start(services_.failed_required);
        }
        if (state_.goal >= Goal::main_stopped || state_.start_failed || state_.phase == Phase::failed) {
            return; // what is held after a failed start stays as it is
        }
        if (!services_.failed_critical.text.empty() && coming_up && state_.by_hand) {
            return fail_start(services_.failed_critical);
        }
        if (!services_.failed_critical.text.empty()) {
            return end_with(EndCause::critical_failed, StepReason::failure, services_.failed_critical);
        }
        if (services_.main_unhealthy && state_.goal < Goal::main_restart) {
            if (services_.main_restarts) {
                return go_down(Goal::main_restart, StepReason::failure);
            }
            if (coming_up && state_.by_hand) {
                return fail_start({.text = services_.main_end});
            }
            end_with(EndCause::main_failed, StepReason::failure, {.text = services_.main_end});
        }
    }

    /// Its failure is told, and the start goes on. The time for the gate begins here.
    void when_stale() {
        if (state_.steps) {
            return;
        }
        settle_offline();
        if (state_.offline_owed) {
            return after_offline(); // cut off: nothing starts any more
        }
        if (state_.goal == Goal::online) {
            state_.budget.reset();
            state_.offline_failed = false;
            arm_gate();
        } else if (!state_.kubelet_counts) {
            state_.budget = ShutdownBudget{.began = now_, .total = spec_.grace};
        }
    }

    /// The list of offline is over, well or not. One that was cut off by `now` may be taken up by the next run.
    void settle_offline() {
        if (state_.haste != Haste::now) {
            state_.offline_owed = false;
        }
    }

    void when_starting() {
        if (services_.main == MainView::running) {
            enter(Phase::preloading, "main runs");
            begin_steps(StepKind::preload, StepReason::start);
        }
    }

    void when_preloading() {
        if (!state_.steps) {
            state_.preloaded_for = services_.main_attempt;
            enter(Phase::checking, spec_.lifecycle.preload.empty() ? "no preload steps" : "preload is done");
        }
    }

    void when_checking() {
        if (!services_.gate_good) {
            return;
        }
        state_.gate_deadline.reset();
        if (spec_.lifecycle.go_online == GoOnline::manual && !state_.online_asked) {
            state_.at_manual_gate = true;
            return;
        }
        state_.at_manual_gate = false;
        ++state_.online_attempt;
        state_.offline_owed = true;
        enter(Phase::going_online, "the ready gate is good");
        begin_steps(StepKind::online, state_.by_hand ? StepReason::manual : StepReason::start);
    }

    void when_going_online() {
        if (state_.steps) {
            return;
        }
        state_.online_ever = true;
        state_.by_hand = false;
        state_.online_asked = false;
        state_.failure = {};
        enter(Phase::online, spec_.lifecycle.online.empty() ? "no online steps" : "online is done");
    }

    void leave_way_up() {
        if (state_.steps) {
            return drop_steps(now_ + time_to_kill());
        }
        const bool is_due = state_.offline_owed;
        if (is_due && state_.haste != Haste::now) {
            enter(Phase::going_offline, way_down_reason());
            return begin_steps(StepKind::offline, state_.step_reason);
        }
        if (is_due) {
            state_.offline_failed = true;
            state_.step_failure = "offline did not run: " + way_down_reason();
        }
        after_offline();
    }

    void when_going_offline() {
        if (state_.steps) {
            return;
        }
        settle_offline();
        const DrainSpec& drain = spec_.lifecycle.drain;
        const bool drains = !state_.main_lost && state_.haste == Haste::none && drain.max > Duration::zero();
        if (!drains) {
            return after_offline();
        }
        enter(Phase::draining, state_.offline_failed ? "offline failed" : "offline is done");
        state_.drain = begin_drain(drain, now_, drain_limit(*state_.budget, spec_, now_));
    }

    void when_draining() {
        if (state_.main_lost) {
            state_.drain.reset();
        }
        if (!state_.drain) {
            after_offline();
        }
    }

    void after_offline() {
        if (state_.goal != Goal::offline) {
            return begin_stopping();
        }
        state_.budget.reset();
        if (state_.isolated) {
            return rest_isolated();
        }
        if (state_.start_failed) {
            return enter(Phase::failed, state_.failure.text);
        }
        enter(Phase::offline, state_.offline_failed ? "offline, but a step failed" : "offline");
    }

    void when_offline() {
        if (services_.main == MainView::running) {
            state_.main_lost = false; // somebody started it again in the scene
        }
        leave_rest();
    }

    void when_failed() { leave_rest(); }

    void leave_rest() {
        if (state_.goal > Goal::offline) {
            return begin_stopping();
        }
        if (state_.rejoins) {
            come_back("rejoin");
        }
    }

    void begin_stopping() {
        enter(Phase::stopping, way_down_reason());
        state_.main_stop_ordered = false;
        const bool main_up = services_.main == MainView::starting || services_.main == MainView::running;
        if (main_up && !state_.main_lost && state_.haste == Haste::none) {
            begin_steps(StepKind::stop, state_.step_reason);
        }
    }

    void when_stopping() {
        if (state_.steps) {
            return;
        }
        if (state_.goal == Goal::offline) {
            return rest_isolated(); // it was to be stopped by hand, and is kept (see keep_main)
        }
        if (!state_.main_stop_ordered) {
            return order_main_stop();
        }
        if (services_.main == MainView::down || services_.main == MainView::restarting) {
            enter(Phase::stopped,
                  services_.main_end.empty() ? "main did not run" : "main is down: " + services_.main_end);
        }
    }

    void order_main_stop() {
        state_.main_stop_ordered = true;
        if (state_.goal == Goal::main_restart && !state_.by_hand) {
            // Its own restart policy goes on where it ended by itself; else its end is judged by it.
            if (!state_.main_lost && services_.main != MainView::restarting) {
                actions_.push_back(StopMain{main_stop_at(), AfterStop::policy, way_down_reason()});
            }
            return;
        }
        const AfterStop after = state_.goal == Goal::main_held ? AfterStop::hold : AfterStop::rest;
        actions_.push_back(StopMain{main_stop_at(), after, way_down_reason()});
    }

    void when_stopped() {
        if (services_.main == MainView::restarting && state_.goal != Goal::main_restart) {
            // A stop overtook a restart: main rests now.
            const AfterStop after = state_.goal == Goal::main_held ? AfterStop::hold : AfterStop::rest;
            actions_.push_back(StopMain{now_, after, way_down_reason()});
            return;
        }
        const bool was_by_hand = state_.goal == Goal::main_restart || state_.goal == Goal::main_held;
        if (state_.isolated && was_by_hand) {
            return rest_isolated();
        }
        switch (state_.goal) {
        case Goal::main_restart: return restart_main();
        case Goal::main_held:
            if (!state_.kubelet_counts) {
                state_.budget.reset();
            }
            return;
        case Goal::exit:
            if (services_.all_down && !state_.steps) {
                exit();
            }
            return;
        case Goal::online:
        case Goal::offline:
        case Goal::main_stopped: return;
        }
    }

    void restart_main() {
        if (!state_.by_hand && services_.main != MainView::restarting) {
            state_.goal = Goal::exit;
            state_.cause = services_.main_end_is_failure ? EndCause::main_failed : EndCause::main_ended;
            state_.failure = {.text = services_.main_end};
            return;
        }
        if (state_.by_hand && services_.restart_pending) {
            return; // helpers that restart with it go down first
        }
        state_.goal = Goal::online;
        state_.main_lost = false;
        state_.budget.reset();
        arm_gate();
        if (state_.by_hand) {
            return start_again("restart by hand");
        }
        state_.preloaded_for = 0;
        enter(Phase::starting, "main is restarted: " + services_.main_end);
    }

    void exit() {
        if (!state_.ended) {
            state_.ended = true;
            actions_.push_back(Exit{state_.cause});
        }
    }

    // ---- lists of steps ------------------------------------------------------------------------------

    void begin_steps(StepKind kind, StepReason reason) {
        if (spec_.lifecycle.steps(kind).empty() || spec_.mode == Mode::debug) {
            return;
        }
        state_.steps = StepList{.kind = kind, .reason = reason};
        run_step();
    }

    void run_step() {
        StepList& list = *state_.steps;
        list.next_try.reset();
        const TimePoint deadline = step_deadline_from_now(list.kind, list.index);
        if (deadline <= now_) {
            return finish_step(StepOutcome::timed_out, "no time is left");
        }
        list.running = StepRun{.run = ++state_.runs,
                               .kind = list.kind,
                               .index = list.index,
                               .attempt = list.attempt,
                               .began = now_,
                               .deadline = deadline};
        actions_.push_back(RunStep{.run = list.running->run,
                                   .kind = list.kind,
                                   .index = list.index,
                                   .attempt = list.attempt,
                                   .reason = list.reason,
                                   .remaining = deadline - now_});
    }

    TimePoint step_deadline_from_now(StepKind kind, std::size_t index) const {
        const std::optional<Duration> written = spec_.lifecycle.steps(kind)[index].timeout;
        if (is_start_step(kind)) {
            return now_ + written.value_or(default_start_step_timeout);
        }
        const TimePoint limit = state_.haste == Haste::none ? step_limit(kind) : hard_deadline(state_);
        return written ? std::min(now_ + *written, limit) : limit;
    }

    /// Whether a try that begins at `moment` makes sense.
    bool is_time_left(StepKind kind, TimePoint moment) const {
        if (is_start_step(kind)) {
            return true;
        }
        return moment < (state_.haste == Haste::none ? step_limit(kind) : hard_deadline(state_));
    }

    TimePoint step_limit(StepKind kind) const { return step_deadline(*state_.budget, spec_, kind, now_); }

    void take_step(const StepFinished& step) {
        if (!state_.steps || !state_.steps->running || state_.steps->running->run != step.run) {
            return;
        }
        const StepRun run = *state_.steps->running;
        state_.steps->running.reset();
        finish_step(run.kill ? run.ended_as : step.outcome, step.message);
    }

    void finish_step(StepOutcome outcome, const std::string& message) {
        StepList& list = *state_.steps;
        if (outcome == StepOutcome::cancelled) {
            state_.steps.reset();
            return;
        }
        if (outcome == StepOutcome::succeeded) {
            return next_step();
        }
        const StepSpec& spec = spec_.lifecycle.steps(list.kind)[list.index];
        if (list.attempt < spec.attempts && is_time_left(list.kind, now_ + spec.period)) {
            ++list.attempt;
            list.next_try = now_ + spec.period;
            return;
        }
        fail_step(outcome, message);
    }

    void fail_step(StepOutcome outcome, const std::string& message) {
        StepList& list = *state_.steps;
        const std::string failure = step_name(list) + (outcome == StepOutcome::timed_out ? " timed out" : " failed") +
                                    (message.empty() ? "" : ": " + message);
        if (is_start_step(list.kind)) {
            const StepKind kind = list.kind;
            state_.steps.reset();
            return fail_start({.text = failure, .blame = kind});
        }
        (list.kind == StepKind::offline ? state_.offline_failed : state_.stop_failed) = true;
        state_.step_failure = failure;
        next_step();
    }

    void next_step() {
        StepList& list = *state_.steps;
        list.attempt = 1;
        if (++list.index >= spec_.lifecycle.steps(list.kind).size()) {
            state_.steps.reset();
            return;
        }
        run_step();
    }

    std::string step_name(const StepList& list) const {
        const bool several = spec_.lifecycle.steps(list.kind).size() > 1;
        return std::string{to_string(list.kind)} + (several ? " step " + std::to_string(list.index + 1) : "");
    }

    /// Ends the list: a try that runs gets TERM, and KILL at `kill`.
    void drop_steps(TimePoint kill) {
        if (!state_.steps->running) {
            state_.steps.reset();
            return;
        }
        end_step(StepOutcome::cancelled, kill);
    }

    void end_step(StepOutcome as, TimePoint kill) {
        StepRun& run = *state_.steps->running;
        const bool first = !run.kill;
        if (first || as == StepOutcome::cancelled) {
            run.ended_as = as;
        }
        run.kill = first ? kill : std::min(*run.kill, kill);
        if (*run.kill <= now_) {
            return kill_step(run);
        }
        if (first) {
            actions_.push_back(EndStep{run.run, SIGTERM});
        }
    }

    void kill_step(StepRun& run) {
        if (!run.killed) {
            run.killed = true;
            actions_.push_back(EndStep{run.run, SIGKILL});
        }
    }

    void take_step_deadlines() {
        if (!state_.steps) {
            return;
        }
        StepList& list = *state_.steps;
        if (list.next_try && *list.next_try <= now_) {
            return run_step();
        }
        if (!list.running) {
            return;
        }
        StepRun& run = *list.running;
        if (run.kill) {
            if (*run.kill <= now_) {
                kill_step(run);
            }
            return;
        }
        if (run.deadline <= now_) {
            end_step(StepOutcome::timed_out, kill_moment(run));
        }
    }

    TimePoint kill_moment(const StepRun& run) const {
        return now_ + (is_start_step(run.kind) ? step_kill_after : time_to_kill());
    }

    /// KILL 2 s after TERM, earlier where that would take more than half of what is left for main's own end.
    Duration time_to_kill() const {
        const TimePoint limit = state_.haste == Haste::none ? main_deadline(*state_.budget) : hard_deadline(state_);
        return std::min(step_kill_after, std::max(limit - now_, Duration::zero()) / 2);
    }

    // ---- drain ---------------------------------------------------------------------------------------

    void take_sample(unsigned count) {
        if (state_.drain) {
            state_.drain = on_sample(*state_.drain, count, now_);
            take_drain_deadline();
        }
    }

    void take_drain_deadline() {
        if (state_.drain && is_over(*state_.drain, now_)) {
            state_.drain_result = drain_result(*state_.drain, now_);
            state_.drain.reset();
        }
    }

    // ---- words and times -----------------------------------------------------------------------------

    TimePoint main_stop_at() const {
        if (state_.haste != Haste::none) {
            return hard_deadline(state_);
        }
        const auto main = spec_.main();
        return main_stop_deadline(*state_.budget, main ? spec_.services[*main].grace : std::nullopt, now_);
    }

    std::string way_down_reason() const {
        if (!state_.failure.text.empty()) {
            return state_.failure.text;
        }
        switch (state_.goal) {
        case Goal::online:
        case Goal::offline: return state_.isolated ? "isolated: " + state_.isolated_because : "offline by hand";
        case Goal::main_held: return "main is stopped by hand";
        case Goal::main_restart:
            return state_.by_hand ? "main is restarted by hand" : "main is restarted: " + services_.main_end;
        case Goal::main_stopped: return "prestop";
        case Goal::exit: break;
        }
        return "a stop signal came";
    }

    const PodSpec& spec_;
    Lifecycle& state_;
    LifecycleActions& actions_;
    const ServicesView& services_;
    TimePoint now_;
};

/// The isolate file speaks for its key itself.
PodRecord record_of(const Lifecycle& lifecycle) {
    const bool by_hand = lifecycle.isolated && !lifecycle.isolation_key;
    return {.online_owed = lifecycle.offline_owed ? lifecycle.online_attempt : 0,
            .isolated = by_hand,
            .isolated_because = by_hand ? lifecycle.isolated_because : std::string{}};
}

/// First of all orders: whatever comes after a crash then knows of them.
void remember(LifecycleTransition& transition) {
    PodRecord record = record_of(transition.next);
    if (record != transition.next.remembered) {
        transition.next.remembered = record;
        transition.actions.insert(transition.actions.begin(), Remember{std::move(record)});
    }
}

} // namespace

LifecycleTransition on_event(const PodSpec& spec, Lifecycle lifecycle, const LifecycleEvent& event,
                             const ServicesView& services, TimePoint now) {
    LifecycleTransition transition{.next = std::move(lifecycle), .actions = {}};
    if (!transition.next.ended) {
        Turn{spec, transition.next, transition.actions, services, now}.handle(event);
    }
    if (!spec.state_dir.value.empty()) {
        remember(transition);
    }
    return transition;
}

TimePoint hard_deadline(const Lifecycle& lifecycle) {
    const TimePoint end = planned_end(*lifecycle.budget);
    switch (lifecycle.haste) {
    case Haste::none: return end;
    case Haste::hurried: return std::min(end, *lifecycle.haste_began + hurry_length);
    case Haste::now: break;
    }
    return std::min(end, *lifecycle.haste_began);
}

namespace {

std::optional<TimePoint> steps_deadline(const StepList& list) {
    if (list.next_try) {
        return list.next_try;
    }
    if (!list.running || list.running->killed) {
        return std::nullopt;
    }
    return list.running->kill ? list.running->kill : std::optional{list.running->deadline};
}

std::optional<TimePoint> budget_deadline(const Lifecycle& lifecycle) {
    if (lifecycle.goal == Goal::main_stopped) {
        return main_deadline(*lifecycle.budget);
    }
    if (lifecycle.goal != Goal::exit) {
        return std::nullopt;
    }
    if (waits_for_main(lifecycle)) {
        return helpers_turn(*lifecycle.budget);
    }
    return lifecycle.haste == Haste::now ? *lifecycle.haste_began + unkillable_patience(*lifecycle.budget)
                                         : hard_deadline(lifecycle);
}

} // namespace

std::optional<TimePoint> next_deadline(const Lifecycle& lifecycle) {
    if (lifecycle.ended) {
        return std::nullopt;
    }
    std::optional<TimePoint> earliest = lifecycle.gate_deadline;
    const auto consider = [&](std::optional<TimePoint> moment) {
        if (moment && (!earliest || *moment < *earliest)) {
            earliest = moment;
        }
    };
    if (lifecycle.steps) {
        consider(steps_deadline(*lifecycle.steps));
    }
    if (lifecycle.drain) {
        consider(next_deadline(*lifecycle.drain));
    }
    consider(budget_deadline(lifecycle));
    return earliest;
}

/// Nothing else leads to the phase starting before what was owed is settled.
bool runs_stale_offline(const Lifecycle& lifecycle) {
    return lifecycle.phase == Phase::starting && lifecycle.offline_owed;
}

bool scene_rests(const PodSpec& spec, const Lifecycle& lifecycle) {
    return lifecycle.isolated || spec.mode == Mode::debug;
}

bool may_start_first_time(const Lifecycle& lifecycle) {
    return lifecycle.goal < Goal::main_stopped && !runs_stale_offline(lifecycle);
}

bool may_restart(const Lifecycle& lifecycle) {
    return !helpers_must_stop(lifecycle);
}

bool may_launch_main(const Lifecycle& lifecycle) {
    const bool starts =
        lifecycle.phase == Phase::starting && lifecycle.goal == Goal::online && !runs_stale_offline(lifecycle);
    const bool offline_by_hand = lifecycle.phase == Phase::offline && lifecycle.goal == Goal::offline;
    return starts || offline_by_hand;
}

bool helpers_must_stop(const Lifecycle& lifecycle) {
    return lifecycle.haste != Haste::none || (lifecycle.goal == Goal::exit && lifecycle.phase == Phase::stopped);
}

std::string_view to_string(Phase phase) {
    switch (phase) {
    case Phase::starting: return "starting";
    case Phase::preloading: return "preloading";
    case Phase::checking: return "checking";
    case Phase::going_online: return "going-online";
    case Phase::online: return "online";
    case Phase::going_offline: return "going-offline";
    case Phase::draining: return "draining";
    case Phase::offline: return "offline";
    case Phase::stopping: return "stopping";
    case Phase::stopped: return "stopped";
    case Phase::failed: break;
    }
    return "failed";
}

std::optional<Phase> phase_from_name(std::string_view name) {
    for (auto phase = Phase::starting; phase <= Phase::failed;
         phase = static_cast<Phase>(static_cast<int>(phase) + 1)) {
        if (to_string(phase) == name) {
            return phase;
        }
    }
    return std::nullopt;
}

std::string_view to_string(Goal goal) {
    switch (goal) {
    case Goal::online: return "online";
    case Goal::offline: return "offline";
    case Goal::main_restart: return "main restart";
    case Goal::main_held: return "main held";
    case Goal::main_stopped: return "main stopped";
    case Goal::exit: break;
    }
    return "exit";
}

std::string_view to_string(StepReason reason) {
    switch (reason) {
    case StepReason::start: return "start";
    case StepReason::prestop: return "prestop";
    case StepReason::signal: return "signal";
    case StepReason::exit: return "exit";
    case StepReason::failure: return "failure";
    case StepReason::isolate: return "isolate";
    case StepReason::stale: return "stale";
    case StepReason::manual: break;
    }
    return "manual";
}

std::string_view to_string(StepKind kind) {
    switch (kind) {
    case StepKind::preload: return "preload";
    case StepKind::online: return "online";
    case StepKind::offline: return "offline";
    case StepKind::stop: break;
    }
    return "stop";
}

std::string_view to_string(StepOutcome outcome) {
    switch (outcome) {
    case StepOutcome::succeeded: return "ok";
    case StepOutcome::failed: return "failed";
    case StepOutcome::timed_out: return "timeout";
    case StepOutcome::cancelled: break;
    }
    return "cancelled";
}

std::string to_string(const LifecycleEvent& event) {
    return std::visit(
        Overloaded{
            [](const PodStarted&) { return std::string{"PodStarted"}; },
            [](const StepFinished& step) {
                return "StepFinished{run " + std::to_string(step.run) + ", " + std::string{to_string(step.outcome)} +
                       "}";
            },
            [](const ConnectionsCounted& sample) { return "ConnectionsCounted{" + std::to_string(sample.count) + "}"; },
            [](const StopSignalled& stop) {
                return "StopSignalled{" + signal_name(stop.signal) + (stop.from_inside ? ", from inside}" : "}");
            },
            [](const PrestopAsked&) { return std::string{"PrestopAsked"}; },
            [](const OnlineAsked&) { return std::string{"OnlineAsked"}; },
            [](const OfflineAsked&) { return std::string{"OfflineAsked"}; },
            [](const IsolateAsked& isolate) { return "IsolateAsked{" + isolate.reason + "}"; },
            [](const RejoinAsked&) { return std::string{"RejoinAsked"}; },
            [](const IsolationKeyRead& key) {
                return std::string{key.is_there ? "IsolationKeyRead{there}" : "IsolationKeyRead{gone}"};
            },
            [](const MainStopAsked& stop) { return "MainStopAsked{" + std::string{to_string(stop.goal)} + "}"; },
            [](const MainStartAsked&) { return std::string{"MainStartAsked"}; },
            [](const MainEnded&) { return std::string{"MainEnded"}; },
            [](const ViewChanged&) { return std::string{"ViewChanged"}; },
            [](const DeadlineReached&) { return std::string{"DeadlineReached"}; },
            [](const LoopStalled& stall) { return "LoopStalled{" + seconds_text(stall.length) + "}"; },
        },
        event);
}

std::string to_string(const LifecycleAction& action) {
    return std::visit(Overloaded{
                          [](const RunStep& step) {
                              return "RunStep{run " + std::to_string(step.run) + ", " +
                                     std::string{to_string(step.kind)} + " " + std::to_string(step.index + 1) +
                                     ", attempt " + std::to_string(step.attempt) + ", " +
                                     std::string{to_string(step.reason)} + "}";
                          },
                          [](const EndStep& step) {
                              return "EndStep{run " + std::to_string(step.run) + ", " + signal_name(step.signal) + "}";
                          },
                          [](const CountConnections&) { return std::string{"CountConnections"}; },
                          [](const StopMain& stop) { return "StopMain{" + stop.reason + "}"; },
                          [](const StartServices& start) { return "StartServices{" + start.reason + "}"; },
                          [](const Exit&) { return std::string{"Exit"}; },
                          [](const Remember& remember) {
                              return "Remember{online " + std::to_string(remember.record.online_owed) +
                                     (remember.record.isolated ? ", isolated}" : "}");
                          },
                      },
                      action);
}

} // namespace davit::model
