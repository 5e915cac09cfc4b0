// SPDX-License-Identifier: Apache-2.0
// A scene that rests, for somebody to look at: debug mode (nothing is gated, restarted or taken online) and isolation
// (out of traffic, everything as it is). What leads into it, what it does not do, what leads out of it.
#include "pod_bench.h"

#include "support/catch.h"

#include <csignal>

using namespace davit;
using namespace davit::model;
using namespace davit::test;

namespace {

using Orders = std::vector<std::string>;

/// log, a helper that restarts; db, a helper with probes; main waits for both.
PodBench shop() {
    PodBench pod;
    pod.with(helper("log"));
    ServiceSpec db = helper("db");
    db.readiness_probe = tcp_probe();
    db.liveness_probe = tcp_probe(81);
    pod.with(db);
    pod.service("main").readiness_probe = tcp_probe(8080);
    pod.spec().lifecycle.preload = {step("preload")};
    pod.spec().lifecycle.online = {step("online")};
    pod.spec().lifecycle.offline = {step("offline")};
    pod.spec().lifecycle.stop = {step("stop")};
    pod.spec().isolate_file = "/labels";
    pod.spec().isolate_key = "isolated";
    return pod;
}

PodBench debugged() {
    PodBench pod = shop();
    pod.spec().mode = Mode::debug;
    pod.begin();
    pod.launched("log");
    pod.launched("db");
    pod.launched("main");
    return pod;
}

PodBench online() {
    PodBench pod = shop();
    pod.come_online();
    pod.take_orders();
    return pod;
}

PodBench isolated() {
    PodBench pod = online();
    pod.ask(1, Verb::isolate);
    pod.step_finished();
    CHECK(pod.phase() == "offline");
    CHECK(pod.answer_to(1) == "done: isolated; offline");
    pod.take_orders();
    return pod;
}

} // namespace

// ---- debug mode ----------------------------------------------------------------------------------------

TEST_CASE("in debug mode services start, started counts as ready, and the phase rests at offline", "[scene]") {
    PodBench pod = shop();
    pod.spec().mode = Mode::debug;
    pod.begin();
    CHECK(pod.phase() == "offline");
    pod.launched("log");
    pod.launched("db");
    CHECK(pod.state("main") == "starting");
    pod.launched("main");
    CHECK(pod.state("main") == "running");
    CHECK(pod.phase() == "offline");
    CHECK_FALSE(is_ready(pod.spec(), pod.pod()));
    CHECK(is_started_up(pod.spec(), pod.pod()));
}

TEST_CASE("in debug mode no step ever runs, not even on the way down", "[scene]") {
    PodBench pod = debugged();
    pod.checked("db", ProbeKind::readiness, CheckOutcome::good);
    pod.checked("main", ProbeKind::readiness, CheckOutcome::good);
    pod.until(1000s);
    pod.signal(SIGTERM);
    pod.exited("main", killed_by(SIGTERM));
    pod.exited("db", killed_by(SIGTERM));
    pod.exited("log", killed_by(SIGTERM));
    CHECK_FALSE(pod.ordered("RunStep"));
    CHECK(pod.exit_code() == 143);
}

TEST_CASE("in debug mode main's end is held and main is started again by hand", "[scene]") {
    PodBench pod = debugged();
    pod.exited("main", exited_with(3));
    CHECK(pod.state("main") == "held");
    CHECK(pod.phase() == "offline");
    CHECK(pod.exit_code() == -1);

    pod.take_orders();
    pod.ask(1, Verb::start, {"main"});
    CHECK(pod.take_orders() == Orders{"main: Launch"});
    pod.launched("main");
    pod.checked("main", ProbeKind::readiness, CheckOutcome::good);
    CHECK(pod.answer_to(1) == "done: ready");
    CHECK(pod.phase() == "offline");
}

