// SPDX-License-Identifier: Apache-2.0
// With stateDir: what is remembered and when, and what a start does with what the run before left: the offline that it
// owes comes before any service, and what was isolated by hand stays so.
#include "pod_bench.h"

#include "support/catch.h"

#include <csignal>

using namespace davit;
using namespace davit::model;
using namespace davit::test;

namespace {

using Orders = std::vector<std::string>;

PodBench shop() {
    PodBench pod;
    pod.with(helper("log"));
    pod.with_dependency("main", "log");
    pod.spec().lifecycle.online = {step("online")};
    pod.spec().lifecycle.offline = {step("offline")};
    pod.spec().lifecycle.stop = {step("stop")};
    pod.spec().state_dir = "/state";
    return pod;
}

const PodRecord was_online{.online_owed = 3, .isolated = false, .isolated_because = {}};
const PodRecord was_isolated{.online_owed = 0, .isolated = true, .isolated_because = "leaks"};

Orders remembered(PodBench& pod) {
    Orders orders = pod.take_orders();
    std::erase_if(orders, [](const std::string& order) { return !order.starts_with("Remember"); });
    return orders;
}

} // namespace

// ---- what is remembered -----------------------------------------------------------------------------------

TEST_CASE("an online attempt is remembered before its first step runs", "[stale]") {
    PodBench pod = shop();
    pod.come_online();
    CHECK(pod.count_orders("Remember") == 1);
    CHECK(pod.place_of("Remember{online 1}") < pod.place_of("RunStep{run 1, online 1"));
}

TEST_CASE("an offline is remembered when its last step is over, not when it begins", "[stale]") {
    PodBench pod = shop();
    pod.come_online();
    pod.take_orders();
    pod.ask(1, Verb::offline);
    CHECK(remembered(pod).empty());
    pod.step_finished(StepOutcome::failed);
    CHECK(remembered(pod) == Orders{"Remember{online 0}"});
    CHECK(pod.phase() == "offline");
}

TEST_CASE("a pod without online steps owes its offline too", "[stale]") {
    PodBench pod = shop();
    pod.spec().lifecycle.online.clear();
    pod.come_online();
    CHECK(remembered(pod) == Orders{"Remember{online 1}"});
}

TEST_CASE("an offline that a second signal cuts off stays owed", "[stale]") {
    PodBench pod = shop();
    pod.come_online();
    pod.take_orders();
    pod.signal(SIGTERM);
    pod.until(pod.now() + 2s);
    pod.signal(SIGTERM);
    while (pod.please()) {
    }
    CHECK(pod.exit_code() == 143);
    CHECK(remembered(pod).empty());
}

TEST_CASE("isolation by hand is remembered at once, and forgotten with the rejoin", "[stale]") {
    PodBench pod = shop();
    pod.come_online();
    pod.take_orders();
    pod.ask(1, Verb::isolate);
    CHECK(remembered(pod) == Orders{"Remember{online 1, isolated}"});
    pod.step_finished();
    CHECK(remembered(pod) == Orders{"Remember{online 0, isolated}"});
    pod.ask(2, Verb::rejoin);
    CHECK(remembered(pod) == Orders{"Remember{online 0}", "Remember{online 2}"});
}

TEST_CASE("isolation by the key is not remembered: the file speaks for itself", "[stale]") {
    PodBench pod = shop();
    pod.spec().isolate_file = "/labels";
    pod.spec().isolate_key = "isolated";
    pod.come_online();
    pod.take_orders();
    pod.event(IsolationKeyRead{true});
    pod.step_finished();
    CHECK(remembered(pod) == Orders{"Remember{online 0}"});
    CHECK(pod.pod().lifecycle.isolated);
}

TEST_CASE("without stateDir nothing is remembered", "[stale]") {
    PodBench pod = shop();
    pod.spec().state_dir = Text{};
    pod.come_online();
    pod.ask(1, Verb::isolate);
    CHECK_FALSE(pod.ordered("Remember"));
}

// ---- the start after a crash ------------------------------------------------------------------------------

TEST_CASE("after a run that was online offline runs first, and nothing starts before it is over", "[stale]") {
    PodBench pod = shop();
    pod.begin_with({.recalled = was_online});
    CHECK(pod.take_orders() == Orders{"RunStep{run 1, offline 1, attempt 1, stale}",
                                      "run before: offline runs (it ended while it was online)"});
    CHECK(pod.phase() == "starting");
    CHECK(pod.state("log") == "blocked");
    pod.step_finished();
    CHECK(pod.take_orders() == Orders{"Remember{online 0}", "log: Launch", "run before: offline done"});
    while (pod.phase() != "online" && pod.please()) {
    }
    CHECK(remembered(pod) == Orders{"Remember{online 4}"});
    CHECK(pod.count_orders("offline 1") == 1);
}

TEST_CASE("all steps of the stale offline run, and a failed one is told and holds nothing up", "[stale]") {
    PodBench pod = shop();
    pod.spec().lifecycle.offline = {step("one"), step("two")};
    pod.begin_with({.recalled = was_online});
    pod.step_finished(StepOutcome::failed);
    CHECK(pod.ordered("offline 2, attempt 1, stale"));
    CHECK_FALSE(pod.ordered("Launch"));
    pod.step_finished();
    CHECK(pod.ordered("run before: offline failed (offline step 1 failed: exit code 1)"));
    CHECK(pod.ordered("log: Launch"));
}

