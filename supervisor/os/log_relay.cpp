// SPDX-License-Identifier: Apache-2.0
#include "os/log_relay.h"

#include "model/text_parts.h"
#include "os/errno_text.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <limits>
#include <sys/ioctl.h>
#include <unistd.h>

namespace davit::os {
namespace {

constexpr int portions_in_one_turn = 8;
constexpr ssize_t usual_pipe_size = ssize_t{64} * 1024;
constexpr int busy_pipe_size = 256 * 1024;

} // namespace

/// What both streams of one child have in common.
struct LogRelay::Shared {
    boost::asio::io_context& loop;
    LogRelayOptions options;
    std::string kept; // the newest lines, each with its line feed
    bool kept_begins_inside_line = false;
    int open_streams = 2;
    bool is_alone = false; // the relay is gone: no more calls

    void keep(std::string_view text) {
        const std::size_t limit = options.kept_bytes;
        if (text.size() >= limit) {
            kept.assign(text.substr(text.size() - limit));
            kept_begins_inside_line = true;
            return;
        }
        // Cut now and then, not each time.
        if (kept.size() + text.size() > 2 * limit) {
            kept.erase(0, kept.size() + text.size() - limit);
            kept_begins_inside_line = true;
        }
        kept += text;
    }

    void tell_lines(std::string_view lines) const {
        if (is_alone || !options.on_line) {
            return;
        }
        while (!lines.empty()) {
            options.on_line(model::next_line(lines));
        }
    }
};

/// One pipe of the child and its way into one log.
class LogRelay::Stream : public std::enable_shared_from_this<Stream> {
public:
    Stream(std::shared_ptr<Shared> shared, LogOutput& log)
        : shared_(std::move(shared)), log_(log), writer_(log.add_writer()), pipe_(shared_->loop) {}

    void begin(Fd read_end) {
        pipe_.assign(read_end.release());
        wait_for_bytes();
    }

    void release() {
        if (!pipe_.is_open() || is_released_) {
            return;
        }
        int size = 0;
        ::ioctl(pipe_.native_handle(), FIONREAD, &size);
        is_released_ = true;
        may_still_read_ = static_cast<std::size_t>(std::max(size, 0));
        if (!waits_for_log_) {
            pipe_.cancel();
            read_on();
        }
    }

    void abandon() {
        log_.remove_writer(writer_);
        boost::system::error_code ignored;
        pipe_.close(ignored);
        has_ended_ = true;
    }

    bool has_ended() const { return has_ended_; }

private:
    bool may_drop() const { return shared_->options.loss == LogLoss::when_stuck; }

    void wait_for_bytes() {
        pipe_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                         [self = shared_from_this()](const boost::system::error_code& error) {
                             if (!error && !self->is_released_ && !self->has_ended_) {
                                 self->read_on();
                             }
                         });
    }

    /// True: it is not this stream's turn; `read_on` is called when it is.
    bool must_wait_for_log() {
        if (may_drop() || log_.is_free(writer_)) {
            return false;
        }
        waits_for_log_ = true;
        log_.when_free(writer_, [self = shared_from_this()] {
            self->waits_for_log_ = false;
            self->read_on();
        });
        return true;
    }

    void read_on() {
        for (int portion = 0; portion < portions_in_one_turn; ++portion) {
            if (has_ended_ || must_wait_for_log()) {
                return;
            }
            if (is_released_ && may_still_read_ == 0) {
                return finish();
            }
            const std::span<char> scratch = log_.scratch();
            const ssize_t size =
                ::read(pipe_.native_handle(), scratch.data(), std::min(scratch.size(), may_still_read_));
            if (size < 0 && (errno == EAGAIN || errno == EINTR) && !is_released_) {
                break;
            }
            if (size <= 0) {
                return finish();
            }
            take({scratch.data(), static_cast<std::size_t>(size)});
        }
        if (is_released_) {
            boost::asio::post(shared_->loop, [self = shared_from_this()] {
                if (!self->has_ended_) {
                    self->read_on();
                }
            });
        } else {
            wait_for_bytes();
        }
    }

    void take(std::string_view bytes) {
        if (is_released_) {
            may_still_read_ -= bytes.size();
        }
        if (static_cast<ssize_t>(bytes.size()) >= usual_pipe_size && !is_enlarged_) {
            // A busy child: fewer turns for the same bytes. Refused beyond the user's share.
            is_enlarged_ = true;
            ::fcntl(pipe_.native_handle(), F_SETPIPE_SZ, busy_pipe_size);
        }
        const auto last_end = bytes.rfind('\n');
        if (last_end != std::string_view::npos) {
            hand_over(bytes.substr(0, last_end + 1));
            bytes.remove_prefix(last_end + 1);
        }
        unfinished_ += bytes;
        if (unfinished_.size() > longest_kept_line) {
            hand_over_piece();
        }
    }

