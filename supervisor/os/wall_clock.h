// SPDX-License-Identifier: Apache-2.0
// The time of day as text, for people and logs only: no rule looks at it. Always UTC, no time zone is read.
#pragma once

#include <chrono>
#include <string>

namespace davit::os {

/// "2026-11-23T07:00:00.123Z" (RFC 3339).
std::string utc_text(std::chrono::system_clock::time_point moment);

inline std::string utc_now() {
    return utc_text(std::chrono::system_clock::now());
}

} // namespace davit::os
