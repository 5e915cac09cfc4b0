// SPDX-License-Identifier: Apache-2.0
// What counts as a try of a step and as a failure of a probe.
#include "runtime/tally.h"

#include "support/catch.h"

namespace davit::runtime {
namespace {

using namespace std::chrono_literals;
using namespace model;

TimePoint at(Duration since_start) {
    return TimePoint{since_start};
}

using Runs = std::array<std::uint64_t, 4>;

Pod pod_with_step(StepRun run) {
    Pod pod;
    pod.lifecycle.steps = StepList{.kind = run.kind, .running = run};
    return pod;
}

TEST_CASE("a try of a step is counted by how it ended, with the time it took", "[tally]") {
    Tally tally;
    const Pod pod = pod_with_step({.run = 7, .kind = StepKind::online, .began = at(1s)});
    tally.note(StepFinished{7, StepOutcome::succeeded, ""}, pod, at(3s));
    tally.note(StepFinished{7, StepOutcome::failed, ""}, pod, at(4s));
    CHECK(tally.step(StepKind::online) == StepTally{.runs = {1, 1, 0, 0}, .last = 3s});
    CHECK(tally.step(StepKind::offline) == StepTally{});
}

TEST_CASE("a try that was ended counts as what it was ended for", "[tally]") {
    Tally tally;
    StepRun run{.run = 7, .kind = StepKind::stop, .kill = at(9s), .ended_as = StepOutcome::timed_out};
    tally.note(StepFinished{7, StepOutcome::failed, "killed"}, pod_with_step(run), at(3s));
    run.ended_as = StepOutcome::cancelled;
    tally.note(StepFinished{7, StepOutcome::succeeded, ""}, pod_with_step(run), at(3s));
    CHECK(tally.step(StepKind::stop).runs == Runs{0, 0, 1, 1});
}

TEST_CASE("a late word of another try is not counted", "[tally]") {
    Tally tally;
    tally.note(StepFinished{6, StepOutcome::failed, ""}, pod_with_step({.run = 7}), at(3s));
    tally.note(StepFinished{6, StepOutcome::failed, ""}, Pod{}, at(3s));
    CHECK(tally.step(StepKind::preload) == StepTally{});
}

/// One service with attempt 2, whose readiness is being checked.
Pod pod_with_check() {
    Pod pod;
    pod.services.resize(2);
    pod.services[1].attempt = 2;
    pod.services[1].readiness.in_flight = true;
    return pod;
}

ServiceFact finished(CheckOutcome outcome, unsigned attempt = 2) {
    return {1, CheckFinished{attempt, ProbeKind::readiness, outcome, ""}};
}

TEST_CASE("a check that says no, or nothing in time, is a failure of its probe", "[tally]") {
    Tally tally;
    const Pod pod = pod_with_check();
    tally.note(finished(CheckOutcome::bad), pod, at(1s));
    tally.note(finished(CheckOutcome::timed_out), pod, at(1s));
    tally.note(finished(CheckOutcome::good), pod, at(1s));
    CHECK(tally.probe_failures(1) == ProbeFailures{0, 2, 0});
    CHECK(tally.probe_failures(0) == ProbeFailures{});
    CHECK(tally.probe_failures(99) == ProbeFailures{});
}

TEST_CASE("a check of an earlier attempt, or one that met a stall, is no failure", "[tally]") {
    Tally tally;
    Pod pod = pod_with_check();
    tally.note(finished(CheckOutcome::bad, 1), pod, at(1s));
    pod.services[1].readiness.forgiven = true;
    tally.note(finished(CheckOutcome::bad), pod, at(1s));
    pod.services[1].readiness = {};
    tally.note(finished(CheckOutcome::bad), pod, at(1s));
    CHECK(tally.probe_failures(1) == ProbeFailures{});
}

TEST_CASE("silence of a probe that is told is one failure of the attempt", "[tally]") {
    PodSpec spec;
    spec.services.resize(2);
    spec.services[1].liveness_probe = ProbeSpec{.check = NotifyCheck{}};
    Pod pod = pod_with_check();
    Tally tally;
    tally.notice(TimePassed{}, spec, pod);
    CHECK(tally.probe_failures(1) == ProbeFailures{});

    pod.services[1].failed_probe = ProbeKind::liveness;
    tally.notice(TimePassed{}, spec, pod);
    tally.notice(TimePassed{}, spec, pod);
    tally.notice(ServiceFact{1, StopCommandFinished{}}, spec, pod);
    CHECK(tally.probe_failures(1) == ProbeFailures{0, 0, 1});

    ++pod.services[1].attempt;
    tally.notice(ServiceFact{1, Notified{}}, spec, pod);
    CHECK(tally.probe_failures(1) == ProbeFailures{0, 0, 2});
}

TEST_CASE("a probe that is tried is counted by its tries alone", "[tally]") {
    PodSpec spec;
    spec.services.resize(2);
    spec.services[1].liveness_probe = ProbeSpec{.check = TcpCheck{.port = 1}};
    Pod pod = pod_with_check();
    pod.services[1].failed_probe = ProbeKind::liveness;
    Tally tally;
    tally.notice(TimePassed{}, spec, pod);
    CHECK(tally.probe_failures(1) == ProbeFailures{});
}

} // namespace
} // namespace davit::runtime
