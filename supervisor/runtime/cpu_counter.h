// SPDX-License-Identifier: Apache-2.0
// The CPU count of the container as PID 1 sees it now. It is made when somebody asks, at most once in a while: five
// hundred services that start together, or a reader of the status that asks in a loop, do not each read all files.
#pragma once

#include "model/cpu_count.h"
#include "model/time.h"
#include "os/cpus.h"

namespace davit::runtime {

class CpuCounter {
public:
    /// How old a count may be.
    static constexpr Duration freshness = std::chrono::milliseconds{100};

    /// Stays valid until the next call. What cannot be read makes it no smaller (model/cpu_count.h).
    const model::CpuCount& now(model::CpuRounding rounding);

private:
    os::CpuFiles files_;
    const model::CpuCount* count_ = nullptr;
    TimePoint counted_at_;
};

} // namespace davit::runtime
