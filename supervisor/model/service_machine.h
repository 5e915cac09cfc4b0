// SPDX-License-Identifier: Apache-2.0
// One service's life as a value and one function: given a state and a fact, what is the next state and
// what is to be done. It knows nothing of processes, clocks or other services: whether dependencies are
// met, and when main may start or must stop, the pod machine says by sending an event.
//
//                 StartRequested          DependenciesMet           launched, startup probe good
//   inactive ───────────────────► blocked ───────────────► starting ───────────────► running
//   stopped completed                ▲                        │  │                    │  │
//   failed held                      │ delay over             │  └──── stop, bad ─────┤  │ leader exits,
//        ▲                           │                        │        probe,         │  │ nothing left
//        │                        backoff ◄───────────────────┼──────┐ or processes   │  │ behind
//        │                           ▲     leader exits       │      │ left behind    ▼  │
//        └───────────────────────────┴────────────────────────┴──── stopping ◄────────┘  │
//                     the end is judged: restart policy, limit, what was asked ◄─────────┘
//
// What each state does with each event. `.`: ignored; `=`: it acts or notes something and stays; else the next
// state. The row shows a helper (restart policy Always, a liveness probe with failureThreshold 1) whose process
// runs in starting, running and stopping, and whose deadline is over in backoff and stopping.
//
// clang-format off
// table: begin
//            Start   Met      Stop     Kill     Launched LaunchFailed Exited  Left     Emptied BadCheck Notified Matched StopCommand Deadline Stall Probes
// inactive   blocked .        stopped  stopped  .        .            .       .        .       .        .        .       .           .        .     .
// blocked    .       starting stopped  stopped  .        .            .       .        .       .        .        .       .           .        .     .
// starting   .       .        stopping stopping running  backoff      backoff stopping .       stopping =        =       .           .        =     running
// running    .       .        stopping stopping .        .            backoff stopping .       stopping =        =       .           .        =     =
// backoff    blocked .        stopped  stopped  .        .            .       .        .       .        .        .       .           blocked  .     .
// stopping   .       .        =        =        =        stopped      stopped =        stopped .        =        .       =           =        .     .
// stopped    blocked .        .        .        .        .            .       .        .       .        .        .       .           .        .     .
// completed  blocked .        .        .        .        .            .       .        .       .        .        .       .           .        .     .
// failed     blocked .        .        .        .        .            .       .        .       .        .        .       .           .        .     .
// held       blocked .        .        .        .        .            .       .        .       .        .        .       .           .        .     .
// table: end
// clang-format on
//
// Left is LeaderExited with processes left behind, BadCheck a failed liveness check, Notified a STATUS of sd_notify,
// Matched a line that its readiness probe (log) waits for, Stall LoopStalled,
// Probes ProbesChanged (of all three, the startup probe taken away).
#pragma once

#include "model/exit_status.h"
#include "model/notification.h"
#include "model/probe_tracker.h"
#include "model/spec.h"
#include "model/time.h"

#include <array>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace davit::model {

enum class ServiceState : std::uint8_t {
    inactive,
    blocked,
    starting,
    running,
    backoff,
    stopping,
    stopped,
    completed,
    failed,
    held,
};
std::string_view to_string(ServiceState state);
std::string_view to_string(ProbeKind kind);

/// What is known of the processes of the present attempt.
enum class Process : std::uint8_t {
    none,      // no process, or none any more: the session is empty
    launching, // Launch was ordered, no answer yet
    alive,     // the leader runs
    leaving,   // the leader has ended, its session is not empty yet
};

/// What follows when a service that is being stopped is down.
enum class AfterStop : std::uint8_t {
    policy, // its restart policy decides (a failed probe, an end that nobody asked for)
    rest,   // stopped, until somebody starts it
    hold,   // held, until somebody starts it
};

