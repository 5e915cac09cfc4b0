// SPDX-License-Identifier: Apache-2.0
#include "os/cpus.h"

#include "os/files.h"

#include <cerrno>
#include <sched.h>
#include <unistd.h>
#include <vector>

namespace davit::os {
namespace {

/// The kernel refuses a mask that is shorter than its own (EINVAL).
constexpr std::size_t longest_mask = std::size_t{1} << 16;

std::optional<std::string> text_of(const std::string& path) {
    return KernelFile{path}.read();
}

} // namespace

model::CpuSet affinity() {
    model::CpuSet cpus;
    for (std::size_t size = CPU_SETSIZE; size <= longest_mask; size *= 2) {
        std::vector<unsigned long> words(size / (8 * sizeof(unsigned long)));
        auto* mask = reinterpret_cast<cpu_set_t*>(words.data()); // as the CPU_*_S macros take it
        const std::size_t bytes = size / 8;
        if (::sched_getaffinity(0, bytes, mask) != 0) {
            if (errno == EINVAL) {
                continue;
            }
            break;
        }
        for (std::size_t cpu = 0; cpu < size; ++cpu) {
            if (CPU_ISSET_S(cpu, bytes, mask)) {
                cpus.push_back(static_cast<int>(cpu));
            }
        }
        break;
    }
    if (cpus.empty()) {
        cpus.push_back(0);
    }
    return cpus;
}

model::CpuCount count_cpus(model::CpuRounding rounding) {
    return model::count_cpus(text_of, affinity(), rounding);
}

} // namespace davit::os
