// SPDX-License-Identifier: Apache-2.0
// What must hold after every event, whatever the world does. Each rule is a function of its own with a name; the
// list of them with their reasons is in invariants.cpp. A rule sees the state before and after, the event, the
// orders, and what a bystander knows (the ledger and the world's processes), and says in words what is wrong.
#pragma once

#include "ledger.h"
#include "scenario.h"

#include <optional>
#include <string>
#include <vector>

namespace davit::simulation {

struct Violation {
    std::string invariant; // the function's name
    std::string text;
};

/// What really lives, told or not.
struct Census {
    std::vector<unsigned> living; // processes of each service
    std::vector<bool> killable;   // by service: KILL ends it
    bool step_lives = false;
    bool step_killable = true;
    bool stalled = false; // the loop stood still at least once
};

struct Observation {
    const Scenario& scenario;
    const model::PodSpec& spec;   // as it counts in this event
    const model::PodSpec& loaded; // as it was read last, at the start or for a reload that was not refused
    const model::DependencyGraph& graph;
    const model::Pod& before;
    const model::PodEvent& event;
    const model::PodTransition& transition;
    TimePoint now;
    const Ledger& ledger; // with the event and the phases, and the actions before this one
    const Census& census;
};

/// Before `action` is obeyed.
std::optional<Violation> check_action(const Observation& seen, const model::Action& action);
/// After all actions are obeyed.
std::optional<Violation> check_state(const Observation& seen);

/// The names of all, for the tests and the README.
std::vector<std::string> invariant_names();

} // namespace davit::simulation