/// One probe of one service: its counters and when the next check is due.
struct ProbeState {
    ProbeTracker tracker;
    /// Of the next check; of a probe that is told (told_probe.h), the last moment. nullopt: not probing, a check is in
    /// flight, or there is no last moment.
    std::optional<TimePoint> due;
    TimePoint began; // of the last check
    bool in_flight = false;
    bool forgiven = false; // the check in flight met a stall of the loop: its failure does not count
    std::string last_message;

    friend bool operator==(const ProbeState&, const ProbeState&) = default;
};

/// What the present attempt said of itself (sd_notify), and what its output has shown.
struct Heard {
    SelfWord word = SelfWord::none;
    bool said_ready = false; // once
    bool ready = false;      // and has not said STOPPING=1 since
    std::string status;
    std::string error;
    std::optional<Duration> watchdog;   // how often it promised to be heard; nullopt: as the probe says; zero: never
    std::array<bool, 3> line_matched{}; // by ProbeKind: a line matched the pattern of that probe

    friend bool operator==(const Heard&, const Heard&) = default;
};

/// Everything that must be remembered of one service.
struct Service {
    ServiceState state = ServiceState::inactive;
    TimePoint since;      // when `state` was entered
    std::string reason;   // why `state` was entered, for a person
    unsigned attempt = 0; // number of the launch; facts about processes carry it
    Process process = Process::none;
    int pid = 0; // of the leader, while process is alive
    std::optional<TimePoint> launched_at;
    std::optional<TimePoint> deadline; // backoff: next start; stopping: KILL
    AfterStop after_stop = AfterStop::policy;
    bool stop_asked = false;               // this attempt is being stopped because somebody asked for it
    bool killed = false;                   // KILL was sent to this attempt
    std::optional<ProbeKind> failed_probe; // of this attempt; for main the life cycle acts on it
    std::string left_behind;               // processes that an unasked end left in the session ("java (pid 41)")
    std::optional<ExitStatus> last_exit;
    bool cannot_execute = false; // the last end was a failed exec (last_exit is 126 or 127)
    unsigned failures = 0;       // restarts since the last time that it ran long enough
    unsigned restarts = 0;       // restarts in all
    unsigned refusals = 0;       // launches in a row that found no process or memory; they count against no limit
    ProbeState startup;
    ProbeState readiness;
    ProbeState liveness;
    Heard heard;

    friend bool operator==(const Service&, const Service&) = default;
};

/// The probe's own state, and its specification (null: the service has no such probe).
ProbeState& probe_state(Service& service, ProbeKind kind);
const ProbeState& probe_state(const Service& service, ProbeKind kind);
const ProbeSpec* probe_spec(const ServiceSpec& spec, ProbeKind kind);

/// It runs and every probe that says so is good.
bool is_ready(const ServiceSpec& spec, const Service& service);
/// No process of it is left and none is being launched.
bool is_down(const Service& service);
/// No state that moves by itself: inactive, stopped, completed, failed, held.
bool is_resting(const Service& service);
/// Its restart policy and limit ask for another start after an end at `now` that nobody asked for.
bool will_restart(const ServiceSpec& spec, const Service& service, TimePoint now);
/// Its last end counts as a success: a listed code, no failed probe, nothing left behind.
bool ended_well(const ServiceSpec& spec, const Service& service);

// ---- events: facts and requests, in the past tense ------------------------------------------------

