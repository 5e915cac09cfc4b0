// SPDX-License-Identifier: Apache-2.0
// The body of drain.h. Time is compared, never measured: counts come in with the moment they were made.
#include "model/drain.h"

#include "model/words.h"

#include <algorithm>

namespace davit::model {
namespace {

constexpr Duration count_every = 200ms;

/// Counts say so from both ends of the quiet time: one alone says nothing of what came after it.
bool is_quiet(const Drain& drain) {
    return drain.quiet_since && *drain.counted - *drain.quiet_since >= drain_quiet;
}

} // namespace

Drain begin_drain(const DrainSpec& spec, TimePoint now, TimePoint limit) {
    Drain drain;
    drain.began = now;
    drain.latest = std::max(now, std::min(now + spec.max, limit));
    drain.earliest = std::min(now + spec.min, drain.latest);
    drain.watches = !spec.ports.empty();
    if (drain.watches) {
        drain.next_count = now;
    }
    return drain;
}

std::optional<TimePoint> next_sample(const Drain& drain) {
    return drain.asked ? std::nullopt : drain.next_count;
}

Drain sample_asked(Drain drain) {
    drain.asked = true;
    return drain;
}

Drain on_sample(Drain drain, unsigned connections, TimePoint now) {
    drain.asked = false;
    drain.counted = now;
    drain.connections = connections;
    drain.next_count = now + count_every;
    if (connections > 0) {
        drain.quiet_since.reset();
    } else if (!drain.quiet_since) {
        drain.quiet_since = now;
    }
    return drain;
}

bool is_over(const Drain& drain, TimePoint now) {
    if (now >= drain.latest) {
        return true;
    }
    return now >= drain.earliest && (!drain.watches || is_quiet(drain));
}

TimePoint next_deadline(const Drain& drain) {
    const TimePoint by_itself = drain.watches && !is_quiet(drain) ? drain.latest : drain.earliest;
    return std::min(by_itself, next_sample(drain).value_or(by_itself));
}

std::string drain_result(const Drain& drain, TimePoint now) {
    const std::string length = seconds_text(now - drain.began);
    if (!drain.watches) {
        return length + " are over";
    }
    if (drain.connections.value_or(0) > 0) {
        const unsigned count = *drain.connections;
        return std::to_string(count) + (count == 1 ? " connection" : " connections") + " still open after " + length;
    }
    return is_quiet(drain) ? "no connection for " + seconds_text(now - *drain.quiet_since) : length + " are over";
}

} // namespace davit::model