    /// Whole lines; the first continues what is unfinished.
    void hand_over(std::string_view lines) {
        shared_->keep(unfinished_);
        shared_->keep(lines);
        if (!unfinished_.empty()) {
            std::string_view rest = lines;
            shared_->tell_lines(unfinished_ + std::string{model::next_line(rest)});
            shared_->tell_lines(rest);
        } else {
            shared_->tell_lines(lines);
        }
        std::string dropable;
        std::string& text = may_drop() ? dropable : log_.buffer();
        append_lines(text, lines);
        unfinished_.clear();
        send(text, LogOutput::Ending::line_end);
    }

    void append_lines(std::string& text, std::string_view lines) const {
        const std::string& prefix = shared_->options.prefix;
        if (!log_.holds_line(writer_)) {
            text += prefix;
        }
        text += unfinished_;
        if (prefix.empty()) {
            text += lines;
            return;
        }
        while (true) {
            const auto end = lines.find('\n') + 1;
            text += lines.substr(0, end);
            lines.remove_prefix(end);
            if (lines.empty()) {
                return;
            }
            text += prefix;
        }
    }

    /// A line that is longer than what is kept. One that may be dropped cannot hold the log: it becomes several.
    void hand_over_piece() {
        if (may_drop()) {
            return hand_over("\n");
        }
        if (!log_.is_free(writer_)) {
            return; // with its next bytes
        }
        shared_->keep(unfinished_);
        shared_->tell_lines(unfinished_);
        std::string& text = log_.buffer();
        if (!log_.holds_line(writer_)) {
            text += shared_->options.prefix;
        }
        text += unfinished_;
        unfinished_.clear();
        send(text, LogOutput::Ending::inside_line);
    }

    void send(std::string_view text, LogOutput::Ending ending) {
        if (may_drop()) {
            log_.write_or_drop(text);
        } else {
            log_.commit(writer_, ending);
        }
    }

    /// It is this stream's turn: the last line, with the line feed that it may lack.
    void finish() {
        if (!unfinished_.empty() || log_.holds_line(writer_)) {
            if (must_wait_for_log()) {
                is_released_ = true;
                may_still_read_ = 0;
                return;
            }
            hand_over("\n");
        }
        has_ended_ = true;
        boost::system::error_code ignored;
        pipe_.close(ignored);
        if (--shared_->open_streams == 0) {
            boost::asio::post(shared_->loop, [shared = shared_] {
                if (!shared->is_alone && shared->options.on_end) {
                    shared->options.on_end();
                }
            });
        }
    }

    std::shared_ptr<Shared> shared_;
    LogOutput& log_;
    LogOutput::Writer writer_;
    boost::asio::posix::stream_descriptor pipe_;
    std::string unfinished_; // the line that has no line feed yet
    bool waits_for_log_ = false;
    bool is_enlarged_ = false;
    bool is_released_ = false;
    std::size_t may_still_read_ = std::numeric_limits<std::size_t>::max();
    bool has_ended_ = false;
};

LogRelay::LogRelay(boost::asio::io_context& loop, LogOutput& output, LogOutput& error, LogRelayOptions options)
    : shared_(std::make_shared<Shared>(loop, std::move(options), std::string{})),
      streams_{std::make_shared<Stream>(shared_, output), std::make_shared<Stream>(shared_, error)} {}

LogRelay::~LogRelay() {
    shared_->is_alone = true;
    for (const auto& stream : streams_) {
        stream->abandon();
    }
}

Result<LogRelayEnds> LogRelay::open() {
    Pipe output = open_pipe();
    Pipe error = open_pipe();
    if (!output.read || !error.read) {
        return failure("cannot open a pipe for its output: " + errno_text(errno));
    }
    // Only davit's ends: the child's are another file description.
    ::fcntl(output.read.get(), F_SETFL, O_NONBLOCK);
    ::fcntl(error.read.get(), F_SETFL, O_NONBLOCK);
    streams_[0]->begin(std::move(output.read));
    streams_[1]->begin(std::move(error.read));
    return LogRelayEnds{.output = std::move(output.write), .error = std::move(error.write)};
}

void LogRelay::release() {
    // A line's observer may end the relay.
    for (const auto& stream : std::array{streams_[0], streams_[1]}) {
        stream->release();
    }
}

bool LogRelay::has_ended() const {
    return std::ranges::all_of(streams_, [](const auto& stream) { return stream->has_ended(); });
}

std::vector<std::string> LogRelay::last_lines(std::size_t count) const {
    std::string_view rest = shared_->kept;
    bool begins_inside_line = shared_->kept_begins_inside_line;
    if (rest.size() > shared_->options.kept_bytes) {
        rest.remove_prefix(rest.size() - shared_->options.kept_bytes);
        begins_inside_line = true;
    }
    if (begins_inside_line) {
        model::next_line(rest);
    }
    std::vector<std::string> lines;
    while (!rest.empty()) {
        lines.emplace_back(model::next_line(rest));
    }
    if (lines.size() > count) {
        lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(count));
    }
    return lines;
}

} // namespace davit::os
