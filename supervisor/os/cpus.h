// SPDX-License-Identifier: Apache-2.0
// Reads what model/cpu_count.h counts with: the affinity mask of this process, /proc and the cgroup files.
#pragma once

#include "model/cpu_count.h"
#include "os/files.h"

#include <optional>
#include <string>
#include <vector>

namespace davit::os {

/// CPUs that the calling thread may run on (sched_getaffinity(2)), however many the machine has; never empty.
model::CpuSet affinity();

/// Counts again and again. What it looked at stays open, and where all of it says the same as before the last count is
/// the answer: a service that starts again waits for ten calls of the kernel that look up no path, and no arithmetic.
///
///   count() ──► mount table unchanged (it says so itself), affinity and each text as before? ──yes──► the last count
///                                                             │ no
///                                                             └──► model::count_cpus, with the texts remembered
class CpuFiles {
public:
    /// Of this container at this moment. Stays valid until the next call.
    const model::CpuCount& count(model::CpuRounding rounding = model::CpuRounding::ceil);

private:
    struct Looked {
        KernelFile file;
        std::optional<std::string> text;
    };

    bool is_as_before(const model::CpuSet& affinity, model::CpuRounding rounding);
    std::optional<std::string> look(const std::string& path);

    KernelFile mounts_{"/proc/self/mountinfo"};
    std::vector<Looked> looked_; // in the order in which the last count asked for them
    model::CpuSet affinity_;
    std::optional<model::CpuCount> count_;
};

} // namespace davit::os
