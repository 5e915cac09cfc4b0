// SPDX-License-Identifier: Apache-2.0
// Reads what model/cpu_count.h counts with: the affinity mask of this process, /proc and the cgroup files.
#pragma once

#include "model/cpu_count.h"

namespace davit::os {

/// CPUs that the calling thread may run on (sched_getaffinity(2)), however many the machine has; never empty.
model::CpuSet affinity();

/// The count of this container at this moment.
model::CpuCount count_cpus(model::CpuRounding rounding = model::CpuRounding::ceil);

} // namespace davit::os
