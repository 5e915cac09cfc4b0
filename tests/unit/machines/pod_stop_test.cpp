// SPDX-License-Identifier: Apache-2.0
// The way down: prestop, stop signals, main's end, what joins and what overtakes.
#include "pod_bench.h"
#include "support/catch.h"

namespace davit::test {

using namespace model;
using Orders = std::vector<std::string>;

namespace {

/// main with one helper, an offline and a stop step, and a drain on port 8080.
PodBench shop() {
    PodBench pod;
    pod.with(helper("mesh"));
    pod.spec().grace = 40s;
    pod.spec().lifecycle.offline = {step()};
    pod.spec().lifecycle.stop = {step()};
    pod.spec().lifecycle.drain = DrainSpec{.min = 2s, .max = 15s, .ports = {8080}};
    return pod;
}

void drain_quietly(PodBench& pod) {
    while (pod.phase() == "draining") {
        pod.connections(0);
        pod.until(pod.now() + 500ms);
    }
}

} // namespace

TEST_CASE("prestop goes offline, drains, runs stop, stops main and leaves the helpers to SIGTERM", "[pod_machine]") {
    PodBench pod = shop();
    pod.come_online();
    pod.take_orders();

    pod.ask(1, Verb::prestop);
    CHECK_FALSE(is_ready(pod.spec(), pod.pod()));
    CHECK(pod.take_orders() == Orders{"RunStep{run 1, offline 1, attempt 1, prestop}"});
    pod.step_finished();
    CHECK(pod.phase() == "draining");
    drain_quietly(pod);
    CHECK(pod.phase() == "stopping");
    CHECK(pod.count_orders("RunStep{run 2, stop 1, attempt 1, prestop}") == 1);
    CHECK_FALSE(pod.ordered("main: SignalSession"));

    pod.step_finished();
    CHECK(pod.count_orders("main: SignalSession{TERM}") == 1);
    CHECK(pod.answer_to(1).empty());
    pod.exited("main", exited_with(143));
    CHECK(pod.phase() == "stopped");
    CHECK(pod.answer_to(1).starts_with("done"));
    CHECK(pod.state("mesh") == "running");
    CHECK(pod.exit_code() == -1);

    pod.signal(SIGTERM);
    CHECK(pod.count_orders("mesh: SignalSession{TERM}") == 1);
    pod.exited("mesh", killed_by(SIGTERM));
    CHECK(pod.exit_code() == 143);
    CHECK(pod.count_orders("RunStep") == 2);
}

TEST_CASE("a bare SIGTERM runs the same path exactly once", "[pod_machine]") {
    PodBench pod = shop();
    pod.come_online();
    pod.signal(SIGTERM);
    CHECK(pod.ordered("offline 1, attempt 1, signal"));
    pod.step_finished();
    drain_quietly(pod);
    while (pod.please()) {
    }
    CHECK(pod.exit_code() == 143);
    CHECK(pod.count_orders("RunStep") == 2);
    CHECK(pod.place_of("main: SignalSession{TERM}") < pod.place_of("mesh: SignalSession{TERM}"));
}

TEST_CASE("a second prestop joins the first and gets the same answer, a late one at once", "[pod_machine]") {
    PodBench pod = shop();
    pod.spec().lifecycle.drain = {};
    pod.come_online();
    pod.ask(1, Verb::prestop);
    pod.ask(2, Verb::prestop);
    pod.step_finished(StepOutcome::failed);
    pod.step_finished();
    pod.exited("main", exited_with(0));
    CHECK(pod.answer_to(1).starts_with("failed: main is down, but a step failed: offline failed"));
    CHECK(pod.answer_to(2) == pod.answer_to(1));

    pod.ask(3, Verb::prestop);
    CHECK(pod.answer_to(3) == pod.answer_to(1));
    CHECK(pod.count_orders("RunStep") == 2);
}

TEST_CASE("a prestop client that goes away cancels nothing", "[pod_machine]") {
    PodBench pod = shop();
    pod.spec().lifecycle.drain = {};
    pod.come_online();
    pod.ask(1, Verb::prestop);
    pod.client_left(1);
    while (pod.please()) {
    }
    CHECK(pod.phase() == "stopped");
    CHECK(pod.answer_to(1).empty());
}

TEST_CASE("without SIGTERM a prestop ends by itself inside its budget", "[pod_machine]") {
    PodBench pod = shop();
    pod.spec().lifecycle.drain = {};
    pod.come_online();
    pod.ask(1, Verb::prestop);
    while (pod.please()) {
    }
    pod.until(36s);
    CHECK_FALSE(pod.ordered("mesh: SignalSession"));
    pod.until(37s);
    CHECK(pod.ordered("mesh: SignalSession{TERM}"));
    pod.until(39s);
    CHECK(pod.ordered("mesh: SignalSession{KILL}"));
}

TEST_CASE("SIGTERM while a prestop client waits runs the rest of offline beside TERM to everything", "[pod_machine]") {
    PodBench pod = shop();
    pod.come_online();
    pod.ask(1, Verb::prestop);
    pod.until(5s);
    pod.signal(SIGTERM);

    CHECK(pod.ordered("main: SignalSession{TERM}"));
    CHECK(pod.ordered("mesh: SignalSession{TERM}"));
    CHECK_FALSE(pod.ordered("EndStep"));
    pod.exited("main", killed_by(SIGTERM));
    pod.exited("mesh", killed_by(SIGTERM));
    CHECK(pod.exit_code() == -1);
    pod.step_finished();
    CHECK(pod.exit_code() == 143);
    CHECK(pod.count_orders("RunStep") == 1);
}

TEST_CASE("everything is down in under 2 s when the kubelet's grace is used up", "[pod_machine]") {
    PodBench pod = shop();
    pod.come_online();
    pod.ask(1, Verb::prestop);
    pod.until(5s);
    pod.signal(SIGTERM);
    pod.until(6500ms);
    CHECK(pod.ordered("EndStep{run 1, KILL}"));
    CHECK(pod.ordered("main: SignalSession{KILL}"));
    CHECK(pod.ordered("mesh: SignalSession{KILL}"));
    pod.until(7s);
    CHECK(pod.exit_code() != -1);
}

TEST_CASE("a second stop signal from outside after a second means now; sooner or from inside it joins",
          "[pod_machine]") {
    const auto [after, inside, killed] =
        GENERATE(table<Duration, bool, bool>({{1500ms, false, true}, {500ms, false, false}, {1500ms, true, false}}));
    PodBench pod = shop();
    pod.come_online();
    pod.signal(SIGTERM);
    pod.until(after);
    pod.signal(SIGTERM, inside);
    CHECK(pod.ordered("main: SignalSession{KILL}") == killed);
    CHECK(pod.ordered("mesh: SignalSession{KILL}") == killed);
    CHECK(pod.ordered("EndStep{run 1, KILL}") == killed);
}

TEST_CASE("main's own end runs offline without drain and stop steps and gives its code", "[pod_machine]") {
    PodBench pod = shop();
    pod.come_online();
    pod.exited("main", exited_with(3));
    CHECK(pod.ordered("RunStep{run 1, offline 1, attempt 1, exit}"));
    pod.step_finished();
    CHECK(pod.phase() == "stopped");
    pod.exited("mesh", killed_by(SIGTERM));
    CHECK(pod.exit_code() == 3);
    CHECK(pod.count_orders("RunStep") == 1);
}

TEST_CASE("main's end breaks a start step off", "[pod_machine]") {
    PodBench pod;
    pod.spec().lifecycle.preload = {step()};
    pod.begin();
    pod.launched("main");
    pod.exited("main", exited_with(0));
    CHECK(pod.ordered("EndStep{run 1, TERM}"));
    pod.step_finished(StepOutcome::failed);
    CHECK(pod.exit_code() == 121);
}

TEST_CASE("a stop during the start ends the online step before offline begins", "[pod_machine]") {
    PodBench pod = shop();
    pod.spec().lifecycle.online = {step()};
    pod.begin();
    pod.launched("mesh");
    pod.launched("main");
    CHECK(pod.phase() == "going-online");
    pod.signal(SIGTERM);
    CHECK(pod.ordered("EndStep{run 1, TERM}"));
    CHECK_FALSE(pod.ordered("offline 1"));
    pod.until(2s);
    CHECK(pod.ordered("EndStep{run 1, KILL}"));
    pod.step_finished(StepOutcome::failed);
    CHECK(pod.count_orders("offline 1") == 1);
}

TEST_CASE("a stop before online was attempted runs no offline and exits non-zero", "[pod_machine]") {
    PodBench pod = shop();
    pod.service("main").readiness_probe = tcp_probe();
    pod.begin();
    pod.launched("mesh");
    pod.launched("main");
    pod.signal(SIGTERM);
    CHECK(pod.ordered("stop 1"));
    pod.step_finished();
    pod.exited("main", exited_with(0));
    pod.exited("mesh", exited_with(0));
    CHECK(pod.exit_code() == 121);
    CHECK_FALSE(pod.ordered("offline"));
}

TEST_CASE("SIGTERM before main ever started stops the helpers and starts nothing more", "[pod_machine]") {
    PodBench pod = shop();
    pod.service("main").depends_on.front().condition = Condition::ready;
    pod.service("mesh").readiness_probe = tcp_probe();
    pod.begin();
    pod.launched("mesh");
    pod.signal(SIGTERM);
    while (pod.please()) {
    }
    CHECK(pod.exit_code() == 121);
    CHECK_FALSE(pod.ordered("main: Launch"));
}

TEST_CASE("an offline that hangs leaves main its TERM and the stop ends inside the budget", "[pod_machine]") {
    PodBench pod = shop();
    pod.spec().lifecycle.drain = {};
    pod.spec().lifecycle.stop.clear();
    pod.come_online();
    pod.signal(SIGTERM);
    pod.until(39s);
    CHECK(pod.ordered("EndStep{run 1, TERM}"));
    pod.until(39600ms);
    CHECK(pod.ordered("main: SignalSession{TERM}")); // although the step that hangs was never over
    CHECK(pod.exit_code() != -1);
}

TEST_CASE("a step that ends on TERM gives the rest of the budget to main", "[pod_machine]") {
    PodBench pod = shop();
    pod.spec().lifecycle.drain = {};
    pod.spec().lifecycle.stop.clear();
    pod.come_online();
    pod.signal(SIGTERM);
    pod.until(36s);
    REQUIRE(pod.ordered("EndStep{run 1, TERM}"));
    pod.step_finished(StepOutcome::failed);
    CHECK(pod.ordered("main: SignalSession{TERM}"));
    pod.until(37s);
    CHECK(pod.ordered("main: SignalSession{KILL}"));
}

TEST_CASE("offline by hand rests with everything running, and online by hand begins at checking", "[pod_machine]") {
    PodBench pod = shop();
    pod.spec().lifecycle.preload = {step()};
    pod.spec().lifecycle.drain = {};
    pod.come_online();
    pod.ask(1, Verb::offline);
    CHECK(pod.ordered("offline 1, attempt 1, manual"));
    pod.step_finished();
    CHECK(pod.phase() == "offline");
    CHECK(pod.answer_to(1).starts_with("done"));
    CHECK(pod.state("main") == "running");

    pod.ask(2, Verb::online);
    CHECK(pod.phase() == "online");
    CHECK(pod.answer_to(2).starts_with("done"));
    CHECK(pod.count_orders("preload 1") == 1);

    pod.signal(SIGTERM);
    CHECK(pod.count_orders("offline 1") == 2);
}

TEST_CASE("a stop after offline by hand does not repeat offline", "[pod_machine]") {
    PodBench pod = shop();
    pod.spec().lifecycle.drain = {};
    pod.come_online();
    pod.ask(1, Verb::offline);
    pod.step_finished();
    pod.signal(SIGTERM);
    while (pod.please()) {
    }
    CHECK(pod.exit_code() == 143);
    CHECK(pod.count_orders("offline 1") == 1);
    CHECK(pod.count_orders("stop 1") == 1);
}

TEST_CASE("SIGTERM overtakes offline by hand without repeating it", "[pod_machine]") {
    PodBench pod = shop();
    pod.spec().lifecycle.drain = {};
    pod.come_online();
    pod.ask(1, Verb::offline);
    pod.signal(SIGTERM);
    while (pod.please()) {
    }
    CHECK(pod.exit_code() == 143);
    CHECK(pod.count_orders("offline 1") == 1);
    CHECK(pod.answer_to(1).starts_with("done"));
}

TEST_CASE("stop of main by hand holds it until start, and the container stays", "[pod_machine]") {
    PodBench pod = shop();
    pod.spec().lifecycle.drain = {};
    pod.come_online();
    pod.ask(1, Verb::stop, {"main"});
    pod.step_finished();
    pod.step_finished();
    pod.exited("main", exited_with(143));
    CHECK(pod.state("main") == "held");
    CHECK(pod.phase() == "stopped");
    CHECK(pod.answer_to(1).starts_with("done"));
    pod.until(1000s);
    CHECK(pod.exit_code() == -1);
    CHECK(pod.state("mesh") == "running");

    pod.ask(2, Verb::start, {"main"});
    CHECK(pod.phase() == "starting");
    pod.launched("main");
    CHECK(pod.phase() == "online");
    CHECK(pod.answer_to(2).starts_with("done"));
}

TEST_CASE("restart of main by hand takes it offline, down and up again", "[pod_machine]") {
    PodBench pod = shop();
    pod.spec().lifecycle.drain = {};
    pod.come_online();
    pod.ask(1, Verb::restart, {"main"});
    while (pod.please()) {
    }
    CHECK(pod.phase() == "online");
    CHECK(pod.answer_to(1).starts_with("done"));
    CHECK(pod.count_orders("offline 1") == 1);
    CHECK(pod.count_orders("stop 1") == 1);
    CHECK(pod.count_orders("main: Launch") == 2);
}

TEST_CASE("stop during stop by hand of main uses a budget of its own", "[pod_machine]") {
    PodBench pod = shop();
    pod.spec().lifecycle.drain = {};
    pod.come_online();
    pod.ask(1, Verb::stop, {"main"});
    pod.until(20s);
    pod.signal(SIGTERM);
    REQUIRE(pod.pod().lifecycle.budget.has_value());
    CHECK(pod.pod().lifecycle.budget->began - TimePoint{} == 20s);
}

TEST_CASE("HUP, USR1, USR2 and WINCH go to main's leader", "[pod_machine]") {
    const int number = GENERATE(SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH);
    PodBench pod = shop();
    pod.come_online();
    pod.take_orders();
    pod.signal(number);
    CHECK(pod.take_orders() == Orders{"main: SignalLeader{" + signal_name(number) + "}"});
    CHECK(pod.phase() == "online");
}

TEST_CASE("TERM, INT, QUIT and RTMIN+3 stop", "[pod_machine]") {
    const int number = GENERATE(SIGTERM, SIGINT, SIGQUIT, 37);
    PodBench pod = shop();
    pod.come_online();
    pod.signal(number);
    CHECK(pod.phase() == "going-offline");
}

TEST_CASE("plain init passes every signal on, is online at once and ends as its command does", "[pod_machine]") {
    PodBench pod;
    pod.spec().plain_init = true;
    pod.service("main").grace = 2s;
    pod.begin();
    pod.ask(1, Verb::poststart);
    pod.launched("main");
    CHECK(pod.phase() == "online");
    CHECK(pod.answer_to(1) == "done: online: plain init");
    pod.ask(2, Verb::prestop);
    CHECK(pod.answer_to(2).starts_with("done"));
    pod.signal(SIGTERM);
    CHECK(pod.ordered("main: SignalLeader{TERM}"));
    pod.until(1000s);
    CHECK_FALSE(pod.ordered("KILL"));
    pod.exited("main", exited_with(0));
    CHECK(pod.exit_code() == 0);
}

TEST_CASE("a signal that comes before the launch is answered reaches main", "[pod_machine]") {
    PodBench pod;
    pod.spec().plain_init = true;
    pod.begin();
    pod.signal(SIGHUP);
    CHECK_FALSE(pod.ordered("SignalLeader"));
    pod.launched("main");
    CHECK(pod.count_orders("main: SignalLeader{HUP}") == 1);
    pod.signal(SIGHUP);
    CHECK(pod.count_orders("main: SignalLeader{HUP}") == 2);
}

TEST_CASE("now means KILL for main, without a TERM before it", "[pod_machine]") {
    PodBench pod = shop();
    pod.come_online();
    pod.signal(SIGTERM);
    pod.until(2s);
    pod.signal(SIGTERM);
    CHECK(pod.ordered("main: SignalSession{KILL}"));
    CHECK_FALSE(pod.ordered("main: SignalSession{TERM}"));
}

TEST_CASE("what a plain init's command leaves behind gets TERM and up to 2 s", "[pod_machine]") {
    PodBench pod;
    pod.spec().plain_init = true;
    pod.service("main").grace = 2s;
    pod.begin();
    pod.launched("main");
    pod.exited("main", exited_with(7), "sleep (pid 9)");
    CHECK(pod.ordered("main: SignalSession{TERM}"));
    CHECK(pod.exit_code() == -1);
    pod.until(2s);
    CHECK(pod.ordered("main: SignalSession{KILL}"));
    pod.emptied("main");
    CHECK(pod.exit_code() == 7);
}

} // namespace davit::test
