// SPDX-License-Identifier: Apache-2.0
#include "os/log_output.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace davit::os {
namespace {

constexpr std::size_t kept_capacity = std::size_t{512} * 1024;
constexpr int own_pipe_size = 256 * 1024;
constexpr std::size_t page = 4096;

bool would_wait() {
    return errno == EAGAIN || errno == EWOULDBLOCK;
}

bool is_writable(int descriptor) {
    pollfd entry{.fd = descriptor, .events = POLLOUT, .revents = 0};
    return ::poll(&entry, 1, 0) == 1;
}

std::uint64_t count_lines(std::string_view text) {
    return static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
}

/// The next bytes to write at once: whole lines, at most `limit` bytes; a line that is longer is cut there.
std::string_view whole_lines(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) {
        return text;
    }
    const auto end = text.substr(0, limit).rfind('\n');
    return text.substr(0, end == std::string_view::npos ? limit : end + 1);
}

} // namespace

/// Begins with a page, as what is read into it does: between addresses that lie differently in their cache lines the
/// kernel's copy takes a quarter longer, and that copy is what most of a relay's time goes to.
struct alignas(page) LogOutput::Scratch {
    std::array<char, std::size_t{256} * 1024> bytes;
};

LogOutput::LogOutput(boost::asio::io_context& loop, int descriptor)
    : loop_(loop), descriptor_(descriptor), patience_(loop), epoll_(loop), drain_patience_(loop) {
    struct stat status{};
    if (::fstat(descriptor, &status) != 0) {
        return;
    }
    if (S_ISFIFO(status.st_mode)) {
        kind_ = Kind::pipe;
    } else if (S_ISSOCK(status.st_mode)) {
        kind_ = Kind::socket;
    } else if (is_terminal(descriptor)) {
        kind_ = Kind::terminal;
    }
}

LogOutput::LogOutput(boost::asio::io_context& loop, std::unique_ptr<LogFile> file)
    : loop_(loop), descriptor_(-1), kind_(Kind::rotated_file), log_file_(std::move(file)), patience_(loop),
      epoll_(loop), drain_patience_(loop) {}

LogOutput::~LogOutput() = default;

std::span<char> LogOutput::scratch() {
    if (!scratch_) {
        // Left as it is: only the pages that are read into become memory.
        scratch_ = std::make_unique_for_overwrite<Scratch>();
    }
    return scratch_->bytes;
}

// ---- writers ---------------------------------------------------------------------------------------------

bool LogOutput::is_free(Writer writer) const {
    if (!rest_.empty() || (holder_ && *holder_ != writer)) {
        return false;
    }
    return holder_ == writer || turn_ == writer || (waiting_.empty() && late_.empty());
}

void LogOutput::when_free(Writer writer, std::function<void()> call) {
    waiting_.push_back({.writer = writer, .call = std::move(call)});
    others_wait();
    if (rest_.empty()) {
        call_next_writer();
    }
}

void LogOutput::remove_writer(Writer writer) {
    std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.writer == writer; });
    skipping_.erase(writer);
    if (holder_ == writer) {
        cut_open_line();
    }
    settle_drain();
}

void LogOutput::commit(Writer writer, Ending ending) {
    holder_.reset();
    patience_.cancel();
    skip_rest_of_line(writer);
    if (ending == Ending::inside_line && !skipping_.contains(writer)) {
        holder_ = writer;
        wait_with_open_line();
    }
    flush();
}

void LogOutput::skip_rest_of_line(Writer writer) {
    if (!skipping_.contains(writer)) {
        return;
    }
    const auto end = rest_.find('\n');
    const std::size_t skipped = end == std::string::npos ? rest_.size() : end + 1;
    drop(std::string_view{rest_}.substr(0, skipped));
    rest_.erase(0, skipped);
    if (end != std::string::npos) {
        skipping_.erase(writer);
    }
}

void LogOutput::call_next_writer() {
    if (waiting_.empty() || call_is_posted_) {
        return;
    }
    // By way of the loop: a writer that is called commits, which calls the next.
    call_is_posted_ = true;
    boost::asio::post(loop_, [this, alive = std::weak_ptr{alive_}] {
        if (alive.expired()) {
            return;
        }
        call_is_posted_ = false;
        const auto next = std::ranges::find_if(
            waiting_, [&](const Waiting& waiting) { return !holder_ || waiting.writer == *holder_; });
        if (!rest_.empty() || next == waiting_.end()) {
            return;
        }
        const Waiting waiting = std::move(*next);
        waiting_.erase(next);
        turn_ = waiting.writer;
        waiting.call();
        turn_.reset();
        if (rest_.empty()) {
            call_next_writer();
        }
        settle_drain();
    });
}

