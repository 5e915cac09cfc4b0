// SPDX-License-Identifier: Apache-2.0
// Carries what a child writes to its stdout and stderr into a log, line by line: with a prefix, as it is, or as JSON.
// The newest of it goes to a ring as well (log_ring.h). While the log takes nothing, the child's bytes stay in its pipe
// and the child waits; a relay that must not wait (a step's) reads on and drops lines instead.
//
//   child ──► pipe ──► read, at most 2 ms a turn of the loop ──► whole lines ──┬─► ring      always
//                                                                              ├─► on_line   a log probe
//                                                                              └─► LogOutput when it is our turn
//
// A line that is longer than `longest_kept_line` is never held as a whole: it reaches the log in pieces that make one
// line there, and becomes several JSON objects, all but its last with `"partial":true`.
#pragma once

#include "model/result.h"
#include "os/fd.h"
#include "os/log_output.h"
#include "os/log_ring.h"

#include <boost/asio/io_context.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace davit::os {

/// What happens to a line that the log does not take.
enum class LogLoss : std::uint8_t {
    never,      // the writer waits: services
    when_stuck, // it is dropped and counted: steps and checks
    always,     // nothing is written: a discarded service
};

struct LogRelayOptions {
    std::string prefix; // "[web] "; may be empty
    /// Lines become JSON objects, with this between the time and the stream: `"service":"web"`. Empty: they do not.
    std::string json_label;
    LogLoss loss = LogLoss::never;
    LogRing* kept = nullptr;       // must outlive the relay
    std::shared_ptr<void> owned{}; // a log of its own
    /// Each line without its line feed, of both streams; bytes may be anything.
    std::function<void(std::string_view line)> on_line;
    /// Once, from the loop: both streams have ended or were released, everything is handed to the log.
    std::function<void()> on_end;
};

/// The child's ends of its two pipes: its streams 1 and 2. To be closed once it was spawned.
struct LogRelayEnds {
    Fd output;
    Fd error;
};

class LogRelay {
public:
    /// A line that is longer goes to the log in pieces.
    static constexpr std::size_t longest_kept_line = std::size_t{64} * 1024;

    /// `loop` and both logs must outlive it. Its destruction closes the pipes and loses what is in them.
    LogRelay(boost::asio::io_context& loop, LogOutput& output, LogOutput& error, LogRelayOptions options);
    ~LogRelay();
    LogRelay(const LogRelay&) = delete;
    LogRelay& operator=(const LogRelay&) = delete;

    /// Opens the pipes and begins to read. Error: no descriptors.
    Result<LogRelayEnds> open();

    /// The leader has ended: reads what is in the pipes and closes them, also if a process that escaped still holds
    /// the other end. Lines that have to wait for the log are still handed over; `on_end` tells.
    void release();
    bool has_ended() const;

private:
    class Stream;
    struct Shared;
    std::shared_ptr<Shared> shared_;
    std::array<std::shared_ptr<Stream>, 2> streams_;
};

} // namespace davit::os
