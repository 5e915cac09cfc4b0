// SPDX-License-Identifier: Apache-2.0
// The proof of the pudding: planted faults, and the invariant that catches each.
#include "faults.h"
#include "support/catch.h"

#include <map>
#include <string>

using namespace davit::simulation;

namespace {

constexpr std::uint64_t most_seeds = 10000;

/// Which invariants complained, seed by seed, until the one that is meant did.
std::map<std::string, unsigned> complaints_about(Fault fault, const std::string& invariant) {
    std::map<std::string, unsigned> complaints;
    for (std::uint64_t seed = 1; seed <= most_seeds && !complaints.contains(invariant); ++seed) {
        const Scenario scenario = make_scenario(seed);
        const Machine machine = with_fault(fault);
        const Outcome outcome = run(scenario, machine, Telling::silent);
        if (outcome.violation) {
            ++complaints[outcome.violation->invariant];
        }
    }
    return complaints;
}

/// The rule that is there for it complains; the message says who else did.
void check_caught(Fault fault, const std::string& invariant) {
    const std::map<std::string, unsigned> complaints = complaints_about(fault, invariant);
    for (const auto& [name, count] : complaints) {
        UNSCOPED_INFO(count << " seeds: " << name);
    }
    CHECK(complaints.contains(invariant));
}

} // namespace

TEST_CASE("an offline that runs twice is caught", "[faults]") {
    check_caught(Fault::offline_twice, "offline_runs_once_per_online");
}

TEST_CASE("a pod that is ready before it is online is caught", "[faults]") {
    check_caught(Fault::ready_before_online, "ready_means_online");
}

TEST_CASE("a stop that forgets a helper is caught", "[faults]") {
    check_caught(Fault::stop_forgets_a_helper, "nothing_outlives_the_container");
}

TEST_CASE("a late exit that is lost is caught", "[faults]") {
    check_caught(Fault::late_exit_is_lost, "facts_are_taken");
}

TEST_CASE("a KILL before the budget is caught", "[faults]") {
    check_caught(Fault::kill_before_the_budget, "kill_waits_for_the_deadline");
}

TEST_CASE("a reload that stops what did not change is caught", "[faults]") {
    check_caught(Fault::reload_stops_the_unchanged, "a_reload_stops_only_what_changed");
}

TEST_CASE("a reload that leaves running what was removed is caught", "[faults]") {
    check_caught(Fault::reload_forgets_the_removed, "nothing_that_is_gone_runs");
}

TEST_CASE("a reload that restarts main without leave is caught", "[faults]") {
    check_caught(Fault::reload_restarts_main, "a_reload_leaves_main_alone");
}

TEST_CASE("a word of an earlier attempt that counts is caught", "[faults]") {
    check_caught(Fault::ready_by_an_old_word, "who_tells_is_ready_by_its_word");
}

TEST_CASE("a silence that nobody hears is caught", "[faults]") {
    check_caught(Fault::silence_is_not_heard, "silence_has_consequences");
}

TEST_CASE("a stop that may go on for an hour is caught", "[faults]") {
    check_caught(Fault::extension_without_end, "an_extension_keeps_to_the_budget");
}

TEST_CASE("a resize that is told to a service which still starts is caught", "[faults]") {
    check_caught(Fault::resize_tells_who_starts, "a_resize_is_told_to_who_runs");
}

TEST_CASE("a resize that is forgotten until the service runs is caught", "[faults]") {
    check_caught(Fault::resize_is_forgotten, "a_resize_is_told_to_who_runs");
}

TEST_CASE("a scene that starts again what ended in it is caught", "[faults]") {
    check_caught(Fault::scene_restarts_what_ends, "nothing_restarts_in_a_scene");
}

TEST_CASE("an isolation that stops a helper is caught", "[faults]") {
    check_caught(Fault::scene_stops_a_helper, "nobody_is_stopped_in_a_scene");
}

TEST_CASE("a rejoin that ignores the key is caught", "[faults]") {
    check_caught(Fault::rejoin_ignores_the_key, "isolation_is_as_asked");
}

TEST_CASE("a step in debug mode is caught", "[faults]") {
    check_caught(Fault::debug_runs_a_step, "no_step_disturbs_a_scene");
}

TEST_CASE("a machine that has nothing written is caught", "[faults]") {
    check_caught(Fault::crash_is_forgotten, "a_crash_is_remembered");
}

TEST_CASE("a start that ignores what the run before owes is caught", "[faults]") {
    check_caught(Fault::stale_is_ignored, "stale_offline_comes_first");
}
