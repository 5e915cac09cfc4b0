// SPDX-License-Identifier: Apache-2.0
// The whole text of the metrics: names, labels, types and help are what dashboards and alerts are written against.
#include "api/metrics.h"
#include "made_up_supervisor.h"

#include "support/catch.h"

namespace davit::api {
namespace {

using namespace std::chrono_literals;

struct Shop {
    MadeUpWorld world;

    Shop() {
        make_shop_online(world);
        world.spec.services[1].liveness_probe = model::ProbeSpec{.check = model::TcpCheck{.port = 1}};
        world.pod.services[1].restarts = 3;
        world.pod.services[0].process = model::Process::none;
        world.pod.services[0].state = model::ServiceState::backoff;
        runtime::Measures& measures = world.measures;
        measures.services = {{.usage = {.cpu = 12ms, .resident_bytes = 0}},
                             {.usage = {.cpu = 1500ms, .resident_bytes = 4096}, .probe_failures = {0, 4, 1}},
                             {.usage = {.cpu = 3h, .resident_bytes = 123456789012}}};
        measures.steps[0] = {.runs = {1, 0, 0, 0}, .last = 2500ms};
        measures.steps[1] = {.runs = {1, 2, 3, 4}, .last = 250ms};
        measures.orphans_reaped = 7;
        measures.oom_kills = 1;
        measures.dropped_log_lines = 9;
        measures.cpus.cpus = 2;
        measures.cpus.usable = 4;
        measures.cpus.quota = 1.5;
    }

