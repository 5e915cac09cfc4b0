// SPDX-License-Identifier: Apache-2.0
#include "os/signals.h"

#include "os/errno_text.h"

#include <array>
#include <cerrno>
#include <sys/signalfd.h>
#include <unistd.h>

namespace davit::os {
namespace {

/// Faults of the program itself: blocked, they would end it all the same, or loop.
constexpr std::array faults = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS};

sigset_t blocked_signals() {
    sigset_t blocked;
    sigfillset(&blocked);
    for (const int fault : faults) {
        sigdelset(&blocked, fault);
    }
    return blocked;
}

sigset_t ignored_signals() {
    sigset_t ignored;
    sigemptyset(&ignored);
    for (int number = 1; number < NSIG; ++number) {
        struct sigaction action{};
        if (::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) {
            sigaddset(&ignored, number);
        }
    }
    return ignored;
}

/// A signal that was ignored never reaches a signalfd; SIGCHLD ignored would reap behind our back.
void stop_ignoring(const sigset_t& ignored) {
    for (int number = 1; number < NSIG; ++number) {
        if (sigismember(&ignored, number) == 1) {
            std::signal(number, SIG_DFL);
        }
    }
}

ReceivedSignal read_signal(const signalfd_siginfo& info) {
    const int number = static_cast<int>(info.ssi_signo);
    const auto sender = static_cast<pid_t>(info.ssi_pid);
    if (info.ssi_code == SI_KERNEL) {
        return {.number = number, .origin = SignalOrigin::kernel, .sender = 0};
    }
    const SignalOrigin origin = sender != 0 ? SignalOrigin::inside : SignalOrigin::outside;
    return {.number = number, .origin = origin, .sender = sender};
}

} // namespace

CallersSignals take_over_signals() {
    CallersSignals callers{.mask = {}, .ignored = ignored_signals()};
    const sigset_t blocked = blocked_signals();
    ::sigprocmask(SIG_SETMASK, &blocked, &callers.mask);
    stop_ignoring(callers.ignored);
    std::signal(SIGPIPE, SIG_IGN);
    return callers;
}

SignalReceiver::SignalReceiver(boost::asio::io_context& loop, std::function<void(const ReceivedSignal&)> on_signal,
                               std::function<void()> on_child)
    : signals_(loop), on_signal_(std::move(on_signal)), on_child_(std::move(on_child)) {}

Result<void> SignalReceiver::start() {
    const sigset_t wanted = blocked_signals();
    Fd descriptor{::signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC)};
    if (!descriptor) {
        return failure("cannot receive signals: " + errno_text(errno));
    }
    boost::system::error_code error;
    signals_.assign(descriptor.get(), error);
    if (error) {
        return failure("cannot receive signals: " + error.message());
    }
    descriptor.release();
    wait();
    return {};
}

void SignalReceiver::wait() {
    signals_.async_wait(boost::asio::posix::descriptor_base::wait_read, [this](const boost::system::error_code& error) {
        // Any error means that the receiver is closing or gone.
        if (!error) {
            receive();
        }
    });
}

void SignalReceiver::receive() {
    std::array<signalfd_siginfo, 16> infos;
    const ssize_t size = ::read(signals_.native_handle(), infos.data(), sizeof infos);
    const std::size_t count = size > 0 ? static_cast<std::size_t>(size) / sizeof(signalfd_siginfo) : 0;
    // Before the callbacks: one of them may end davit.
    wait();
    bool child_ended = false;
    for (std::size_t index = 0; index < count; ++index) {
        if (infos[index].ssi_signo == SIGCHLD) {
            child_ended = true;
        } else {
            on_signal_(read_signal(infos[index]));
        }
    }
    if (child_ended) {
        on_child_();
    }
}

} // namespace davit::os
