// SPDX-License-Identifier: Apache-2.0
// Takes what an exec check writes and keeps its first line, at most 1 KiB: that is the probe's message. The
// rest is read and dropped, so that a check that writes much does not hang on a full pipe.
#pragma once

#include "model/result.h"
#include "os/fd.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <array>
#include <memory>
#include <string>

namespace davit::runtime {

class FirstLine {
public:
    static constexpr std::size_t longest = 1024;

    explicit FirstLine(boost::asio::io_context& loop);
    ~FirstLine();
    FirstLine(const FirstLine&) = delete;
    FirstLine& operator=(const FirstLine&) = delete;

    /// The end for the child, to be closed once it was spawned. Error: no descriptors.
    Result<os::Fd> open();
    /// Reads what is there and closes the pipe.
    std::string take();

private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace davit::runtime
