// SPDX-License-Identifier: Apache-2.0
// The way up: dependencies, preload, gate, online, and what a failure does.
#include "pod_bench.h"
#include "support/catch.h"

namespace davit::test {

using namespace model;
using Orders = std::vector<std::string>;

TEST_CASE("main starts when its helpers are ready, and steps run in their order", "[pod_machine]") {
    PodBench pod;
    ServiceSpec mesh = helper("mesh");
    mesh.readiness_probe = tcp_probe();
    pod.with(mesh);
    pod.spec().lifecycle.preload = {step()};
    pod.spec().lifecycle.online = {step()};

    pod.begin();
    CHECK(pod.take_orders() == Orders{"mesh: Launch"});
    pod.launched("mesh");
    CHECK(pod.state("main") == "blocked");

    pod.checked("mesh", ProbeKind::readiness, CheckOutcome::good);
    CHECK(pod.take_orders() == Orders{"main: Launch"});

    pod.launched("main");
    CHECK(pod.phase() == "preloading");
    CHECK(pod.take_orders() == Orders{"RunStep{run 1, preload 1, attempt 1, start}"});

    pod.step_finished();
    CHECK(pod.phase() == "going-online");
    CHECK_FALSE(is_ready(pod.spec(), pod.pod()));

    pod.step_finished();
    CHECK(pod.phase() == "online");
    CHECK(is_ready(pod.spec(), pod.pod()));
    CHECK(pod.count_orders("RunStep") == 2);
}

TEST_CASE("a pod without life cycle is online as soon as main runs", "[pod_machine]") {
    PodBench pod;
    pod.begin();
    pod.launched("main");
    CHECK(pod.phase() == "online");
}

TEST_CASE("the gate waits for all readiness probes at the same time", "[pod_machine]") {
    PodBench pod;
    ServiceSpec mesh = helper("mesh");
    mesh.readiness_probe = tcp_probe();
    mesh.readiness_probe->failure_threshold = 1;
    pod.with(mesh);
    pod.service("main").readiness_probe = tcp_probe(8080);
    pod.begin();
    pod.launched("mesh");
    pod.checked("mesh", ProbeKind::readiness, CheckOutcome::good);
    pod.launched("main");
    CHECK(pod.phase() == "checking");

    pod.until(10s);
    pod.checked("mesh", ProbeKind::readiness, CheckOutcome::bad);
    pod.checked("main", ProbeKind::readiness, CheckOutcome::good);
    CHECK(pod.phase() == "checking");

    pod.until(20s);
    pod.checked("mesh", ProbeKind::readiness, CheckOutcome::good);
    CHECK(pod.phase() == "online");
}

TEST_CASE("losing readiness makes the pod unready and runs no step", "[pod_machine]") {
    PodBench pod;
    pod.service("main").readiness_probe = tcp_probe(8080);
    pod.service("main").readiness_probe->failure_threshold = 1;
    pod.spec().lifecycle.offline = {step()};
    pod.come_online();
    REQUIRE(is_ready(pod.spec(), pod.pod()));

    pod.until(10s);
    pod.checked("main", ProbeKind::readiness, CheckOutcome::bad);

    CHECK_FALSE(is_ready(pod.spec(), pod.pod()));
    CHECK(pod.phase() == "online");
    CHECK_FALSE(pod.ordered("RunStep"));
}

TEST_CASE("a step is tried again after its period, and the last failure ends the start with 121", "[pod_machine]") {
    PodBench pod;
    pod.spec().lifecycle.preload = {step()};
    pod.spec().lifecycle.preload[0].attempts = 2;
    pod.begin();
    pod.launched("main");

    pod.step_finished(StepOutcome::failed);
    CHECK(pod.count_orders("RunStep") == 1);
    pod.until(1s);
    CHECK(pod.ordered("RunStep{run 2, preload 1, attempt 2, start}"));

    pod.step_finished(StepOutcome::failed);
    while (pod.please()) {
    }
    CHECK(pod.exit_code() == 121);
    CHECK(pod.end_lines().front() == "the start failed: preload failed: exit code 1");
    CHECK_FALSE(pod.ordered("offline"));
}

TEST_CASE("a failed online runs offline once, then everything stops with 121", "[pod_machine]") {
    PodBench pod;
    pod.spec().lifecycle.online = {step()};
    pod.spec().lifecycle.offline = {step()};
    pod.begin();
    pod.launched("main");
    pod.step_finished(StepOutcome::failed);

    CHECK(pod.phase() == "going-offline");
    CHECK(pod.ordered("RunStep{run 2, offline 1, attempt 1, failure}"));
    while (pod.please()) {
    }
    CHECK(pod.exit_code() == 121);
    CHECK(pod.count_orders("offline 1") == 1);
}

TEST_CASE("a failed online that is held rests at failed, and online by hand tries again from preload",
          "[pod_machine]") {
    PodBench pod;
    pod.spec().lifecycle.on_failure = OnFailure::hold;
    pod.spec().lifecycle.preload = {step()};
    pod.spec().lifecycle.online = {step()};
    pod.begin();
    pod.ask(1, Verb::poststart);
    pod.launched("main");
    pod.step_finished();
    pod.step_finished(StepOutcome::failed);

    CHECK(pod.phase() == "failed");
    CHECK(pod.state("main") == "running");
    CHECK(pod.answer_to(1).starts_with("done: the start failed"));
    CHECK(is_started_up(pod.spec(), pod.pod()));
    CHECK_FALSE(is_ready(pod.spec(), pod.pod()));

    pod.ask(2, Verb::online);
    CHECK(pod.phase() == "preloading");
    while (pod.please()) {
    }
    CHECK(pod.phase() == "online");
    CHECK(pod.answer_to(2).starts_with("done"));
}

TEST_CASE("a gate that stays bad for readyTimeoutSeconds fails the start and says what is missing", "[pod_machine]") {
    PodBench pod;
    pod.service("main").readiness_probe = tcp_probe(8080);
    pod.spec().lifecycle.ready_timeout = 60s;
    pod.begin();
    pod.launched("main");
    pod.checked("main", ProbeKind::readiness, CheckOutcome::bad);

    pod.until(61s);
    while (pod.please()) {
    }
    CHECK(pod.exit_code() == 121);
    CHECK(pod.end_lines().front() == "the start failed: not ready after 60 s: main: seen");
}

TEST_CASE("where the gate's time and that of main's startup probe end together, the gate comes first",
          "[pod_machine]") {
    PodBench pod;
    pod.service("main").startup_probe = ProbeSpec{.check = NotifyCheck{}, .period = 20s, .failure_threshold = 3};
    pod.spec().lifecycle.ready_timeout = 60s;
    SECTION("and what is to be held is held") {
        pod.spec().lifecycle.on_failure = OnFailure::hold;
        pod.begin();
        pod.launched("main");
        pod.until(60s);
        CHECK(pod.phase() == "failed");
        CHECK(pod.count_orders("main: SignalSession") == 0);
    }
    SECTION("and the container ends with 121") {
        pod.begin();
        pod.launched("main");
        pod.until(60s);
        while (pod.please()) {
        }
        CHECK(pod.exit_code() == 121);
    }
}

TEST_CASE("main whose liveness fails on the way to failed is held as it is", "[pod_machine]") {
    PodBench pod;
    pod.spec().lifecycle.on_failure = OnFailure::hold;
    pod.service("main").liveness_probe = tcp_probe();
    pod.service("main").liveness_probe->failure_threshold = 1;
    pod.spec().lifecycle.online = {step()};
    pod.spec().lifecycle.offline = {step()};
    pod.begin();
    pod.launched("main");
    pod.step_finished(StepOutcome::failed);
    CHECK(pod.phase() == "going-offline");

    pod.checked("main", ProbeKind::liveness, CheckOutcome::bad);
    pod.step_finished();
    CHECK(pod.phase() == "failed");
    CHECK(pod.count_orders("main: SignalSession") == 0);
}

TEST_CASE("goOnline manual waits at the gate for online by hand; poststart returns there", "[pod_machine]") {
    PodBench pod;
    pod.spec().lifecycle.go_online = GoOnline::manual;
    pod.begin();
    pod.ask(1, Verb::poststart);
    pod.launched("main");
    CHECK(pod.phase() == "checking");
    CHECK(pod.answer_to(1).starts_with("done"));
    CHECK(is_started_up(pod.spec(), pod.pod()));

    pod.until(2000s);
    CHECK(pod.phase() == "checking");
    pod.ask(2, Verb::online);
    CHECK(pod.phase() == "online");
    CHECK(pod.answer_to(2).starts_with("done"));
}

TEST_CASE("a poststart that waits too long detaches, or fails where that is asked for", "[pod_machine]") {
    const auto [on_timeout, answer] = GENERATE(table<OnTimeout, std::string>(
        {{OnTimeout::detach, "done: not online after 60 s"}, {OnTimeout::fail, "timed_out: not online after 60 s"}}));
    PodBench pod;
    pod.spec().lifecycle.post_start_on_timeout = on_timeout;
    pod.begin();
    pod.ask(1, Verb::poststart);
    pod.until(61s);
    CHECK(pod.answer_to(1).starts_with(answer));
}

TEST_CASE("a required helper that fails for good before online fails the start", "[pod_machine]") {
    PodBench pod;
    ServiceSpec init = helper("init");
    init.oneshot = true;
    init.restart_policy = RestartPolicy::never;
    pod.with(init);
    pod.begin();
    pod.launched("init");
    pod.exited("init", exited_with(3));
    while (pod.please()) {
    }
    CHECK(pod.exit_code() == 121);
    CHECK(pod.end_lines().front() == "the start failed: init failed: exit code 3");
    CHECK_FALSE(pod.ordered("main: Launch"));
}

TEST_CASE("a dependency that is not required is waited for until its first backoff", "[pod_machine]") {
    PodBench pod;
    pod.with(helper("log"));
    pod.service("main").depends_on.clear();
    pod.with_dependency("main", "log", Condition::completed, false);
    pod.begin();
    pod.launched("log");
    CHECK(pod.state("main") == "blocked");
    pod.exited("log", exited_with(1));
    CHECK(pod.ordered("main: Launch"));
}

TEST_CASE("main that cannot be executed ends the container with 126 or 127", "[pod_machine]") {
    const auto [failure, code] =
        GENERATE(table<LaunchFailure, int>({{LaunchFailure::not_found, 127}, {LaunchFailure::not_executable, 126}}));
    PodBench pod;
    pod.begin();
    pod.launch_failed("main", failure);
    CHECK(pod.exit_code() == code);
    CHECK(pod.end_lines().front().contains("cannot start main: cannot"));
}

TEST_CASE("a launch without processes or memory is tried again and counts against nothing", "[pod_machine]") {
    PodBench pod;
    pod.service("main").backoff.limit = 1;
    pod.begin();
    for (int attempt = 1; attempt <= 5; ++attempt) {
        pod.launch_failed("main", LaunchFailure::no_resources);
        CHECK(pod.state("main") == "backoff");
        pod.until(pod.now() + 40s);
    }
    CHECK(pod.count_orders("main: Launch") == 6);
    CHECK(pod.pod().services[0].restarts == 0);
    CHECK(pod.exit_code() == -1);
}

TEST_CASE("main's restart policy runs offline and begins the cycle again at preload", "[pod_machine]") {
    PodBench pod;
    pod.service("main").restart_policy = RestartPolicy::always;
    pod.spec().lifecycle.preload = {step()};
    pod.spec().lifecycle.offline = {step()};
    pod.come_online();
    pod.take_orders();

    pod.exited("main", exited_with(1));
    CHECK(pod.phase() == "going-offline");
    pod.until(5s);
    CHECK(pod.state("main") == "blocked");
    pod.step_finished();
    CHECK(pod.phase() == "starting");
    while (pod.please()) {
    }
    CHECK(pod.phase() == "online");
    CHECK(pod.count_orders("preload 1") == 2);
    CHECK(pod.count_orders("offline 1") == 1);
}

} // namespace davit::test