TEST_CASE("in debug mode nothing restarts, whatever its policy, and a command that is not there ends nothing",
          "[scene]") {
    PodBench pod = debugged();
    pod.exited("log", exited_with(0));
    pod.exited("db", killed_by(SIGKILL));
    CHECK(pod.state("log") == "held");
    CHECK(pod.state("db") == "held");
    pod.exited("main", exited_with(0));
    pod.ask(1, Verb::start, {"main"});
    pod.launch_failed("log", LaunchFailure::not_found);
    pod.launched("db");
    CHECK(pod.state("log") == "held");
    CHECK(pod.state("main") == "blocked"); // it waits for log
    pod.until(1000s);
    CHECK(pod.exit_code() == -1);
}

TEST_CASE("in debug mode a oneshot that has done its work is completed, one that failed is held", "[scene]") {
    for (const int code : {0, 1}) {
        PodBench pod;
        pod.spec().mode = Mode::debug;
        ServiceSpec job = helper("job");
        job.oneshot = true;
        job.restart_policy = RestartPolicy::never;
        pod.with(job);
        pod.begin();
        pod.launched("job");
        pod.exited("job", exited_with(code));
        CHECK(pod.state("job") == (code == 0 ? "completed" : "held"));
        CHECK(pod.state("main") == (code == 0 ? "starting" : "blocked"));
        CHECK(pod.exit_code() == -1);
    }
}

TEST_CASE("in debug mode a probe that fails is shown and kills nothing", "[scene]") {
    PodBench pod = shop();
    pod.spec().mode = Mode::debug;
    pod.service("db").startup_probe = tcp_probe(82);
    pod.service("db").startup_probe->failure_threshold = 1;
    pod.service("db").startup_probe->period = 10ms;
    pod.begin();
    pod.launched("log");
    pod.launched("db");
    pod.until(1s);
    for (int round = 0; round < 5; ++round) {
        pod.checked("db", ProbeKind::startup, CheckOutcome::bad);
        pod.until(pod.now() + 10s);
    }
    CHECK(pod.state("db") == "starting");
    pod.checked("db", ProbeKind::startup, CheckOutcome::good);
    CHECK(pod.state("db") == "running");
    for (int round = 0; round < 5; ++round) {
        pod.until(pod.now() + 10s);
        pod.checked("db", ProbeKind::liveness, CheckOutcome::bad);
    }
    CHECK(pod.state("db") == "running");
    CHECK_FALSE(pod.ordered("SignalSession"));
}

TEST_CASE("in debug mode the hooks return at once and online is refused", "[scene]") {
    PodBench pod = shop();
    pod.spec().mode = Mode::debug;
    pod.begin();
    pod.ask(1, Verb::poststart);
    pod.ask(2, Verb::prestop);
    pod.ask(3, Verb::online);
    pod.ask(4, Verb::offline);
    pod.ask(5, Verb::wait_phase);
    CHECK(pod.answer_to(1) == "done: debug mode: no health check gates and no step runs");
    CHECK(pod.answer_to(2) == "done: debug mode: no health check gates and no step runs");
    CHECK(pod.answer_to(3) ==
          "refused: debug mode: no health check gates and no step runs; start the container without DAVIT_MODE=debug "
          "to go online");
    CHECK(pod.answer_to(4) == "done: offline");
    CHECK(pod.answer_to(5) == "failed: debug mode: no health check gates and no step runs, the phase stays offline");
    CHECK_FALSE(pod.ordered("SignalSession"));
}

TEST_CASE("in debug mode main is stopped and restarted by hand like any service", "[scene]") {
    PodBench pod = debugged();
    pod.take_orders();
    pod.ask(1, Verb::stop, {"main"});
    CHECK(pod.take_orders() == Orders{"main: SignalSession{TERM}"});
    pod.exited("main", killed_by(SIGTERM));
    CHECK(pod.state("main") == "held");
    CHECK(pod.answer_to(1) == "done: stopped");
    pod.ask(2, Verb::start, {"main"});
    pod.launched("main");
    pod.take_orders();
    pod.ask(3, Verb::restart, {"main"});
    CHECK(pod.take_orders() == Orders{"main: SignalSession{TERM}"});
    pod.exited("main", killed_by(SIGTERM));
    CHECK(pod.take_orders() == Orders{"main: Launch"});
    pod.launched("main");
    pod.checked("main", ProbeKind::readiness, CheckOutcome::good);
    CHECK(pod.answer_to(3) == "done: ready");
    CHECK(pod.phase() == "offline");
}

