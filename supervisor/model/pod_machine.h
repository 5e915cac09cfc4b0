// SPDX-License-Identifier: Apache-2.0
// The one value and the one function that ship: all services, the pod's phase and everybody who waits.
// `on_event` routes a fact to the machine that it concerns, then settles: starts what may start, stops
// whose turn it is, moves the life cycle, answers who waited, until nothing changes (bounded). The
// runtime knows only this file; the simulation runs the same code.
//
//   fact / request ──► service machine of that service ─┐
//                 └──► life cycle machine ──────────────┤
//                                                       ▼
//        ┌──► may start? ──► whose turn to stop? ──► life cycle ──► who can be answered? ──┐
//        └──────────────────────────── until nothing changes ◄─────────────────────────────┘
//                                                       ▼
//                            next value · actions (orders) · changes (for the journal and the log)
#pragma once

#include "model/dependency_graph.h"
#include "model/lifecycle_machine.h"
#include "model/reload.h"
#include "model/service_machine.h"
#include "model/spec.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace davit::model {

using RequestId = std::uint64_t;

enum class Verb : std::uint8_t {
    poststart,
    prestop,
    online,
    offline,
    isolate, // reason
    rejoin,
    start,        // services
    stop,         // services
    restart,      // services
    signal,       // services, at once
    wait_phase,   // phase
    wait_service, // services
    reload,       // as ReloadAsked
};
std::string_view to_string(Verb verb);

/// What somebody asked of davit, and how to tell them.
struct Request {
    RequestId id = 0;
    Verb verb = Verb::poststart;
    std::vector<ServiceIndex> services;
    Phase phase = Phase::online;                       // wait_phase
    int signal = 0;                                    // signal
    std::string reason;                                // isolate
    bool cascade = false;                              // stop: dependents too
    bool no_wait = false;                              // answer as soon as it is accepted
    std::optional<Duration> timeout;                   // poststart: instead of postStart.timeoutSeconds
    MainRestart main_restart = MainRestart::forbidden; // reload

    friend bool operator==(const Request&, const Request&) = default;
};

enum class Verdict : std::uint8_t {
    done,      // exit 0
    failed,    // exit 1: it was tried
    refused,   // exit 1, HTTP 409: it was not even tried
    timed_out, // exit 4
};
std::string_view to_string(Verdict verdict);

struct Waiter {
    Request request;
    TimePoint since;
    std::optional<TimePoint> deadline;
    std::vector<unsigned> attempts; // restart: the attempts to be left behind, one a service
    std::string message;            // reload: what was done, once the specification counts
    friend bool operator==(const Waiter&, const Waiter&) = default;
};

/// Stop or restart of a helper by hand, or by a reload, that waits for its turn (dependents first).
enum class Pending : std::uint8_t { none, stop, restart, reload };

/// What changed of one service, for a person: "readinessProbe.periodSeconds, backoff.limit".
struct ChangedKeys {
    std::string service; // empty: of the pod
    std::string keys;
    friend bool operator==(const ChangedKeys&, const ChangedKeys&) = default;
};

/// A specification that is handed from place to place and never changed.
struct SharedSpec {
    std::shared_ptr<const PodSpec> spec;
    friend bool operator==(const SharedSpec& one, const SharedSpec& other) { return *one.spec == *other.spec; }
};

/// A reload on its way: what has to stop is not down yet.
struct Reload {
    RequestId request = 0;
    std::shared_ptr<const ReloadPlan> plan;
    std::vector<ChangedKeys> keys;
    friend bool operator==(const Reload& one, const Reload& other) {
        return one.request == other.request && *one.plan == *other.plan && one.keys == other.keys;
    }
};

/// A service that was started with, or last told, another CPU count than it has now.
struct CpuNotice {
    ServiceIndex service;
    unsigned attempt;
    int from;
    int to;
    friend bool operator==(const CpuNotice&, const CpuNotice&) = default;
};

struct Pod {
    Lifecycle lifecycle;
    std::vector<Service> services; // as in PodSpec
    std::vector<Pending> pending;  // as in PodSpec
    std::vector<Waiter> waiters;
    std::vector<int> early_signals; // for main, while its launch is not answered yet
    /// Of services that still start: a signal that they do not know yet would end them. At most one a service.
    std::vector<CpuNotice> cpu_notices;
    std::optional<Reload> reload;
    /// Of a reload that is done otherwise: its life cycle and grace period count once nothing runs by the old ones.
    std::optional<SharedSpec> late_lifecycle;
    bool adopting = false; // AdoptSpec was ordered: nothing happens before SpecAdopted

    friend bool operator==(const Pod&, const Pod&) = default;
};