    std::string text() const {
        return metrics_text({.spec = world.spec,
                             .pod = world.pod,
                             .journal = world.journal,
                             .now = TimePoint{112s},
                             .wall_clock = {},
                             .last_output = {}},
                            world.measures);
    }
};

TEST_CASE("the metrics are those of the contract, in this text", "[metrics]") {
    CHECK(Shop{}.text() == R"(# HELP davit_build_info Always 1; the labels say which davit runs, for which application.
# TYPE davit_build_info gauge
davit_build_info{version="9.9",app="shop"} 1
# HELP davit_phase 1 for the phase of the pod, 0 for every other.
# TYPE davit_phase gauge
davit_phase{phase="starting"} 0
davit_phase{phase="preloading"} 0
davit_phase{phase="checking"} 0
davit_phase{phase="going-online"} 0
davit_phase{phase="online"} 1
davit_phase{phase="going-offline"} 0
davit_phase{phase="draining"} 0
davit_phase{phase="offline"} 0
davit_phase{phase="stopping"} 0
davit_phase{phase="stopped"} 0
davit_phase{phase="failed"} 0
# HELP davit_ready Whether the pod is ready for traffic, as davit probe ready says.
# TYPE davit_ready gauge
davit_ready 1
# HELP davit_isolated Whether the pod is isolated.
# TYPE davit_isolated gauge
davit_isolated 0
# HELP davit_service_up Whether the process of the service runs.
# TYPE davit_service_up gauge
davit_service_up{service="log-agent"} 0
davit_service_up{service="mesh"} 1
davit_service_up{service="web"} 1
# HELP davit_service_ready Whether the service runs and its probes are good.
# TYPE davit_service_ready gauge
davit_service_ready{service="log-agent"} 0
davit_service_ready{service="mesh"} 1
davit_service_ready{service="web"} 1
# HELP davit_service_restarts_total Starts of the service that followed an end of it.
# TYPE davit_service_restarts_total counter
davit_service_restarts_total{service="log-agent"} 0
davit_service_restarts_total{service="mesh"} 3
davit_service_restarts_total{service="web"} 0
# HELP davit_service_cpu_seconds_total CPU time of all processes of the service, ended ones included.
# TYPE davit_service_cpu_seconds_total counter
davit_service_cpu_seconds_total{service="log-agent"} 0.012
davit_service_cpu_seconds_total{service="mesh"} 1.5
davit_service_cpu_seconds_total{service="web"} 10800
# HELP davit_service_resident_memory_bytes Resident memory of all processes of the service; what they share counts in each.
# TYPE davit_service_resident_memory_bytes gauge
davit_service_resident_memory_bytes{service="log-agent"} 0
davit_service_resident_memory_bytes{service="mesh"} 4096
davit_service_resident_memory_bytes{service="web"} 123456789012
# HELP davit_step_runs_total Tries of the steps of the life cycle, by how they ended.
# TYPE davit_step_runs_total counter
davit_step_runs_total{step="preload",result="ok"} 1
davit_step_runs_total{step="preload",result="failed"} 0
davit_step_runs_total{step="preload",result="timeout"} 0
davit_step_runs_total{step="preload",result="cancelled"} 0
davit_step_runs_total{step="online",result="ok"} 1
davit_step_runs_total{step="online",result="failed"} 2
davit_step_runs_total{step="online",result="timeout"} 3
davit_step_runs_total{step="online",result="cancelled"} 4
davit_step_runs_total{step="offline",result="ok"} 0
davit_step_runs_total{step="offline",result="failed"} 0
davit_step_runs_total{step="offline",result="timeout"} 0
davit_step_runs_total{step="offline",result="cancelled"} 0
davit_step_runs_total{step="stop",result="ok"} 0
davit_step_runs_total{step="stop",result="failed"} 0
davit_step_runs_total{step="stop",result="timeout"} 0
davit_step_runs_total{step="stop",result="cancelled"} 0
# HELP davit_step_duration_seconds How long the last try of a step took.
# TYPE davit_step_duration_seconds gauge
davit_step_duration_seconds{step="preload"} 2.5
davit_step_duration_seconds{step="online"} 0.25
# HELP davit_probe_failures_total Tries of a probe that failed.
# TYPE davit_probe_failures_total counter
davit_probe_failures_total{service="mesh",probe="readiness"} 4
davit_probe_failures_total{service="mesh",probe="liveness"} 1
# HELP davit_orphans_reaped_total Processes without a parent that davit has reaped.
# TYPE davit_orphans_reaped_total counter
davit_orphans_reaped_total 7
# HELP davit_oom_kills_total Processes of the container that the kernel has killed for memory.
# TYPE davit_oom_kills_total counter
davit_oom_kills_total 1
# HELP davit_cpus_effective How many CPUs the container may keep busy.
# TYPE davit_cpus_effective gauge
davit_cpus_effective 2
# HELP davit_cpu_quota_cores The CPU quota, in CPUs.
# TYPE davit_cpu_quota_cores gauge
davit_cpu_quota_cores 1.5
# HELP davit_log_dropped_lines_total Lines of davit and of steps that the log did not take, and of services that log files did not take.
# TYPE davit_log_dropped_lines_total counter
davit_log_dropped_lines_total 9
)");
}

TEST_CASE("labels are escaped", "[metrics]") {
    Shop shop;
    shop.world.spec.app = "a \"b\" \\ c\nd";
    CHECK(shop.text().contains("davit_build_info{version=\"9.9\",app=\"a \\\"b\\\" \\\\ c\\nd\"} 1\n"));
}

TEST_CASE("an isolated pod says so", "[metrics]") {
    Shop shop;
    shop.world.pod.lifecycle.isolated = true;
    CHECK(shop.text().contains("\ndavit_isolated 1\n"));
}

TEST_CASE("without a quota there is no metric of it", "[metrics]") {
    Shop shop;
    shop.world.measures.cpus.quota.reset();
    CHECK_FALSE(shop.text().contains("davit_cpu_quota_cores"));
}

TEST_CASE("a count that is configured is the effective one", "[metrics]") {
    Shop shop;
    shop.world.spec.cpus.count = 6;
    CHECK(shop.text().contains("\ndavit_cpus_effective 6\n"));
}

TEST_CASE("what is disabled, or was removed, is not in the metrics", "[metrics]") {
    Shop shop;
    shop.world.spec.services[0].enabled = false;
    shop.world.spec.services[1].enabled = false;
    shop.world.spec.services[1].removed = true;
    CHECK_FALSE(shop.text().contains("log-agent"));
    CHECK_FALSE(shop.text().contains("mesh"));
    CHECK(shop.text().contains("davit_service_up{service=\"web\"} 1\n"));
}

TEST_CASE("memory that nobody can read is left out", "[metrics]") {
    Shop shop;
    shop.world.measures.services[1].usage.resident_bytes.reset();
    CHECK_FALSE(shop.text().contains("davit_service_resident_memory_bytes{service=\"mesh\"}"));
    CHECK(shop.text().contains("davit_service_cpu_seconds_total{service=\"mesh\"} 1.5\n"));
}

} // namespace
} // namespace davit::api
