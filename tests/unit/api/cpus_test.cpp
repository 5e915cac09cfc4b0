// SPDX-License-Identifier: Apache-2.0
// The JSON of the CPU count and of what services were given.
#include "api/cpus.h"

#include "made_up_supervisor.h"
#include "support/catch.h"

#include <boost/asio/io_context.hpp>

namespace davit::api {
namespace {

std::string json_of_world() {
    boost::asio::io_context loop;
    const runtime::Supervisor supervisor{loop, made_up_world().spec, {}};
    return cpus_json(supervisor);
}

} // namespace

TEST_CASE("the count is told with its limits and settings, null for what is not there", "[cpus]") {
    MadeUpWorld& world = made_up_world();
    world = {};
    make_shop_online(world);
    CHECK(
        json_of_world() ==
        R"({"cpus": 1, "quota": null, "quotaFrom": null, "cpuset": null, "affinity": 1, "round": "ceil", "notes": [], )"
        R"("count": null, "env": [], "services": []})"
        "\n");

    world.cpus = {.cpus = 2,
                  .quota = 1.5,
                  .quota_from = "/sys/fs/cgroup/cpu.max",
                  .cpuset = 4,
                  .affinity = 8,
                  .usable = 4,
                  .notes = {"something"}};
    world.spec.cpus.rounding = model::CpuRounding::floor;
    world.spec.cpus.env = {"GOMAXPROCS"};
    CHECK(json_of_world().starts_with(
        R"({"cpus": 1, "quota": 1.5, "quotaFrom": "/sys/fs/cgroup/cpu.max", "cpuset": 4, "affinity": 8, "round": "floor", )"
        R"("notes": ["something"], "count": null, "env": ["GOMAXPROCS"], )"));
    world.spec.cpus.count = 3;
    CHECK(json_of_world().starts_with(R"({"cpus": 3, )"));
}

TEST_CASE("each service that was started is told with what it was given, and its pid while it runs", "[cpus]") {
    MadeUpWorld& world = made_up_world();
    world = {};
    make_shop_online(world);
    world.pod.services[0].pid = 17;
    world.pod.services[1].process = model::Process::none;
    world.given[0] = {.cpus = 2, .shim = model::ShimHooks{}, .reasons = {"DAVIT_CPUS=2"}};
    world.given[1] = {.cpus = 1};
    CHECK(json_of_world().ends_with(
        R"("services": [{"name": "log-agent", "pid": 17, "cpus": 2, "shim": true, "reasons": ["DAVIT_CPUS=2"]}, )"
        R"({"name": "mesh", "pid": null, "cpus": 1, "shim": false, "reasons": []}]})"
        "\n"));
}

} // namespace davit::api
