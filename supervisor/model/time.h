// SPDX-License-Identifier: Apache-2.0
// The two time types of the whole program. All rules use the monotonic clock; the model never reads
// it: a moment comes in as an argument, so that a test can hold time in its hand.
#pragma once

#include <chrono>

namespace davit {

/// A length of time. Configuration gives seconds with fractions; nothing is rounded on the way.
using Duration = std::chrono::nanoseconds;

/// A moment of the monotonic clock (CLOCK_MONOTONIC on Linux).
using TimePoint = std::chrono::steady_clock::time_point;

/// Seconds with fractions as a Duration. `seconds` must be finite and below 1e9.
constexpr Duration from_seconds(double seconds) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>{seconds});
}

constexpr double to_seconds(Duration duration) {
    return std::chrono::duration<double>{duration}.count();
}

} // namespace davit
