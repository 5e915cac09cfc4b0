// SPDX-License-Identifier: Apache-2.0
// Who waits for whom, who goes first, and which services go round in a circle.
#include "model/dependency_graph.h"

#include "made_up_pod.h"

#include "support/catch.h"

#include <algorithm>
#include <functional>
#include <random>

namespace davit::model {
namespace {

using Names = std::vector<std::string>;

Names dependents_of(const PodSpec& pod, std::string_view name) {
    const DependencyGraph graph = build_graph(pod);
    return names_of(pod, transitive_dependents(graph, index_of(pod, name)));
}

Names required_by(const PodSpec& pod, std::string_view name) {
    Names names = names_of(pod, required_dependencies(pod, index_of(pod, name)));
    std::ranges::sort(names);
    return names;
}

std::vector<Names> cycles_of(const PodSpec& pod) {
    std::vector<Names> cycles;
    for (const auto& cycle : find_cycles(pod)) {
        cycles.push_back(names_of(pod, cycle));
    }
    return cycles;
}

int levels_of(const PodSpec& pod, const Names& up) {
    return levels_left(build_graph(pod),
                       [&](ServiceIndex index) { return std::ranges::find(up, pod.services[index].name) != up.end(); });
}

/// Services that depend only on earlier ones, each with up to three dependencies.
PodSpec random_pod(std::mt19937& dice, std::size_t count) {
    PodSpec pod;
    for (std::size_t index = 0; index < count; ++index) {
        ServiceSpec service{.name = "s" + std::to_string(index)};
        service.enabled = dice() % 8 != 0;
        for (std::size_t edge = 0; index > 0 && edge < dice() % 4; ++edge) {
            service.depends_on.push_back(Dependency{.service = dice() % index, .required = dice() % 2 == 0});
        }
        pod.services.push_back(service);
    }
    return pod;
}

bool depends_directly(const PodSpec& pod, ServiceIndex who, ServiceIndex on) {
    return pod.services[who].enabled && pod.services[on].enabled &&
           std::ranges::any_of(pod.services[who].depends_on, [&](const auto& edge) { return edge.service == on; });
}

/// By definition, without any cleverness.
bool depends(const PodSpec& pod, ServiceIndex who, ServiceIndex on) {
    for (ServiceIndex between = 0; between < pod.services.size(); ++between) {
        if (depends_directly(pod, who, between) && (between == on || depends(pod, between, on))) {
            return true;
        }
    }
    return false;
}

int longest_chain(const PodSpec& pod, ServiceIndex from, const std::vector<bool>& up) {
    int longest = 0;
    for (ServiceIndex next = 0; next < pod.services.size(); ++next) {
        if (depends_directly(pod, next, from)) {
            longest = std::max(longest, longest_chain(pod, next, up));
        }
    }
    return longest + (up[from] ? 1 : 0);
}

} // namespace

TEST_CASE("everything that hangs on a service is found, nearest first", "[dependency_graph]") {
    const PodSpec pod = made_up_pod("*web: mesh\n"
                                    "cron: web log\n"
                                    "mesh: log\n"
                                    "log:\n");

    CHECK(dependents_of(pod, "log") == Names{"cron", "mesh", "web"});
    CHECK(dependents_of(pod, "mesh") == Names{"web", "cron"});
    CHECK(dependents_of(pod, "cron").empty());
}

TEST_CASE("a service that is reached on two ways is found once", "[dependency_graph]") {
    const PodSpec pod = made_up_pod("top: left right\nleft: base\nright: base\nbase:\n");

    CHECK(dependents_of(pod, "base") == Names{"left", "right", "top"});
}

TEST_CASE("a service that is not enabled is as if it were not there", "[dependency_graph]") {
    const PodSpec pod = made_up_pod("*web: mesh\n"
                                    "-mesh: log\n"
                                    "log:\n");

    CHECK(dependents_of(pod, "log").empty());
    CHECK(dependents_of(pod, "mesh").empty());
    CHECK(required_by(pod, "web").empty());
    CHECK(levels_of(pod, {"web", "log"}) == 1);
}

TEST_CASE("what a service requires goes on through required dependencies only", "[dependency_graph]") {
    const PodSpec pod = made_up_pod("*web: mesh cache?\n"
                                    "mesh: log\n"
                                    "cache: disk\n"
                                    "log:\n"
                                    "disk:\n");

    CHECK(required_by(pod, "web") == Names{"log", "mesh"});
    CHECK(required_by(pod, "cache") == Names{"disk"});

    const DependencyGraph graph = build_graph(pod);
    CHECK(graph.required_by_main[index_of(pod, "log")]);
    CHECK_FALSE(graph.required_by_main[index_of(pod, "cache")]);
    CHECK_FALSE(graph.required_by_main[index_of(pod, "disk")]);
    CHECK_FALSE(graph.required_by_main[index_of(pod, "web")]);
}

TEST_CASE("what is required on two ways is named once", "[dependency_graph]") {
    const PodSpec pod = made_up_pod("*web: left right\nleft: base\nright: base\nbase:\n");

    CHECK(required_by(pod, "web") == Names{"base", "left", "right"});
}

TEST_CASE("without a main nothing is required by main", "[dependency_graph]") {
    const DependencyGraph graph = build_graph(made_up_pod("web: log\nlog:\n"));

    CHECK(graph.required_by_main == std::vector<bool>{false, false});
}

TEST_CASE("as many levels are left as services still have to stop one after the other", "[dependency_graph]") {
    const PodSpec pod = made_up_pod("*web: mesh\n"
                                    "mesh: log\n"
                                    "cron: log\n"
                                    "log:\n"
                                    "lonely:\n");

    CHECK(levels_of(pod, {"web", "mesh", "cron", "log", "lonely"}) == 3);
    CHECK(levels_of(pod, {"mesh", "cron", "log", "lonely"}) == 2);
    CHECK(levels_of(pod, {"log", "lonely"}) == 1);
    CHECK(levels_of(pod, {}) == 0);
}

TEST_CASE("a service that is down passes on the order of those on both sides of it", "[dependency_graph]") {
    const PodSpec pod = made_up_pod("top: middle\nmiddle: base\nbase:\n");

    CHECK(levels_of(pod, {"top", "base"}) == 2);
}

TEST_CASE("a cycle is named in full, closed, from where the configuration meets it", "[dependency_graph]") {
    CHECK(cycles_of(made_up_pod("a: b\nb: c\nc: a\n")) == std::vector<Names>{{"a", "b", "c", "a"}});
    CHECK(cycles_of(made_up_pod("a: a\n")) == std::vector<Names>{{"a", "a"}});
    CHECK(cycles_of(made_up_pod("x: b\nb: c\nc: b\n")) == std::vector<Names>{{"b", "c", "b"}});
}

TEST_CASE("cycles that share no service are all named", "[dependency_graph]") {
    CHECK(cycles_of(made_up_pod("a: b\nb: a\nfree: c\nc: d\nd: c\n")) ==
          std::vector<Names>{{"a", "b", "a"}, {"c", "d", "c"}});
}

TEST_CASE("what can be started in some order has no cycle", "[dependency_graph]") {
    CHECK(cycles_of(made_up_pod("*web: mesh log\nmesh: log\nlog:\ncron: web mesh\n")).empty());
    CHECK(cycles_of(PodSpec{}).empty());
}

TEST_CASE("a cycle through a service that is not enabled is none", "[dependency_graph]") {
    CHECK(cycles_of(made_up_pod("a: b\n-b: a\n")).empty());
    CHECK(cycles_of(made_up_pod("-a: b\nb: a\n")).empty());
}

TEST_CASE("a graph with a cycle is built all the same", "[dependency_graph]") {
    const PodSpec pod = made_up_pod("a: b\nb: a\nfree:\n");

    CHECK(dependents_of(pod, "a") == Names{"b"});
    CHECK(names_of(pod, build_graph(pod).stop_order) == Names{"free"});
    CHECK(levels_of(pod, {"a", "b", "free"}) == 1);
}

TEST_CASE("a chain of five thousand services exhausts no stack", "[dependency_graph]") {
    PodSpec pod;
    for (ServiceIndex index = 0; index < 5000; ++index) {
        pod.services.push_back(ServiceSpec{.name = std::to_string(index)});
        pod.services.back().depends_on.push_back(Dependency{.service = (index + 1) % 5000});
    }

    const auto cycles = find_cycles(pod);

    REQUIRE(cycles.size() == 1);
    CHECK(cycles.front().size() == 5001);
}

TEST_CASE("in every graph the answers are those of the definitions", "[dependency_graph]") {
    const auto seed = GENERATE(range(0U, 60U));
    std::mt19937 dice{seed};
    const PodSpec pod = random_pod(dice, 1 + dice() % 12);
    const DependencyGraph graph = build_graph(pod);
    std::vector<bool> up;
    for (ServiceIndex index = 0; index < pod.services.size(); ++index) {
        up.push_back(dice() % 2 == 0);
    }

    int longest = 0;
    for (ServiceIndex index = 0; index < pod.services.size(); ++index) {
        longest = std::max(longest, longest_chain(pod, index, up));
        for (ServiceIndex other = 0; other < pod.services.size(); ++other) {
            const auto& found = transitive_dependents(graph, index);
            INFO(pod.services[other].name << " on " << pod.services[index].name);
            CHECK((std::ranges::count(found, other) == 1) == depends(pod, other, index));
        }
        CHECK(find_transitive_dependents(pod, index) == transitive_dependents(graph, index));
    }

    CHECK(levels_left(graph, [&](ServiceIndex index) { return up[index]; }) == longest);
    CHECK(graph.stop_order.size() == pod.services.size());
    CHECK(find_cycles(pod).empty());
}

TEST_CASE("the stop order has every service behind all that depend on it", "[dependency_graph]") {
    const auto seed = GENERATE(range(100U, 130U));
    std::mt19937 dice{seed};
    const PodSpec pod = random_pod(dice, 40);

    const std::vector<ServiceIndex> order = build_graph(pod).stop_order;

    const auto place = [&](ServiceIndex index) { return std::ranges::find(order, index) - order.begin(); };
    for (ServiceIndex index = 0; index < pod.services.size(); ++index) {
        for (const Dependency& edge : pod.services[index].depends_on) {
            if (depends_directly(pod, index, edge.service)) {
                CHECK(place(index) < place(edge.service));
            }
        }
    }
}

} // namespace davit::model
