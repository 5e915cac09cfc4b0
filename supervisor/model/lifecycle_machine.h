// SPDX-License-Identifier: Apache-2.0
// The pod's way online, offline and down as a value and one function. It decides which phase the pod is
// in, which step runs, how long, what a trigger joins or overtakes, and what the container ends with.
// It sees the services only through `ServicesView` and moves them only through actions: the pod machine
// fills in the one and obeys the other.
//
//   starting ─► preloading ─► checking ─► going-online ─► online      the way up: goal online
//      │            │            │             │            │
//      │            │            │             ▼            ▼
//      │            │            │         going-offline ─► draining ─► offline   goal offline rests here
//      ▼            ▼            ▼                                        │       (failed, when it was a failure
//      └────────────┴────────────┴──────────────► stopping ◄──────────────┘        and `onFailure: hold`)
//                                                    ▼
//                        main up again: starting ◄─ stopped ─► helpers stop, the container ends
//
//   phase         | what happens in it                          | what ends it
//   --------------+---------------------------------------------+------------------------------------------------
//   starting      | services start in order                     | main runs (its startup probe is good)
//   preloading    | preload steps                               | the list is done
//   checking      | the ready gate                              | all readiness probes good, and not `manual`
//   going-online  | online steps; offline is due from now on    | the list is done
//   online        | nothing                                     | a lower goal
//   going-offline | offline steps, never a second time          | the list is done
//   draining      | connections are counted                     | Drain says so; main's end
//   offline       | rests, or goes on down                      | a goal above or below
//   stopping      | stop steps, then main is stopped            | main is down
//   stopped       | rests (prestop, stop by hand), or helpers   | SIGTERM, the budget's end, start; all down
//   failed        | rests: a failed start that is held          | online, stop, main's end
//
// What each phase does with each event, and what follows from it at once. `.`: ignored; `=`: it acts or notes
// something and stays; else the next phase. Every list has one step, which runs; main runs from preloading to
// stopping; going-offline to offline rest by hand, stopping and stopped are `davit stop` of main. `isolated` is offline
// with the key in the isolate file; a rejoin by hand is refused there, and elsewhere nothing is isolated.
//
// clang-format off
// table: begin
//               StepDone StepFailed    Counted Signal        Prestop       Online       Offline       Isolate       Rejoin KeyGone      StopMain      StartMain  MainEnded
// starting      .        .             .       stopping      stopping      =            offline       offline       .      .            stopping      .          stopped
// preloading    checking stopping      .       =             =             =            =             =             .      .            =             .          =
// checking      .        .             .       stopping      stopping      =            offline       offline       .      .            stopping      .          stopped
// going-online  online   going-offline .       =             =             =            =             =             .      .            =             .          =
// online        .        .             .       going-offline going-offline .            going-offline going-offline .      .            going-offline .          going-offline
// going-offline draining draining      .       =             =             =            .             =             .      .            =             .          =
// draining      .        .             =       =             =             =            .             =             .      .            =             .          stopped
// offline       .        .             .       stopping      stopping      going-online .             =             .      .            stopping      preloading stopped
// stopping      =        =             .       =             =             =            .             =             .      .            .             .          .
// stopped       .        .             .       =             =             =            .             offline       .      .            .             starting   .
// failed        .        .             .       stopping      stopping      preloading   .             offline       .      .            stopping      preloading stopped
// isolated      .        .             .       stopping      stopping      .            .             .             .      going-online .             =          =
// table: end
// clang-format on
//
// Debug mode and isolation are a scene that rests: the phase is (or goes to) offline and stays there whatever main
// does, probes kill nothing, nothing restarts, what ends is held. Only a stop of the pod or a rejoin leads out of it.
//
// A start that finds that the run before was online when it ended (stateDir, pod_record.h) owes its offline: those
// steps run first, in phase starting, while nothing is started; a stop that comes meanwhile waits for them, as it does
// in going-offline. With stateDir the machine also orders what is to be remembered: before the online steps that it
// takes the pod online, after the offline steps that it did, and each isolation by hand.
//
// A goal says where the pod is heading; a greater one overtakes a smaller, never the other way round,
// but `online` and `start` by hand from a place of rest.
#pragma once