// ---- isolation -----------------------------------------------------------------------------------------

TEST_CASE("isolation takes the pod offline once and rests there", "[scene]") {
    PodBench pod = online();
    pod.ask(1, Verb::isolate);
    CHECK_FALSE(is_ready(pod.spec(), pod.pod()));
    CHECK(pod.take_orders() == Orders{"RunStep{run 3, offline 1, attempt 1, isolate}"});
    pod.ask(2, Verb::isolate);
    pod.step_finished();
    CHECK(pod.phase() == "offline");
    CHECK(pod.answer_to(1) == "done: isolated; offline");
    CHECK(pod.answer_to(2) == "done: isolated; offline");
    pod.until(1000s);
    CHECK(pod.count_orders("RunStep") == 3);
    CHECK(is_started_up(pod.spec(), pod.pod()));
}

TEST_CASE("in isolation what ends is held, probes kill nothing, and main's end ends nothing", "[scene]") {
    PodBench pod = isolated();
    for (int round = 0; round < 5; ++round) {
        pod.until(pod.now() + 10s);
        pod.checked("db", ProbeKind::liveness, CheckOutcome::bad);
    }
    CHECK(pod.state("db") == "running");
    pod.exited("log", killed_by(SIGSEGV));
    pod.exited("main", killed_by(SIGSEGV));
    CHECK(pod.state("log") == "held");
    CHECK(pod.state("main") == "held");
    pod.until(pod.now() + 1000s);
    CHECK(pod.phase() == "offline");
    CHECK(pod.exit_code() == -1);
    CHECK_FALSE(pod.ordered("SignalSession"));
}

TEST_CASE("what waits for its restart when isolation comes is held", "[scene]") {
    PodBench pod = online();
    pod.exited("log", exited_with(1));
    CHECK(pod.state("log") == "backoff");
    pod.ask(1, Verb::isolate);
    CHECK(pod.state("log") == "held");
}

TEST_CASE("rejoin goes online again from checking, and starts what is held", "[scene]") {
    PodBench pod = isolated();
    pod.exited("log", exited_with(1));
    pod.ask(2, Verb::rejoin);
    CHECK(pod.take_orders() == Orders{"RunStep{run 4, online 1, attempt 1, manual}", "log: Launch"});
    pod.launched("log");
    pod.step_finished();
    CHECK(pod.phase() == "online");
    CHECK(pod.answer_to(2) == "done: online: online is done");
}

TEST_CASE("rejoin after main's end in isolation begins at preload with a new main", "[scene]") {
    PodBench pod = isolated();
    pod.exited("main", killed_by(SIGKILL));
    pod.ask(2, Verb::rejoin);
    CHECK(pod.phase() == "starting");
    CHECK(pod.take_orders() == Orders{"main: Launch"});
    pod.launched("main");
    CHECK(pod.phase() == "preloading");
}

TEST_CASE("a main that was started again in the scene is preloaded by rejoin", "[scene]") {
    PodBench pod = isolated();
    pod.exited("main", killed_by(SIGKILL));
    pod.ask(2, Verb::start, {"main"});
    pod.launched("main");
    pod.take_orders();
    pod.ask(3, Verb::rejoin);
    CHECK(pod.phase() == "preloading");
    CHECK(pod.take_orders() == Orders{"RunStep{run 4, preload 1, attempt 1, start}"});
}

TEST_CASE("a rejoin that fails holds", "[scene]") {
    PodBench pod = isolated();
    pod.ask(2, Verb::rejoin);
    pod.step_finished(StepOutcome::failed);
    pod.step_finished();
    CHECK(pod.phase() == "failed");
    CHECK(pod.answer_to(2).starts_with("failed: "));
    CHECK(pod.exit_code() == -1);
}