void LogOutput::wait_with_open_line() {
    patience_is_over_ = false;
    patience_.expires_after(patience_with_open_line);
    patience_.async_wait([this, alive = std::weak_ptr{alive_}](const boost::system::error_code& error) {
        if (error || alive.expired() || !holder_) {
            return;
        }
        if (!rest_.empty()) {
            return wait_with_open_line(); // the log is slow, not the writer
        }
        patience_is_over_ = true;
        if (!late_.empty() || !waiting_.empty()) {
            others_wait();
        }
    });
}

void LogOutput::others_wait() {
    if (holder_ && patience_is_over_) {
        cut_open_line();
    }
}

void LogOutput::cut_open_line() {
    holder_.reset();
    patience_.cancel();
    rest_ += '\n';
    flush();
}

void LogOutput::write_or_drop(std::string_view lines) {
    if (rest_.empty() && !holder_) {
        rest_ = lines;
        return flush();
    }
    keep_late(lines);
    others_wait();
}

void LogOutput::keep_late(std::string_view lines) {
    const std::string_view taken = lines.size() <= late_limit - late_.size()
                                       ? lines
                                       : lines.substr(0, lines.substr(0, late_limit - late_.size()).rfind('\n') + 1);
    late_ += taken;
    drop(lines.substr(taken.size()));
}

void LogOutput::drop(std::string_view lines) {
    dropped_lines_ += count_lines(lines);
}

// ---- writing ---------------------------------------------------------------------------------------------

void LogOutput::flush() {
    while (true) {
        const Progress progress = write_rest();
        if (written_ == rest_.size()) {
            rest_.clear();
            written_ = 0;
        }
        if (progress == Progress::stuck) {
            watch_descriptor();
        }
        if (!rest_.empty() || late_.empty() || holder_) {
            break;
        }
        rest_.swap(late_);
    }
    if (rest_.empty()) {
        if (rest_.capacity() > kept_capacity) {
            rest_ = {};
        }
        call_next_writer();
    }
    settle_drain();
}

/// Stuck: bytes are left, here or in our own pipe.
LogOutput::Progress LogOutput::write_rest() {
    while (written_ < rest_.size() || in_own_pipe_ > 0) {
        const Progress progress = kind_ == Kind::pipe ? write_to_pipe() : write_piece();
        if (progress == Progress::stuck) {
            return Progress::stuck;
        }
    }
    return Progress::made;
}