struct StartRequested {
    std::string reason;
};
struct DependenciesMet {};
struct StopRequested {
    TimePoint deadline; // KILL then; an earlier deadline of a stop that runs already is kept
    AfterStop after = AfterStop::rest;
    std::string reason;
};
/// Everything of it is killed at once.
struct KillRequested {
    AfterStop after = AfterStop::rest;
    std::string reason;
};
struct Launched {
    unsigned attempt;
    int pid;
};
enum class LaunchFailure : std::uint8_t { not_found, not_executable, no_resources };
struct LaunchFailed {
    unsigned attempt;
    LaunchFailure failure;
    std::string message; // "/opt/web/run.sh: permission denied (at exec, uid 1000)"
};
struct LeaderExited {
    unsigned attempt;
    ExitStatus status;
    std::string left_behind; // empty: the session is empty
};
struct SessionEmptied {
    unsigned attempt;
};
enum class CheckOutcome : std::uint8_t { good, bad, timed_out };
struct CheckFinished {
    unsigned attempt;
    ProbeKind probe;
    CheckOutcome outcome;
    std::string message; // "GET http://127.0.0.1:15021/ready 200"
};
/// The service said something of itself.
struct Notified {
    unsigned attempt;
    Notification said;
    /// It stops and asks for more time: not beyond this. Filled in by the pod machine, which knows the budget.
    std::optional<TimePoint> latest_end = std::nullopt;
};
/// A line of its output matched the pattern of this probe.
struct LineMatched {
    unsigned attempt;
    ProbeKind probe;
};
struct StopCommandFinished {
    unsigned attempt;
    ExitStatus status;
    std::string message; // why it could not run; empty when it ran
};
/// Time went by: checks or `deadline` may be due.
struct DeadlineReached {};
/// The loop did not turn for `length`: what timed out meanwhile is no failure.
struct LoopStalled {
    Duration length;
};
/// A reload changed these probes of a service that runs on; the specification is the new one already.
struct ProbesChanged {
    bool startup = false;
    bool readiness = false;
    bool liveness = false;
    friend bool operator==(const ProbesChanged&, const ProbesChanged&) = default;
};

using ServiceEvent = std::variant<StartRequested, DependenciesMet, StopRequested, KillRequested, Launched, LaunchFailed,
                                  LeaderExited, SessionEmptied, CheckFinished, Notified, LineMatched,
                                  StopCommandFinished, DeadlineReached, LoopStalled, ProbesChanged>;

// ---- actions: orders; the pod machine adds which service and attempt is meant --------------------

struct Launch {
    friend bool operator==(const Launch&, const Launch&) = default;
};
/// It is to be stopped before its launch was answered: what takes long before a process can be made (reading a JVM) is
/// broken off, and LaunchFailed (no_resources) follows. Where a process is made already, Launched comes all the same.
struct CancelLaunch {
    friend bool operator==(const CancelLaunch&, const CancelLaunch&) = default;
};
/// To every process group of its session, and to what escaped it.
struct SignalSession {
    int signal;
    friend bool operator==(const SignalSession&, const SignalSession&) = default;
};
/// To the leader only (HUP and the like, `davit signal`).
struct SignalLeader {
    int signal;
    friend bool operator==(const SignalLeader&, const SignalLeader&) = default;
};
/// Runs `stop_command`; the runtime ends it at `deadline`, or the service's if it moved, or when the session is killed.
struct RunStopCommand {
    TimePoint deadline;
    friend bool operator==(const RunStopCommand&, const RunStopCommand&) = default;
};
struct RunCheck {
    ProbeKind probe;
    friend bool operator==(const RunCheck&, const RunCheck&) = default;
};
/// Ends the checks of this attempt that are in flight; their results are of no interest.
struct CancelChecks {
    friend bool operator==(const CancelChecks&, const CancelChecks&) = default;
};

using ServiceAction =
    std::variant<Launch, CancelLaunch, SignalSession, SignalLeader, RunStopCommand, RunCheck, CancelChecks>;
using ServiceActions = std::vector<ServiceAction>;

/// The moment and the dice of one event. `random` is in [0, 1).
struct Moment {
    TimePoint now;
    double random = 0;
    /// Debug mode or isolation: probes kill nothing, nothing restarts, what ends is held.
    bool scene_rests = false;
};

struct ServiceTransition {
    Service next;
    ServiceActions actions;
};

/// The whole rule of a service. Total: every state takes every event; what does not concern it changes nothing.
/// Facts of another attempt than the present one are dropped.
ServiceTransition on_event(const ServiceSpec& spec, Service service, const ServiceEvent& event, Moment moment);

/// When something of this service is due next; nullopt: nothing will happen by itself.
std::optional<TimePoint> next_deadline(const Service& service);

std::string to_string(const ServiceEvent& event);
std::string to_string(const ServiceAction& action);

} // namespace davit::model
