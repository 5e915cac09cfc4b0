// SPDX-License-Identifier: Apache-2.0
#include "os/cpus.h"

#include "os/fd.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <sched.h>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace davit::os {
namespace {

/// The kernel refuses a mask that is shorter than its own (EINVAL).
constexpr std::size_t longest_mask = std::size_t{1} << 16;

/// A machine with thousands of mounts fits in.
constexpr std::size_t largest_text = std::size_t{4} << 20;

/// This is done before services start, so each call counts: files of cgroups come whole with the first read(2), those
/// of /proc in parts.
std::optional<std::string> text_of(const std::string& path) {
    const Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!file) {
        return std::nullopt;
    }
    const bool comes_in_parts = path.starts_with("/proc/");
    std::string text;
    std::array<char, 4096> part; // not initialised: it is filled before it is read
    ssize_t size = 0;
    do {
        size = ::read(file.get(), part.data(), part.size());
        text.append(part.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    } while ((comes_in_parts ? size > 0 : size == static_cast<ssize_t>(part.size())) && text.size() < largest_text);
    return size < 0 ? std::nullopt : std::optional{std::move(text)};
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