LogOutput::Progress LogOutput::write_to_pipe() {
    fill_own_pipe();
    if (in_own_pipe_ == 0) {
        return write_piece(); // no descriptors for a pipe of our own
    }
    const ssize_t moved =
        ::splice(own_pipe_.read.get(), nullptr, descriptor_, nullptr, in_own_pipe_, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (moved > 0) {
        in_own_pipe_ -= static_cast<std::size_t>(moved);
        return Progress::made;
    }
    if (moved < 0 && would_wait()) {
        return Progress::stuck;
    }
    if (moved < 0 && errno == EINTR) {
        return Progress::made;
    }
    drop_everything();
    return Progress::made;
}

/// One write for each page, and none across: a page of a pipe moves as a whole, so a line of up to a page stays
/// whole, whoever else writes to that pipe.
void LogOutput::fill_own_pipe() {
    if (!own_pipe_.write) {
        own_pipe_ = open_pipe();
        ::fcntl(own_pipe_.write.get(), F_SETFL, O_NONBLOCK);
        ::fcntl(own_pipe_.read.get(), F_SETFL, O_NONBLOCK);
        // Refused beyond the user's share of pipe memory: then it stays as it is.
        ::fcntl(own_pipe_.write.get(), F_SETPIPE_SZ, own_pipe_size);
    }
    while (written_ < rest_.size()) {
        const std::string_view piece = whole_lines(std::string_view{rest_}.substr(written_), page);
        const ssize_t size = ::write(own_pipe_.write.get(), piece.data(), piece.size());
        if (size < 0) {
            return;
        }
        written_ += static_cast<std::size_t>(size);
        in_own_pipe_ += static_cast<std::size_t>(size);
    }
}

LogOutput::Progress LogOutput::write_piece() {
    const std::string_view piece = is_torn_ ? "\n" : std::string_view{rest_}.substr(written_);
    const ssize_t size = write_directly(piece);
    if (size > 0) {
        last_byte_ = piece[static_cast<std::size_t>(size) - 1];
        written_ += std::exchange(is_torn_, false) ? 0 : static_cast<std::size_t>(size);
    }
    if (size >= 0) {
        return Progress::made;
    }
    if (would_wait()) {
        return Progress::stuck;
    }
    if (errno != EINTR) {
        drop_everything();
    }
    return Progress::made;
}

ssize_t LogOutput::write_directly(std::string_view piece) {
    switch (kind_) {
    case Kind::socket: return ::send(descriptor_, piece.data(), piece.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    case Kind::file: return ::write(descriptor_, piece.data(), piece.size());
    case Kind::terminal: return write_to_terminal(piece);
    case Kind::rotated_file: return log_file_->write(piece);
    case Kind::pipe: break;
    }
    if (!is_writable(descriptor_)) {
        errno = EAGAIN;
        return -1;
    }
    const std::string_view lines = whole_lines(piece, PIPE_BUF);
    return ::write(descriptor_, lines.data(), lines.size());
}

/// A terminal that polls as writable may still stop a writer in the middle.
ssize_t LogOutput::write_to_terminal(std::string_view piece) {
    if (!own_terminal_) {
        const std::string path = "/proc/self/fd/" + std::to_string(descriptor_);
        own_terminal_.reset(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    }
    if (own_terminal_) {
        return ::write(own_terminal_.get(), piece.data(), piece.size());
    }
    // Another user's terminal: for one call it is non-blocking for all who share it, which is better than a davit
    // that stands still.
    const int flags = ::fcntl(descriptor_, F_GETFL);
    ::fcntl(descriptor_, F_SETFL, flags | O_NONBLOCK);
    const ssize_t size = ::write(descriptor_, piece.data(), piece.size());
    const int error = errno;
    ::fcntl(descriptor_, F_SETFL, flags);
    errno = error;
    return size;
}

/// Nobody reads any more, or the disk is full.
void LogOutput::drop_everything() {
    if (holder_) {
        skipping_.insert(*std::exchange(holder_, std::nullopt));
        patience_.cancel();
    }
    is_torn_ = kind_ == Kind::file && last_byte_ != '\n'; // a LogFile takes it back itself
    drop(std::string_view{rest_}.substr(written_));
    written_ = rest_.size();
    while (in_own_pipe_ > 0) {
        char buffer[page];
        const ssize_t size = ::read(own_pipe_.read.get(), buffer, sizeof buffer);
        if (size <= 0) {
            break;
        }
        drop({buffer, static_cast<std::size_t>(size)});
        in_own_pipe_ -= std::min(in_own_pipe_, static_cast<std::size_t>(size));
    }
    in_own_pipe_ = 0;
}

void LogOutput::watch_descriptor() {
    if (is_watching_) {
        return;
    }
    epoll_event event{.events = EPOLLOUT | EPOLLONESHOT, .data = {}};
    if (!epoll_.is_open()) {
        Fd descriptor{::epoll_create1(EPOLL_CLOEXEC)};
        boost::system::error_code error;
        if (descriptor && ::epoll_ctl(descriptor.get(), EPOLL_CTL_ADD, descriptor_, &event) == 0) {
            epoll_.assign(descriptor.get(), error);
        }
        if (!epoll_.is_open()) {
            // Out of descriptors: what the log would have to be watched for is lost, davit goes on.
            drop_everything();
            rest_.clear();
            written_ = 0;
            return;
        }
        descriptor.release();
    } else {
        ::epoll_ctl(epoll_.native_handle(), EPOLL_CTL_MOD, descriptor_, &event);
    }
    is_watching_ = true;
    epoll_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                      [this, alive = std::weak_ptr{alive_}](const boost::system::error_code& error) {
                          if (error || alive.expired()) {
                              return;
                          }
                          is_watching_ = false;
                          epoll_event told{};
                          ::epoll_wait(epoll_.native_handle(), &told, 1, 0);
                          flush();
                      });
}

// ---- the end -----------------------------------------------------------------------------------------------

void LogOutput::drain(Duration patience, std::function<void()> done) {
    drained_ = std::move(done);
    drain_patience_.expires_after(patience);
    drain_patience_.async_wait([this, alive = std::weak_ptr{alive_}](const boost::system::error_code&) {
        // Also called when it is cancelled: everything is written.
        if (!alive.expired() && drained_) {
            std::exchange(drained_, nullptr)();
        }
    });
    settle_drain();
}

void LogOutput::settle_drain() {
    // A writer in the middle of its turn may have more.
    if (drained_ && !turn_ && is_empty()) {
        drain_patience_.cancel();
    }
}

} // namespace davit::os