TEST_CASE("isolation before online breaks the start off, services go on starting, poststart returns", "[scene]") {
    PodBench pod = shop();
    pod.begin();
    pod.ask(1, Verb::poststart);
    pod.ask(2, Verb::isolate);
    CHECK(pod.phase() == "offline");
    CHECK(pod.answer_to(1) == "done: isolated (by hand); it stays out of traffic");
    CHECK(pod.answer_to(2) == "done: isolated; offline");
    pod.launched("log");
    pod.launched("db");
    pod.checked("db", ProbeKind::readiness, CheckOutcome::good);
    pod.launched("main");
    pod.checked("main", ProbeKind::readiness, CheckOutcome::good);
    CHECK_FALSE(pod.ordered("RunStep"));
    pod.ask(3, Verb::rejoin);
    CHECK(pod.phase() == "preloading");
}

TEST_CASE("isolation during online runs offline, for online was attempted", "[scene]") {
    PodBench pod = shop();
    pod.begin();
    while (pod.phase() != "going-online") {
        REQUIRE(pod.please());
    }
    pod.take_orders();
    pod.ask(1, Verb::isolate);
    CHECK(pod.take_orders() == Orders{"EndStep{run 2, TERM}"});
    pod.step_finished(StepOutcome::cancelled);
    CHECK(pod.take_orders() == Orders{"RunStep{run 3, offline 1, attempt 1, isolate}"});
    pod.step_finished();
    CHECK(pod.phase() == "offline");
}

TEST_CASE("the verbs of the way are refused in isolation, with what to do", "[scene]") {
    PodBench pod = isolated();
    pod.ask(2, Verb::online);
    CHECK(pod.answer_to(2) == "refused: the pod is isolated (by hand); davit rejoin brings it back");
    pod.ask(3, Verb::offline);
    CHECK(pod.answer_to(3) == "done: offline");
}

TEST_CASE("rejoin of a pod that is not isolated is refused", "[scene]") {
    PodBench pod = online();
    pod.ask(1, Verb::rejoin);
    CHECK(pod.answer_to(1) == "refused: the pod is not isolated");
}

TEST_CASE("the key isolates, forbids rejoin while it is there, and its disappearance rejoins", "[scene]") {
    PodBench pod = online();
    pod.event(IsolationKeyRead{true});
    pod.step_finished();
    CHECK(pod.phase() == "offline");
    pod.ask(1, Verb::rejoin);
    CHECK(pod.answer_to(1) ==
          "refused: the key isolated is in /labels: the pod comes back by itself when it is taken away there");
    pod.event(IsolationKeyRead{false});
    CHECK(pod.phase() == "going-online");
}

TEST_CASE("a key that is there at the start isolates before anything goes online", "[scene]") {
    PodBench pod = shop();
    pod.begin_with({.recalled = {}, .key_is_there = true});
    while (pod.please()) {
    }
    pod.until(10000s); // no gate runs out
    CHECK(pod.phase() == "offline");
    CHECK(pod.state("main") == "running");
    CHECK_FALSE(pod.ordered("RunStep"));
}

TEST_CASE("a key that flaps runs offline once for each online, and ends where the key says", "[scene]") {
    PodBench pod = online();
    for (const bool is_there : {true, false, true, false}) {
        pod.event(IsolationKeyRead{is_there});
    }
    CHECK(pod.count_orders("offline 1") == 1);
    pod.step_finished(); // of offline
    CHECK(pod.phase() == "going-online");
    pod.event(IsolationKeyRead{true});
    pod.step_finished(StepOutcome::cancelled);
    CHECK(pod.count_orders("offline 1") == 2);
    pod.step_finished();
    CHECK(pod.phase() == "offline");
}

TEST_CASE("a key that flaps while main stops by hand leaves it held", "[scene]") {
    PodBench pod = isolated();
    pod.event(IsolationKeyRead{true});
    pod.ask(2, Verb::stop, {"main"});
    REQUIRE(pod.state("main") == "stopping");
    pod.event(IsolationKeyRead{false});
    pod.event(IsolationKeyRead{true});
    pod.take_orders();

    pod.exited("main", killed_by(SIGTERM));

    CHECK(pod.state("main") == "held");
    CHECK(pod.count_orders("main: Launch") == 1);
}

