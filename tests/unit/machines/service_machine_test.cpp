// SPDX-License-Identifier: Apache-2.0
// Rules of one service that the table of states and events does not show.
#include "model/service_machine.h"
#include "support/catch.h"

namespace davit::model {
namespace {

const TimePoint start{};

ServiceSpec web() {
    ServiceSpec spec;
    spec.name = "web";
    spec.command = {"/opt/web/run.sh"};
    spec.grace = 10s;
    return spec;
}

Service after(const ServiceSpec& spec, Service service, const ServiceEvent& event, Duration at = 0s) {
    return on_event(spec, std::move(service), event, Moment{start + at}).next;
}

Service running(const ServiceSpec& spec) {
    Service service = after(spec, Service{}, StartRequested{"start"});
    service = after(spec, service, DependenciesMet{});
    return after(spec, service, Launched{1, 41});
}

} // namespace

TEST_CASE("a stop during backoff ends in stopped and starts nothing", "[service_machine]") {
    Service service = after(web(), running(web()), LeaderExited{1, exited_with(1), ""});
    REQUIRE(service.state == ServiceState::backoff);

    const ServiceTransition stop =
        on_event(web(), service, StopRequested{start + 5s, AfterStop::rest, "by hand"}, Moment{start});

    CHECK(stop.next.state == ServiceState::stopped);
    CHECK(stop.actions.empty());
    CHECK_FALSE(next_deadline(stop.next).has_value());
}

TEST_CASE("a stop while the launch is under way signals the process as soon as it is there", "[service_machine]") {
    Service service = after(web(), after(web(), Service{}, StartRequested{"start"}), DependenciesMet{});
    const ServiceTransition stop =
        on_event(web(), service, StopRequested{start + 10s, AfterStop::rest, "by hand"}, Moment{start});
    service = stop.next;
    REQUIRE(service.state == ServiceState::stopping);
    CHECK(stop.actions == ServiceActions{CancelLaunch{}});
    const ServiceTransition late = on_event(web(), service, Launched{1, 41}, Moment{start});
    CHECK(late.actions == ServiceActions{SignalSession{SIGTERM}});
    CHECK(after(web(), late.next, LeaderExited{1, killed_by(SIGTERM), ""}).state == ServiceState::stopped);
}

TEST_CASE("a kill while the launch is under way kills the process as soon as it is there", "[service_machine]") {
    Service service = after(web(), after(web(), Service{}, StartRequested{"start"}), DependenciesMet{});
    const ServiceTransition kill = on_event(web(), service, KillRequested{AfterStop::rest, "now"}, Moment{start});
    service = kill.next;
    CHECK(kill.actions == ServiceActions{CancelLaunch{}});
    CHECK(on_event(web(), service, Launched{1, 41}, Moment{start}).actions == ServiceActions{SignalSession{SIGKILL}});
}

TEST_CASE("a launch that is broken off for a stop ends in stopped and counts as no failure", "[service_machine]") {
    Service service = after(web(), after(web(), Service{}, StartRequested{"start"}), DependenciesMet{});
    service = after(web(), service, StopRequested{start + 10s, AfterStop::rest, "by hand"});
    service = after(web(), service, LaunchFailed{1, LaunchFailure::no_resources, "stopped"});
    CHECK(service.state == ServiceState::stopped);
    CHECK(service.reason == "by hand");
    CHECK_FALSE(service.last_exit.has_value());
    CHECK(service.refusals == 0);
}

TEST_CASE("what ignores its stop signal is killed at the deadline, and again until it is gone", "[service_machine]") {
    Service service = after(web(), running(web()), StopRequested{start + 10s, AfterStop::rest, "by hand"});
    CHECK(on_event(web(), service, DeadlineReached{}, Moment{start + 9s}).actions.empty());
    ServiceTransition kill = on_event(web(), service, DeadlineReached{}, Moment{start + 10s});
    CHECK(kill.actions == ServiceActions{SignalSession{SIGKILL}});
    kill = on_event(web(), kill.next, DeadlineReached{}, Moment{start + 11s});
    CHECK(kill.actions == ServiceActions{SignalSession{SIGKILL}});
}

TEST_CASE("an earlier deadline of a second stop is taken, a later one is not", "[service_machine]") {
    Service service = after(web(), running(web()), StopRequested{start + 10s, AfterStop::rest, "by hand"});
    service = after(web(), service, StopRequested{start + 20s, AfterStop::rest, "again"});
    CHECK(service.deadline == start + 10s);
    service = after(web(), service, StopRequested{start + 2s, AfterStop::hold, "again"});
    CHECK(service.deadline == start + 2s);
    CHECK(service.after_stop == AfterStop::hold);
}

TEST_CASE("a stop command takes the place of the stop signal, which follows only if it fails", "[service_machine]") {
    ServiceSpec spec = web();
    spec.stop_command = {"stop.sh"};
    const ServiceTransition stop =
        on_event(spec, running(spec), StopRequested{start + 10s, AfterStop::rest, ""}, Moment{start});
    CHECK(stop.actions == ServiceActions{RunStopCommand{start + 10s}});
    CHECK(on_event(spec, stop.next, StopCommandFinished{1, exited_with(0), ""}, Moment{start}).actions.empty());
    CHECK(on_event(spec, stop.next, StopCommandFinished{1, exited_with(1), ""}, Moment{start}).actions ==
          ServiceActions{SignalSession{SIGTERM}});
    CHECK(on_event(spec, stop.next, StopCommandFinished{1, exited_with(0), "not found"}, Moment{start}).actions ==
          ServiceActions{SignalSession{SIGTERM}});
}

TEST_CASE("a long run forgets earlier failures", "[service_machine]") {
    ServiceSpec spec = web();
    spec.backoff.limit = 1;
    Service service = running(spec);
    service.failures = 1;
    CHECK(after(spec, service, LeaderExited{1, exited_with(1), ""}, 29s).state == ServiceState::failed);
    service = after(spec, service, LeaderExited{1, exited_with(1), ""}, 30s);
    CHECK(service.state == ServiceState::backoff);
    CHECK(service.failures == 1);
}

TEST_CASE("a backoff of zero starts again at once", "[service_machine]") {
    ServiceSpec spec = web();
    spec.backoff.initial = 0s;
    CHECK(after(spec, running(spec), LeaderExited{1, exited_with(1), ""}).state == ServiceState::blocked);
}

TEST_CASE("how it ends follows restart policy and outcome", "[service_machine]") {
    const auto [policy, oneshot, code, state] = GENERATE(table<RestartPolicy, bool, int, ServiceState>({
        {RestartPolicy::always, false, 0, ServiceState::backoff},
        {RestartPolicy::on_failure, false, 0, ServiceState::completed},
        {RestartPolicy::on_failure, false, 1, ServiceState::backoff},
        {RestartPolicy::never, false, 0, ServiceState::completed},
        {RestartPolicy::never, false, 1, ServiceState::failed},
        {RestartPolicy::never, true, 0, ServiceState::completed},
        {RestartPolicy::never, true, 1, ServiceState::failed},
    }));
    ServiceSpec spec = web();
    spec.restart_policy = policy;
    spec.oneshot = oneshot;
    CHECK(after(spec, running(spec), LeaderExited{1, exited_with(code), ""}).state == state);
}

TEST_CASE("a startup probe gates running and fails only at the end of its window", "[service_machine]") {
    ServiceSpec spec = web();
    spec.startup_probe = ProbeSpec{.check = TcpCheck{.port = 80}, .period = 1s, .failure_threshold = 3};
    Service service = running(spec);
    CHECK(service.state == ServiceState::starting);
    service = after(spec, service, DeadlineReached{});
    service = after(spec, service, CheckFinished{1, ProbeKind::startup, CheckOutcome::bad, "refused"});
    CHECK(service.state == ServiceState::starting);
    CHECK(next_deadline(service) == start + 50ms);

    SECTION("good") {
        service = after(spec, service, DeadlineReached{}, 50ms);
        service = after(spec, service, CheckFinished{1, ProbeKind::startup, CheckOutcome::good, "ok"}, 60ms);
        CHECK(service.state == ServiceState::running);
    }
    SECTION("bad at the end of the window") {
        service = after(spec, service, DeadlineReached{}, 3s);
        service = after(spec, service, CheckFinished{1, ProbeKind::startup, CheckOutcome::bad, "refused"}, 3s);
        CHECK(service.state == ServiceState::stopping);
        CHECK(service.reason == "startup probe failed: refused");
    }
    SECTION("main stays up until the life cycle stops it") {
        spec.main = true;
        service = after(spec, service, DeadlineReached{}, 3s);
        service = after(spec, service, CheckFinished{1, ProbeKind::startup, CheckOutcome::bad, "refused"}, 3s);
        CHECK(service.state == ServiceState::starting);
        CHECK(service.failed_probe == ProbeKind::startup);
    }
}

TEST_CASE("checks that are in flight are cancelled when the process ends", "[service_machine]") {
    ServiceSpec spec = web();
    spec.readiness_probe = ProbeSpec{.check = TcpCheck{.port = 80}};
    const Service service = after(spec, running(spec), DeadlineReached{});
    REQUIRE(service.readiness.in_flight);
    const ServiceTransition end = on_event(spec, service, LeaderExited{1, exited_with(1), ""}, Moment{start});
    CHECK(end.actions == ServiceActions{CancelChecks{}});
}

} // namespace davit::model
