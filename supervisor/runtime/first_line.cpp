// SPDX-License-Identifier: Apache-2.0
#include "runtime/first_line.h"

#include "os/errno_text.h"

#include <algorithm>
#include <cerrno>

namespace davit::runtime {
namespace {

namespace asio = boost::asio;

} // namespace

struct FirstLine::State : std::enable_shared_from_this<FirstLine::State> {
    explicit State(asio::io_context& loop) : pipe(loop) {}

    void keep(std::size_t size) {
        for (const char character : std::string_view{buffer.data(), size}) {
            is_complete = is_complete || character == '\n';
            if (is_complete || line.size() >= longest) {
                return;
            }
            line.push_back(character);
        }
    }

    void read_on() {
        pipe.async_read_some(asio::buffer(buffer),
                             [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
                                 self->keep(size);
                                 if (!error) {
                                     self->read_on();
                                 }
                             });
    }

    /// A writer that is faster than the reader must not hold up the loop.
    void read_what_is_there() {
        constexpr int at_most = 64;
        for (int round = 0; round < at_most; ++round) {
            boost::system::error_code error;
            const std::size_t size = pipe.read_some(asio::buffer(buffer), error);
            if (error || size == 0) {
                return;
            }
            keep(size);
        }
    }

    asio::posix::stream_descriptor pipe;
    std::array<char, 1024> buffer{};
    std::string line;
    bool is_complete = false;
};

FirstLine::FirstLine(asio::io_context& loop) : state_(std::make_shared<State>(loop)) {}

FirstLine::~FirstLine() {
    boost::system::error_code ignored;
    state_->pipe.close(ignored);
}

Result<os::Fd> FirstLine::open() {
    os::Pipe pipe = os::open_pipe();
    if (!pipe.read) {
        return failure("cannot make a pipe: " + os::errno_text(errno));
    }
    boost::system::error_code error;
    state_->pipe.assign(pipe.read.get(), error);
    if (error) {
        return failure("cannot watch a pipe: " + error.message());
    }
    pipe.read.release();
    state_->pipe.non_blocking(true, error);
    state_->read_on();
    return std::move(pipe.write);
}

std::string FirstLine::take() {
    state_->read_what_is_there();
    boost::system::error_code ignored;
    state_->pipe.close(ignored);
    std::ranges::replace_if(
        state_->line, [](unsigned char character) { return character < ' ' || character == 127; }, ' ');
    while (state_->line.ends_with(' ')) {
        state_->line.pop_back();
    }
    return std::move(state_->line);
}

} // namespace davit::runtime
