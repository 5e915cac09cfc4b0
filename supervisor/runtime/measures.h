// SPDX-License-Identifier: Apache-2.0
// What the metrics tell beside the pod's value: counters since davit started, and what was read at this moment.
#pragma once

#include "model/cpu_count.h"
#include "runtime/tally.h"
#include "runtime/usage_meter.h"

#include <array>
#include <cstdint>
#include <vector>

namespace davit::runtime {

struct ServiceMeasures {
    ServiceUsage usage;
    ProbeFailures probe_failures{};
};

struct Measures {
    std::vector<ServiceMeasures> services; // as in PodSpec
    std::array<StepTally, 4> steps;        // by model::StepKind
    std::uint64_t orphans_reaped = 0;
    std::uint64_t oom_kills = 0; // in davit's cgroup, also of processes that are no service
    std::uint64_t dropped_log_lines = 0;
    model::CpuCount cpus;
};

} // namespace davit::runtime
