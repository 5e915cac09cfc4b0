// SPDX-License-Identifier: Apache-2.0
// The body of dependency_graph.h. All searches keep their own list of what is open: a chain of services may be longer
// than the stack of PID 1 likes.
#include "model/dependency_graph.h"

#include <algorithm>

namespace davit::model {
namespace {

/// Depth first along the dependencies, with the way from the root kept: no recursion, a chain may be long.
class CycleSearch {
public:
    explicit CycleSearch(const PodSpec& spec) : spec_(spec), mark_(spec.services.size(), Mark::unseen) {}

    std::vector<ServiceIndex> from(ServiceIndex root) {
        if (mark_[root] != Mark::unseen || !spec_.services[root].enabled) {
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
            if (!spec_.services[target].enabled) {
                continue;
            }
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

std::vector<std::vector<ServiceIndex>> find_dependents(const PodSpec& spec) {
    std::vector<std::vector<ServiceIndex>> dependents(spec.services.size());
    for (ServiceIndex index = 0; index < spec.services.size(); ++index) {
        if (!spec.services[index].enabled) {
            continue;
        }
        for (const Dependency& dependency : spec.services[index].depends_on) {
            if (spec.services[dependency.service].enabled) {
                dependents[dependency.service].push_back(index);
            }
        }
    }
    return dependents;
}

/// Finds what hangs on a service, breadth first, so that the nearest come first: they are the last to go down, and end
/// most searches at once.
class Reach {
public:
    explicit Reach(const std::vector<std::vector<ServiceIndex>>& dependents)
        : dependents_(dependents), seen_from_(dependents.size(), dependents.size()) {}

    std::vector<ServiceIndex> of(ServiceIndex service) {
        std::vector<ServiceIndex> found;
        seen_from_[service] = service;
        add_dependents_of(service, service, found);
        for (std::size_t next = 0; next < found.size(); ++next) {
            add_dependents_of(found[next], service, found);
        }
        return found;
    }

private:
    void add_dependents_of(ServiceIndex service, ServiceIndex root, std::vector<ServiceIndex>& found) {
        for (const ServiceIndex dependent : dependents_[service]) {
            if (seen_from_[dependent] != root) {
                seen_from_[dependent] = root;
                found.push_back(dependent);
            }
        }
    }

    const std::vector<std::vector<ServiceIndex>>& dependents_;
    std::vector<ServiceIndex> seen_from_; // the last search that came by, so that none has to clear it
};

std::vector<ServiceIndex> find_stop_order(const std::vector<std::vector<ServiceIndex>>& dependents) {
    std::vector<std::vector<ServiceIndex>> dependencies(dependents.size());
    std::vector<std::size_t> waits_for(dependents.size());
    std::vector<ServiceIndex> order;
    for (ServiceIndex index = 0; index < dependents.size(); ++index) {
        waits_for[index] = dependents[index].size();
        for (const ServiceIndex dependent : dependents[index]) {
            dependencies[dependent].push_back(index);
        }
        if (waits_for[index] == 0) {
            order.push_back(index);
        }
    }
    for (std::size_t next = 0; next < order.size(); ++next) {
        for (const ServiceIndex dependency : dependencies[order[next]]) {
            if (--waits_for[dependency] == 0) {
                order.push_back(dependency);
            }
        }
    }
    return order;
}

} // namespace

DependencyGraph build_graph(const PodSpec& spec) {
    DependencyGraph graph;
    graph.dependents = find_dependents(spec);
    Reach reach{graph.dependents};
    graph.all_dependents.reserve(spec.services.size());
    for (ServiceIndex index = 0; index < spec.services.size(); ++index) {
        graph.all_dependents.push_back(reach.of(index));
    }
    graph.stop_order = find_stop_order(graph.dependents);
    graph.required_by_main.resize(spec.services.size(), false);
    if (const auto main = spec.main()) {
        for (const ServiceIndex index : required_dependencies(spec, *main)) {
            graph.required_by_main[index] = true;
        }
    }
    return graph;
}

const std::vector<ServiceIndex>& transitive_dependents(const DependencyGraph& graph, ServiceIndex service) {
    return graph.all_dependents[service];
}

std::vector<ServiceIndex> find_transitive_dependents(const PodSpec& spec, ServiceIndex service) {
    const std::vector<std::vector<ServiceIndex>> dependents = find_dependents(spec);
    return Reach{dependents}.of(service);
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
    std::vector<int> level(graph.dependents.size(), 0);
    int highest = 0;
    for (const ServiceIndex index : graph.stop_order) {
        // A service that is down passes on the level of its dependents.
        for (const ServiceIndex dependent : graph.dependents[index]) {
            level[index] = std::max(level[index], level[dependent]);
        }
        level[index] += is_up(index) ? 1 : 0;
        highest = std::max(highest, level[index]);
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
