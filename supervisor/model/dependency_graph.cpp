// SPDX-License-Identifier: Apache-2.0
#include "model/dependency_graph.h"

#include <algorithm>

namespace davit::model {
namespace {

/// Depth first along the dependencies, with the way from the root kept: no recursion, a chain may be long.
class CycleSearch {
public:
    explicit CycleSearch(const PodSpec& spec) : spec_(spec), mark_(spec.services.size(), Mark::unseen) {}

    std::vector<ServiceIndex> from(ServiceIndex root) {
        if (mark_[root] != Mark::unseen) {
            return {};
        }
        step_into(root);
        while (!way_.empty()) {
            Place& place = way_.back();
            const auto& dependencies = spec_.services[place.service].depends_on;
            if (place.next == dependencies.size()) {
                mark_[place.service] = Mark::done;
                way_.pop_back();
                continue;
            }
            const ServiceIndex target = dependencies[place.next++].service;
            if (mark_[target] == Mark::on_the_way) {
                return close(target);
            }
            if (mark_[target] == Mark::unseen) {
                step_into(target);
            }
        }
        return {};
    }

private:
    enum class Mark : std::uint8_t { unseen, on_the_way, done };
    struct Place {
        ServiceIndex service;
        std::size_t next = 0;
    };

    void step_into(ServiceIndex service) {
        mark_[service] = Mark::on_the_way;
        way_.push_back(Place{service});
    }

    std::vector<ServiceIndex> close(ServiceIndex target) {
        std::vector<ServiceIndex> cycle;
        const auto begin = std::ranges::find(way_, target, &Place::service);
        std::transform(begin, way_.end(), std::back_inserter(cycle), [](const Place& place) { return place.service; });
        cycle.push_back(target);
        for (const Place& place : way_) {
            mark_[place.service] = Mark::done;
        }
        way_.clear();
        return cycle;
    }

    const PodSpec& spec_;
    std::vector<Mark> mark_;
    std::vector<Place> way_;
};

} // namespace

DependencyGraph build_graph(const PodSpec& spec) {
    DependencyGraph graph{.dependents = std::vector<std::vector<ServiceIndex>>(spec.services.size()),
                          .required_by_main = std::vector<bool>(spec.services.size(), false)};
    for (ServiceIndex index = 0; index < spec.services.size(); ++index) {
        if (!spec.services[index].enabled) {
            continue;
        }
        for (const Dependency& dependency : spec.services[index].depends_on) {
            if (spec.services[dependency.service].enabled) {
                graph.dependents[dependency.service].push_back(index);
            }
        }
    }
    if (const auto main = spec.main()) {
        for (const ServiceIndex index : required_dependencies(spec, *main)) {
            graph.required_by_main[index] = true;
        }
    }
    return graph;
}

std::vector<ServiceIndex> transitive_dependents(const DependencyGraph& graph, ServiceIndex service) {
    std::vector<ServiceIndex> found;
    std::vector<bool> seen(graph.dependents.size(), false);
    seen[service] = true;
    std::vector<ServiceIndex> open{service};
    while (!open.empty()) {
        const ServiceIndex index = open.back();
        open.pop_back();
        for (const ServiceIndex dependent : graph.dependents[index]) {
            if (!seen[dependent]) {
                seen[dependent] = true;
                found.push_back(dependent);
                open.push_back(dependent);
            }
        }
    }
    return found;
}

std::vector<ServiceIndex> required_dependencies(const PodSpec& spec, ServiceIndex service) {
    std::vector<ServiceIndex> found;
    std::vector<bool> seen(spec.services.size(), false);
    seen[service] = true;
    std::vector<ServiceIndex> open{service};
    while (!open.empty()) {
        const ServiceIndex index = open.back();
        open.pop_back();
        for (const Dependency& dependency : spec.services[index].depends_on) {
            const bool counts = dependency.required && spec.services[dependency.service].enabled;
            if (counts && !seen[dependency.service]) {
                seen[dependency.service] = true;
                found.push_back(dependency.service);
                open.push_back(dependency.service);
            }
        }
    }
    return found;
}

int levels_left(const DependencyGraph& graph, const std::function<bool(ServiceIndex)>& is_up) {
    const std::size_t count = graph.dependents.size();
    // Longest chains by repeated relaxation in topological order: a service's level is one more than that of
    // the highest of its dependents. Services that are down pass their dependents' level on.
    std::vector<std::size_t> waits(count, 0);
    std::vector<int> level(count, 0);
    std::vector<std::vector<ServiceIndex>> dependencies(count);
    for (ServiceIndex index = 0; index < count; ++index) {
        waits[index] = graph.dependents[index].size();
        for (const ServiceIndex dependent : graph.dependents[index]) {
            dependencies[dependent].push_back(index);
        }
    }
    std::vector<ServiceIndex> open;
    for (ServiceIndex index = 0; index < count; ++index) {
        if (waits[index] == 0) {
            open.push_back(index);
        }
    }
    int highest = 0;
    while (!open.empty()) {
        const ServiceIndex index = open.back();
        open.pop_back();
        level[index] += is_up(index) ? 1 : 0;
        highest = std::max(highest, level[index]);
        for (const ServiceIndex dependency : dependencies[index]) {
            level[dependency] = std::max(level[dependency], level[index]);
            if (--waits[dependency] == 0) {
                open.push_back(dependency);
            }
        }
    }
    return highest;
}

std::vector<std::vector<ServiceIndex>> find_cycles(const PodSpec& spec) {
    CycleSearch search{spec};
    std::vector<std::vector<ServiceIndex>> cycles;
    for (ServiceIndex index = 0; index < spec.services.size(); ++index) {
        if (auto cycle = search.from(index); !cycle.empty()) {
            cycles.push_back(std::move(cycle));
        }
    }
    return cycles;
}

} // namespace davit::model