#include "model/drain.h"
#include "model/exit_status.h"
#include "model/pod_record.h"
#include "model/service_machine.h"
#include "model/shutdown_budget.h"
#include "model/spec.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace davit::model {

enum class Phase : std::uint8_t {
    starting,
    preloading,
    checking,
    going_online,
    online,
    going_offline,
    draining,
    offline,
    stopping,
    stopped,
    failed,
};
std::string_view to_string(Phase phase);
std::optional<Phase> phase_from_name(std::string_view name);

/// Where the pod is heading. In order of strength.
enum class Goal : std::uint8_t {
    online,
    offline,      // rest at offline (by hand) or at failed (a failed start that is held)
    main_restart, // main goes down and comes up again
    main_held,    // main goes down and rests until started by hand
    main_stopped, // prestop: main goes down, helpers stay until SIGTERM or the end of the budget
    exit,         // everything goes down, the container ends
};
std::string_view to_string(Goal goal);

/// What a step is told in DAVIT_REASON.
enum class StepReason : std::uint8_t { start, prestop, signal, exit, failure, isolate, manual, stale };
std::string_view to_string(StepReason reason);
std::string_view to_string(StepKind kind);

/// What ends the container, as far as its exit code is concerned.
enum class EndCause : std::uint8_t {
    none,
    stop_asked,      // SIGTERM, prestop
    main_ended,      // nobody asked
    main_failed,     // its startup or liveness probe, or processes left behind
    start_failed,    // preload, gate, online, or a dependency of main: 121
    critical_failed, // 122
};

/// How fast the end comes.
enum class Haste : std::uint8_t {
    none,
    hurried, // the kubelet's grace is used up: what is left of offline beside TERM to everything
    now,     // KILL
};

enum class StepOutcome : std::uint8_t { succeeded, failed, timed_out, cancelled };
std::string_view to_string(StepOutcome outcome);

/// One try of one step of a list. `run` numbers all tries of the pod's life, so a late result is dropped.
struct StepRun {
    unsigned run = 0;
    StepKind kind = StepKind::preload;
    std::size_t index = 0;
    int attempt = 1;
    TimePoint began;
    TimePoint deadline;                            // TERM then
    std::optional<TimePoint> kill;                 // set when TERM was sent: KILL then
    StepOutcome ended_as = StepOutcome::succeeded; // why TERM was sent: timed_out or cancelled
    bool killed = false;

    friend bool operator==(const StepRun&, const StepRun&) = default;
};

/// A list of steps on its way: the try that runs, or the pause before the next try.
struct StepList {
    StepKind kind = StepKind::preload;
    StepReason reason = StepReason::start;
    std::size_t index = 0;
    int attempt = 1;
    bool any_failed = false;
    std::string failure; // the first failure in words
    std::optional<StepRun> running;
    std::optional<TimePoint> next_try;

    friend bool operator==(const StepList&, const StepList&) = default;
};

/// Whose output explains a failure: that service's, or that of the steps of this kind. monostate: nobody's but main's.
using Blame = std::variant<std::monostate, ServiceIndex, StepKind>;

struct Trouble {
    std::string text; // for a person; empty: there is none
    Blame blame;

    friend bool operator==(const Trouble&, const Trouble&) = default;
};

