// SPDX-License-Identifier: Apache-2.0
#include "runtime/oom_watch.h"

namespace davit::runtime {

void OomWatch::begin() {
    memory_.emplace();
    first_ = seen_ = memory_->oom_kills().value_or(0);
}

bool OomWatch::claims_kill(TimePoint now) {
    if (!memory_) {
        return false;
    }
    const std::uint64_t kills = memory_->oom_kills().value_or(seen_);
    if (kills > seen_) {
        unclaimed_ = kills - seen_;
        risen_at_ = now;
        seen_ = kills;
    }
    if (unclaimed_ == 0 || now - risen_at_ > claim_time) {
        unclaimed_ = 0;
        return false;
    }
    --unclaimed_;
    return true;
}

} // namespace davit::runtime
