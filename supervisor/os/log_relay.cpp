// SPDX-License-Identifier: Apache-2.0
#include "os/log_relay.h"

#include "model/json_text.h"
#include "model/text_parts.h"
#include "os/errno_text.h"
#include "os/wall_clock.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <fcntl.h>
#include <limits>
#include <sys/ioctl.h>
#include <unistd.h>

namespace davit::os {
namespace {

/// The others of the loop wait for it: probes, hooks, the stop. What a byte costs differs a hundredfold, between long
/// lines as they are and empty ones that are looked at or become JSON, so only time bounds a turn.
constexpr std::chrono::milliseconds longest_turn{2};
constexpr std::size_t least_portion = std::size_t{16} * 1024;
constexpr std::size_t usual_portion = std::size_t{64} * 1024; // what a pipe holds
constexpr int busy_pipe_size = 256 * 1024;
constexpr std::size_t usual_line = std::size_t{16} * 1024;

/// What this thread has computed: on a busy machine a read takes longer, because others have the CPU, and costs no
/// more.
std::chrono::nanoseconds own_time() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

} // namespace

/// What both streams of one child have in common.
struct LogRelay::Shared {
    boost::asio::io_context& loop;
    LogRelayOptions options;
    int open_streams = 2;
    bool is_alone = false; // the relay is gone: no more calls

    void keep(LogStream stream, std::string_view text) const {
        if (options.kept != nullptr && !is_alone && !text.empty()) {
            options.kept->add(stream, text);
        }
    }

    void tell_lines(std::string_view lines) const {
        if (is_alone || !options.on_line) {
            return;
        }
        while (!lines.empty()) {
            options.on_line(model::next_line(lines));
        }
    }

    /// Of one read, at most: a short line becomes a long object.
    std::size_t greatest_portion() const {
        return options.json_label.empty() ? std::numeric_limits<std::size_t>::max() : usual_portion;
    }
};

/// One pipe of the child and its way into one log.
class LogRelay::Stream : public std::enable_shared_from_this<Stream> {
public:
    Stream(std::shared_ptr<Shared> shared, LogStream kind, LogOutput& log)
        : shared_(std::move(shared)), kind_(kind), log_(log), writer_(log.add_writer()), pipe_(shared_->loop) {}

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
    bool may_drop() const { return shared_->options.loss != LogLoss::never; }
    bool is_json() const { return !shared_->options.json_label.empty(); }
    /// The end of a line is still owed to the log.
    bool owes_line_end() const { return is_json() || may_drop() ? is_inside_line_ : log_.holds_line(writer_); }

    void wait_for_bytes() {
        pipe_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                         [self = shared_from_this()](const boost::system::error_code& error) {
                             if (!error && !self->is_released_ && !self->has_ended_) {
                                 self->read_on();
                             }
                         });
    }

    void ask_for_turn() {
        waits_for_log_ = true;
        log_.when_free(writer_, [self = shared_from_this()] {
            self->waits_for_log_ = false;
            self->read_on();
        });
    }

    /// True: it is not this stream's turn; `read_on` is called when it is.
    bool must_wait_for_log() {
        if (may_drop() || log_.is_free(writer_)) {
            return false;
        }
        ask_for_turn();
        return true;
    }

    void read_on() {
        const std::chrono::nanoseconds end_of_turn = own_time() + longest_turn;
        for (std::chrono::nanoseconds began = own_time(); began < end_of_turn;) {
            if (has_ended_ || must_wait_for_log()) {
                return;
            }
            if (is_released_ && may_still_read_ == 0) {
                return finish();
            }
            const std::span<char> scratch = log_.scratch();
            const std::size_t most = std::min({scratch.size(), portion_, may_still_read_});
            const ssize_t size = ::read(pipe_.native_handle(), scratch.data(), most);
            if (size < 0 && (errno == EAGAIN || errno == EINTR) && !is_released_) {
                break;
            }
            if (size <= 0) {
                return finish();
            }
            take({scratch.data(), static_cast<std::size_t>(size)});
            const std::chrono::nanoseconds ended = own_time();
            settle_portion(static_cast<std::size_t>(size), ended - began);
            began = ended;
        }
        if (!is_released_) {
            return wait_for_bytes();
        }
        if (!may_drop()) {
            return ask_for_turn(); // by way of the log: what is drained waits for it
        }
        boost::asio::post(shared_->loop, [self = shared_from_this()] {
            if (!self->has_ended_) {
                self->read_on();
            }
        });
    }

    /// The next read is as large as fits well into a turn.
    void settle_portion(std::size_t size, std::chrono::nanoseconds took) {
        if (took > longest_turn) {
            portion_ = std::max(std::min(portion_, size) / 2, least_portion);
        } else if (took < longest_turn / 3 && size >= portion_) {
            portion_ = std::min({portion_ * 2, log_.scratch().size(), shared_->greatest_portion()});
        }
    }

