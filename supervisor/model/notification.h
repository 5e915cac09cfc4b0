// SPDX-License-Identifier: Apache-2.0
// What a service says of itself in one datagram of sd_notify(3), as values. The text is foreign input: what is not
// understood says nothing, what is shown is cleaned and short. What follows from it the service machine decides.
#pragma once

#include "model/time.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::model {

/// Where a service says that it stands; the last word counts.
enum class SelfWord : std::uint8_t { none, ready, reloading, stopping };

/// "READY=1", "STOPPING=1", "RELOADING=1"; empty for none.
std::string_view to_string(SelfWord word);

struct Notification {
    SelfWord word = SelfWord::none;
    std::optional<bool> ready;            // the last of READY=1 and STOPPING=1
    bool said_ready = false;              // READY=1 was among it, whatever came after
    std::optional<std::string> status;    // STATUS=, at most `longest_status` bytes of UTF-8 without control characters
    std::optional<std::string> error;     // ERRNO= or BUSERROR=, in words
    std::optional<Duration> extend;       // EXTEND_TIMEOUT_USEC=
    bool alive = false;                   // WATCHDOG=1
    bool wants_to_be_killed = false;      // WATCHDOG=trigger
    std::optional<Duration> watchdog;     // WATCHDOG_USEC=; zero: it is not watched any more
    std::vector<std::string_view> unused; // names of what davit understands and does not do: MAINPID, FDSTORE

    friend bool operator==(const Notification&, const Notification&) = default;
};

inline constexpr std::size_t longest_notification = 4096;
inline constexpr std::size_t longest_status = 200;
/// Lengths beyond are cut to it.
inline constexpr Duration longest_notified_time = std::chrono::hours{24 * 10};

/// Lines of NAME=value. An assignment that is not understood says nothing.
Notification parse_notification(std::string_view datagram);

/// What both say together: the later word wins.
void add(Notification& earlier, Notification later);

} // namespace davit::model
