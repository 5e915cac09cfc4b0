// SPDX-License-Identifier: Apache-2.0
// Layers: what a later file changes, adds and removes.
#include "config/merge.h"

#include "support/catch.h"

#include <string>
#include <vector>

namespace davit::config {

namespace {

/// The tree in one line: `{a: 1, b: [x, y]}`.
std::string shown(const Node& node) {
    std::string text;
    switch (node.kind) {
    case Node::Kind::null: return "null";
    case Node::Kind::scalar: return node.written;
    case Node::Kind::list:
        for (const Node& child : node.children) {
            text += (text.empty() ? "" : ", ") + shown(child);
        }
        return "[" + text + "]";
    case Node::Kind::map:
        for (const Node& child : node.children) {
            text += (text.empty() ? "" : ", ") + child.key + ": " + shown(child);
        }
        return "{" + text + "}";
    }
    return text;
}

struct Merged {
    Node root;
    std::string problems;
};

Merged merged(const std::vector<std::string>& layers) {
    Problems problems;
    Merged result;
    result.root.kind = Node::Kind::map;
    for (std::size_t index = 0; index < layers.size(); ++index) {
        std::uint32_t file = problems.add_file(std::to_string(index) + ".yaml");
        merge_layer(result.root, *parse_yaml(layers[index], file, problems), problems);
    }
    for (const Problem& problem : problems.take()) {
        result.problems += describe(problem) + "\n";
    }
    return result;
}

std::string merge_of(const std::string& first, const std::string& second) {
    return shown(merged({first, second}).root);
}

} // namespace

TEST_CASE("maps merge by key, scalars and lists replace, null removes", "[merge]") {
    CHECK(merge_of("{app: a, services: {web: {env: {A: 1, B: 2}, dependsOn: [x, y]}}}",
                   "{app: b, services: {web: {env: {B: ~, C: 3}, dependsOn: [z]}, db: {command: d}}}") ==
          "{app: b, services: {web: {env: {A: 1, C: 3}, dependsOn: [z]}, db: {command: d}}}");
}

TEST_CASE("a service set to null is removed, and one that is not there is told", "[merge]") {
    CHECK(merge_of("services: {web: {command: w}, db: {command: d}}", "services: {web: ~}") ==
          "{services: {db: {command: d}}}");
    Merged nothing_there = merged({"services: {web: {command: w}}", "services:\n  webb:\n"});
    CHECK(shown(nothing_there.root) == "{services: {web: {command: w}}}");
    CHECK(nothing_there.problems ==
          "1.yaml:2:3: services.webb: an empty service removes the one of an earlier file, and "
          "no earlier file has it\n");
}

TEST_CASE("a dependency without a value is told, for it removes nothing", "[merge]") {
    CHECK(merged({"services: {web: {dependsOn: {a: }}}"}).problems ==
          "0.yaml:1:30: services.web.dependsOn.a: an empty entry removes the dependency of an earlier file, and no "
          "earlier "
          "file has it: write {} to depend on it\n");
    CHECK(merged({"services: {web: {dependsOn: {a: {}}}}", "services: {web: {dependsOn: {a: ~}}}"}).problems.empty());
}

TEST_CASE("nulls of the first layer, and inside what is new, are nothing", "[merge]") {
    CHECK(shown(merged({"{app: ~, services: {web: {env: {A: ~, B: 1}, workingDir: ~}}}"}).root) ==
          "{services: {web: {env: {B: 1}}}}");
    CHECK(merge_of("app: a", "lifecycle: {drain: {minSeconds: ~, maxSeconds: 3}}") ==
          "{app: a, lifecycle: {drain: {maxSeconds: 3}}}");
}

TEST_CASE("probes, steps and logs replace as a whole; backoff, drain and postStart merge", "[merge]") {
    CHECK(merge_of("services: {web: {readinessProbe: {tcpSocket: {port: 1}, periodSeconds: 5}}}",
                   "services: {web: {readinessProbe: {exec: {command: x}}}}") ==
          "{services: {web: {readinessProbe: {exec: {command: x}}}}}");
    CHECK(merge_of("lifecycle: {online: {exec: {command: x}, attempts: 3}}",
                   "lifecycle: {online: {sleep: {seconds: 1}}}") == "{lifecycle: {online: {sleep: {seconds: 1}}}}");
    CHECK(merge_of("services: {web: {logs: {file: {path: /a, maxFiles: 3}}}}",
                   "services: {web: {logs: {file: {path: /b}}}}") == "{services: {web: {logs: {file: {path: /b}}}}}");
    CHECK(merge_of("{services: {web: {backoff: {limit: 2}}}, lifecycle: {drain: {minSeconds: 1}}}",
                   "{services: {web: {backoff: {factor: 3}}}, lifecycle: {drain: {maxSeconds: 2}}}") ==
          "{services: {web: {backoff: {limit: 2, factor: 3}}}, lifecycle: {drain: {minSeconds: 1, maxSeconds: 2}}}");
}

TEST_CASE("a command drops inherited args, and keeps those of its own layer", "[merge]") {
    CHECK(merge_of("services: {web: {command: w, args: [a]}}", "services: {web: {command: v}}") ==
          "{services: {web: {command: v}}}");
    CHECK(merge_of("services: {web: {command: w, args: [a]}}", "services: {web: {command: v, args: [b]}}") ==
          "{services: {web: {command: v, args: [b]}}}");
    CHECK(merge_of("services: {web: {command: w, args: [a]}}", "services: {web: {args: [b]}}") ==
          "{services: {web: {command: w, args: [b]}}}");
}

TEST_CASE("dependencies as maps merge by name, a list replaces a map", "[merge]") {
    CHECK(merge_of("services: {web: {dependsOn: {a: {condition: ready}}}}",
                   "services: {web: {dependsOn: {a: {required: false}, b: {}}}}") ==
          "{services: {web: {dependsOn: {a: {condition: ready, required: false}, b: {}}}}}");
    CHECK(merge_of("services: {web: {dependsOn: {a: {condition: ready}}}}", "services: {web: {dependsOn: [b]}}") ==
          "{services: {web: {dependsOn: [b]}}}");
}

TEST_CASE("a value knows the file that wrote it last", "[merge]") {
    Merged result = merged({"{app: a, services: {web: {command: w}}}", "services: {web: {main: true}}"});
    const Node* web = result.root.find("services")->find("web");
    CHECK(web->find("command")->place.file == 0);
    CHECK(web->find("main")->place.file == 1);
}

TEST_CASE("what a layer removes leaves the order of the rest, and comes back at the end", "[merge]") {
    CHECK(shown(merged({"{services: {a: {command: x}, b: {command: x}, c: {command: x}}}",
                        "{services: {a: null, d: {command: x}}}", "{services: {a: {command: y}}}"})
                    .root) == "{services: {b: {command: x}, c: {command: x}, d: {command: x}, a: {command: y}}}");
}

TEST_CASE("hundreds of services merge by name", "[merge]") {
    std::string first = "services:\n";
    std::string second = "services:\n";
    for (int index = 0; index < 600; ++index) {
        const std::string name = "a-name-that-is-longer-than-most-" + std::to_string(index);
        first += "  " + name + ": {command: x, env: {A: 1}}\n";
        second += index % 2 == 0 ? "  " + name + ":\n" : "  " + name + ": {env: {B: 2}}\n";
    }

    const Merged result = merged({first, second});

    const std::vector<Node>& services = result.root.find("services")->children;
    REQUIRE(services.size() == 300);
    CHECK(services.front().key == "a-name-that-is-longer-than-most-1");
    for (const Node& service : services) {
        CHECK(shown(service) == "{command: x, env: {A: 1, B: 2}}");
    }
    CHECK(result.problems.empty());
}

} // namespace davit::config