/// Everything that must be remembered of the pod's way.
struct Lifecycle {
    Phase phase = Phase::starting;
    TimePoint since;    // when `phase` was entered
    std::string reason; // why, for a person
    Goal goal = Goal::online;
    bool by_hand = false; // the way up was asked for by `online`, `start` or `restart`: its failure holds
    StepReason step_reason = StepReason::start; // of the next offline or stop list
    std::optional<TimePoint> gate_deadline;     // of starting, preloading, checking
    bool at_manual_gate = false;
    bool online_asked = false;      // `online` by hand passes the manual gate
    unsigned preloaded_for = 0;     // preload is done for this attempt of main
    unsigned online_attempt = 0;    // numbers every online that was attempted
    bool offline_owed = false;      // online was attempted, maybe by the run before, and its offline has not ended
    bool online_ever = false;       // online succeeded at least once
    bool offline_failed = false;    // a step of the last offline list failed
    bool stop_failed = false;       // a step of the last stop list failed
    bool main_lost = false;         // main's end began the transition: no drain, no stop steps
    bool main_stop_ordered = false; // in phase stopping: the stop steps are done, main has its signal
    std::optional<StepList> steps;
    std::optional<Drain> drain;
    std::optional<ShutdownBudget> budget;    // of the way down that runs
    bool kubelet_counts = false;             // `budget` counts from a prestop or a stop signal
    std::optional<TimePoint> stop_signalled; // the first one from outside
    Haste haste = Haste::none;
    EndCause cause = EndCause::none;
    bool isolated = false;        // out of traffic, and the scene rests
    std::string isolated_because; // for a person
    bool isolation_key = false;   // the isolate file holds the key
    PodRecord remembered;         // as it was ordered last
    bool rejoins = false;         // once the way offline is done, it goes up again
    bool start_failed = false;    // a failed start is held: the place of rest is failed, not offline
    std::optional<TimePoint> haste_began;
    std::string step_failure; // the last step that failed on the way down, in words
    std::string drain_result; // how the last drain ended
    Trouble failure;          // the failed start, critical failure, ...
    unsigned runs = 0;        // step tries so far
    bool ended = false;       // Exit was ordered

    friend bool operator==(const Lifecycle&, const Lifecycle&) = default;
};

// ---- what it sees of the services ------------------------------------------------------------------

enum class MainView : std::uint8_t {
    waiting,  // has no process yet in this cycle: inactive, blocked, being launched, backoff before the first launch
    starting, // its process runs, its startup probe is not good yet
    running,
    leaving,    // its leader ended unasked, or it is being stopped; not down yet
    restarting, // down, and its restart policy starts it again
    down,       // down for good: stopped, held, completed, failed
};

struct ServicesView {
    MainView main = MainView::waiting;
    unsigned main_attempt = 0;
    bool main_unhealthy = false; // a startup or liveness probe of main failed; it still runs
    bool main_restarts = false;  // its restart policy and limit allow another start
    bool gate_good = false;      // all readiness probes of enabled, not completed services are good
    bool all_down = false;
    Trouble gate_missing; // what the gate waits for
    std::string main_end; // how main ended, in words
    bool main_end_is_failure =
        false; // a failed probe, processes left behind, a 0 that is not listed: whatever its code says
    bool restart_pending = false; // helpers that restart by hand are on their way down
    Trouble failed_required;      // a required dependency of main that failed
    Trouble failed_critical;      // a critical service that failed
};

// ---- events ----------------------------------------------------------------------------------------

struct PodStarted {
    PodRecord recalled = {};   // of the run before
    bool key_is_there = false; // in the isolate file
};
struct StepFinished {
    unsigned run;
    StepOutcome outcome;
    std::string message; // "exit code 3", "connection refused"
};
struct ConnectionsCounted {
    unsigned count;
};
/// TERM, INT, QUIT or RTMIN+3 came. `from_inside`: the sender has a pid in our namespace.
struct StopSignalled {
    int signal;
    bool from_inside;
    bool prestop_client_waits = false; // filled in by the pod machine
};
struct PrestopAsked {};
struct OnlineAsked {};
struct OfflineAsked {};
struct IsolateAsked {
    std::string reason;
};
struct RejoinAsked {};
/// The isolate file was read: whether the key is there.
struct IsolationKeyRead {
    bool is_there;
};
struct MainStopAsked {
    Goal goal; // main_held or main_restart
};
struct MainStartAsked {};
/// Main's leader ended and nobody had asked for it.
struct MainEnded {};
struct ViewChanged {};

