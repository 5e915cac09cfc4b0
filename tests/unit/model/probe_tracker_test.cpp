// SPDX-License-Identifier: Apache-2.0
// When a probe has become good or bad, and when it looks again.
#include "model/probe_tracker.h"

#include "support/catch.h"

#include <string_view>
#include <vector>

namespace davit::model {
namespace {

const TimePoint start{1000s};

TimePoint at(Duration after) {
    return start + after;
}

/// A probe that is told one result after the other.
struct Told {
    ProbeSpec spec;
    ProbeKind kind;
    ProbeTracker tracker{.started = start};

    ProbeVerdict tell(CheckResult result, Duration after = 0s) {
        const ProbeUpdate update = on_check(spec, kind, tracker, result, at(after));
        tracker = update.next;
        return update.verdict;
    }

    /// "gbi" = good, bad, ignored. The verdict of the last.
    ProbeVerdict tell_all(std::string_view results) {
        ProbeVerdict verdict = ProbeVerdict::undecided;
        for (const char letter : results) {
            verdict = tell(letter == 'g' ? CheckResult::good : letter == 'b' ? CheckResult::bad : CheckResult::ignored);
        }
        return verdict;
    }

    Duration delay() const { return next_check_delay(spec, kind, tracker); }
};

} // namespace

// ---- startup -----------------------------------------------------------------------------------------

TEST_CASE("a startup probe is good with its first success", "[probe_tracker]") {
    Told probe{.spec = {}, .kind = ProbeKind::startup};

    CHECK(probe.tell(CheckResult::bad) == ProbeVerdict::undecided);
    CHECK(probe.tell(CheckResult::good) == ProbeVerdict::good);
    CHECK(probe.tracker.good);
}

TEST_CASE(
    "a startup probe has failureThreshold x periodSeconds after initialDelaySeconds, whatever the number of tries",
    "[probe_tracker]") {
    Told probe{.spec = {.initial_delay = 5s, .period = 10s, .failure_threshold = 3}, .kind = ProbeKind::startup};

    for (int tries = 0; tries < 100; ++tries) {
        CHECK(probe.tell(CheckResult::bad, 34999ms) == ProbeVerdict::undecided);
    }
    CHECK(probe.tell(CheckResult::bad, 35s) == ProbeVerdict::bad);
    CHECK_FALSE(probe.tracker.good);
}

TEST_CASE("a startup probe that answers well after its window is good: only a failed check is bad", "[probe_tracker]") {
    Told probe{.spec = {.period = 1s, .failure_threshold = 1}, .kind = ProbeKind::startup};

    CHECK(probe.tell(CheckResult::good, 60s) == ProbeVerdict::good);
}

TEST_CASE("a stall of the loop moves the window of a startup probe", "[probe_tracker]") {
    Told probe{.spec = {.period = 10s, .failure_threshold = 3}, .kind = ProbeKind::startup};

    probe.tracker = after_stall(probe.tracker, 7s);

    CHECK(probe.tell(CheckResult::bad, 30s) == ProbeVerdict::undecided);
    CHECK(probe.tell(CheckResult::bad, 37s) == ProbeVerdict::bad);
}

TEST_CASE("a startup window of the largest numbers that can be written runs over nothing", "[probe_tracker]") {
    const ProbeSpec spec{.initial_delay = 365 * 24h, .period = 365 * 24h, .failure_threshold = 1'000'000};
    Told probe{.spec = spec, .kind = ProbeKind::startup};

    CHECK(probe.tell(CheckResult::bad, 10 * 365 * 24h) == ProbeVerdict::undecided);
}

// ---- readiness ---------------------------------------------------------------------------------------

TEST_CASE("before its first success a readiness probe is not good, and never bad", "[probe_tracker]") {
    Told probe{.spec = {.failure_threshold = 2}, .kind = ProbeKind::readiness};

    for (int tries = 0; tries < 20; ++tries) {
        CHECK(probe.tell(CheckResult::bad, 1000s) == ProbeVerdict::undecided);
    }
    CHECK_FALSE(probe.tracker.good);
    CHECK(probe.tell(CheckResult::good) == ProbeVerdict::good);
}

TEST_CASE("a readiness probe is bad after failureThreshold failures in a row", "[probe_tracker]") {
    Told probe{.spec = {.failure_threshold = 3}, .kind = ProbeKind::readiness};

    CHECK(probe.tell_all("gbb") == ProbeVerdict::undecided);
    CHECK(probe.tracker.good);
    CHECK(probe.tell_all("gbb") == ProbeVerdict::undecided);
    CHECK(probe.tell_all("b") == ProbeVerdict::bad);
    CHECK_FALSE(probe.tracker.good);
}

TEST_CASE("a readiness probe that is bad says so once, and comes back", "[probe_tracker]") {
    Told probe{.spec = {.failure_threshold = 1}, .kind = ProbeKind::readiness};

    CHECK(probe.tell_all("gb") == ProbeVerdict::bad);
    CHECK(probe.tell_all("b") == ProbeVerdict::undecided);
    CHECK(probe.tell_all("g") == ProbeVerdict::good);
    CHECK(probe.tell_all("g") == ProbeVerdict::undecided);
}

TEST_CASE("successThreshold successes in a row make a probe good", "[probe_tracker]") {
    Told probe{.spec = {.success_threshold = 3}, .kind = ProbeKind::readiness};

    CHECK(probe.tell_all("ggb") == ProbeVerdict::undecided);
    CHECK(probe.tell_all("gg") == ProbeVerdict::undecided);
    CHECK(probe.tell_all("g") == ProbeVerdict::good);
}

TEST_CASE("failures between the first success and successThreshold decide nothing", "[probe_tracker]") {
    Told probe{.spec = {.success_threshold = 2, .failure_threshold = 1}, .kind = ProbeKind::readiness};

    CHECK(probe.tell_all("gbbb") == ProbeVerdict::undecided);
}

// ---- liveness ----------------------------------------------------------------------------------------

TEST_CASE("a liveness probe is bad after failureThreshold failures in a row, also without any success",
          "[probe_tracker]") {
    Told probe{.spec = {.failure_threshold = 3}, .kind = ProbeKind::liveness};

    CHECK(probe.tell_all("bb") == ProbeVerdict::undecided);
    CHECK(probe.tell_all("gbb") == ProbeVerdict::undecided);
    CHECK(probe.tell_all("b") == ProbeVerdict::bad);
}

// ---- all ---------------------------------------------------------------------------------------------

TEST_CASE("an ignored check changes nothing", "[probe_tracker]") {
    const auto kind = GENERATE(ProbeKind::startup, ProbeKind::readiness, ProbeKind::liveness);
    Told probe{.spec = {.failure_threshold = 3}, .kind = kind};
    probe.tell_all("bb");
    const ProbeTracker before = probe.tracker;

    CHECK(probe.tell(CheckResult::ignored, 1000s) == ProbeVerdict::undecided);
    CHECK(probe.tracker == before);
}

TEST_CASE("until its first success a startup or readiness probe is tried after 50 ms, growing to the period",
          "[probe_tracker]") {
    const auto kind = GENERATE(ProbeKind::startup, ProbeKind::readiness);
    Told probe{.spec = {.period = 10s}, .kind = kind};

    std::vector<Duration> delays;
    for (int tries = 0; tries < 60; ++tries) {
        probe.tell(CheckResult::bad);
        delays.push_back(probe.delay());
    }

    CHECK(delays[0] == 50ms);
    CHECK(delays[1] == 75ms);
    CHECK(std::ranges::is_sorted(delays));
    CHECK(delays.back() == 10s);
}

TEST_CASE("after its first success a probe is tried once a period", "[probe_tracker]") {
    Told probe{.spec = {.period = 10s, .success_threshold = 2}, .kind = ProbeKind::readiness};

    probe.tell_all("g");
    CHECK(probe.delay() == 10s);
    probe.tell_all("bbb");
    CHECK(probe.delay() == 10s);
}

TEST_CASE("an ignored first check is repeated soon", "[probe_tracker]") {
    Told probe{.spec = {.period = 10s}, .kind = ProbeKind::startup};

    probe.tell_all("i");

    CHECK(probe.delay() == 50ms);
}

TEST_CASE("a liveness probe is tried once a period from the start", "[probe_tracker]") {
    Told probe{.spec = {.period = 10s}, .kind = ProbeKind::liveness};

    CHECK(probe.delay() == 10s);
    probe.tell_all("b");
    CHECK(probe.delay() == 10s);
}

TEST_CASE("a period below 50 ms is never exceeded", "[probe_tracker]") {
    Told probe{.spec = {.period = 20ms}, .kind = ProbeKind::startup};

    probe.tell_all("bbb");

    CHECK(probe.delay() == 20ms);
}

} // namespace davit::model
