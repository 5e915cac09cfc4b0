// SPDX-License-Identifier: Apache-2.0
// When traffic has ended.
#include "model/drain.h"

#include "support/catch.h"

#include <algorithm>
#include <functional>
#include <random>

namespace davit::model {
namespace {

const TimePoint start{1000s};
const TimePoint no_limit = start + 1h;

const DrainSpec with_ports{.min = 2s, .max = 15s, .ports = {8080}};

TimePoint at(Duration after) {
    return start + after;
}

/// Plays a drain: counts are made the moment they are asked for. Gives how long it took, or fails when it asks
/// for nothing and never ends.
struct Played {
    Duration length{};
    std::string result;
    int counts = 0;
};

Played play(Drain drain, const std::function<unsigned(Duration)>& connections_at) {
    TimePoint now = start;
    int counts = 0;
    while (!is_over(drain, now)) {
        REQUIRE(counts < 10'000);
        if (const auto sample = next_sample(drain); sample && *sample <= now) {
            drain = on_sample(sample_asked(drain), connections_at(now - start), now);
            ++counts;
            continue;
        }
        const TimePoint next = next_deadline(drain);
        REQUIRE(next > now);
        now = next;
    }
    return {.length = now - start, .result = drain_result(drain, now), .counts = counts};
}

unsigned none(Duration) {
    return 0;
}

} // namespace

TEST_CASE("without ports a drain ends at its minimum and asks for no count", "[drain]") {
    const Played played = play(begin_drain({.min = 3s, .max = 10s}, start, no_limit), none);

    CHECK(played.length == 3s);
    CHECK(played.counts == 0);
    CHECK(played.result == "3 s are over");
}

TEST_CASE("with ports a drain without traffic ends at its minimum", "[drain]") {
    const Played played = play(begin_drain(with_ports, start, no_limit), none);

    CHECK(played.length == 2s);
    CHECK(played.result == "no connection for 2 s");
}

TEST_CASE("no connection counts only when it has lasted for 1 s", "[drain]") {
    DrainSpec spec = with_ports;
    spec.min = 0s;

    CHECK(play(begin_drain(spec, start, no_limit), none).length == 1s);

    const Played played = play(begin_drain(spec, start, no_limit), [](Duration now) { return now < 4s ? 3U : 0U; });
    CHECK(played.length == 5s);
    CHECK(played.result == "no connection for 1 s");
}

TEST_CASE("a connection in between begins the second anew", "[drain]") {
    DrainSpec spec = with_ports;
    spec.min = 0s;

    const Played played =
        play(begin_drain(spec, start, no_limit), [](Duration now) { return now >= 600ms && now < 800ms ? 1U : 0U; });

    CHECK(played.length == 1800ms);
}

TEST_CASE("a drain ends at its maximum whatever is open, and says how many", "[drain]") {
    const Played three = play(begin_drain(with_ports, start, no_limit), [](Duration) { return 3U; });
    CHECK(three.length == 15s);
    CHECK(three.result == "3 connections still open after 15 s");

    const Played one = play(begin_drain(with_ports, start, no_limit), [](Duration) { return 1U; });
    CHECK(one.result == "1 connection still open after 15 s");
}

TEST_CASE("a drain is cut to what the budget leaves, its minimum too", "[drain]") {
    const Drain drain = begin_drain({.min = 5s, .max = 15s, .ports = {8080}}, start, at(3500ms));

    const Played played = play(drain, [](Duration) { return 2U; });

    CHECK(played.length == 3500ms);
    CHECK(played.result == "2 connections still open after 3.5 s");
    CHECK(play(begin_drain({.min = 5s, .max = 5s}, start, at(3s)), none).length == 3s);
}

TEST_CASE("a drain without any time is over at once", "[drain]") {
    CHECK(is_over(begin_drain(with_ports, start, start), start));
    CHECK(is_over(begin_drain(with_ports, start, at(-5s)), start));
    CHECK(is_over(begin_drain(DrainSpec{}, start, no_limit), start));
}

TEST_CASE("a count that is on its way is not asked for again", "[drain]") {
    Drain drain = begin_drain(with_ports, start, no_limit);
    CHECK(next_sample(drain) == start);

    drain = sample_asked(drain);
    CHECK_FALSE(next_sample(drain));
    CHECK(next_deadline(drain) == at(15s));

    drain = on_sample(drain, 1, at(50ms));
    CHECK(next_sample(drain) == at(250ms));
    CHECK(next_deadline(drain) == at(250ms));
}

TEST_CASE("one count and silence after it is no quiet second", "[drain]") {
    DrainSpec spec = with_ports;
    spec.min = 0s;
    Drain drain = on_sample(sample_asked(begin_drain(spec, start, no_limit)), 0, start);

    CHECK_FALSE(is_over(drain, at(9s)));

    drain = on_sample(sample_asked(drain), 4, at(9s));
    CHECK_FALSE(is_over(drain, at(9s)));
}

TEST_CASE("without an answer to its counts a drain ends at its maximum", "[drain]") {
    const Drain drain = sample_asked(begin_drain(with_ports, start, no_limit));

    CHECK_FALSE(is_over(drain, at(14999ms)));
    CHECK(is_over(drain, at(15s)));
    CHECK(drain_result(drain, at(15s)) == "15 s are over");
}

TEST_CASE("a drain that is quiet and below its minimum waits for that", "[drain]") {
    Drain drain = begin_drain({.min = 5s, .max = 15s, .ports = {8080}}, start, no_limit);
    for (Duration now = 0s; now <= 1200ms; now += 200ms) {
        drain = on_sample(sample_asked(drain), 0, at(now));
    }
    drain = sample_asked(drain);

    CHECK_FALSE(is_over(drain, at(4999ms)));
    CHECK(next_deadline(drain) == at(5s));
    CHECK(is_over(drain, at(5s)));
}

TEST_CASE("whatever traffic does, a drain ends between its minimum and its maximum", "[drain]") {
    const auto seed = GENERATE(range(0U, 50U));
    std::mt19937 dice{seed};
    const Duration minimum = std::chrono::milliseconds{dice() % 5000};
    const Duration maximum = minimum + std::chrono::milliseconds{dice() % 10'000};
    const Duration budget = std::chrono::milliseconds{dice() % 20'000};

    const Played played = play(begin_drain({.min = minimum, .max = maximum, .ports = {80}}, start, at(budget)),
                               [&](Duration) { return dice() % 4 == 0 ? 1U : 0U; });

    CHECK(played.length >= std::min(minimum, budget));
    CHECK(played.length <= std::min(maximum, budget));
}

} // namespace davit::model
