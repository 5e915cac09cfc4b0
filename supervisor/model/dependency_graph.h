// SPDX-License-Identifier: Apache-2.0
// Who waits for whom, made once from the specification: cycles by name, what a service needs, what hangs on
// it, and how many groups still have to stop one after the other. Disabled services are as if they were
// not there.
#pragma once

#include "model/spec.h"

#include <functional>
#include <string>
#include <vector>

namespace davit::model {

struct DependencyGraph {
    /// Who depends on a service directly, by service.
    std::vector<std::vector<ServiceIndex>> dependents;
    /// Who depends on a service, directly or not, nearest first, by service.
    std::vector<std::vector<ServiceIndex>> all_dependents;
    /// Every service after all that depend on it. Those that a cycle needs are left out (config refuses cycles).
    std::vector<ServiceIndex> stop_order;
    /// Whether main requires a service, directly or through what it requires, by service.
    std::vector<bool> required_by_main;
};

DependencyGraph build_graph(const PodSpec& spec);

/// Everything that hangs on `service`, directly or not, without itself, nearest first.
const std::vector<ServiceIndex>& transitive_dependents(const DependencyGraph& graph, ServiceIndex service);

/// The same of one service, without a graph of all.
std::vector<ServiceIndex> find_transitive_dependents(const PodSpec& spec, ServiceIndex service);

/// Everything that `service` requires (`required: true`), directly or not, without itself.
std::vector<ServiceIndex> required_dependencies(const PodSpec& spec, ServiceIndex service);

/// The length of the longest chain of services for which `is_up` holds, each depending on the next: so many
/// groups have to stop one after the other. 0: none is up.
int levels_left(const DependencyGraph& graph, const std::function<bool(ServiceIndex)>& is_up);

/// Each cycle's services in order, the first one again at the end ("a b c a"). Cycles that share a service
/// are told one at a time: break the first and look again.
std::vector<std::vector<ServiceIndex>> find_cycles(const PodSpec& spec);

} // namespace davit::model
