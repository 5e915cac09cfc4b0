// SPDX-License-Identifier: Apache-2.0
// Who needs whom, worked out once from the specification: the order in which services can start, who must
// have stopped before a service may stop, and which dependencies form a cycle.
// Services with `enabled: false` are as if they were not there: they have no edges and no place in an order.
#pragma once

#include "model/spec.h"

#include <functional>
#include <string>
#include <vector>

namespace davit::model {

/// All vectors that are indexed have one entry for each service of the PodSpec.
struct DependencyGraph {
    /// Who depends on this service directly.
    std::vector<std::vector<ServiceIndex>> dependents;
    /// Who depends on it directly or not, nearest first.
    std::vector<std::vector<ServiceIndex>> all_dependents;
    /// Dependencies before dependents; where nothing orders two services, the configuration does.
    /// Services on a cycle and their dependents are missing (config refuses such a specification).
    std::vector<ServiceIndex> start_order;
    /// A required dependency of main, directly or through required dependencies only.
    std::vector<bool> required_by_main;

    friend bool operator==(const DependencyGraph&, const DependencyGraph&) = default;
};

DependencyGraph build_graph(const PodSpec& spec);

/// Who depends on `service`, directly or not, nearest first. They stop before it does.
const std::vector<ServiceIndex>& transitive_dependents(const DependencyGraph& graph, ServiceIndex service);

/// What `service` requires (`required: true` all along the way), directly or not, in start order.
std::vector<ServiceIndex> required_dependencies(const DependencyGraph& graph, const PodSpec& spec,
                                                ServiceIndex service);

/// How many services have to stop one after the other at least: the longest chain of dependents among those
/// that are up. 0: none is up.
int levels_left(const DependencyGraph& graph, const PodSpec& spec, const std::function<bool(ServiceIndex)>& is_up);

/// One closed way for each knot of services that depend on each other, as names: {"a", "b", "c", "a"} (a depends
/// on b). Begins with the service that is first in the configuration. Empty: the specification can be started.
std::vector<std::vector<std::string>> find_cycles(const PodSpec& spec);

/// "a → b → c → a"
std::string describe_cycle(const std::vector<std::string>& cycle);

} // namespace davit::model
