// SPDX-License-Identifier: Apache-2.0
// The picture of the dependencies, compared as a whole: a picture is right or wrong as one.
#include "config/graph.h"
#include "made_up_files.h"

#include "support/catch.h"

#include <sstream>

namespace davit::config {
namespace {

model::PodSpec load_pod(const std::string& text) {
    MadeUpFiles system;
    system.files = {{"/c.yaml", text}};
    system.environment = {{"DAVIT_APP", "shop"}};
    LoadResult result = load(system.sources(), {.path = "/c.yaml", .purpose = Purpose::plan});
    CHECK(lines_of(result.problems) == "");
    return std::move(result.pod);
}

const std::string diamond = R"(
services:
  base: {command: [base]}
  left: {command: [left], dependsOn: [base], readinessProbe: {tcpSocket: {port: 1}}}
  right: {command: [right], dependsOn: {base: {required: false}}}
  init: {command: [init], oneshot: true}
  off: {command: [off], enabled: false}
  web: {command: [web], main: true, readinessProbe: {tcpSocket: {port: 2}}}
  tail: {command: [tail], dependsOn: [web]}
lifecycle:
  preload: {exec: {command: [/opt/preload.sh]}, timeoutSeconds: 90}
  online: [{http: {url: "http://lb/in"}, attempts: 3}, {sleep: {seconds: 0.5}}]
  offline: {tcpSocket: {port: 7}}
  drain: {minSeconds: 1, maxSeconds: 8, ports: [80, 81]}
)";

std::size_t width_of(const std::string& line) {
    return static_cast<std::size_t>(
        std::ranges::count_if(line, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }));
}

} // namespace

TEST_CASE("a picture of one service is short", "[graph]") {
    CHECK(graph_text(load_pod("services: {web: {command: [web]}}"), Charset::ascii) == R"(shop: 1 service

  1 -- web (main)
    |
    v web runs
      ready    nothing to wait for: no service has a readiness probe
    ======== ONLINE ========
      then     web stops
)");
}

TEST_CASE("a picture shows layers, conditions, what is optional, main, steps and what is disabled", "[graph]") {
    CHECK(graph_text(load_pod(diamond), Charset::utf8) == R"(shop: 6 services, started from top to bottom

  1 ┬─ base
    └─ init (oneshot)
    │
  2 ┬─ left            ◄─ started: base
    └─ right           ◄─ started: base (optional)
    │
  3 ── web (main)      ◄─ completed: init; ready: left; started: base, right
    │
  4 ── tail            ◄─ ready: web
    │
    ▼ web runs
      preload  exec preload.sh, at most 90 s
      ready    left, web
      online   GET http://lb/in, 3 attempts
               sleep 0.5 s
    ━━━━━━━━ ONLINE ━━━━━━━━
      offline  connect to localhost:7
      drain    1 to 8 s, until no connection is on 80, 81
      then     web stops, then the others from bottom to top

disabled: off
)");
}

TEST_CASE("without UTF-8 a picture has the same lines", "[graph]") {
    const model::PodSpec pod = load_pod(diamond);
    const std::string drawn = graph_text(pod, Charset::utf8);
    const std::string typed = graph_text(pod, Charset::ascii);
    CHECK(std::ranges::count(drawn, '\n') == std::ranges::count(typed, '\n'));
    CHECK(std::ranges::all_of(typed, [](char byte) { return static_cast<unsigned char>(byte) < 0x80; }));
}

TEST_CASE("a picture of many services stays within 80 columns", "[graph]") {
    std::string text = "services:\n";
    for (int index = 1; index <= 29; ++index) {
        text += "  service-number-" + std::to_string(index) + ": {command: [x]";
        text += index % 3 == 0 ? ", dependsOn: [service-number-" + std::to_string(index - 1) + "]}\n" : "}\n";
    }
    text += "  web: {command: [web], main: true}\nlifecycle: {online: {exec: {command: [/opt/" + std::string(90, 'x') +
            "]}}}\n";
    for (const Charset charset : {Charset::utf8, Charset::ascii}) {
        std::istringstream lines{graph_text(load_pod(text), charset)};
        for (std::string line; std::getline(lines, line);) {
            INFO(line);
            CHECK(width_of(line) <= 80);
        }
    }
}

TEST_CASE("a graph for dot has a node for each service, an edge for each dependency and a chain of steps", "[graph]") {
    CHECK(graph_dot(load_pod(diamond)) == R"dot(digraph "shop" {
  rankdir=LR;
  node [shape=box];
  "base";
  "left";
  "base" -> "left" [label=started];
  "right";
  "base" -> "right" [label=started, style=dashed];
  "init" [label="init (oneshot)"];
  "off" [style=dotted, label="off (disabled)"];
  "web" [style=bold, label="web (main)"];
  "base" -> "web" [label=started];
  "left" -> "web" [label=ready];
  "right" -> "web" [label=started];
  "init" -> "web" [label=completed];
  "tail";
  "web" -> "tail" [label=ready];
  "step preload 1" [shape=ellipse, label="preload: exec preload.sh"];
  "web" -> "step preload 1";
  "step online 1" [shape=ellipse, label="online: GET http://lb/in"];
  "step preload 1" -> "step online 1";
  "step online 2" [shape=ellipse, label="online: sleep 0.5 s"];
  "step online 1" -> "step online 2";
  "step offline 1" [shape=ellipse, label="offline: connect to localhost:7"];
  "step online 2" -> "step offline 1";
}
)dot");
}

TEST_CASE("names that dot would misread are in quotes", "[graph]") {
    model::PodSpec pod = load_pod("services: {web: {command: [web]}}");
    pod.app = "a\"b\\c\nd";
    CHECK(graph_dot(pod).starts_with("digraph \"a\\\"b\\\\c d\" {\n"));
}

} // namespace davit::config