TEST_CASE("a rejoin before the stop steps have ended keeps main as the isolation did", "[scene]") {
    PodBench pod = online();
    pod.ask(1, Verb::restart, {"main"});
    pod.step_finished(); // offline
    REQUIRE(pod.phase() == "stopping");
    pod.ask(2, Verb::isolate);
    pod.ask(3, Verb::rejoin);

    pod.step_finished(StepOutcome::cancelled);

    CHECK(pod.state("main") == "running");
    CHECK(pod.phase() == "going-online");
    CHECK(pod.count_orders("main: SignalSession") == 0);
}

TEST_CASE("rejoin while the way offline still runs goes up when it is done", "[scene]") {
    PodBench pod = online();
    pod.ask(1, Verb::isolate);
    pod.ask(2, Verb::rejoin);
    CHECK(pod.answer_to(1) == "failed: rejoined meanwhile");
    CHECK(pod.answer_to(2) == "");
    pod.step_finished();
    CHECK(pod.phase() == "going-online");
    pod.step_finished();
    CHECK(pod.answer_to(2) == "done: online: online is done");
}

TEST_CASE("prestop and SIGTERM end a scene as they end a pod, without a second offline", "[scene]") {
    for (const bool by_hook : {true, false}) {
        PodBench pod = isolated();
        if (by_hook) {
            pod.ask(2, Verb::prestop);
        } else {
            pod.signal(SIGTERM);
        }
        CHECK(pod.take_orders() ==
              Orders{std::string{"RunStep{run 4, stop 1, attempt 1, "} + (by_hook ? "prestop}" : "signal}")});
        pod.step_finished();
        pod.exited("main", exited_with(0));
        CHECK(pod.phase() == "stopped");
        if (by_hook) {
            CHECK(pod.answer_to(2) == "done: main is down: exit code 0");
            pod.signal(SIGTERM);
        }
        pod.exited("db", killed_by(SIGTERM));
        pod.exited("log", killed_by(SIGTERM));
        CHECK(pod.exit_code() == 0);
        CHECK(pod.count_orders("offline 1") == 1);
    }
}

TEST_CASE("a restart of main by hand that has not reached it is off when isolation comes", "[scene]") {
    PodBench pod = online();
    pod.ask(1, Verb::restart, {"main"});
    pod.ask(2, Verb::isolate);
    CHECK(pod.answer_to(1) == "failed: the pod was isolated meanwhile, main stays as it is");
    pod.step_finished(); // of offline
    CHECK(pod.phase() == "offline");
    CHECK(pod.state("main") == "running");
    CHECK_FALSE(pod.ordered("SignalSession"));
}

TEST_CASE("a main that has its signal already goes down and rests in the scene", "[scene]") {
    PodBench pod = online();
    pod.ask(1, Verb::restart, {"main"});
    pod.step_finished(); // of offline
    pod.step_finished(); // of stop
    CHECK(pod.state("main") == "stopping");
    pod.ask(2, Verb::isolate);
    pod.exited("main", killed_by(SIGTERM));
    CHECK(pod.phase() == "offline");
    CHECK(pod.state("main") == "stopped");
    CHECK(pod.answer_to(2) == "done: isolated; offline");
}

TEST_CASE("a failed start that is held is isolated as well, and rejoin begins at preload", "[scene]") {
    PodBench pod = shop();
    pod.spec().lifecycle.on_failure = OnFailure::hold;
    pod.begin();
    while (pod.phase() != "preloading") {
        REQUIRE(pod.please());
    }
    pod.step_finished(StepOutcome::failed);
    CHECK(pod.phase() == "failed");
    pod.ask(1, Verb::isolate);
    CHECK(pod.phase() == "offline");
    pod.ask(2, Verb::rejoin);
    CHECK(pod.phase() == "preloading");
}

TEST_CASE("isolation of a pod that is being stopped is refused, and the key is only noted", "[scene]") {
    PodBench pod = online();
    pod.ask(1, Verb::prestop);
    pod.ask(2, Verb::isolate);
    CHECK(pod.answer_to(2) == "refused: the pod is being stopped");
    pod.event(IsolationKeyRead{true});
    CHECK_FALSE(pod.pod().lifecycle.isolated);
}

