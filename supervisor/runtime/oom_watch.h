// SPDX-License-Identifier: Apache-2.0
// Tells whether a process that died of SIGKILL was ended by the kernel's out-of-memory killer: the counter of
// davit's cgroup has risen since it was last looked at. A kill that no exit claimed within a second belongs to a
// process that is not davit's child, and explains no later exit.
#pragma once

#include "model/time.h"
#include "os/cgroup_memory.h"

#include <cstdint>
#include <optional>

namespace davit::runtime {

class OomWatch {
public:
    /// Reads the counter for the first time.
    void begin();
    /// A child died of a SIGKILL that davit did not send, or ended with 137 as a shell does whose command died so.
    bool claims_kill(TimePoint now);

    /// Bytes; 0: no limit, or not known.
    std::uint64_t limit() const { return memory_ ? memory_->limit().value_or(0) : 0; }
    /// Kills since `begin`; 0 where nobody counts them.
    std::uint64_t kills() const { return memory_ ? memory_->oom_kills().value_or(first_) - first_ : 0; }

private:
    static constexpr Duration claim_time = std::chrono::seconds{1};

    std::optional<os::CgroupMemory> memory_;
    std::uint64_t first_ = 0; // when it began
    std::uint64_t seen_ = 0;
    std::uint64_t unclaimed_ = 0;
    TimePoint risen_at_;
};

} // namespace davit::runtime