Pod initial_pod(const PodSpec& spec);

// ---- events ----------------------------------------------------------------------------------------

struct ServiceFact {
    ServiceIndex service;
    ServiceEvent event; // a fact of the runtime: Launched, LeaderExited, CheckFinished, ...
};
/// Any signal but those that concern davit itself (CHLD). The machine knows which stop and which are passed on.
struct SignalReceived {
    int signal;
    bool from_inside;
};
struct ClientLeft {
    RequestId id;
};
/// The container was resized. `reason`: what decides now, "quota 1 of /sys/fs/cgroup/cpu.max".
struct CpusChanged {
    int from; // the pod's count
    int to;
    std::string reason;
    std::vector<CpuNotice> services; // whose own count changed, of those with a process
};
struct TimePassed {};
/// A new configuration was read, and is good.
struct ReloadAsked {
    Request request;
    std::shared_ptr<const PodSpec> loaded;
    std::vector<ChangedKeys> keys;
};
/// The first event after AdoptSpec: `spec` and `graph` are the new ones from this call on.
struct SpecAdopted {
    SharedSpec spec;
};

using PodEvent =
    std::variant<PodStarted, ServiceFact, StepFinished, ConnectionsCounted, SignalReceived, Request, ClientLeft,
                 TimePassed, LoopStalled, ReloadAsked, SpecAdopted, CpusChanged, IsolationKeyRead>;

// ---- actions ---------------------------------------------------------------------------------------

struct ServiceOrder {
    ServiceIndex service;
    unsigned attempt;
    ServiceAction action;
    friend bool operator==(const ServiceOrder&, const ServiceOrder&) = default;
};
struct Answer {
    RequestId request;
    Verdict verdict;
    std::string message; // one line for the person or the kubelet's event
    friend bool operator==(const Answer&, const Answer&) = default;
};
/// Ends PID 1 with `code`. `lines`: the termination log, best line first; empty for code 0.
struct EndContainer {
    int code;
    std::vector<std::string> lines;
    friend bool operator==(const EndContainer&, const EndContainer&) = default;
};
/// The next event is SpecAdopted with this specification: services keep their places, new ones come at the end.
struct AdoptSpec {
    SharedSpec spec;
    friend bool operator==(const AdoptSpec&, const AdoptSpec&) = default;
};

using Action =
    std::variant<ServiceOrder, RunStep, EndStep, CountConnections, Answer, EndContainer, AdoptSpec, Remember>;

/// `Change::from` of what a reload changed; `to` is then "reloaded", "added", "changed", "disabled" or "removed".
inline constexpr std::string_view of_configuration = "configuration";

/// `Change::from` of the offline that the run before owes: `to` is then "offline runs", "offline done" or "offline
/// failed".
inline constexpr std::string_view of_run_before = "run before";

/// One change of state, for the journal and the log. No service: the pod's phase.
struct Change {
    std::optional<ServiceIndex> service;
    std::string from;
    std::string to;
    std::string reason;
    friend bool operator==(const Change&, const Change&) = default;
};

/// It is about the CPU count of the pod or of a service: from "cpus 2" to "cpus 1".
bool is_of_cpus(const Change& change);

/// It is about the pod's phase or a service's state, not about something beside them.
bool is_of_state(const Change& change);

struct PodTransition {
    Pod next;
    std::vector<Action> actions;
    std::vector<Change> changes;
};

/// `graph` is `build_graph(spec)`, made once. Never throws but on memory.
PodTransition on_event(const PodSpec& spec, const DependencyGraph& graph, Pod pod, const PodEvent& event,
                       Moment moment);

/// When TimePassed is due; nullopt: nothing will happen by itself.
std::optional<TimePoint> next_deadline(const Pod& pod);

// ---- questions -------------------------------------------------------------------------------------

/// The phase is online and every readiness probe of an enabled, not completed service is good.
bool is_ready(const PodSpec& spec, const Pod& pod);
/// `davit probe startup`: online succeeded, or debug mode, a hold, isolation or the manual gate lasts.
bool is_started_up(const PodSpec& spec, const Pod& pod);
/// What the ready gate waits for: "mesh: GET http://127.0.0.1:15021/ready connection refused"; empty: it is good.
std::string gate_missing(const PodSpec& spec, const Pod& pod);
/// Of those, the first that has begun to run: it says more about the reason than who waits for it.
std::optional<ServiceIndex> holds_up_gate(const PodSpec& spec, const Pod& pod);
/// What the container would end with if everything were down now.
int exit_code(const PodSpec& spec, const Pod& pod);

std::string to_string(const PodEvent& event);
std::string to_string(const Action& action);

} // namespace davit::model
