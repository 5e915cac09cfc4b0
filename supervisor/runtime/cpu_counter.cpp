// SPDX-License-Identifier: Apache-2.0
#include "runtime/cpu_counter.h"

#include <chrono>

namespace davit::runtime {

const model::CpuCount& CpuCounter::now(model::CpuRounding rounding) {
    const TimePoint moment = std::chrono::steady_clock::now();
    if (count_ == nullptr || count_->rounding != rounding || moment - counted_at_ >= freshness) {
        count_ = &files_.count(rounding);
        counted_at_ = moment;
    }
    return *count_;
}

} // namespace davit::runtime
