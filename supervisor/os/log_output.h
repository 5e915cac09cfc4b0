// SPDX-License-Identifier: Apache-2.0
// One stream of the container's log (descriptor 1 or 2), which may have a slow reader or one that stopped; or the
// log file of a service (log_file.h), which may have no room.
// davit never waits for it: what does not fit stays here and is written when the log takes it again. The
// descriptor is shared with raw services, so it is never made non-blocking; a pipe is fed from a pipe of our own
// with splice, a socket with MSG_DONTWAIT, a terminal through a descriptor of our own.
//
// Two kinds of writers: relays of services wait for their turn and lose nothing; lines of davit itself, of steps
// and of checks never wait, and what does not fit is dropped and counted. Lines of different writers do not mix, and a
// line is dropped as a whole: what comes of it after a part that was refused is dropped too.
//
//   relay ── is_free? ── fill buffer(), commit() ──►┐
//     └───── when_free(call me) ◄───────────────────┤  rest ──► descriptor (splice, send or write)
//   davit, step ── write_or_drop(line) ──► late ───►┘    └─ full: an epoll of our own tells when it takes more
#pragma once

#include "model/time.h"
#include "os/fd.h"
#include "os/log_file.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace davit::os {

class LogOutput {
public:
    /// Bytes of lines of the second kind that wait at most.
    static constexpr std::size_t late_limit = std::size_t{64} * 1024;
    /// A line that is longer than a relay keeps holds the log until it ends. Where its writer pauses for longer
    /// than this and others wait, it is ended with a line feed.
    static constexpr Duration patience_with_open_line = std::chrono::seconds{1};

    /// `descriptor` stays the caller's and must stay open. `loop` must outlive it.
    LogOutput(boost::asio::io_context& loop, int descriptor);
    /// Lines that the file does not take are dropped and counted.
    LogOutput(boost::asio::io_context& loop, std::unique_ptr<LogFile> file);
    LogOutput(const LogOutput&) = delete;
    LogOutput& operator=(const LogOutput&) = delete;
    ~LogOutput();

    /// Names a relay. Never reused.
    using Writer = std::uint64_t;
    Writer add_writer() { return ++last_writer_; }
    /// Takes back `when_free`, and ends the line that the writer holds.
    void remove_writer(Writer writer);

    /// It is the writer's turn: `buffer()` is empty and waits for its lines.
    bool is_free(Writer writer) const;
    /// Calls once, from the loop, when it is the writer's turn. Writers come in the order in which they asked.
    void when_free(Writer writer, std::function<void()> call);

    enum class Ending : std::uint8_t { line_end, inside_line };
    /// The writer whose turn it is appends here and calls `commit` in the same turn of the loop.
    std::string& buffer() { return rest_; }
    /// Writes what the log takes and keeps the rest. Ending inside a line holds the log for this writer.
    void commit(Writer writer, Ending ending);
    /// The writer's line is still open: what it writes next continues it.
    bool holds_line(Writer writer) const { return holder_ == writer || skipping_.contains(writer); }

    /// One or more whole lines, each with its line feed. Never waits.
    void write_or_drop(std::string_view lines);
    std::uint64_t dropped_lines() const { return dropped_lines_; }

    /// Calls `done` once, from the loop, when everything is written, also that of relays that wait for their turn, at
    /// the latest after `patience`.
    void drain(Duration patience, std::function<void()> done);

    /// A place to read into, shared by all relays of this log; its contents last until the next read.
    std::span<char> scratch();

private:
    enum class Kind : std::uint8_t { pipe, socket, terminal, file, rotated_file };
    enum class Progress : std::uint8_t { made, stuck };

    bool is_empty() const { return rest_.empty() && in_own_pipe_ == 0 && late_.empty() && waiting_.empty(); }
    void flush();
    Progress write_rest();
    Progress write_to_pipe();
    void fill_own_pipe();
    Progress write_piece();
    ssize_t write_directly(std::string_view piece);
    ssize_t write_to_terminal(std::string_view piece);
    void drop_everything();
    void drop(std::string_view lines);
    void skip_rest_of_line(Writer writer);
    void keep_late(std::string_view lines);
    void watch_descriptor();
    void call_next_writer();
    void wait_with_open_line();
    void cut_open_line();
    void others_wait();
    void settle_drain();

    boost::asio::io_context& loop_;
    int descriptor_;
    Kind kind_ = Kind::file;
    std::unique_ptr<LogFile> log_file_;

    std::string rest_;            // what the present writer committed
    std::size_t written_ = 0;     // of rest_
    Pipe own_pipe_;               // opened with the first bytes for a pipe
    std::size_t in_own_pipe_ = 0; // bytes
    char last_byte_ = '\n';       // that was written, but for a pipe
    bool is_torn_ = false;        // a file took the beginning of a line whose rest was dropped
    Fd own_terminal_;             // the same terminal, opened again, non-blocking
    std::string late_;            // whole lines that could not be written at once
    std::uint64_t dropped_lines_ = 0;
    struct Scratch;
    std::unique_ptr<Scratch> scratch_;

    struct Waiting {
        Writer writer;
        std::function<void()> call;
    };
    Writer last_writer_ = 0;
    std::deque<Waiting> waiting_;
    bool call_is_posted_ = false;
    std::optional<Writer> turn_;   // of waiting_, while it is called
    std::optional<Writer> holder_; // whose line is open
    std::set<Writer> skipping_;    // of whose open line a part was dropped
    bool patience_is_over_ = false;
    boost::asio::steady_timer patience_;

    boost::asio::posix::stream_descriptor epoll_; // holds the descriptor: Asio itself would make it non-blocking
    bool is_watching_ = false;

    std::function<void()> drained_;
    boost::asio::steady_timer drain_patience_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0); // what waits in the loop must not outlive the log
};

} // namespace davit::os