    void take(std::string_view bytes) {
        if (is_released_) {
            may_still_read_ -= bytes.size();
        }
        if (bytes.size() >= usual_portion && !is_enlarged_) {
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
        if (!unfinished_.empty()) {
            const auto end = lines.find('\n') + 1;
            unfinished_ += lines.substr(0, end);
            lines.remove_prefix(end);
        }
        for (const std::string_view part : {std::string_view{unfinished_}, lines}) {
            shared_->keep(kind_, part);
            shared_->tell_lines(part);
        }
        write({unfinished_, lines}, LogOutput::Ending::line_end);
        is_inside_line_ = false;
        if (unfinished_.capacity() > usual_line) {
            unfinished_ = {};
        }
        unfinished_.clear();
    }

    /// A line that is longer than what is kept. One that may be dropped cannot hold the log: it becomes several.
    void hand_over_piece() {
        if (shared_->options.loss == LogLoss::when_stuck) {
            return hand_over("\n");
        }
        if (!may_drop() && !log_.is_free(writer_)) {
            return; // with its next bytes
        }
        // Its last character may not be there yet.
        const std::string_view piece = model::whole_characters(unfinished_, unfinished_.size() - 1);
        shared_->keep(kind_, piece);
        shared_->tell_lines(piece);
        write({piece, {}}, is_json() ? LogOutput::Ending::line_end : LogOutput::Ending::inside_line);
        is_inside_line_ = true;
        unfinished_.erase(0, piece.size());
    }

    void write(std::array<std::string_view, 2> parts, LogOutput::Ending ending) {
        if (shared_->options.loss == LogLoss::always) {
            return;
        }
        std::string dropable;
        std::string& text = may_drop() ? dropable : log_.buffer();
        if (is_json()) {
            append_objects(text, parts);
        } else {
            append_lines(text, parts);
        }
        if (may_drop()) {
            log_.write_or_drop(text);
        } else {
            log_.commit(writer_, ending);
        }
    }

    void append_lines(std::string& text, std::array<std::string_view, 2> parts) const {
        const std::string& prefix = shared_->options.prefix;
        bool continues_line = log_.holds_line(writer_);
        for (std::string_view lines : parts) {
            while (!lines.empty()) {
                if (!continues_line) {
                    text += prefix;
                }
                continues_line = false;
                const auto end = prefix.empty() ? std::string_view::npos : lines.find('\n');
                const std::string_view line = lines.substr(0, end == std::string_view::npos ? end : end + 1);
                text += line;
                lines.remove_prefix(line.size());
            }
        }
    }

    void append_objects(std::string& text, std::array<std::string_view, 2> parts) const {
        std::string head = "{\"time\":\"" + utc_now() + "\"," + shared_->options.json_label + ",\"stream\":\"";
        head += to_string(kind_);
        head += "\",\"message\":\"";
        for (std::string_view lines : parts) {
            while (!lines.empty()) {
                const auto end = lines.find('\n');
                append_object(text, head, lines.substr(0, end), end == std::string_view::npos);
                lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
            }
        }
    }

    /// One line, or its next piece.
    static void append_object(std::string& text, std::string_view head, std::string_view line, bool is_partial) {
        while (true) {
            const std::string_view piece = model::whole_characters(line, longest_kept_line);
            line.remove_prefix(piece.size());
            text += head;
            model::append_json_text(text, piece);
            text += line.empty() && !is_partial ? "\"}\n" : "\",\"partial\":true}\n";
            if (line.empty()) {
                return;
            }
        }
    }

    /// It is this stream's turn: the last line, with the line feed that it may lack.
    void finish() {
        if (!unfinished_.empty() || owes_line_end()) {
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
    LogStream kind_;
    LogOutput& log_;
    LogOutput::Writer writer_;
    boost::asio::posix::stream_descriptor pipe_;
    std::string unfinished_;      // the line that has no line feed yet
    bool is_inside_line_ = false; // pieces of it were handed over
    bool waits_for_log_ = false;
    bool is_enlarged_ = false;
    std::size_t portion_ = usual_portion; // of one read
    bool is_released_ = false;
    std::size_t may_still_read_ = std::numeric_limits<std::size_t>::max();
    bool has_ended_ = false;
};

LogRelay::LogRelay(boost::asio::io_context& loop, LogOutput& output, LogOutput& error, LogRelayOptions options)
    : shared_(std::make_shared<Shared>(loop, std::move(options))),
      streams_{std::make_shared<Stream>(shared_, LogStream::output, output),
               std::make_shared<Stream>(shared_, LogStream::error, error)} {}

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

} // namespace davit::os