using LifecycleEvent =
    std::variant<PodStarted, StepFinished, ConnectionsCounted, StopSignalled, PrestopAsked, OnlineAsked, OfflineAsked,
                 IsolateAsked, RejoinAsked, IsolationKeyRead, MainStopAsked, MainStartAsked, MainEnded, ViewChanged,
                 DeadlineReached, LoopStalled>;

// ---- actions ---------------------------------------------------------------------------------------

/// Runs one try of one step. The runtime answers with StepFinished, also after EndStep.
struct RunStep {
    unsigned run;
    StepKind kind;
    std::size_t index;
    int attempt;
    StepReason reason;
    Duration remaining; // DAVIT_REMAINING_SECONDS
    friend bool operator==(const RunStep&, const RunStep&) = default;
};
/// Signals the step's process group (SIGTERM or SIGKILL); a step without a process ends at once.
struct EndStep {
    unsigned run;
    int signal;
    friend bool operator==(const EndStep&, const EndStep&) = default;
};
/// Asks for ConnectionsCounted.
struct CountConnections {
    friend bool operator==(const CountConnections&, const CountConnections&) = default;
};
/// Orders to the pod machine about services.
struct StopMain {
    TimePoint deadline;
    AfterStop after;
    std::string reason;
    friend bool operator==(const StopMain&, const StopMain&) = default;
};
struct StartServices { // main, and what of its dependencies has not run or has failed
    std::string reason;
    friend bool operator==(const StartServices&, const StartServices&) = default;
};
/// Writes it to stateDir before the next action is obeyed. What cannot be written is told and not waited for.
struct Remember {
    PodRecord record;
    friend bool operator==(const Remember&, const Remember&) = default;
};
/// Ends the process of PID 1, with the lines of the termination log, best first.
struct Exit {
    EndCause cause;
    friend bool operator==(const Exit&, const Exit&) = default;
};

using LifecycleAction = std::variant<RunStep, EndStep, CountConnections, StopMain, StartServices, Exit, Remember>;
using LifecycleActions = std::vector<LifecycleAction>;

struct LifecycleTransition {
    Lifecycle next;
    LifecycleActions actions;
};

/// The whole rule of the pod's way. Total; never throws. One call makes at most one change of phase, so
/// that each is seen: the pod machine calls with ViewChanged until nothing changes.
LifecycleTransition on_event(const PodSpec& spec, Lifecycle lifecycle, const LifecycleEvent& event,
                             const ServicesView& services, TimePoint now);

std::optional<TimePoint> next_deadline(const Lifecycle& lifecycle);

/// The offline that the run before owes runs, and everything waits for it.
bool runs_stale_offline(const Lifecycle& lifecycle);
/// Debug mode, or isolation: see above.
bool scene_rests(const PodSpec& spec, const Lifecycle& lifecycle);
/// Services that never ran may be launched (no stop is under way).
bool may_start_first_time(const Lifecycle& lifecycle);
/// Services that ran may be started again.
bool may_restart(const Lifecycle& lifecycle);
/// main may be launched: the phase is starting and nothing leads down, or the start was broken off by
/// `offline`, which leaves traffic away and everything else as it is.
bool may_launch_main(const Lifecycle& lifecycle);
/// Helpers have to go now.
bool helpers_must_stop(const Lifecycle& lifecycle);
/// The last moment of a way down: everything is killed by then. There must be a budget.
TimePoint hard_deadline(const Lifecycle& lifecycle);

std::string to_string(const LifecycleEvent& event);
std::string to_string(const LifecycleAction& action);

} // namespace davit::model
