// SPDX-License-Identifier: Apache-2.0
// Every state of a service and every phase of the pod has a line that says why, and what a person can do.
#include "model/why.h"

#include "support/catch.h"

#include <string>
#include <utility>

namespace davit::model {
namespace {

using namespace std::chrono_literals;

const TimePoint start{1000s};

TimePoint at(Duration after) {
    return start + after;
}

/// log-agent <- mesh <- web (main); mesh has a readiness probe.
struct World {
    PodSpec spec;
    Pod pod;

    World() {
        spec.app = "shop";
        spec.services = {ServiceSpec{.name = "log-agent"}, ServiceSpec{.name = "mesh"},
                         ServiceSpec{.name = "web", .main = true}};
        spec.services[1].depends_on = {{.service = 0, .condition = Condition::started}};
        spec.services[1].readiness_probe = ProbeSpec{.check = HttpCheck{.port = 15021, .path = "/ready"}};
        spec.services[2].depends_on = {{.service = 1, .condition = Condition::ready}};
        pod = initial_pod(spec);
        for (Service& service : pod.services) {
            service.since = start;
        }
        pod.lifecycle.since = start;
    }

    Service& log_agent() { return pod.services[0]; }
    Service& mesh() { return pod.services[1]; }
    Service& web() { return pod.services[2]; }

    static void run(Service& service, int pid) {
        service.state = ServiceState::running;
        service.process = Process::alive;
        service.pid = pid;
        service.launched_at = start;
        service.attempt = 1;
    }