TEST_CASE("isolation of main that was stopped by hand rests at offline, and rejoin starts it", "[scene]") {
    PodBench pod = online();
    pod.ask(1, Verb::stop, {"main"});
    pod.step_finished();
    pod.step_finished();
    pod.exited("main", killed_by(SIGTERM));
    CHECK(pod.phase() == "stopped");
    pod.ask(2, Verb::isolate);
    CHECK(pod.phase() == "offline");
    CHECK(pod.state("main") == "held");
    pod.take_orders();
    pod.ask(3, Verb::rejoin);
    CHECK(pod.take_orders() == Orders{"main: Launch"});
}

TEST_CASE("in a scene a service that tells too late is told of still", "[scene]") {
    PodBench pod = shop();
    pod.spec().mode = Mode::debug;
    pod.service("log").startup_probe = ProbeSpec{.check = NotifyCheck{}, .period = 1s, .failure_threshold = 3};
    pod.service("log").liveness_probe = ProbeSpec{.check = NotifyCheck{}, .period = 1s, .failure_threshold = 3};
    pod.begin();
    pod.launched("log");
    pod.until(100s);
    CHECK(pod.state("log") == "starting");
    pod.event(ServiceFact{*pod.spec().find("log"), Notified{1, Notification{.ready = true, .said_ready = true}}});
    CHECK(pod.state("log") == "running");
    pod.until(200s);
    CHECK(pod.state("log") == "running");
    CHECK_FALSE(pod.ordered("SignalSession"));
}

TEST_CASE("a service that is silent since the scene is stopped when the scene is over", "[scene]") {
    PodBench pod = shop();
    pod.service("log").liveness_probe = ProbeSpec{.check = NotifyCheck{}, .period = 1s, .failure_threshold = 3};
    pod.come_online();
    pod.ask(1, Verb::isolate);
    pod.step_finished();
    pod.until(pod.now() + 100s);
    CHECK(pod.state("log") == "running");
    pod.ask(2, Verb::rejoin);
    pod.until(pod.now() + 4s);
    CHECK(pod.state("log") == "stopping");
}

TEST_CASE("probe startup says yes in a scene whatever main does", "[scene]") {
    PodBench pod = shop();
    pod.begin();
    pod.launched("log");
    pod.launched("db");
    pod.checked("db", ProbeKind::readiness, CheckOutcome::good);
    pod.launched("main");
    pod.ask(1, Verb::restart, {"main"});
    pod.step_finished(StepOutcome::cancelled); // of preload
    pod.step_finished();                       // of stop
    CHECK(pod.state("main") == "stopping");
    CHECK_FALSE(is_started_up(pod.spec(), pod.pod()));
    pod.ask(2, Verb::isolate);
    CHECK(is_started_up(pod.spec(), pod.pod()));
}

TEST_CASE("main is stopped by hand in isolation once the way offline is done", "[scene]") {
    PodBench pod = online();
    pod.ask(1, Verb::isolate);
    pod.ask(2, Verb::stop, {"main"});
    CHECK(pod.state("main") == "running");
    pod.step_finished(); // of offline
    CHECK(pod.state("main") == "stopping");
    pod.exited("main", killed_by(SIGTERM));
    CHECK(pod.state("main") == "held");
    CHECK(pod.phase() == "offline");
    CHECK(pod.answer_to(2) == "done: stopped");
}

TEST_CASE("a rejoin comes before a stop of main by hand that has not reached it", "[scene]") {
    PodBench pod = online();
    pod.ask(1, Verb::isolate);
    pod.ask(2, Verb::stop, {"main"});
    pod.ask(3, Verb::rejoin);
    CHECK(pod.answer_to(2) == "failed: the pod rejoined meanwhile, main stays as it is");
    pod.step_finished(); // of offline
    CHECK(pod.phase() == "going-online");
    CHECK(pod.state("main") == "running");
    CHECK_FALSE(pod.ordered("SignalSession"));
}

