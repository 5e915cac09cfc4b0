// SPDX-License-Identifier: Apache-2.0
// Signals as davit gets them: blocked from the first line of main on and read from a signalfd, so that no
// handler ever runs, neither in davit nor in a vforked child. Each signal says who sent it: a process of the
// container, somebody outside of it (the kubelet: sender pid 0) or the kernel (a terminal's Ctrl-C).
#pragma once

#include "model/result.h"
#include "os/fd.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <csignal>
#include <cstdint>
#include <functional>
#include <sys/types.h>

namespace davit::os {

/// How the process that started davit had its signals. Plain init passes both on to its child.
struct CallersSignals {
    sigset_t mask;
    sigset_t ignored;
};

/// Blocks every signal that is not a fault of the program itself (SIGSEGV and its like) and ignores SIGPIPE.
/// The first call of main.
CallersSignals take_over_signals();

enum class SignalOrigin : std::uint8_t {
    inside,  // a process that davit can see
    outside, // sender pid 0: not in davit's PID namespace
    kernel,  // a terminal
};

struct ReceivedSignal {
    int number;
    SignalOrigin origin;
    pid_t sender; // 0 unless `inside`
};

class SignalReceiver {
public:
    /// `on_signal` gets every blocked signal but SIGCHLD; `on_child` stands for any number of SIGCHLD. Both are
    /// called from the loop. `loop` must outlive it.
    SignalReceiver(boost::asio::io_context& loop, std::function<void(const ReceivedSignal&)> on_signal,
                   std::function<void()> on_child);

    /// Begins to receive what `take_over_signals` blocked.
    Result<void> start();

private:
    void wait();
    void receive();

    boost::asio::posix::stream_descriptor signals_;
    std::function<void(const ReceivedSignal&)> on_signal_;
    std::function<void()> on_child_;
};

} // namespace davit::os
