// SPDX-License-Identifier: Apache-2.0
// What the memory controller of davit's own cgroup says, v2 or v1: how often its out-of-memory killer struck, and
// the limit. A service that died of SIGKILL while the counter rose was out of memory. Everything is a hint:
// where the files are missing there is no answer.
#pragma once

#include "os/files.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::os {

/// Where the memory controller counts, as /proc/self/cgroup says it.
struct MemoryCgroup {
    enum class Version : std::uint8_t { v1, v2 } version = Version::v2;
    std::string path;
};
/// In the order of the text of /proc/self/cgroup (cgroups(7)); what is not understood is left out.
std::vector<MemoryCgroup> memory_cgroups_in(std::string_view text);
/// `oom_kill` of memory.events or memory.oom_control.
std::optional<std::uint64_t> oom_kills_in(std::string_view text);
/// Bytes of memory.max or memory.limit_in_bytes; nullopt: no limit.
std::optional<std::uint64_t> memory_limit_in(std::string_view text);

class CgroupMemory {
public:
    /// Paths are those of a container; tests give others.
    explicit CgroupMemory(const std::string& cgroup_root = "/sys/fs/cgroup",
                          const std::string& own_cgroup = "/proc/self/cgroup");

    /// Kills in this cgroup since it was made (`oom_kill` in memory.events or memory.oom_control).
    std::optional<std::uint64_t> oom_kills() const;
    /// Bytes (memory.max or memory.limit_in_bytes); nullopt: no limit.
    std::optional<std::uint64_t> limit() const;

private:
    std::optional<KernelFile> events_;
    std::string limit_path_;
};

} // namespace davit::os