TEST_CASE("a rejoin while main is stopped by hand starts it when it is down", "[scene]") {
    PodBench pod = isolated();
    pod.ask(2, Verb::stop, {"main"});
    pod.ask(3, Verb::rejoin);
    CHECK(pod.answer_to(2) == "failed: the pod rejoined meanwhile, main is started again");
    CHECK(pod.phase() == "starting");
    pod.take_orders();
    pod.exited("main", killed_by(SIGTERM));
    CHECK(pod.take_orders() == Orders{"main: Launch"});
    pod.launched("main");
    CHECK(pod.phase() == "preloading");
}

TEST_CASE("prestop overtakes a restart of main by hand in isolation", "[scene]") {
    PodBench pod = online();
    pod.ask(1, Verb::isolate);
    pod.ask(2, Verb::restart, {"main"});
    pod.ask(3, Verb::prestop);
    pod.step_finished(); // of offline
    pod.step_finished(); // of stop
    pod.exited("main", killed_by(SIGTERM));
    CHECK(pod.phase() == "stopped");
    CHECK(pod.state("main") == "stopped");
    CHECK(pod.answer_to(2).starts_with("failed: "));
    CHECK(pod.answer_to(3) == "done: main is down: SIGTERM");
}

TEST_CASE("a restart of main by hand takes the place of a rejoin that is on its way", "[scene]") {
    PodBench pod = online();
    pod.ask(1, Verb::isolate);
    pod.ask(2, Verb::rejoin);
    pod.ask(3, Verb::restart, {"main"});
    pod.step_finished(); // of offline
    pod.step_finished(); // of stop
    pod.exited("main", killed_by(SIGTERM));
    pod.launched("main");
    pod.step_finished(StepOutcome::failed); // of preload
    CHECK(pod.phase() == "failed");         // it is held, and not tried again and again
    CHECK(pod.answer_to(2).starts_with("failed: "));
    CHECK(pod.answer_to(3).starts_with("failed: "));
}

TEST_CASE("a restart that found no process is not tried again in a scene, a first start is", "[scene]") {
    PodBench pod = online();
    pod.exited("log", exited_with(1));
    pod.until(pod.now() + 2s);
    pod.launch_failed("log", LaunchFailure::no_resources);
    CHECK(pod.state("log") == "backoff");
    pod.ask(1, Verb::isolate);
    CHECK(pod.state("log") == "held");

    PodBench first = shop();
    first.begin();
    first.launch_failed("log", LaunchFailure::no_resources);
    first.ask(1, Verb::isolate);
    CHECK(first.state("log") == "backoff");
}

TEST_CASE("in debug mode isolation leaves a stop of main by hand as it is", "[scene]") {
    PodBench pod = debugged();
    pod.ask(1, Verb::stop, {"main"});
    pod.ask(2, Verb::isolate);
    CHECK(pod.answer_to(1) == "");
    pod.exited("main", killed_by(SIGTERM));
    CHECK(pod.answer_to(1) == "done: stopped");
}

TEST_CASE("a rejoin that meets a main whose startup probe failed holds", "[scene]") {
    PodBench pod = shop();
    pod.spec().lifecycle.on_failure = OnFailure::hold;
    pod.service("main").startup_probe = tcp_probe(8080);
    pod.service("main").startup_probe->failure_threshold = 1;
    pod.service("main").startup_probe->period = 10ms;
    pod.service("main").readiness_probe.reset();
    pod.begin();
    pod.launched("log");
    pod.launched("db");
    pod.checked("db", ProbeKind::readiness, CheckOutcome::good);
    pod.launched("main");
    pod.ask(1, Verb::restart, {"main"}); // by hand: its failure is held
    pod.step_finished();                 // of stop
    pod.exited("main", killed_by(SIGTERM));
    pod.launched("main");
    while (pod.phase() == "starting") {
        pod.until(pod.now() + 1s);
        pod.checked("main", ProbeKind::startup, CheckOutcome::bad);
    }
    CHECK(pod.phase() == "failed");
    pod.ask(2, Verb::isolate);
    CHECK(pod.phase() == "offline");
    pod.ask(3, Verb::rejoin);
    CHECK(pod.phase() == "failed");
    CHECK(pod.answer_to(3).starts_with("failed: "));
    CHECK(pod.exit_code() == -1);
}
