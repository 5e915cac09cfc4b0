// SPDX-License-Identifier: Apache-2.0
// What the simulation found in worlds that nobody had thought of, each as the shortest story that shows the rule.
#include "pod_bench.h"
#include "support/catch.h"

namespace davit::test {

using namespace model;

namespace {

PodBench with_mesh() {
    PodBench pod;
    pod.with(helper("mesh"));
    pod.spec().grace = 40s;
    return pod;
}

} // namespace

TEST_CASE("online after an offline that broke off the start waits for main and runs preload", "[pod_machine]") {
    PodBench pod = with_mesh();
    pod.spec().lifecycle.preload = {step()};
    pod.with_dependency("main", "mesh");
    pod.begin();
    pod.ask(1, Verb::offline);
    REQUIRE(pod.phase() == "offline");

    pod.ask(2, Verb::online);
    CHECK(pod.phase() == "starting");
    pod.launched("mesh");
    pod.launched("main");
    CHECK(pod.phase() == "preloading");
    CHECK(pod.ordered("RunStep{run 1, preload 1"));
}

TEST_CASE("a TERM from inside does not make the kubelet's first TERM the second", "[pod_machine]") {
    PodBench pod = with_mesh();
    pod.come_online();
    pod.signal(SIGTERM, true);
    pod.until(pod.now() + 5s);

    pod.signal(SIGTERM);
    CHECK_FALSE(pod.ordered("SignalSession{KILL}"));
    pod.until(pod.now() + 2s);
    pod.signal(SIGTERM);
    CHECK(pod.ordered("main: SignalSession{KILL}"));
}

TEST_CASE("a main that not even KILL ends does not keep the helpers from their TERM", "[pod_machine]") {
    PodBench pod = with_mesh();
    pod.come_online();
    pod.ask(1, Verb::prestop);

    pod.until(pod.now() + 38s);
    CHECK(pod.ordered("mesh: SignalSession{TERM}"));
    pod.exited("mesh", killed_by(SIGTERM));
    pod.until(pod.now() + 3s);
    CHECK(pod.exit_code() == 137);
    CHECK(pod.answer_to(1).starts_with("failed"));
}

TEST_CASE("main's end during the drain of a prestop leaves PID 1 to SIGTERM", "[pod_machine]") {
    PodBench pod = with_mesh();
    pod.spec().lifecycle.drain = DrainSpec{.min = 5s, .max = 5s};
    pod.come_online();
    pod.ask(1, Verb::prestop);
    REQUIRE(pod.phase() == "draining");

    pod.exited("main", exited_with(0));
    CHECK(pod.phase() == "stopped");
    CHECK(pod.answer_to(1).starts_with("done"));
    CHECK(pod.state("mesh") == "running");
    CHECK(pod.exit_code() == -1);
}

TEST_CASE("main's end during its stop by hand ends in held, not in the end of the container", "[pod_machine]") {
    PodBench pod = with_mesh();
    pod.spec().lifecycle.drain = DrainSpec{.min = 5s, .max = 5s};
    pod.come_online();
    pod.ask(1, Verb::stop, {"main"});
    REQUIRE(pod.phase() == "draining");

    pod.exited("main", exited_with(3));
    CHECK(pod.phase() == "stopped");
    CHECK(pod.state("main") == "held");
    CHECK(pod.exit_code() == -1);
}

TEST_CASE("a critical service that ended while its restart by hand waited is restarted", "[pod_machine]") {
    PodBench pod = with_mesh();
    pod.service("mesh").critical = true;
    pod.service("mesh").restart_policy = RestartPolicy::never;
    pod.come_online();
    pod.exited("mesh", exited_with(0), "java (pid 41)");
    REQUIRE(pod.state("mesh") == "stopping");

    pod.ask(1, Verb::restart, {"mesh"});
    pod.emptied("mesh");
    CHECK(pod.phase() == "online");
    CHECK(pod.count_orders("mesh: Launch") == 2);
}

TEST_CASE("a main that is restarted by its policy and is overtaken by a stop lets the container end at once",
          "[pod_machine]") {
    PodBench pod;
    pod.service("main").restart_policy = RestartPolicy::always;
    pod.service("main").liveness_probe = tcp_probe();
    pod.service("main").liveness_probe->failure_threshold = 1;
    pod.come_online();
    pod.until(pod.now() + 11s);
    pod.checked("main", ProbeKind::liveness, CheckOutcome::bad);
    REQUIRE(pod.state("main") == "stopping");

    pod.signal(SIGTERM);
    pod.exited("main", killed_by(SIGTERM));
    CHECK(pod.exit_code() == 143);
}

TEST_CASE("a fact that is told twice moves a service once", "[pod_machine]") {
    PodBench pod = with_mesh();
    pod.come_online();
    const Pod before = pod.pod();
    pod.launched("mesh");
    pod.emptied("mesh");
    CHECK(pod.pod() == before);
}

TEST_CASE("an exit with a 0 that is not listed is a failure of main", "[pod_machine]") {
    PodBench pod;
    pod.service("main").success_exit_codes = {3};
    pod.come_online();
    pod.exited("main", exited_with(0));
    CHECK(pod.exit_code() == 122);
}

} // namespace davit::test
