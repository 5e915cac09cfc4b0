// SPDX-License-Identifier: Apache-2.0
// The made-up world: virtual time, a queue of facts to come, processes that obey signals or do not, and visitors.
// It drives the real `model::on_event` as the runtime would, and lets the invariants look at every event.
#pragma once

#include "invariants.h"
#include "ledger.h"
#include "scenario.h"

#include <functional>
#include <optional>
#include <queue>
#include <string>
#include <vector>

namespace davit::simulation {

/// `model::on_event`, or a falsified one.
using Machine = std::function<model::PodTransition(const model::PodSpec&, const model::DependencyGraph&, model::Pod,
                                                   const model::PodEvent&, model::Moment)>;

/// The machine that ships.
model::PodTransition honest_machine(const model::PodSpec& spec, const model::DependencyGraph& graph, model::Pod pod,
                                    const model::PodEvent& event, model::Moment moment);

enum class Telling : std::uint8_t { silent, story };

struct Outcome {
    std::optional<Violation> violation;
    std::vector<std::string> story; // empty when silent
    std::size_t events = 0;
    std::optional<int> code;    // the container's end; nullopt: the kubelet killed it
    std::optional<Crash> crash; // PID 1 was killed: another life follows
};

/// All lives of the pod, one after the other.
Outcome run(const Scenario& scenario, const Machine& machine, Telling telling);

} // namespace davit::simulation
