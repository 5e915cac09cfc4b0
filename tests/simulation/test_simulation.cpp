// SPDX-License-Identifier: Apache-2.0
// Thousands of made-up worlds, each from its seed. DAVIT_SEEDS=N runs so many, DAVIT_FIRST_SEED=N begins there,
// DAVIT_SEED=N tells the story of one.
#include "shrink.h"
#include "support/catch.h"
#include "world.h"

#include <cstdlib>
#include <iostream>
#include <map>
#include <string>

using namespace davit::simulation;

namespace {

constexpr std::uint64_t seeds_by_default = 3000;
constexpr std::size_t cases = 6;

std::optional<std::uint64_t> number_in(const char* variable) {
    const char* text = std::getenv(variable);
    return text == nullptr ? std::nullopt : std::optional<std::uint64_t>{std::strtoull(text, nullptr, 10)};
}

std::string story_of(const Scenario& scenario) {
    const Machine machine = honest_machine;
    std::string text;
    for (const std::string& line : run(scenario, machine, Telling::story).story) {
        text += line + "\n";
    }
    return text;
}

/// Empty: all good. Else the shrunk story of the seed.
std::string failure_of(std::uint64_t seed) {
    const Scenario scenario = make_scenario(seed);
    const Machine machine = honest_machine;
    const Outcome outcome = run(scenario, machine, Telling::silent);
    if (!outcome.violation) {
        return {};
    }
    const Scenario small = shrink(scenario, outcome.violation->invariant, [] { return Machine{honest_machine}; });
    return outcome.violation->invariant + " is broken: " + outcome.violation->text + "\n" + story_of(small);
}

void run_seeds(std::uint64_t first, std::uint64_t count) {
    std::size_t told = 0;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        const std::string failure = failure_of(seed);
        if (!failure.empty()) {
            FAIL_CHECK("seed " << seed << ": " << failure);
            REQUIRE(++told < 5); // five stories are enough to read
        }
    }
    SUCCEED("all good");
}

/// One part of the seeds, so that a test names which and reports in between.
void run_part(std::size_t part) {
    if (number_in("DAVIT_SEED")) {
        return;
    }
    const std::uint64_t each = number_in("DAVIT_SEEDS").value_or(seeds_by_default) / cases + 1;
    run_seeds(number_in("DAVIT_FIRST_SEED").value_or(1) + part * each, each);
}

} // namespace

TEST_CASE("no made-up world breaks a rule, part 1", "[seeds]") {
    run_part(0);
}
TEST_CASE("no made-up world breaks a rule, part 2", "[seeds]") {
    run_part(1);
}
TEST_CASE("no made-up world breaks a rule, part 3", "[seeds]") {
    run_part(2);
}
TEST_CASE("no made-up world breaks a rule, part 4", "[seeds]") {
    run_part(3);
}
TEST_CASE("no made-up world breaks a rule, part 5", "[seeds]") {
    run_part(4);
}
TEST_CASE("no made-up world breaks a rule, part 6", "[seeds]") {
    run_part(5);
}

TEST_CASE("a long run counts what it finds by rule", "[.survey]") {
    const std::uint64_t first = number_in("DAVIT_FIRST_SEED").value_or(1);
    const std::uint64_t count = number_in("DAVIT_SEEDS").value_or(seeds_by_default);
    std::map<std::string, std::pair<std::size_t, std::uint64_t>> found; // how often, and the first seed
    const Machine machine = honest_machine;
    std::size_t events = 0;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        const Outcome outcome = run(make_scenario(seed), machine, Telling::silent);
        events += outcome.events;
        if (outcome.violation) {
            ++found.try_emplace(outcome.violation->invariant, 0, seed).first->second.first;
        }
    }
    std::cout << count << " seeds, " << events << " events\n";
    for (const auto& [invariant, places] : found) {
        std::cout << places.first << " x " << invariant << ", first with seed " << places.second << "\n";
    }
    CHECK(found.empty());
}

TEST_CASE("one seed tells its story", "[story]") {
    const std::uint64_t seed = number_in("DAVIT_SEED").value_or(1);
    const std::string failure = failure_of(seed);
    const std::string story = failure.empty() ? story_of(make_scenario(seed)) : failure;
    if (number_in("DAVIT_SEED")) {
        std::cout << story;
    }
    CHECK(story.find("PodStarted") != std::string::npos);
}

TEST_CASE("the same seed tells the same story", "[story]") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CHECK(story_of(make_scenario(seed)) == story_of(make_scenario(seed)));
    }
}
