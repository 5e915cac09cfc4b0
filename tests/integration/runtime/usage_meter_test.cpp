// SPDX-License-Identifier: Apache-2.0
// Whose CPU time it is: first with made-up children, then with real ones that burn some.
#include "runtime/usage_meter.h"

#include "integration/runtime/workshop.h"
#include "runtime/service_runner.h"
#include "support/catch.h"

#include <filesystem>

namespace davit::test {
namespace {

using runtime::UsageMeter;

model::PodSpec pod_of(std::vector<model::ServiceSpec> services) {
    model::PodSpec pod;
    pod.services = std::move(services);
    return pod;
}

/// Numbers that no process of this machine has.
constexpr pid_t leader = 1 << 23;

struct MadeUpServices {
    MadeUpServices() : workshop{pod_of({service("web", "x"), service("mesh", "x")})} {
        meter.begin({.service = 0, .query = {.leader = leader, .service = "web"}});
        meter.begin({.service = 1, .query = {.leader = leader + 1, .service = "mesh"}});
    }

    Duration cpu_of(model::ServiceIndex service) { return meter.read(2, {})[service].cpu; }

    Workshop workshop;
    os::SessionScan scan{workshop.reaper};
    UsageMeter meter{workshop.host, scan};
};

} // namespace

TEST_CASE("CPU time of what was reaped belongs to the service whose session it was in", "[usage_meter]") {
    MadeUpServices made_up;
    made_up.meter.take({.pid = leader + 10, .session = leader, .cpu = 2s});
    made_up.meter.take({.pid = leader + 1, .session = leader + 1, .cpu = 3s});
    made_up.meter.take({.pid = leader + 11, .session = leader + 2, .cpu = 5s}); // a step, a stranger
    CHECK(made_up.cpu_of(0) == 2s);
    CHECK(made_up.cpu_of(1) == 3s);
}

TEST_CASE("what is still in the queue when a session is empty counts, what comes later does not", "[usage_meter]") {
    MadeUpServices made_up;
    made_up.meter.end(0);
    made_up.meter.take({.pid = leader + 10, .session = leader, .cpu = 2s});
    made_up.workshop.loop.poll();
    made_up.meter.take({.pid = leader + 11, .session = leader, .cpu = 2s});
    CHECK(made_up.cpu_of(0) == 2s);
}

TEST_CASE("a service that starts again keeps what it took before", "[usage_meter]") {
    MadeUpServices made_up;
    made_up.meter.take({.pid = leader, .session = leader, .cpu = 2s});
    made_up.meter.end(0);
    made_up.meter.begin({.service = 0, .query = {.leader = leader + 5, .service = "web"}});
    made_up.workshop.loop.poll();
    made_up.meter.take({.pid = leader + 5, .session = leader + 5, .cpu = 1s});
    CHECK(made_up.cpu_of(0) == 3s);
}

TEST_CASE("CPU time of a service is of its children, its orphans and what escaped, and never falls", "[usage_meter]") {
    const std::string burn = "burn() { i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; }; ";
    const std::filesystem::path done = std::filesystem::temp_directory_path() / ("burnt-" + std::to_string(::getpid()));
    Workshop workshop{pod_of(
        {service("web", burn + "( burn ) ; ( burn & ) ; setsid sh -c '" + burn + "burn; echo > " + done.string() +
                            "; exec sleep 1000' & "
                            "exec sleep 1000"),
         service("idle", "exec sleep 1000")})};
    runtime::ServiceRunner runner{workshop.host};
    workshop.reaper.on_turn_end([&] { runner.look_at_sessions(); });
    workshop.reaper.on_reaped([&](const os::ReapedChild& child) { runner.take_reaped(child); });
    const auto usage = [&](model::ServiceIndex service) { return runner.usage()[service]; };
    runner.launch(0, 1);
    runner.launch(1, 1);
    REQUIRE(workshop.run_until([&] { return std::filesystem::exists(done) && workshop.reaper.orphans_reaped() >= 1; }));
    std::filesystem::remove(done);

    const Duration alive = usage(0).cpu;
    CHECK(alive > usage(1).cpu);
    // While the one that escaped is in its exec nobody can see whose it is.
    REQUIRE(workshop.run_until([&] { return usage(0).resident_bytes.value() > usage(1).resident_bytes.value(); }));

    runner.signal_session(0, 1, SIGKILL);
    REQUIRE(workshop.next_service_fact<model::LeaderExited>());
    REQUIRE(workshop.run_until([&] { return usage(0).resident_bytes == 0; }));
    const Duration ended = usage(0).cpu;
    CHECK(ended >= alive);

    runner.launch(0, 2);
    CHECK(usage(0).cpu >= ended);
    REQUIRE(workshop.run_until([&] { return usage(0).cpu > ended; }));
    runner.stop_everything();
    std::filesystem::remove(done);
}

} // namespace davit::test
