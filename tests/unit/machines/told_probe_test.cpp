// SPDX-License-Identifier: Apache-2.0
// Services that tell how they are: sd_notify and lines of their output, against the service machine and the pod.
#include "pod_bench.h"

#include "model/service_machine.h"
#include "model/told_probe.h"
#include "support/catch.h"

namespace davit::model {
namespace {

using namespace std::chrono_literals;

const TimePoint start{};

TimePoint at(Duration moment) {
    return start + moment;
}

Notification said(std::string_view datagram) {
    return parse_notification(datagram);
}

/// One service in its life, told one fact after the other.
struct Life {
    ServiceSpec spec;
    Service service;
    ServiceActions actions;

    explicit Life(ServiceSpec with) : spec(std::move(with)) {
        spec.name = "web";
        spec.command = {"/opt/web/run"};
        spec.grace = spec.grace.value_or(10s);
        event(StartRequested{"start"}, 0s);
        event(DependenciesMet{}, 0s);
    }

    void event(const ServiceEvent& fact, Duration moment) {
        ServiceTransition turn = on_event(spec, std::move(service), fact, Moment{at(moment)});
        service = std::move(turn.next);
        actions = std::move(turn.actions);
    }
    void launched(Duration moment = 0s) { event(Launched{service.attempt, 41}, moment); }
    void says(std::string_view datagram, Duration moment) { event(Notified{service.attempt, said(datagram)}, moment); }
    void matches(ProbeKind kind, Duration moment) { event(LineMatched{service.attempt, kind}, moment); }
    std::optional<Duration> due(ProbeKind kind) const {
        const auto& moment = probe_state(service, kind).due;
        return moment ? std::optional{*moment - start} : std::nullopt;
    }
    bool is_ready() const { return model::is_ready(spec, service); }
};

ProbeSpec notify(Duration period = 10s, int threshold = 3) {
    return {.check = NotifyCheck{}, .period = period, .failure_threshold = threshold};
}

ProbeSpec log_probe() {
    return {.check = LogCheck{.pattern = "up"}};
}

} // namespace

// ---- startup ---------------------------------------------------------------------------------------------------

TEST_CASE("READY=1 ends the startup of a service that notifies", "[told_probe]") {
    Life web{{.startup_probe = notify()}};
    web.launched();
    CHECK(web.service.state == ServiceState::starting);
    CHECK(web.service.startup.last_message == "no READY=1 yet");
    CHECK(web.actions.empty()); // nothing is tried

    web.says("STATUS=loading", 1s);
    CHECK(web.service.state == ServiceState::starting);
    web.says("READY=1", 2s);

    CHECK(web.service.state == ServiceState::running);
    CHECK(web.service.reason == "startup probe: READY=1");
    CHECK(!next_deadline(web.service));
}

TEST_CASE("a READY=1 that comes before the launch is answered counts", "[told_probe]") {
    Life web{{.startup_probe = notify(), .readiness_probe = notify()}};
    web.says("READY=1", 0s);
    CHECK(web.service.state == ServiceState::starting);
    web.launched();
    CHECK(web.service.state == ServiceState::running);
    CHECK(web.is_ready());
}

TEST_CASE("READY=1 and STOPPING=1 in one turn still end the startup, not ready", "[told_probe]") {
    Life web{{.startup_probe = notify(), .readiness_probe = notify()}};
    web.launched();
    web.says("READY=1\nSTOPPING=1", 1s);
    CHECK(web.service.state == ServiceState::running);
    CHECK(!web.is_ready());
}

TEST_CASE("without READY=1 within the window the startup probe fails", "[told_probe]") {
    ServiceSpec spec{.startup_probe = notify(2s, 3)};
    spec.startup_probe->initial_delay = 1s;
    Life web{std::move(spec)};
    web.launched(1s);
    CHECK(web.due(ProbeKind::startup) == 8s);
    web.event(DeadlineReached{}, 8s);
    CHECK(web.service.state == ServiceState::stopping);
    CHECK(web.service.reason == "startup probe failed: no READY=1 within 7 s");
    CHECK(web.service.failed_probe == ProbeKind::startup);
}

TEST_CASE("EXTEND_TIMEOUT_USEC moves the end of the startup window, never to an earlier time", "[told_probe]") {
    Life web{{.startup_probe = notify(2s, 3)}};
    web.launched();
    web.says("EXTEND_TIMEOUT_USEC=1000000", 1s);
    CHECK(web.due(ProbeKind::startup) == 6s);
    web.says("EXTEND_TIMEOUT_USEC=9000000", 5s);
    CHECK(web.due(ProbeKind::startup) == 14s);
    web.event(DeadlineReached{}, 13s);
    CHECK(web.service.state == ServiceState::starting);
    web.event(DeadlineReached{}, 14s);
    CHECK(web.service.state == ServiceState::stopping);
}

TEST_CASE("what was said in an earlier attempt does not count in the next", "[told_probe]") {
    Life web{{.startup_probe = notify(), .readiness_probe = notify()}};
    web.launched();
    web.says("READY=1\nSTATUS=up", 1s);
    CHECK(web.is_ready());
    web.event(LeaderExited{1, exited_with(1), ""}, 2s);
    web.event(Notified{1, said("READY=1")}, 2s);
    web.event(StartRequested{"by hand"}, 3s);
    web.event(DependenciesMet{}, 3s);
    web.launched(3s);
    CHECK(web.service.attempt == 2);
    CHECK(web.service.state == ServiceState::starting);
    CHECK(web.service.heard == Heard{});
    web.event(Notified{1, said("READY=1")}, 4s);
    CHECK(web.service.state == ServiceState::starting);
}

// ---- readiness -------------------------------------------------------------------------------------------------

TEST_CASE("READY=1 makes ready, STOPPING=1 takes it back, RELOADING=1 does not", "[told_probe]") {
    Life web{{.readiness_probe = notify()}};
    web.launched();
    CHECK(web.service.state == ServiceState::running);
    CHECK(!web.is_ready());
    web.says("READY=1", 1s);
    CHECK(web.is_ready());
    CHECK(web.service.readiness.last_message == "READY=1");
    web.says("RELOADING=1\nMONOTONIC_USEC=1", 2s);
    CHECK(web.is_ready());
    web.says("STOPPING=1", 3s);
    CHECK(!web.is_ready());
    CHECK(web.service.readiness.last_message == "STOPPING=1");
    web.says("READY=1", 4s);
    CHECK(web.is_ready());
    CHECK(!next_deadline(web.service)); // readiness may wait for ever
}

TEST_CASE("who reloads before it is probed is as ready as it said", "[told_probe]") {
    Life web{{.startup_probe = log_probe(), .readiness_probe = notify()}};
    web.launched();
    web.says("READY=1", 1s);
    web.says("RELOADING=1", 2s);
    web.matches(ProbeKind::startup, 3s);
    CHECK(web.is_ready());
}

TEST_CASE("a status alone changes no readiness", "[told_probe]") {
    Life web{{.readiness_probe = notify()}};
    web.launched();
    web.says("STATUS=warm\nMAINPID=3", 1s);
    CHECK(!web.is_ready());
    CHECK(web.service.heard.status == "warm");
}

// ---- the watchdog ----------------------------------------------------------------------------------------------

TEST_CASE("a watchdog that falls silent fails the liveness probe", "[told_probe]") {
    Life web{{.liveness_probe = notify(1s, 3)}};
    web.launched();
    CHECK(web.due(ProbeKind::liveness) == 3s);
    web.says("WATCHDOG=1", 2s);
    CHECK(web.due(ProbeKind::liveness) == 5s);
    web.says("STATUS=busy", 4s); // no sign of life
    CHECK(web.due(ProbeKind::liveness) == 5s);
    web.event(DeadlineReached{}, 5s);
    CHECK(web.service.state == ServiceState::stopping);
    CHECK(web.service.reason == "liveness probe failed: no WATCHDOG=1 for 3 s");
}

TEST_CASE("the watchdog counts from the end of the startup and of the initial delay", "[told_probe]") {
    ServiceSpec spec{.startup_probe = notify(), .liveness_probe = notify(1s, 3)};
    spec.liveness_probe->initial_delay = 20s;
    Life web{std::move(spec)};
    web.launched();
    CHECK(!web.due(ProbeKind::liveness));
    web.says("READY=1", 5s);
    CHECK(web.due(ProbeKind::liveness) == 8s);
}

TEST_CASE("WATCHDOG=trigger fails the liveness probe at once", "[told_probe]") {
    Life web{{.liveness_probe = notify()}};
    web.launched();
    web.says("WATCHDOG=1\nWATCHDOG=trigger", 1s);
    CHECK(web.service.state == ServiceState::stopping);
    CHECK(web.service.reason == "liveness probe failed: it sent WATCHDOG=trigger");
}

TEST_CASE("WATCHDOG_USEC changes how often it is to be heard, zero ends it", "[told_probe]") {
    Life web{{.liveness_probe = notify()}};
    web.launched();
    web.says("WATCHDOG_USEC=500000", 1s);
    CHECK(web.due(ProbeKind::liveness) == 1500ms);
    web.says("WATCHDOG=1", 1200ms);
    CHECK(web.due(ProbeKind::liveness) == 1700ms);
    web.says("WATCHDOG_USEC=0", 1300ms);
    CHECK(!web.due(ProbeKind::liveness));
    web.says("WATCHDOG=1", 1400ms);
    CHECK(!web.due(ProbeKind::liveness));
}

TEST_CASE("who said that it ends has as long as any stop, and more if it asks", "[told_probe]") {
    Life web{{.liveness_probe = notify(1s, 3), .grace = 5s}};
    web.launched();
    web.says("STOPPING=1", 1s);
    CHECK(web.due(ProbeKind::liveness) == 6s);
    web.says("EXTEND_TIMEOUT_USEC=20000000", 2s);
    CHECK(web.due(ProbeKind::liveness) == 22s);
    web.event(DeadlineReached{}, 22s);
    CHECK(web.service.reason == "liveness probe failed: it said STOPPING=1 and did not end");
}

TEST_CASE("a stall of the loop moves what must be told", "[told_probe]") {
    Life web{{.startup_probe = notify(1s, 3), .liveness_probe = notify(1s, 3)}};
    web.launched();
    web.event(LoopStalled{10s}, 11s);
    CHECK(web.due(ProbeKind::startup) == 13s);
    web.says("READY=1", 11s);
    web.event(LoopStalled{10s}, 21s);
    CHECK(web.due(ProbeKind::liveness) == 24s);
}

TEST_CASE("main with a silent watchdog is left to the life cycle, and says nothing good any more", "[told_probe]") {
    Life main{{.main = true, .liveness_probe = notify(1s, 1)}};
    main.launched();
    main.event(DeadlineReached{}, 1s);
    CHECK(main.service.state == ServiceState::running);
    CHECK(main.service.failed_probe == ProbeKind::liveness);
    main.says("WATCHDOG=1", 2s);
    CHECK(!main.due(ProbeKind::liveness));
}

TEST_CASE("words of a service without such a probe are only remembered", "[told_probe]") {
    Life web{{.readiness_probe = notify()}};
    web.launched();
    web.says("WATCHDOG=trigger\nREADY=1", 1s);
    CHECK(web.service.state == ServiceState::running);
    CHECK(web.actions.empty());
}

// ---- lines -----------------------------------------------------------------------------------------------------

TEST_CASE("a matching line ends the startup, and is good for the attempt", "[told_probe]") {
    Life web{{.startup_probe = log_probe(), .readiness_probe = log_probe()}};
    web.launched();
    CHECK(web.service.startup.last_message == "no line matched \"up\" yet");
    web.matches(ProbeKind::readiness, 1s); // before it is probed: it is not forgotten
    CHECK(!web.is_ready());
    web.matches(ProbeKind::startup, 2s);
    CHECK(web.service.state == ServiceState::running);
    CHECK(web.service.reason == "startup probe: a line matched \"up\"");
    CHECK(web.is_ready());
    CHECK(!next_deadline(web.service));
}

TEST_CASE("no matching line within the window fails the startup probe", "[told_probe]") {
    Life web{{.startup_probe = log_probe()}};
    web.launched();
    web.event(DeadlineReached{}, 30s);
    CHECK(web.service.reason == "startup probe failed: no line matched \"up\" within 30 s");
}

TEST_CASE("as liveness a matching line must come again and again", "[told_probe]") {
    Life web{{.liveness_probe = log_probe()}};
    web.launched();
    web.matches(ProbeKind::liveness, 20s);
    CHECK(web.due(ProbeKind::liveness) == 50s);
    web.event(DeadlineReached{}, 50s);
    CHECK(web.service.reason == "liveness probe failed: no line matched \"up\" for 30 s");
}

TEST_CASE("a matching line concerns only a probe that waits for one", "[told_probe]") {
    Life web{{.readiness_probe = notify()}};
    web.launched();
    web.matches(ProbeKind::readiness, 1s);
    CHECK(!web.is_ready());
    CHECK(web.service.heard == Heard{});
}

// ---- stops that ask for more time --------------------------------------------------------------------------------

namespace {

test::PodBench online_with(ServiceSpec helper) {
    test::PodBench bench;
    bench.spec().grace = 60s;
    bench.with(std::move(helper));
    bench.come_online();
    return bench;
}

void tell(test::PodBench& bench, ServiceIndex service, std::string_view datagram) {
    bench.event(ServiceFact{service, Notified{bench.pod().services[service].attempt, said(datagram)}});
}

} // namespace

TEST_CASE("a stop by hand is extended, to the length of a budget and no further", "[told_probe]") {
    auto bench = online_with(test::helper("web"));
    bench.ask(1, Verb::stop, {"web"});
    const Service& web = bench.pod().services[1];
    const TimePoint began = web.since;
    CHECK(*web.deadline == began + 10s);
    tell(bench, 1, "EXTEND_TIMEOUT_USEC=20000000");
    CHECK(*bench.pod().services[1].deadline == began + 20s);
    tell(bench, 1, "EXTEND_TIMEOUT_USEC=5000000"); // never earlier
    CHECK(*bench.pod().services[1].deadline == began + 20s);
    tell(bench, 1, "EXTEND_TIMEOUT_USEC=900000000");
    CHECK(*bench.pod().services[1].deadline == began + 59s);
}

TEST_CASE("in the stop of the whole an extension keeps to its share of the budget", "[told_probe]") {
    auto bench = online_with(test::helper("web"));
    bench.signal(SIGTERM);
    tell(bench, 0, "EXTEND_TIMEOUT_USEC=900000000"); // main
    CHECK(*bench.pod().services[0].deadline == TimePoint{} + bench.now() + 57s);
    bench.exited("main", exited_with(0));
    tell(bench, 1, "EXTEND_TIMEOUT_USEC=900000000");
    CHECK(*bench.pod().services[1].deadline == TimePoint{} + bench.now() + 59s);
    bench.until(bench.now() + 58s);
    CHECK(!bench.ordered("SignalSession{KILL}"));
    bench.until(bench.now() + 2s);
    CHECK(bench.ordered("SignalSession{KILL}"));
}

TEST_CASE("a hurried stop and a killed service are not extended", "[told_probe]") {
    auto bench = online_with(test::helper("web"));
    bench.ask(1, Verb::stop, {"web"});
    bench.until(bench.now() + 11s);
    REQUIRE(bench.pod().services[1].killed);
    const auto deadline = bench.pod().services[1].deadline;
    tell(bench, 1, "EXTEND_TIMEOUT_USEC=20000000");
    CHECK(bench.pod().services[1].deadline == deadline);
}

TEST_CASE("the gate waits for READY=1, and says so", "[told_probe]") {
    auto web = test::helper("web");
    web.readiness_probe = notify();
    test::PodBench bench;
    bench.with(std::move(web));
    bench.begin();
    bench.launched("web");
    bench.launched("main");
    CHECK(gate_missing(bench.spec(), bench.pod()) == "main: blocked; web: no READY=1 yet");
}

} // namespace davit::model
