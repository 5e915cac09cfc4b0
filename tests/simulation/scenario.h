// SPDX-License-Identifier: Apache-2.0
// One made-up world as a value: the pod's specification, who visits it when, and how wild its services and steps
// are. Made from a seed; shrinking takes things out of it and runs it again. Services and steps keep the number
// that they were made with, so that they behave the same when others are gone.
#pragma once

#include "dice.h"
#include "model/pod_machine.h"

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace davit::simulation {

using namespace std::chrono_literals;

/// How often things go wrong, in percent.
struct Temper {
    unsigned crashes = 0;
    unsigned launch_failures = 0;
    unsigned slow = 0;
    unsigned ignores_term = 0;
    unsigned leaves_behind = 0;
    unsigned unkillable = 0;
    unsigned sick = 0; // probes that flap, time out, never succeed
    unsigned step_failures = 0;
    unsigned step_hangs = 0;
    unsigned step_terms = 0; // a step sends TERM to PID 1
    unsigned late_facts = 0;
};

struct Visit {
    enum class Kind : std::uint8_t { request, signal, stall, reload, resize, key, crash };
    Kind kind = Kind::request;
    Duration at = 0s;
    // a request
    model::Verb verb = model::Verb::poststart;
    std::vector<unsigned> service_ids;
    model::Phase phase = model::Phase::online;
    bool cascade = false;
    bool no_wait = false;
    std::optional<Duration> timeout;
    std::optional<Duration> client_leaves_after;
    // a signal; also what the verb `signal` sends
    int signal = 0;
    bool from_inside = false;
    // a stall
    Duration length = 0s;
    // a reload
    std::uint64_t change = 0; // which: see changed_spec
    bool main_may_restart = false;
    // a resize: so many CPUs from now on
    int cpus = 0;
    // the isolate file is read: whether it holds the key
    bool key_is_there = false;
    // a crash of PID 1: after so many orders of the next event; 0: before it
    unsigned orders_obeyed = 0;
};

/// The kubelet's way to end the container, which ends every story.
struct Termination {
    Duration at = 0s;
    bool prestop = true;
    Duration grace = 30s; // the Pod's, as the kubelet knows it
    Duration signal_after = 15ms;
};

struct Scenario {
    std::uint64_t seed = 0;
    int cpus = 4;              // at the start
    bool key_at_start = false; // the isolate file holds the key before anything starts
    model::PodRecord recalled; // what the life before left in stateDir
    bool owes_offline = false; // an online step ran in the life before, and its offline did not end
    model::PodSpec spec;
    std::vector<unsigned> service_ids;             // as spec.services
    std::array<std::vector<unsigned>, 4> step_ids; // as the lists of steps, by StepKind
    Temper temper;
    std::vector<Visit> visits;
    Termination termination;
};

Scenario make_scenario(std::uint64_t seed);

/// What a life leaves when PID 1 is killed.
struct Crash {
    Duration at = 0s; // of the life
    model::PodRecord recalled;
    bool owes_offline = false;
    bool key_is_there = false;
};
/// The container starts again: the same pod, with the visitors that come later.
Scenario life_after(const Scenario& scenario, const Crash& crash);

/// The whole scenario in words, for the head of a story.
std::vector<std::string> describe(const Scenario& scenario);

/// How one attempt of one service goes.
struct ServiceBehaviour {
    enum class Launch : std::uint8_t { works, not_found, not_executable, no_resources };
    Launch launch = Launch::works;
    Duration launch_takes = 1ms;
    std::optional<Duration> ends_after; // unasked
    model::ExitStatus ends_with;
    bool leaves_members = false; // when it ends unasked
    unsigned members = 0;        // processes of its session beside the leader
    bool ignores_term = false;
    bool members_ignore_term = false;
    Duration term_takes = 10ms;
    Duration member_term_takes = 20ms;
    model::ExitStatus term_ends_with;
    Duration kill_takes = 5ms;
    bool forks_in_kill = false; // one process survives the first KILL
    bool unkillable = false;
    Duration healthy_after = 0s;
    bool never_healthy = false;
    unsigned flaps = 0;                 // percent of the checks that fail when it is healthy
    std::optional<Duration> sick_after; // its liveness checks fail from then on; it is not heard any more
    bool gives_up = false;              // and says so: WATCHDOG=trigger
    std::optional<Duration> asks_for;   // more time, when it starts and when it stops
    Duration stop_command_takes = 50ms;
    bool stop_command_fails = false;
};
ServiceBehaviour behaviour_of(const Scenario& scenario, const model::ServiceSpec& service, unsigned id,
                              unsigned attempt);

/// What a person makes of a configuration: one to three changes, which the loader would accept.
model::PodSpec changed_spec(const Scenario& scenario, model::PodSpec spec, std::uint64_t change);

/// How one try of one step goes.
struct StepBehaviour {
    std::optional<Duration> takes; // nullopt: it hangs
    bool fails = false;
    bool ignores_term = false;
    Duration term_takes = 10ms;
    Duration kill_takes = 5ms;
    std::optional<Duration> terms_after; // sends TERM to PID 1
};
StepBehaviour behaviour_of(const Scenario& scenario, const model::RunStep& step);

} // namespace davit::simulation
