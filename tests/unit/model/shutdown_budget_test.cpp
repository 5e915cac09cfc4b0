// SPDX-License-Identifier: Apache-2.0
// How the grace period is split, and that whatever hangs leaves the rest its turn.
#include "model/shutdown_budget.h"

#include "support/catch.h"

namespace davit::model {
namespace {

const TimePoint start{1000s};

TimePoint at(Duration after) {
    return start + after;
}

ShutdownBudget budget_of(Duration total) {
    return {.began = start, .total = total};
}

StepSpec step_with(std::optional<Duration> timeout, int attempts = 1) {
    return {.action = ExecStep{}, .timeout = timeout, .attempts = attempts};
}

TimePoint offline_deadline(const PodSpec& pod, Duration total, Duration now = 0s) {
    return step_deadline(budget_of(total), pod, StepKind::offline, at(now));
}

TimePoint stop_deadline(const PodSpec& pod, Duration total, Duration now = 0s) {
    return step_deadline(budget_of(total), pod, StepKind::stop, at(now));
}

} // namespace

TEST_CASE("davit plans to be gone 1 s before the end, and the helpers have the 2 s before that", "[shutdown_budget]") {
    CHECK(planned_end(budget_of(30s)) == at(29s));
    CHECK(main_deadline(budget_of(30s)) == at(27s));
    CHECK(planned_end(budget_of(8s)) == at(7s));
    CHECK(main_deadline(budget_of(8s)) == at(5s));
}

TEST_CASE("a short grace period shrinks the reserves in proportion", "[shutdown_budget]") {
    CHECK(planned_end(budget_of(2s)) == at(1500ms));
    CHECK(main_deadline(budget_of(2s)) == at(1s));
    CHECK(planned_end(budget_of(0s)) == start);
    CHECK(main_deadline(budget_of(0s)) == start);
}

TEST_CASE("offline gets what is left when the drain's minimum, written stop times and main's reserve are taken off",
          "[shutdown_budget]") {
    PodSpec pod;
    CHECK(offline_deadline(pod, 30s) == at(25s));

    pod.lifecycle.drain = {.min = 5s, .max = 15s, .ports = {8080}};
    CHECK(offline_deadline(pod, 30s) == at(20s));

    pod.lifecycle.stop = {step_with(4s), step_with(std::nullopt)};
    CHECK(offline_deadline(pod, 30s) == at(16s));
}

TEST_CASE("a written time counts with all attempts and the pauses between them, a sleep with its length",
          "[shutdown_budget]") {
    PodSpec pod;
    pod.lifecycle.stop = {step_with(2s, 3)};
    CHECK(offline_deadline(pod, 40s) == at(37s - 2s - 8s));

    pod.lifecycle.stop = {StepSpec{.action = SleepStep{.length = 6s}}};
    CHECK(offline_deadline(pod, 40s) == at(37s - 2s - 6s));

    pod.lifecycle.stop = {StepSpec{.action = SleepStep{.length = 6s}, .timeout = 4s}};
    CHECK(offline_deadline(pod, 40s) == at(37s - 2s - 4s));
}

TEST_CASE("stop steps leave main 2 s for its own end, or a quarter of what is left", "[shutdown_budget]") {
    const PodSpec pod;

    CHECK(stop_deadline(pod, 30s) == at(25s));
    CHECK(stop_deadline(pod, 30s, 23s) == at(26s));
    CHECK(stop_deadline(pod, 8s, 1s) == at(4s));
}

TEST_CASE("what is written for later leaves offline at least half of what is left", "[shutdown_budget]") {
    PodSpec pod;
    pod.lifecycle.drain = {.min = 60s, .max = 60s};

    CHECK(offline_deadline(pod, 30s) == at(13500ms));
    CHECK(offline_deadline(pod, 30s, 20s) == at(23500ms));
}

TEST_CASE("a step that begins when main's time is over has none", "[shutdown_budget]") {
    const PodSpec pod;

    CHECK(offline_deadline(pod, 30s, 27s) == at(27s));
    CHECK(offline_deadline(pod, 30s, 40s) == at(27s));
    CHECK(stop_deadline(pod, 30s, 40s) == at(27s));
}

TEST_CASE("a drain leaves the stop steps their written time and main its reserve", "[shutdown_budget]") {
    PodSpec pod;
    CHECK(drain_limit(budget_of(30s), pod, start) == at(25s));

    pod.lifecycle.stop = {step_with(5s)};
    CHECK(drain_limit(budget_of(30s), pod, start) == at(20s));

    pod.lifecycle.stop = {step_with(500s)};
    CHECK(drain_limit(budget_of(30s), pod, start) == at(11500ms));
}

TEST_CASE("main is killed when its own grace period is over, and never after its deadline", "[shutdown_budget]") {
    const ShutdownBudget budget = budget_of(30s);

    CHECK(main_stop_deadline(budget, std::nullopt, at(5s)) == at(27s));
    CHECK(main_stop_deadline(budget, 10s, at(5s)) == at(15s));
    CHECK(main_stop_deadline(budget, 10s, at(20s)) == at(27s));
    CHECK(main_stop_deadline(budget, std::nullopt, at(28s)) == at(27s));
}

TEST_CASE("a helper has its own grace period, or its share of what is left", "[shutdown_budget]") {
    const ShutdownBudget budget = budget_of(30s);

    CHECK(helper_deadline(budget, 10s, 1, at(5s)) == at(15s));
    CHECK(helper_deadline(budget, 10s, 1, at(27s)) == at(29s));
    CHECK(helper_deadline(budget, 10s, 4, at(27s)) == at(27500ms));
    CHECK(helper_deadline(budget, 10s, 0, at(27s)) == at(29s));
    CHECK(helper_deadline(budget, 10s, 2, at(40s)) == at(40s));
}

TEST_CASE("for every grace period and every moment in it all parts are positive and in order", "[shutdown_budget]") {
    PodSpec pod;
    pod.lifecycle.drain = {.min = 5s, .max = 15s, .ports = {8080}};
    pod.lifecycle.stop = {step_with(3s)};
    bool holds = true;
    for (Duration total = 100ms; total <= 120s; total += 100ms) {
        const ShutdownBudget budget = budget_of(total);
        const TimePoint main_end = main_deadline(budget);
        const TimePoint end = planned_end(budget);
        holds = holds && start < main_end && main_end < end && end < start + total;
        for (int part = 0; part < 10; ++part) {
            const TimePoint now = start + (main_end - start) * part / 10;
            const TimePoint offline = step_deadline(budget, pod, StepKind::offline, now);
            const TimePoint drain = drain_limit(budget, pod, now);
            const TimePoint stop = step_deadline(budget, pod, StepKind::stop, now);
            holds = holds && now < offline && offline <= stop && now < drain && drain <= stop && stop < main_end;
            holds = holds && now < main_stop_deadline(budget, std::nullopt, now);
            holds = holds && now < helper_deadline(budget, 10s, 3, now);
        }
        INFO("grace " << to_seconds(total) << " s");
        REQUIRE(holds);
    }
}

TEST_CASE("when everything hangs, everything has still had a turn before the planned end", "[shutdown_budget]") {
    const auto seconds = GENERATE(range(1, 121));
    PodSpec pod;
    pod.lifecycle.drain = {.min = 5s, .max = 15s, .ports = {8080}};
    const ShutdownBudget budget = budget_of(std::chrono::seconds{seconds});

    const TimePoint offline_over = step_deadline(budget, pod, StepKind::offline, start);
    const TimePoint drain_over = drain_limit(budget, pod, offline_over);
    const TimePoint stop_over = step_deadline(budget, pod, StepKind::stop, drain_over);
    const TimePoint main_over = main_stop_deadline(budget, std::nullopt, stop_over);
    TimePoint helpers_over = main_over;
    for (int levels = 3; levels > 0; --levels) {
        const TimePoint next = helper_deadline(budget, 10s, levels, helpers_over);
        CHECK(helpers_over < next);
        helpers_over = next;
    }

    CHECK(start < offline_over);
    CHECK(offline_over < drain_over);
    CHECK(drain_over < stop_over);
    CHECK(stop_over < main_over);
    CHECK(helpers_over <= planned_end(budget));
}

} // namespace davit::model
