// SPDX-License-Identifier: Apache-2.0
// Helpers: order, restarts, verbs by hand, critical services, and who is told what.
#include "pod_bench.h"
#include "support/catch.h"

namespace davit::test {

using namespace model;
using Orders = std::vector<std::string>;

TEST_CASE("helpers stop after main, dependents first, in parallel where nothing orders them", "[pod_machine]") {
    PodBench pod;
    pod.with(helper("log")).with(helper("mesh")).with(helper("cron"));
    pod.with_dependency("mesh", "log");
    pod.come_online();
    pod.signal(SIGTERM);
    pod.take_orders();
    pod.exited("main", killed_by(SIGTERM));
    CHECK(pod.take_orders() == Orders{"mesh: SignalSession{TERM}", "cron: SignalSession{TERM}"});
    pod.exited("mesh", killed_by(SIGTERM));
    CHECK(pod.take_orders() == Orders{"log: SignalSession{TERM}"});
    pod.exited("log", killed_by(SIGTERM));
    CHECK(pod.exit_code() == -1);
    pod.exited("cron", killed_by(SIGTERM));
    CHECK(pod.exit_code() == 143);
}

TEST_CASE("a helper that depends on main starts after it and stops first among the helpers", "[pod_machine]") {
    PodBench pod;
    pod.with(helper("log"));
    ServiceSpec exporter = helper("exporter");
    exporter.depends_on = {Dependency{.service = 0}};
    pod.with(exporter);
    pod.begin();
    pod.launched("log");
    CHECK_FALSE(pod.ordered("exporter: Launch"));
    pod.launched("main");
    pod.launched("exporter");
    pod.signal(SIGTERM);
    pod.take_orders();
    pod.exited("main", killed_by(SIGTERM));
    CHECK(pod.take_orders() == Orders{"exporter: SignalSession{TERM}"});
    pod.exited("exporter", killed_by(SIGTERM));
    CHECK(pod.take_orders() == Orders{"log: SignalSession{TERM}"});
}

TEST_CASE("a helper that crashes is started again after a growing delay", "[pod_machine]") {
    PodBench pod;
    pod.with(helper("mesh"));
    pod.come_online();
    for (const Duration delay : {500ms, 1000ms, 2000ms}) {
        pod.exited("mesh", killed_by(SIGSEGV));
        CHECK(pod.state("mesh") == "backoff");
        pod.until(pod.now() + delay - 60ms - delay / 10);
        CHECK(pod.state("mesh") == "backoff");
        pod.until(pod.now() + 60ms + delay / 10);
        CHECK(pod.state("mesh") == "starting");
        pod.launched("mesh");
    }
    CHECK(pod.pod().services[1].restarts == 3);
    CHECK(pod.phase() == "online");
}

TEST_CASE("limit 2 means two restarts, then failed", "[pod_machine]") {
    PodBench pod;
    ServiceSpec mesh = helper("mesh");
    mesh.backoff.limit = 2;
    pod.with(mesh);
    pod.come_online();
    for (int end = 0; end < 3; ++end) {
        pod.exited("mesh", exited_with(1));
        pod.until(pod.now() + 5s);
        if (pod.state("mesh") == "starting") {
            pod.launched("mesh");
        }
    }
    CHECK(pod.state("mesh") == "failed");
    CHECK(pod.count_orders("mesh: Launch") == 3);
    CHECK(pod.pod().services[1].reason == "gave up after 2 restarts; last end: exit code 1");
    CHECK(pod.phase() == "online");
}

TEST_CASE("a critical helper that fails for good ends the container with 122", "[pod_machine]") {
    PodBench pod;
    ServiceSpec mesh = helper("mesh");
    mesh.critical = true;
    mesh.restart_policy = RestartPolicy::never;
    pod.with(mesh);
    pod.spec().lifecycle.offline = {step()};
    pod.come_online();
    pod.exited("mesh", exited_with(1));
    CHECK(pod.ordered("offline 1, attempt 1, failure"));
    while (pod.please()) {
    }
    CHECK(pod.exit_code() == 122);
    CHECK(pod.end_lines().front() == "a critical service failed: mesh failed: exit code 1");
}

TEST_CASE("a leader that exits 0 and leaves processes behind has failed, and they are stopped first", "[pod_machine]") {
    PodBench pod;
    pod.with(helper("mesh"));
    pod.come_online();
    pod.take_orders();
    pod.exited("mesh", exited_with(0), "java (pid 41)");
    CHECK(pod.state("mesh") == "stopping");
    CHECK(pod.pod().services[1].reason == "mesh ended and left java (pid 41): use exec, or run it in the foreground");
    CHECK(pod.take_orders() == Orders{"mesh: SignalSession{TERM}"});
    pod.until(60s);
    CHECK_FALSE(pod.count_orders("mesh: Launch") == 2);
    pod.emptied("mesh");
    CHECK(pod.state("mesh") == "backoff");
}

TEST_CASE("a failed liveness probe stops a helper, and it counts as a failure whatever its code", "[pod_machine]") {
    PodBench pod;
    ServiceSpec mesh = helper("mesh");
    mesh.restart_policy = RestartPolicy::on_failure;
    mesh.liveness_probe = tcp_probe();
    mesh.liveness_probe->failure_threshold = 1;
    pod.with(mesh);
    pod.come_online();
    pod.checked("mesh", ProbeKind::liveness, CheckOutcome::bad);
    CHECK(pod.state("mesh") == "stopping");
    pod.exited("mesh", exited_with(0));
    CHECK(pod.state("mesh") == "backoff");
}

TEST_CASE("a failed liveness probe of main takes it offline before it is stopped", "[pod_machine]") {
    PodBench pod;
    pod.service("main").liveness_probe = tcp_probe();
    pod.service("main").liveness_probe->failure_threshold = 1;
    pod.spec().lifecycle.offline = {step()};
    pod.come_online();
    pod.until(10s);
    pod.checked("main", ProbeKind::liveness, CheckOutcome::bad);
    CHECK(pod.phase() == "going-offline");
    CHECK_FALSE(pod.ordered("main: SignalSession"));
    pod.step_finished();
    CHECK(pod.ordered("main: SignalSession{TERM}"));
    pod.exited("main", exited_with(0));
    CHECK(pod.exit_code() == 122);
}

TEST_CASE("a check that met a stall of the loop is no failure", "[pod_machine]") {
    PodBench pod;
    ServiceSpec mesh = helper("mesh");
    mesh.liveness_probe = tcp_probe();
    mesh.liveness_probe->failure_threshold = 1;
    pod.with(mesh);
    pod.come_online();
    pod.until(10s);
    pod.event(TimePassed{});
    pod.event(LoopStalled{3s});
    pod.event(ServiceFact{1, CheckFinished{1, ProbeKind::liveness, CheckOutcome::timed_out, "timed out"}});
    CHECK(pod.state("mesh") == "running");
}

TEST_CASE("stop of a helper by hand leaves its dependents alone; with cascade they stop first", "[pod_machine]") {
    PodBench pod;
    pod.with(helper("log")).with(helper("mesh"));
    pod.with_dependency("mesh", "log");
    pod.come_online();
    pod.service("main").depends_on.clear();
    pod.take_orders();

    SECTION("alone") {
        pod.ask(1, Verb::stop, {"log"});
        CHECK(pod.take_orders() == Orders{"log: SignalSession{TERM}"});
        CHECK(pod.answer_to(1).empty());
        pod.exited("log", killed_by(SIGTERM));
        CHECK(pod.state("log") == "stopped");
        CHECK(pod.answer_to(1).starts_with("done"));
        CHECK(pod.state("mesh") == "running");
        pod.until(1000s);
        CHECK(pod.state("log") == "stopped");
    }
    SECTION("with all") {
        pod.ask(1, Verb::stop, {"log", "mesh"});
        CHECK(pod.take_orders() == Orders{"mesh: SignalSession{TERM}"});
        pod.exited("mesh", killed_by(SIGTERM));
        CHECK(pod.take_orders() == Orders{"log: SignalSession{TERM}"});
        pod.exited("log", killed_by(SIGTERM));
        CHECK(pod.answer_to(1).starts_with("done"));
    }
}

TEST_CASE("restart by hand of helpers brings all down before the first comes up", "[pod_machine]") {
    PodBench pod;
    pod.with(helper("log")).with(helper("mesh"));
    pod.with_dependency("mesh", "log");
    pod.come_online();
    pod.ask(1, Verb::restart, {"log", "mesh"});
    pod.take_orders();
    pod.exited("mesh", killed_by(SIGTERM));
    CHECK(pod.state("mesh") == "stopped");
    pod.exited("log", killed_by(SIGTERM));
    CHECK(pod.ordered("log: Launch"));
    pod.launched("log");
    pod.launched("mesh");
    CHECK(pod.answer_to(1).starts_with("done"));
    CHECK(pod.phase() == "online");
}

TEST_CASE("who waits for a stop hears of a start that came after it", "[pod_machine]") {
    PodBench pod;
    pod.with(helper("mesh")).with(helper("agent"));
    pod.come_online();
    pod.ask(1, Verb::stop, {"mesh", "agent"});
    CHECK(pod.answer_to(1).empty());
    pod.exited("agent", exited_with(0));
    CHECK(pod.answer_to(1).empty()); // mesh still runs

    SECTION("while it goes down") {
        pod.ask(2, Verb::start, {"mesh"});
        CHECK(pod.answer_to(1) == "failed: mesh was started again meanwhile");
    }
    SECTION("when it is down, and another one is not") {
        pod.ask(2, Verb::restart, {"agent"});
        CHECK(pod.answer_to(1) == "failed: agent was started again meanwhile");
    }
    SECTION("a second stop takes the start back") {
        pod.ask(2, Verb::start, {"mesh"});
        pod.ask(3, Verb::stop, {"mesh"});
        pod.exited("mesh", exited_with(0));
        CHECK(pod.answer_to(3) == "done: stopped");
        CHECK(pod.state("mesh") == "stopped");
    }
}

TEST_CASE("start by hand of a failed helper starts it and what it needs", "[pod_machine]") {
    PodBench pod;
    ServiceSpec log = helper("log");
    log.restart_policy = RestartPolicy::never;
    ServiceSpec mesh = helper("mesh");
    mesh.restart_policy = RestartPolicy::never;
    pod.with(log).with(mesh);
    pod.with_dependency("mesh", "log");
    pod.come_online();
    pod.exited("mesh", exited_with(1));
    pod.exited("log", exited_with(1));
    pod.take_orders();
    pod.ask(1, Verb::start, {"mesh"});
    CHECK(pod.take_orders() == Orders{"log: Launch"});
    pod.launched("log");
    pod.launched("mesh");
    CHECK(pod.answer_to(1) == "done: ready");
}

TEST_CASE("start by hand of what cannot come up tells why", "[pod_machine]") {
    PodBench pod;
    ServiceSpec job = helper("job");
    job.oneshot = true;
    job.restart_policy = RestartPolicy::never;
    pod.with(job);
    pod.come_online();
    pod.ask(1, Verb::start, {"job"});
    pod.launched("job");
    pod.exited("job", exited_with(9));
    CHECK(pod.answer_to(1) == "failed: job is failed: exit code 9");
}

TEST_CASE("nothing is started while the pod stops", "[pod_machine]") {
    PodBench pod;
    pod.with(helper("mesh"));
    pod.come_online();
    pod.signal(SIGTERM);
    pod.ask(1, Verb::start, {"mesh"});
    CHECK(pod.answer_to(1) == "refused: the pod is being stopped");
    pod.ask(2, Verb::online);
    CHECK(pod.answer_to(2) == "refused: the pod is being stopped");
}

TEST_CASE("signal goes to the leader, and is refused where there is none", "[pod_machine]") {
    PodBench pod;
    ServiceSpec mesh = helper("mesh");
    mesh.restart_policy = RestartPolicy::never;
    pod.with(mesh);
    pod.come_online();
    Request request{.id = 1, .verb = Verb::signal, .services = {1}, .signal = SIGUSR1};
    pod.event(request);
    CHECK(pod.ordered("mesh: SignalLeader{USR1}"));
    CHECK(pod.answer_to(1) == "done: USR1 sent");
    pod.exited("mesh", exited_with(0));
    request.id = 2;
    pod.event(request);
    CHECK(pod.answer_to(2) == "refused: mesh is completed, it has no process");
}

TEST_CASE("wait for a phase or a service ends when it is so, or can never be", "[pod_machine]") {
    PodBench pod;
    ServiceSpec mesh = helper("mesh");
    mesh.restart_policy = RestartPolicy::never;
    pod.with(mesh);
    pod.begin();
    pod.event(Request{.id = 1, .verb = Verb::wait_phase, .phase = Phase::online});
    pod.ask(2, Verb::wait_service, {"mesh"});
    pod.launched("mesh");
    CHECK(pod.answer_to(2) == "done: ready");
    CHECK(pod.answer_to(1).empty());
    pod.launched("main");
    CHECK(pod.answer_to(1) == "done: phase online");
    pod.exited("mesh", exited_with(1));
    pod.ask(3, Verb::wait_service, {"mesh"});
    CHECK(pod.answer_to(3) == "failed: mesh is failed: exit code 1");
    pod.signal(SIGTERM);
    pod.event(Request{.id = 4, .verb = Verb::wait_phase, .phase = Phase::checking});
    CHECK(pod.answer_to(4).starts_with("failed"));
    pod.event(Request{.id = 5, .verb = Verb::wait_phase, .phase = Phase::stopped});
    CHECK(pod.answer_to(5).empty());
    pod.exited("main", killed_by(SIGTERM));
    CHECK(pod.answer_to(5) == "done: phase stopped");
}

TEST_CASE("probes of a port that drains pause until the drain is over", "[pod_machine]") {
    PodBench pod;
    pod.service("main").readiness_probe = tcp_probe(8080);
    pod.service("main").readiness_probe->period = 1s;
    pod.spec().lifecycle.drain = DrainSpec{.min = 5s, .max = 5s, .ports = {8080}};
    pod.come_online();
    pod.signal(SIGTERM);
    REQUIRE(pod.phase() == "draining");
    const std::size_t before = pod.count_orders("main: RunCheck");
    pod.until(4500ms);
    CHECK(pod.count_orders("main: RunCheck") == before);
}

} // namespace davit::test