    std::string why_of(ServiceIndex index, Duration after = 3200ms) const { return why(spec, pod, index, at(after)); }
    std::string pod_line(Duration after = 3200ms) const { return pod_why(spec, pod, at(after)); }
};

TEST_CASE("a length of time is said in at most six characters", "[why]") {
    CHECK(describe(Duration{0}) == "0.0s");
    CHECK(describe(2s) == "2.0s");
    CHECK(describe(12540ms) == "12.5s");
    CHECK(describe(59940ms) == "59.9s");
    CHECK(describe(59960ms) == "1m00s");
    CHECK(describe(185s) == "3m05s");
    CHECK(describe(2h + 3min) == "2h03m");
    CHECK(describe(98h) == "4d02h");
}

TEST_CASE("a disabled service says that the configuration switched it off", "[why]") {
    World world;
    world.spec.services[0].enabled = false;
    CHECK(world.why_of(0) == "inactive: switched off in the configuration (enabled: false)");
    CHECK(what_to_do(world.spec, world.pod, 0).contains("enabled: true"));
}

TEST_CASE("an inactive service says that it has not been started", "[why]") {
    World world;
    CHECK(world.why_of(0) == "inactive: not started yet");
    CHECK(what_to_do(world.spec, world.pod, 0).empty());
}

TEST_CASE("a blocked service names what it waits for and what was last seen of it", "[why]") {
    World world;
    World::run(world.log_agent(), 7);
    World::run(world.mesh(), 8);
    world.mesh().readiness.last_message = "GET http://127.0.0.1:15021/ready connection refused";
    world.web().state = ServiceState::blocked;

    CHECK(world.why_of(2) ==
          "blocked: waits for mesh to be ready (GET http://127.0.0.1:15021/ready connection refused), for 3.2s");
    CHECK(what_to_do(world.spec, world.pod, 2) == "see `davit why mesh`");
}

TEST_CASE("a blocked service follows the chain to its root", "[why]") {
    World world;
    world.log_agent().state = ServiceState::backoff;
    world.log_agent().reason = "exit code 3";
    world.mesh().state = ServiceState::blocked;
    world.web().state = ServiceState::blocked;

    CHECK(world.why_of(2) ==
          "blocked: waits for mesh to be ready, which waits for log-agent to start (backoff: exit code 3), for 3.2s");
}

TEST_CASE("of many things that are missing the first three are named", "[why]") {
    World world;
    for (const char* name : {"one", "two", "three", "four"}) {
        world.spec.services.push_back(ServiceSpec{.name = name, .oneshot = true});
        world.spec.services[2].depends_on.push_back(
            {.service = world.spec.services.size() - 1, .condition = Condition::completed});
    }
    world.pod.services.resize(world.spec.services.size());
    world.pod.pending.resize(world.spec.services.size());
    world.web().state = ServiceState::blocked;

    CHECK(world.why_of(2) ==
          "blocked: waits for mesh to be ready (inactive), one to complete (inactive), two to complete "
          "(inactive), and 2 more, for 3.2s");
}

TEST_CASE("a service that is waited for while it starts is named with what its startup probe saw", "[why]") {
    World world;
    world.spec.services[1].startup_probe = ProbeSpec{.check = TcpCheck{.port = 1}};
    world.mesh().state = ServiceState::starting;
    world.mesh().startup.last_message = "127.0.0.1:1 connection refused";
    world.web().state = ServiceState::blocked;

    CHECK(world.why_of(2) == "blocked: waits for mesh to be ready (127.0.0.1:1 connection refused), for 3.2s");
}

TEST_CASE("what a service says of itself follows what davit knows", "[why]") {
    World world;
    World::run(world.log_agent(), 7);
    world.log_agent().heard = {.word = SelfWord::reloading, .status = "reading the rules"};
    CHECK(world.why_of(0).ends_with("; it reloads; it says: reading the rules"));
    world.log_agent().heard = {.word = SelfWord::stopping, .error = "no space left on device"};
    CHECK(world.why_of(0).ends_with("; it ends by itself; it reports no space left on device"));
}

TEST_CASE("what to do about a probe depends on what it waits for", "[why]") {
    World world;
    World::run(world.mesh(), 8);
    const std::string look = "look at its output with `davit logs mesh`; check that ";
    const auto advice = [&](Check check) {
        world.spec.services[1].readiness_probe = ProbeSpec{.check = std::move(check)};
        return what_to_do(world.spec, world.pod, 1);
    };
    CHECK(advice(TcpCheck{.port = 1}) == look + "its readiness probe asks the right address");
    CHECK(advice(ExecCheck{.command = {"x"}}) == look + "its readiness probe runs the right command");
    CHECK(advice(FileCheck{.path = "/x"}) == look + "its readiness probe names the right path");
    CHECK(advice(LogCheck{.pattern = "x"}) == look + "its readiness probe has the pattern of a line that it writes");
    CHECK(advice(NotifyCheck{}) == look + "it sends READY=1 to $NOTIFY_SOCKET (sd_notify)");
}

TEST_CASE("a dependency that is optional and failed is waited for no longer", "[why]") {
    World world;
    world.spec.services[2].depends_on[0].required = false;
    world.mesh().state = ServiceState::failed;
    world.web().state = ServiceState::blocked;

    CHECK(world.why_of(2) == "blocked: everything it depends on is there, it starts now");
}

TEST_CASE("main that may not start names the phase that holds it", "[why]") {
    World world;
    World::run(world.mesh(), 8);
    world.mesh().readiness.tracker.good = true;
    world.web().state = ServiceState::blocked;
    world.pod.lifecycle.phase = Phase::stopping;
    world.pod.lifecycle.goal = Goal::exit;

    CHECK(world.why_of(2) == "blocked: may not start while the phase is stopping");
}

TEST_CASE("a starting service says how far it is", "[why]") {
    World world;
    Service& mesh = world.mesh();
    mesh.state = ServiceState::starting;
    mesh.process = Process::launching;

    SECTION("being launched") {
        CHECK(world.why_of(1) == "starting: is being launched, for 3.2s");
    }
    SECTION("its startup probe is not good yet") {
        world.spec.services[1].startup_probe = ProbeSpec{.check = TcpCheck{.port = 15021}};
        mesh.process = Process::alive;
        mesh.launched_at = at(1s);
        mesh.startup.last_message = "127.0.0.1:15021 connection refused";
        CHECK(world.why_of(1) ==
              "starting: waits for its startup probe, for 2.2s (127.0.0.1:15021 connection refused)");
        CHECK(what_to_do(world.spec, world.pod, 1).contains("startup probe"));
    }
    SECTION("its startup probe failed") {
        mesh.process = Process::alive;
        mesh.failed_probe = ProbeKind::startup;
        mesh.reason = "startup probe failed: 127.0.0.1:15021 connection refused";
        CHECK(world.why_of(1) == "starting: startup probe failed: 127.0.0.1:15021 connection refused");
    }
}

TEST_CASE("a running service says whether it is ready and what its probe saw", "[why]") {
    World world;
    World::run(world.mesh(), 8);
    ProbeState& readiness = world.mesh().readiness;

    SECTION("no check has ended") {
        CHECK(world.why_of(1) == "not ready: no check has ended yet");
    }
    SECTION("not ready") {
        readiness.last_message = "GET http://127.0.0.1:15021/ready 503";
        CHECK(world.why_of(1) == "not ready: GET http://127.0.0.1:15021/ready 503");
        CHECK(what_to_do(world.spec, world.pod, 1).contains("readiness probe"));
    }
    SECTION("ready") {
        readiness.tracker.good = true;
        readiness.last_message = "GET http://127.0.0.1:15021/ready 200";
        CHECK(world.why_of(1) == "ready: GET http://127.0.0.1:15021/ready 200");
        CHECK(what_to_do(world.spec, world.pod, 1).empty());
    }
    SECTION("ready, and about not to be") {
        readiness.tracker.good = true;
        readiness.tracker.failures = 2;
        readiness.last_message = "timed out";
        CHECK(world.why_of(1) == "ready: timed out, failed 2 of 3 times");
    }
    SECTION("its liveness probe fails") {
        world.spec.services[1].liveness_probe = ProbeSpec{.check = TcpCheck{.port = 1}};
        readiness.tracker.good = true;
        readiness.last_message = "200";
        world.mesh().liveness.tracker.failures = 1;
        world.mesh().liveness.last_message = "timed out";
        CHECK(world.why_of(1) == "ready: 200; its liveness probe failed 1 of 3 times (timed out)");
    }
    SECTION("it waits for its turn to stop") {
        readiness.tracker.good = true;
        readiness.last_message = "200";
        world.pod.pending[1] = Pending::stop;
        CHECK(world.why_of(1) == "ready: 200; is to stop, waits until what depends on it has stopped");
        world.pod.pending[1] = Pending::restart;
        CHECK(world.why_of(1).contains("is to restart"));
    }
    SECTION("main failed a probe") {
        world.mesh().failed_probe = ProbeKind::liveness;
        world.mesh().reason = "liveness probe failed: timed out";
        CHECK(world.why_of(1) == "running: liveness probe failed: timed out");
    }
}

TEST_CASE("a running service without a readiness probe is ready, a oneshot is not completed", "[why]") {
    World world;
    World::run(world.log_agent(), 7);
    CHECK(world.why_of(0) == "ready: runs (no readiness probe)");
    world.spec.services[0].oneshot = true;
    CHECK(world.why_of(0) == "running: for 3.2s, not completed yet");
}

TEST_CASE("backoff says how it ended and when it starts again", "[why]") {
    World world;
    Service& mesh = world.mesh();
    mesh.state = ServiceState::backoff;
    mesh.reason = "exit code 3";
    mesh.attempt = 3;
    mesh.deadline = at(5200ms);

    CHECK(world.why_of(1) == "backoff: exit code 3; start 4 in 2.0s");
    CHECK(world.why_of(1, 60s) == "backoff: exit code 3; start 4 in 0.0s");
    CHECK(what_to_do(world.spec, world.pod, 1).contains("`davit start mesh`"));
}

TEST_CASE("stopping says what is waited for and when KILL comes", "[why]") {
    World world;
    Service& mesh = world.mesh();
    mesh.state = ServiceState::stopping;
    mesh.process = Process::alive;
    mesh.reason = "stop by hand";
    mesh.deadline = at(10s);

    SECTION("the leader lives") {
        CHECK(world.why_of(1) == "stopping: stop by hand; waits for its end, KILL in 6.8s");
    }
    SECTION("the leader is gone") {
        mesh.process = Process::leaving;
        CHECK(world.why_of(1) == "stopping: stop by hand; its leader has ended, waits for what it left, KILL in 6.8s");
    }
    SECTION("KILL was sent") {
        mesh.killed = true;
        CHECK(world.why_of(1) == "stopping: stop by hand; KILL was sent, waits until its processes are gone");
    }
    CHECK(what_to_do(world.spec, world.pod, 1) ==
          (mesh.killed ? "" : "`davit signal KILL mesh` ends it without waiting"));
}

TEST_CASE("a service at rest says how it came there", "[why]") {
    World world;
    Service& mesh = world.mesh();

    SECTION("stopped") {
        mesh.state = ServiceState::stopped;
        mesh.reason = "stop by hand";
        mesh.last_exit = killed_by(SIGTERM);
        CHECK(world.why_of(1) == "stopped: stop by hand; last exit: SIGTERM");
        CHECK(what_to_do(world.spec, world.pod, 1).contains("`davit start mesh`"));
    }
    SECTION("completed: the end is not said twice") {
        mesh.state = ServiceState::completed;
        mesh.reason = "exit code 0";
        mesh.last_exit = exited_with(0);
        CHECK(world.why_of(1) == "completed: exit code 0");
        CHECK(what_to_do(world.spec, world.pod, 1).empty());
    }
    SECTION("failed") {
        mesh.state = ServiceState::failed;
        mesh.last_exit = ExitStatus{.signal = SIGKILL, .out_of_memory = true};
        mesh.reason = "gave up after 5 restarts; last end: SIGKILL, out of memory";
        CHECK(world.why_of(1) == "failed: gave up after 5 restarts; last end: SIGKILL, out of memory");
        CHECK(what_to_do(world.spec, world.pod, 1).contains("mend the cause"));
    }
}

TEST_CASE("while starting the pod says what main waits for", "[why]") {
    World world;
    world.web().state = ServiceState::blocked;
    world.mesh().state = ServiceState::starting;
    CHECK(world.pod_line() == "starting: web is blocked: waits for mesh to be ready (starting), for 3.2s");
    CHECK(pod_what_to_do(world.spec, world.pod) == "see `davit why mesh`"); // the root of what is missing
}

TEST_CASE("a pod without main says so", "[why]") {
    World world;
    world.spec.services[2].main = false;
    CHECK(world.pod_line() == "starting: there is no main");
}

TEST_CASE("a running step is named with its attempt and its time", "[why]") {
    World world;
    world.pod.lifecycle.phase = Phase::preloading;
    world.spec.lifecycle.preload = {StepSpec{.action = ExecStep{.command = {"/app/warm.sh"}}, .attempts = 3},
                                    StepSpec{.action = SleepStep{.length = 2s}}};
    StepList list{.kind = StepKind::preload, .attempt = 2};
    list.running = StepRun{.began = start, .deadline = at(60s)};

    SECTION("it runs") {
        world.pod.lifecycle.steps = list;
        CHECK(world.pod_line() ==
              "preloading: preload step 1 of 2 (/app/warm.sh, attempt 2 of 3) runs for 3.2s, at most 56.8s more");
    }
    SECTION("it was told to end") {
        list.running->kill = at(5s);
        world.pod.lifecycle.steps = list;
        CHECK(world.pod_line().contains("it was told to end"));
    }
    SECTION("it is tried again") {
        list.running.reset();
        list.next_try = at(4s);
        list.failure = "exit code 1";
        world.pod.lifecycle.steps = list;
        CHECK(world.pod_line() ==
              "preloading: preload step 1 of 2 (/app/warm.sh, attempt 2 of 3) is tried in 0.8s; exit code 1");
    }
    SECTION("other kinds of steps have a name too") {
        world.spec.lifecycle.preload = {StepSpec{.action = HttpStep{.method = "POST", .url = "http://r/up"}}};
        world.pod.lifecycle.steps = list;
        CHECK(world.pod_line().contains("preload step (POST http://r/up) runs"));
        world.spec.lifecycle.preload = {StepSpec{.action = TcpStep{.port = 80}}};
        CHECK(world.pod_line().contains("preload step (tcpSocket port 80) runs"));
    }
}

TEST_CASE("checking names what is missing and when it gives up", "[why]") {
    World world;
    world.pod.lifecycle.phase = Phase::checking;
    World::run(world.log_agent(), 7);
    World::run(world.mesh(), 8);
    World::run(world.web(), 9);
    world.mesh().readiness.last_message = "GET http://127.0.0.1:15021/ready 503";
    world.pod.lifecycle.gate_deadline = at(600s);

    CHECK(world.pod_line().starts_with("checking: waits for readiness: mesh"));
    CHECK(world.pod_line().contains("GET http://127.0.0.1:15021/ready 503"));
    CHECK(world.pod_line().ends_with("; gives up in 9m57s"));

    world.pod.lifecycle.at_manual_gate = true;
    CHECK(world.pod_line() == "checking: everything is ready, waits for `davit online` (goOnline: manual)");
    CHECK(pod_what_to_do(world.spec, world.pod).contains("`davit online`"));
}

TEST_CASE("online says ready, or who is not", "[why]") {
    World world;
    world.pod.lifecycle.phase = Phase::online;
    World::run(world.log_agent(), 7);
    World::run(world.mesh(), 8);
    World::run(world.web(), 9);

    CHECK(world.pod_line().starts_with("online: not ready: mesh"));
    world.mesh().readiness.tracker.good = true;
    CHECK(world.pod_line() == "online: ready, for 3.2s");
    CHECK(pod_what_to_do(world.spec, world.pod).empty());
}

TEST_CASE("draining says how many connections are open and how long it waits", "[why]") {
    World world;
    world.pod.lifecycle.phase = Phase::draining;
    world.pod.lifecycle.drain = Drain{.earliest = at(5s), .latest = at(15s), .began = start, .watches = true};

    CHECK(world.pod_line() == "draining: waits at least 1.8s more for traffic to end");
    CHECK(world.pod_line(6s) == "draining: counts the open connections, waits at most 9.0s more");
    world.pod.lifecycle.drain->connections = 1;
    CHECK(world.pod_line(6s) == "draining: 1 connection is still open, waits at most 9.0s more");
    world.pod.lifecycle.drain->connections = 3;
    CHECK(world.pod_line(6s) == "draining: 3 connections are still open, waits at most 9.0s more");
}

TEST_CASE("a pod at rest says what it waits for", "[why]") {
    World world;
    Lifecycle& lifecycle = world.pod.lifecycle;

    SECTION("offline") {
        lifecycle.phase = Phase::offline;
        CHECK(world.pod_line() == "offline: everything runs on, no traffic is wanted");
        CHECK(pod_what_to_do(world.spec, world.pod).contains("`davit online`"));
    }
    SECTION("prestop is done") {
        lifecycle.phase = Phase::stopped;
        lifecycle.goal = Goal::main_stopped;
        CHECK(world.pod_line() == "stopped: prestop is done, waits for SIGTERM; the helpers run on");
    }
    SECTION("main was stopped by hand") {
        lifecycle.phase = Phase::stopped;
        lifecycle.goal = Goal::main_held;
        CHECK(world.pod_line() == "stopped: main was stopped by hand; the helpers run on");
        CHECK(pod_what_to_do(world.spec, world.pod).contains("`davit start web`"));
    }
    SECTION("the end") {
        lifecycle.phase = Phase::stopped;
        lifecycle.goal = Goal::exit;
        World::run(world.log_agent(), 7);
        World::run(world.mesh(), 8);
        CHECK(world.pod_line() == "stopped: main is down, waits for the end of log-agent, mesh");
    }
    SECTION("a failed start that is held") {
        lifecycle.phase = Phase::failed;
        lifecycle.failure.text = "online step failed: exit code 1";
        CHECK(world.pod_line() == "failed: online step failed: exit code 1");
        CHECK(pod_what_to_do(world.spec, world.pod).contains("`davit online` tries again"));
    }
}

// ---- whole paragraphs: a state, each of its causes, and what to do -------------------------------------------

/// As `davit why SERVICE` says it: the line, then the advice.
std::string paragraph(const World& world, ServiceIndex index) {
    return world.why_of(index) + " | " + what_to_do(world.spec, world.pod, index);
}

std::string pod_paragraph(const World& world) {
    return world.pod_line() + " | " + pod_what_to_do(world.spec, world.pod);
}

TEST_CASE("why of an inactive service that never starts any more", "[why]") {
    World world;
    world.pod.lifecycle.phase = Phase::stopping;
    world.pod.lifecycle.goal = Goal::exit;
    CHECK(paragraph(world, 0) == "inactive: never started; nothing starts any more, the pod is being stopped | ");
}

TEST_CASE("why of a blocked service, by what holds it up", "[why]") {
    World world;
    world.web().state = ServiceState::blocked;

    SECTION("a service that failed for good") {
        world.mesh().state = ServiceState::failed;
        world.mesh().reason = "gave up after 2 restarts; last end: exit code 3";
        CHECK(
            paragraph(world, 2) ==
            "blocked: waits for mesh to be ready (failed: gave up after 2 restarts; last end: exit code 3), for 3.2s | "
            "see `davit why mesh`; it goes on once `davit start mesh` succeeds");
    }
    SECTION("a service that somebody stopped") {
        world.mesh().state = ServiceState::stopped;
        world.mesh().reason = "stop by hand";
        CHECK(paragraph(world, 2) == "blocked: waits for mesh to be ready (stopped: stop by hand), for 3.2s | "
                                     "see `davit why mesh`; it goes on once `davit start mesh` succeeds");
    }
    SECTION("a oneshot that runs") {
        world.spec.services[2].depends_on = {{.service = 0, .condition = Condition::completed}};
        world.spec.services[0].oneshot = true;
        World::run(world.log_agent(), 7);
        CHECK(paragraph(world, 2) ==
              "blocked: waits for log-agent to complete (running), for 3.2s | see `davit why log-agent`");
    }
    SECTION("the one at the end of the chain is named in the advice") {
        world.mesh().state = ServiceState::blocked;
        world.log_agent().state = ServiceState::backoff;
        world.log_agent().reason = "exit code 3";
        CHECK(what_to_do(world.spec, world.pod, 2) == "see `davit why log-agent`");
    }
    SECTION("in debug mode a probe holds up nobody") {
        world.spec.mode = Mode::debug;
        World::run(world.mesh(), 8);
        world.mesh().readiness.last_message = "connection refused";
        CHECK(paragraph(world, 2) == "blocked: everything it depends on is there, it starts now | ");
    }
}

TEST_CASE("why of a starting service counts the failures of its startup probe", "[why]") {
    World world;
    world.spec.services[1].startup_probe = ProbeSpec{.check = TcpCheck{.port = 1}, .failure_threshold = 30};
    world.mesh().state = ServiceState::starting;
    world.mesh().process = Process::alive;
    world.mesh().startup.last_message = "127.0.0.1:1 connection refused";
    world.mesh().startup.tracker.failures = 12;
    CHECK(paragraph(world, 1) ==
          "starting: waits for its startup probe, for 3.2s (127.0.0.1:1 connection refused), failed 12 of 30 times | "
          "look at its output with `davit logs mesh`; check that its startup probe asks the right address");
}

TEST_CASE("why of a raw service sends to the container's own log", "[why]") {
    World world;
    world.spec.services[1].log_mode = LogMode::raw;
    World::run(world.mesh(), 8);
    world.mesh().readiness.last_message = "503";
    CHECK(paragraph(world, 1) == "not ready: 503 | look at its output with `kubectl logs`; check that its readiness "
                                 "probe asks the right address");
}

TEST_CASE("why of a service in backoff", "[why]") {
    World world;
    world.mesh().state = ServiceState::backoff;
    world.mesh().reason = "SIGKILL, out of memory (container limit 512 MiB)";
    world.mesh().attempt = 1;
    world.mesh().deadline = at(5200ms);

    SECTION("it starts again") {
        CHECK(paragraph(world, 1) ==
              "backoff: SIGKILL, out of memory (container limit 512 MiB); start 2 in 2.0s | look at its output with "
              "`davit logs mesh`; `davit start mesh` starts it without waiting");
    }
    SECTION("the pod is being stopped") {
        world.pod.lifecycle.phase = Phase::stopped;
        world.pod.lifecycle.goal = Goal::exit;
        CHECK(world.why_of(1) ==
              "backoff: SIGKILL, out of memory (container limit 512 MiB); does not start again while "
              "the phase is stopped");
    }
}

TEST_CASE("why of a held service, by what holds it", "[why]") {
    World world;
    world.web().state = ServiceState::held;
    world.web().reason = "exit code 1";

    SECTION("debug mode") {
        world.spec.mode = Mode::debug;
        CHECK(paragraph(world, 2) ==
              "held: exit code 1; debug mode: nothing restarts by itself | look at its output with `davit logs web`; "
              "change what is wrong with `davit shell web`, then `davit start web`");
    }
    SECTION("isolation") {
        world.pod.lifecycle.isolated = true;
        world.pod.lifecycle.isolated_because = "by hand";
        CHECK(world.why_of(2) == "held: exit code 1; nothing restarts while the pod is isolated (by hand)");
    }
    SECTION("a stop by hand") {
        world.pod.lifecycle.goal = Goal::main_held;
        world.web().reason = "main is stopped by hand";
        CHECK(paragraph(world, 2) == "held: main is stopped by hand; until it is started by hand | look at its output "
                                     "with `davit logs web`; `davit start web` starts it again");
    }
}

TEST_CASE("why of a stopped and of a failed service", "[why]") {
    World world;
    world.mesh().state = ServiceState::stopped;
    world.mesh().reason = "stop by hand";
    CHECK(paragraph(world, 1) == "stopped: stop by hand | `davit start mesh` starts it again");
    world.mesh().state = ServiceState::failed;
    world.mesh().reason = "cannot start: /opt/mesh: no such file or directory (at exec)";
    CHECK(paragraph(world, 1) ==
          "failed: cannot start: /opt/mesh: no such file or directory (at exec) | look at its output with `davit logs "
          "mesh`, mend the cause, then `davit start mesh`");
}

TEST_CASE("why of the pod in each phase that waits for somebody", "[why]") {
    World world;
    Lifecycle& lifecycle = world.pod.lifecycle;

    SECTION("starting, with the time that is left") {
        world.web().state = ServiceState::blocked;
        world.mesh().state = ServiceState::starting;
        lifecycle.gate_deadline = at(60s);
        CHECK(pod_paragraph(world) ==
              "starting: web is blocked: waits for mesh to be ready (starting), for 3.2s; gives "
              "up in 56.8s | see `davit why mesh`");
    }
    SECTION("checking") {
        lifecycle.phase = Phase::checking;
        World::run(world.log_agent(), 7);
        World::run(world.mesh(), 8);
        World::run(world.web(), 9);
        world.mesh().readiness.last_message = "503";
        CHECK(pod_paragraph(world) == "checking: waits for readiness: mesh: 503 | see `davit why mesh`");
    }
    SECTION("online and not ready") {
        lifecycle.phase = Phase::online;
        World::run(world.web(), 9);
        World::run(world.mesh(), 8);
        world.mesh().readiness.last_message = "503";
        CHECK(pod_paragraph(world) == "online: not ready: mesh: 503 | see `davit why mesh`");
    }
    SECTION("stopping within the grace period") {
        lifecycle.phase = Phase::stopping;
        lifecycle.goal = Goal::exit;
        lifecycle.budget = ShutdownBudget{.began = start, .total = 30s};
        world.web().state = ServiceState::stopping;
        world.web().process = Process::alive;
        world.web().reason = "SIGTERM";
        world.web().deadline = at(27s);
        CHECK(pod_paragraph(world) == "stopping: web is stopping: SIGTERM; waits for its end, KILL in 23.8s; the grace "
                                      "period ends in 25.8s | ");
    }
    SECTION("isolated by hand") {
        lifecycle.phase = Phase::offline;
        lifecycle.isolated = true;
        lifecycle.isolated_because = "by hand: looks odd";
        CHECK(
            pod_paragraph(world) ==
            "offline: isolated (by hand: looks odd): nothing restarts, no probe kills, what ends is held | look at the "
            "scene with `davit shell`; `davit rejoin` goes online again");
    }
    SECTION("debug mode") {
        world.spec.mode = Mode::debug;
        lifecycle.phase = Phase::offline;
        CHECK(
            pod_paragraph(world) ==
            "offline: debug mode: no health check gates, no step runs, nothing restarts, what ends is held | look with "
            "`davit why web`, change what is wrong with `davit shell`, then `davit restart web`");
    }
    SECTION("the manual gate") {
        lifecycle.phase = Phase::checking;
        lifecycle.at_manual_gate = true;
        CHECK(pod_paragraph(world) == "checking: everything is ready, waits for `davit online` (goOnline: manual) | "
                                      "`davit online` when you want the traffic");
    }
    SECTION("a failed start that is held") {
        lifecycle.phase = Phase::failed;
        lifecycle.failure.text = "preload failed: exit code 7";
        CHECK(pod_paragraph(world) ==
              "failed: preload failed: exit code 7 | mend the cause, then `davit online` tries again");
    }
}

TEST_CASE("who waits and hears nothing is told what is missing and for how long", "[why]") {
    World world;
    world.web().state = ServiceState::blocked;
    world.mesh().state = ServiceState::starting;
    const auto waits = [&](RequestId id, Verb verb, std::vector<ServiceIndex> services) {
        Request request{.id = id, .verb = verb};
        request.services = std::move(services);
        world.pod.waiters.push_back(
            {.request = request, .since = start, .deadline = {}, .attempts = {}, .message = {}});
    };
    waits(1, Verb::poststart, {});
    waits(2, Verb::wait_service, {1});
    waits(3, Verb::stop, {0});
    const auto told = [&](RequestId id) { return still_waiting(world.spec, world.pod, id, at(10s)); };

    CHECK(told(1) == "after 10.0s still starting: web is blocked: waits for mesh to be ready (starting), for 10.0s");
    CHECK(told(2) == "after 10.0s still waiting for mesh, which is starting: launched");
    CHECK(told(4).empty());
    World::run(world.log_agent(), 7);
    CHECK(told(3) == "after 10.0s still waiting for log-agent, which is ready: runs (no readiness probe)");
}

} // namespace
} // namespace davit::model
