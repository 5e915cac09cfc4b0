// SPDX-License-Identifier: Apache-2.0
// What `davit cpus` prints, from a count that is given.
#include "cli/cpus.h"

#include "support/catch.h"

namespace davit::cli {
namespace {

using Lines = std::vector<std::string>;
using model::CpuSource;

model::CpuCount limited() {
    return {.cpus = 2,
            .quota = 1.5,
            .quota_from = "/sys/fs/cgroup/cpu.max",
            .cpuset = 4,
            .affinity = 8,
            .usable = 4,
            .own_quota = 1.5,
            .sources = {{.kind = CpuSource::Kind::affinity, .text = "0-7", .cpus = 8},
                        {CpuSource::Kind::cpuset, "/sys/fs/cgroup/cpuset.cpus.effective", "0-3", 4, false},
                        {CpuSource::Kind::quota, "/sys/fs/cgroup/cpu.max", "150000 of every 100000 µs", 1.5, true}},
            .notes = {"something was passed over"}};
}

JavaView java() {
    return {.library =
                os::JvmLibrary{.java = "/jdk/bin/java",
                               .library = "/jdk/lib/server/libjvm.so",
                               .version = 17,
                               .facts = {.is_hotspot = true, .knows_count_flag = true, .knows_containers = true}},
            .plan = {.counts = 8, .action = model::JvmAction::flag, .reason = "it does not know cgroup v2"},
            .problem = {}};
}

TEST_CASE("the number stands alone, and explained with what was looked at", "[cpus]") {
    CHECK(cpus_lines(limited(), false) == Lines{"2"});
    CHECK(cpus_lines(limited(), true) == Lines{"2", "  affinity: 0-7 = 8 CPUs (sched_getaffinity)",
                                               "  cpuset: 0-3 = 4 CPUs (/sys/fs/cgroup/cpuset.cpus.effective)",
                                               "* quota: 150000 of every 100000 µs = 1.5 CPUs (/sys/fs/cgroup/cpu.max)",
                                               "  the smallest quota, 1.5, is rounded up",
                                               "  note: something was passed over"});
    CHECK(cpus_lines({.cpus = 1, .sources = {{.text = "0", .cpus = 1, .decides = true}}}, true) ==
          Lines{"1", "* affinity: 0 = 1 CPU (sched_getaffinity)", "  quota: none is set"});
}

TEST_CASE("a JVM is told with what it counts, why, and what it is given", "[cpus]") {
    CHECK(java_lines(java(), limited()) ==
          Lines{"java: /jdk/lib/server/libjvm.so (version 17), knows containers, ActiveProcessorCount",
                "  counts 8: it does not know cgroup v2", "  davit gives it: -XX:ActiveProcessorCount=2"});
    JavaView old = java();
    old.library->facts = {.is_hotspot = true};
    old.library->version.reset();
    old.plan.action = model::JvmAction::shim;
    CHECK(java_lines(old, limited())[0] == "java: /jdk/lib/server/libjvm.so, knows nothing of containers");
    CHECK(java_lines(old, limited())[2] == "  davit gives it: preload libdavit-cpus.so, which answers 2");
    CHECK(java_lines({.library = {}, .plan = {}, .problem = "/bin/x: a script"}, limited()) ==
          Lines{"java: /bin/x: a script: left alone"});
}

TEST_CASE("json has the keys of the contract, with null for what is not there", "[cpus]") {
    CHECK(cpus_json(limited(), std::nullopt) ==
          R"({"cpus":2,"quota":1.5E0,"quotaFrom":"/sys/fs/cgroup/cpu.max","cpuset":4,"affinity":8,"round":"ceil",)"
          R"("notes":["something was passed over"]})");
    CHECK(cpus_json({}, std::nullopt) ==
          R"({"cpus":1,"quota":null,"quotaFrom":null,"cpuset":null,"affinity":1,"round":"ceil","notes":[]})");
    CHECK(cpus_json({}, java())
              .ends_with(R"("java":{"program":"/jdk/bin/java","library":"/jdk/lib/server/libjvm.so","version":17,)"
                         R"("counts":8,"does":"flag","reason":"it does not know cgroup v2"}})"));
}

std::string only_gomaxprocs(const char* name) {
    return std::string_view{name} == "GOMAXPROCS" ? "7" : "";
}

TEST_CASE("env has DAVIT_CPUS and each listed name that the caller has not set", "[cpus]") {
    model::CpusSpec settings;
    settings.env = {"GOMAXPROCS", "OMP_NUM_THREADS", "DAVIT_CPUS"};
    CHECK(env_lines(limited(), settings, only_gomaxprocs) == Lines{"DAVIT_CPUS=2", "OMP_NUM_THREADS=2"});
    CHECK(env_lines(limited(), {}, only_gomaxprocs) == Lines{"DAVIT_CPUS=2"});
}

TEST_CASE("what a running davit says is understood, and nothing else", "[cpus]") {
    const auto running = parse_running(
        R"({"cpus": 3, "round": "floor", "count": 3, "env": ["GOMAXPROCS"], "services": [{"name": "web", "pid": 17,)"
        R"( "cpus": 2, "shim": true, "reasons": ["DAVIT_CPUS=2"]}, {"name": "old", "pid": null, "cpus": 1}]})");
    REQUIRE(running);
    CHECK(running->settings.rounding == model::CpuRounding::floor);
    CHECK(running->settings.count == 3);
    CHECK(running->settings.env == Lines{"GOMAXPROCS"});
    REQUIRE(running->services.size() == 2);
    CHECK(running->services[0].pid == 17);
    CHECK(running->services[0].has_library);
    CHECK_FALSE(running->services[1].pid);
    CHECK_FALSE(parse_running("{}"));
    CHECK_FALSE(parse_running("[1"));
    CHECK(parse_running(R"({"services": [1, {"pid": "x", "reasons": {}}], "round": 7})")->services.size() == 2);
}

TEST_CASE("each service is told with what it was given, and where the library does not reach", "[cpus]") {
    const Running running{.settings = {},
                          .services = {{"web", 17, 2, true, {"DAVIT_CPUS=2", "/opt/libdavit-cpus.so is preloaded"}},
                                       {"tool", 18, 2, true, {}},
                                       {"old", std::nullopt, 1, false, {"DAVIT_CPUS=1"}}}};
    const auto why_not = [](int pid) { return pid == 18 ? "/bin/tool is linked statically" : ""; };
    CHECK(service_lines(running, why_not) ==
          Lines{"web: 2 CPUs, pid 17", "  DAVIT_CPUS=2", "  /opt/libdavit-cpus.so is preloaded",
                "  the library is loaded", "tool: 2 CPUs, pid 18",
                "  the library is not loaded: /bin/tool is linked statically", "old: 1 CPU, does not run",
                "  DAVIT_CPUS=1",
                "libdavit-cpus.so does not reach static programs, set-uid programs and those of another architecture"});
    CHECK(service_lines({}, why_not).empty());
}

} // namespace
} // namespace davit::cli
