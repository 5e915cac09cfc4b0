// SPDX-License-Identifier: Apache-2.0
#include "os/cpus.h"

#include <algorithm>
#include <cerrno>
#include <sched.h>
#include <utility>

namespace davit::os {
namespace {

/// The kernel refuses a mask that is shorter than its own (EINVAL).
constexpr std::size_t longest_mask = std::size_t{1} << 16;

/// A machine with thousands of mounts fits in.
constexpr std::size_t largest_text = std::size_t{4} << 20;

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

const model::CpuCount& CpuFiles::count(model::CpuRounding rounding) {
    model::CpuSet mask = affinity();
    if (!is_as_before(mask, rounding)) {
        looked_.clear();
        affinity_ = std::move(mask);
        count_ = model::count_cpus([this](const std::string& path) { return look(path); }, affinity_, rounding);
    }
    return *count_;
}

bool CpuFiles::is_as_before(const model::CpuSet& affinity, model::CpuRounding rounding) {
    const auto is_same = [](const Looked& one) { return one.file.read(largest_text) == one.text; };
    return count_ && count_->rounding == rounding && affinity == affinity_ && !mounts_.says_changed() &&
           std::ranges::all_of(looked_, is_same);
}

std::optional<std::string> CpuFiles::look(const std::string& path) {
    if (path == mounts_.path()) {
        return mounts_.read(largest_text);
    }
    Looked& one = looked_.emplace_back(KernelFile{path}, std::nullopt);
    one.text = one.file.read(largest_text);
    return one.text;
}

} // namespace davit::os
