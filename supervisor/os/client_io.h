// SPDX-License-Identifier: Apache-2.0
// Blocking input and output with a deadline, for the small processes that ask davit something (PID 1 itself
// never blocks). Each call returns by its deadline, whatever the other side does: a frozen server, a reader
// of our output that stopped, a signal in between.
#pragma once

#include "model/result.h"
#include "model/time.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace davit::os {

enum class IoEnd : std::uint8_t {
    done,
    deadline, // the other side did not take or give anything in time
    closed,   // the other side is gone
};

struct Received {
    IoEnd end = IoEnd::done;
    std::size_t size = 0; // above 0 with `done`
};

/// Waits for the first bytes on a socket, at most until `deadline`.
Received receive_within(int socket, std::span<char> buffer, TimePoint deadline);

/// Sends all of `text` on a socket.
IoEnd send_within(int socket, std::string_view text, TimePoint deadline);

/// Writes to a descriptor of any kind that others may share (a pipe is not made non-blocking).
/// The caller ignores SIGPIPE.
IoEnd write_within(int descriptor, std::string_view text, TimePoint deadline);

/// A write to a pipe whose reader is gone becomes an error instead of the end of this process.
void ignore_broken_pipes();

} // namespace davit::os
