// SPDX-License-Identifier: Apache-2.0
// The body of restart_policy.h. Delays are worked out as seconds with fractions and cut before they become a Duration.
#include "model/restart_policy.h"

#include <algorithm>
#include <cmath>

namespace davit::model {

bool should_restart(RestartPolicy policy, Outcome outcome) {
    switch (policy) {
    case RestartPolicy::always: return true;
    case RestartPolicy::on_failure: return outcome == Outcome::failure;
    case RestartPolicy::never: break;
    }
    return false;
}

Duration backoff_delay(unsigned restart, const BackoffSpec& backoff) {
    if (backoff.initial <= Duration::zero()) {
        return Duration::zero(); // Else zero times an infinite growth would be no number at all.
    }
    const double steps = restart == 0 ? 0.0 : restart - 1.0;
    const double seconds = to_seconds(backoff.initial) * std::pow(backoff.factor, steps);
    // Compared as seconds: the product leaves the range of a Duration after some sixty doublings.
    return seconds >= to_seconds(backoff.max) ? backoff.max : from_seconds(seconds);
}

Duration with_jitter(Duration delay, double random) {
    return delay - from_seconds(to_seconds(delay) * 0.1 * std::clamp(random, 0.0, 1.0));
}

} // namespace davit::model
