// SPDX-License-Identifier: Apache-2.0
// One stream of the container's log (descriptor 1 or 2), which may have a slow reader or one that stopped.
// davit never waits for it: what does not fit stays here and is written when the log takes it again. The
// descriptor is shared with raw services, so it is never made non-blocking; a pipe is fed from a pipe of our own
// with splice, a socket with MSG_DONTWAIT, a terminal in small writes.
//
// Two kinds of writers: relays of services wait for their turn and lose nothing; lines of davit itself, of steps
// and of checks never wait, and what does not fit is dropped and counted. Lines of different writers do not mix.
//
//   relay ── is_free? ── fill buffer(), commit() ──►┐
//     └───── when_free(call me) ◄───────────────────┤  rest_ ──► descriptor (splice, send or write)
//   davit, step ── write_or_drop(line) ──► late_ ──►┘     └─ full: an epoll of our own tells when it takes more
#pragma once

#include "model/time.h"
#include "os/fd.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace davit::os {

class LogOutput {
public:
    /// Bytes of lines of the second kind that wait at most.
    static constexpr std::size_t late_limit = std::size_t{64} * 1024;
    /// A line that is longer than a relay keeps holds the log until it ends, or pauses for this long.
    static constexpr Duration patience_with_open_line = std::chrono::seconds{1};

    /// `descriptor` stays the caller's and must stay open. `loop` must outlive it.
    LogOutput(boost::asio::io_context& loop, int descriptor);
    LogOutput(const LogOutput&) = delete;
    LogOutput& operator=(const LogOutput&) = delete;
    ~LogOutput();

    /// Names a relay. Never reused.
    using Writer = std::uint64_t;
    Writer add_writer() { return ++last_writer_; }

    /// `writer` may fill the buffer now.
    bool is_free(Writer writer) const;
    /// Calls back once, from the loop, when it may be the writer's turn. Not before: not again needed.
    void when_free(Writer writer, std::function<void()> call);
    /// Takes back `when_free`, and what the writer holds.
    void remove_writer(Writer writer);

    enum class Ending : std::uint8_t { line_end, inside_line };
    /// Empty, for the writer whose turn it is: it appends its lines and calls `commit` in the same turn.
    std::string& buffer() { return rest_; }
    /// Writes what the log takes and keeps the rest. Ending inside a line holds the log for this writer.
    void commit(Writer writer, Ending ending);
    /// The writer's line is still open: what it writes next continues it.
    bool holds_line(Writer writer) const { return holder_ == writer && !rest_of_line_was_cut_; }

    /// One or more whole lines, each with its line feed. Never waits.
    void write_or_drop(std::string_view lines);
    std::uint64_t dropped_lines() const { return dropped_lines_; }

    /// Calls `done` once, from the loop, when everything is written, at the latest after `patience`.
    void drain(Duration patience, std::function<void()> done);

private:
    enum class Kind : std::uint8_t { pipe, socket, terminal, file };
    enum class Took : std::uint8_t { all, some, nothing_more };

    void flush();
    bool write_some();
    bool write_to_pipe();
    bool fill_own_pipe();
    bool write_directly();
    void drop_everything();
    void take_late_lines();
    void watch_descriptor();
    void call_next_writer();
    void cut_open_line();
    void settle_drain();

    boost::asio::io_context& loop_;
    int descriptor_;
    Kind kind_ = Kind::file;
    Pipe own_pipe_;               // opened with the first bytes for a pipe
    std::size_t in_own_pipe_ = 0; // bytes
    std::string rest_;            // the present writer's bytes
    std::size_t written_ = 0;     // of rest_
    std::string late_;            // whole lines that could not be written at once
    std::uint64_t dropped_lines_ = 0;
    Writer last_writer_ = 0;
    std::optional<Writer> holder_; // whose line is open
    bool rest_of_line_was_cut_ = false;
    boost::asio::steady_timer patience_;
    struct Waiting {
        Writer writer;
        std::function<void()> call;
    };
    std::deque<Waiting> waiting_;
    boost::asio::posix::stream_descriptor epoll_; // holds the descriptor: Asio would make it non-blocking
    bool watching_ = false;
    boost::asio::steady_timer drain_patience_;
    std::function<void()> drained_;
};

} // namespace davit::os