TEST_CASE("a stale offline that hangs is ended with the time that is its own", "[stale]") {
    PodBench pod = shop();
    pod.begin_with({.recalled = was_online});
    pod.until(29s);
    CHECK(pod.ordered("EndStep"));
    pod.step_finished(StepOutcome::failed);
    CHECK(pod.ordered("run before: offline failed (offline timed out"));
    CHECK(pod.ordered("log: Launch"));
    // The time for the gate begins now.
    CHECK(pod.pod().lifecycle.gate_deadline == TimePoint{} + pod.now() + pod.spec().lifecycle.ready_timeout);
    CHECK_FALSE(pod.pod().lifecycle.budget.has_value());
}

TEST_CASE("without offline steps the start after a crash goes on at once", "[stale]") {
    PodBench pod = shop();
    pod.spec().lifecycle.offline.clear();
    pod.begin_with({.recalled = was_online});
    CHECK(pod.ordered("Remember{online 0}"));
    CHECK(pod.ordered("log: Launch"));
}

TEST_CASE("a start after a run that ended well is any start", "[stale]") {
    PodBench pod = shop();
    pod.begin_with({.recalled = PodRecord{}});
    CHECK(pod.take_orders() == Orders{"log: Launch"});
}

TEST_CASE("SIGTERM waits for the stale offline, and the container ends without having started anything", "[stale]") {
    PodBench pod = shop();
    pod.begin_with({.recalled = was_online});
    pod.until(3s);
    pod.signal(SIGTERM);
    CHECK(pod.phase() == "starting");
    CHECK_FALSE(pod.ordered("EndStep"));
    pod.step_finished();
    CHECK(pod.ordered("Remember{online 0}"));
    CHECK_FALSE(pod.ordered("Launch"));
    CHECK(pod.exit_code() == 121);
    CHECK(pod.count_orders("RunStep") == 1);
}

TEST_CASE("a second SIGTERM cuts the stale offline off, and it stays owed", "[stale]") {
    PodBench pod = shop();
    pod.begin_with({.recalled = was_online});
    pod.signal(SIGTERM);
    pod.until(2s);
    pod.signal(SIGTERM);
    CHECK(pod.ordered("EndStep{run 1, KILL}"));
    pod.step_finished(StepOutcome::failed);
    CHECK(pod.exit_code() == 121);
    CHECK_FALSE(pod.ordered("Remember"));
}

TEST_CASE("prestop during the stale offline joins it and returns when it is over", "[stale]") {
    PodBench pod = shop();
    pod.begin_with({.recalled = was_online});
    pod.ask(1, Verb::prestop);
    CHECK(pod.answer_to(1).empty());
    pod.step_finished();
    CHECK(pod.answer_to(1).starts_with("done: "));
    CHECK(pod.phase() == "stopped");
    CHECK(pod.exit_code() == -1);
}

TEST_CASE("offline by hand during the stale offline joins it, and services start without traffic", "[stale]") {
    PodBench pod = shop();
    pod.begin_with({.recalled = was_online});
    pod.ask(1, Verb::offline);
    pod.step_finished();
    CHECK(pod.answer_to(1).starts_with("done: "));
    CHECK(pod.phase() == "offline");
    CHECK(pod.ordered("log: Launch"));
    CHECK(pod.count_orders("RunStep") == 1);
}

TEST_CASE("what was isolated by hand stays isolated: services start, no step runs", "[stale]") {
    PodBench pod = shop();
    pod.begin_with({.recalled = was_isolated});
    CHECK(pod.phase() == "offline");
    CHECK(pod.pod().lifecycle.isolated_because == "leaks");
    while (pod.please()) {
    }
    CHECK(pod.state("main") == "running");
    CHECK_FALSE(pod.ordered("RunStep"));
    CHECK_FALSE(pod.ordered("Remember"));
    pod.ask(1, Verb::rejoin);
    CHECK(pod.ordered("Remember{online 0}"));
}

TEST_CASE("what crashed on its way into isolation runs offline first and rests isolated", "[stale]") {
    PodBench pod = shop();
    pod.begin_with({.recalled = {.online_owed = 1, .isolated = true, .isolated_because = "by hand"}});
    CHECK(pod.phase() == "starting");
    CHECK_FALSE(pod.ordered("Launch"));
    pod.step_finished();
    CHECK(pod.phase() == "offline");
    CHECK(pod.pod().lifecycle.isolated);
    CHECK(pod.ordered("log: Launch"));
    CHECK(pod.count_orders("RunStep") == 1);
}

TEST_CASE("debug mode runs no stale offline and leaves it owed", "[stale]") {
    PodBench pod = shop();
    pod.spec().mode = Mode::debug;
    pod.begin_with({.recalled = was_online});
    CHECK(pod.phase() == "offline");
    CHECK_FALSE(pod.ordered("RunStep"));
    CHECK_FALSE(pod.ordered("Remember"));
    CHECK(pod.pod().lifecycle.offline_owed);
}

TEST_CASE("with the key there the stale offline runs first, and the pod rests isolated", "[stale]") {
    PodBench pod = shop();
    pod.spec().isolate_file = "/labels";
    pod.spec().isolate_key = "isolated";
    pod.begin_with({.recalled = was_online, .key_is_there = true});
    CHECK(pod.phase() == "starting");
    CHECK_FALSE(pod.ordered("Launch"));
    pod.step_finished();
    CHECK(pod.phase() == "offline");
    CHECK(pod.pod().lifecycle.isolated);
    CHECK(pod.ordered("log: Launch"));
}

TEST_CASE("what was isolated by hand and now has the key is the key's, and rejoins with it", "[stale]") {
    PodBench pod = shop();
    pod.spec().isolate_file = "/labels";
    pod.spec().isolate_key = "isolated";
    pod.begin_with({.recalled = was_isolated, .key_is_there = true});
    CHECK(pod.ordered("Remember{online 0}"));
    CHECK(pod.phase() == "offline");
    pod.event(IsolationKeyRead{false});
    CHECK_FALSE(pod.pod().lifecycle.isolated);
}
