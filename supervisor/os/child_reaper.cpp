// SPDX-License-Identifier: Apache-2.0
#include "os/child_reaper.h"

#include <boost/asio/post.hpp>

#include <cerrno>
#include <chrono>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace davit::os {
namespace {

constexpr int most_in_one_turn = 256;
/// What an owner does takes longer, on a busy machine much longer: it may start the next child, which may have ended
/// before the next look.
constexpr std::chrono::milliseconds longest_turn{5};

model::ExitStatus exit_status_of(const siginfo_t& info) {
    if (info.si_code == CLD_EXITED) {
        return model::exited_with(info.si_status);
    }
    return {.signal = info.si_status, .core_dumped = info.si_code == CLD_DUMPED};
}

/// False: there is none. The system call itself, which also tells what the child took (wait4(2)); the C library's
/// waitid leaves that out.
bool wait_for(idtype_t what, id_t which, siginfo_t& info, int options, rusage* taken = nullptr) {
    info.si_pid = 0;
    long result = -1;
    do {
        result = ::syscall(SYS_waitid, what, which, &info, WEXITED | WNOHANG | options, taken);
    } while (result != 0 && errno == EINTR);
    return result == 0 && info.si_pid != 0;
}

Duration cpu_of(const rusage& taken) {
    return std::chrono::seconds{taken.ru_utime.tv_sec + taken.ru_stime.tv_sec} +
           std::chrono::microseconds{taken.ru_utime.tv_usec + taken.ru_stime.tv_usec};
}

} // namespace

ChildReaper::ChildReaper(boost::asio::io_context& loop) : loop_(loop) {}

ChildReaper::~ChildReaper() = default;

void ChildReaper::watch(pid_t child, OnExit on_exit) {
    watched_.insert_or_assign(child, std::move(on_exit));
}

void ChildReaper::forget(pid_t child) {
    if (const auto found = watched_.find(child); found != watched_.end()) {
        found->second = nullptr;
    }
}

void ChildReaper::reap() {
    const auto end = std::chrono::steady_clock::now() + longest_turn;
    int reaped = 0;
    Reaped last = Reaped::stranger;
    while (reaped < most_in_one_turn) {
        last = reap_one();
        if (last == Reaped::nobody) {
            break;
        }
        ++reaped;
        if (last == Reaped::watched && std::chrono::steady_clock::now() >= end) {
            break;
        }
    }
    if (last != Reaped::nobody && !goes_on_) {
        goes_on_ = true;
        boost::asio::post(loop_, [this, alive = std::weak_ptr{alive_}] {
            if (!alive.expired()) {
                goes_on_ = false;
                reap();
            }
        });
    }
    if (reaped > 0 && on_turn_end_) {
        on_turn_end_();
    }
}

ChildReaper::Reaped ChildReaper::reap_one() {
    siginfo_t info{};
    // Only a look: nobody's child may lose its pid before it is known whose it is.
    if (!wait_for(P_ALL, 0, info, WNOWAIT)) {
        return Reaped::nobody;
    }
    const pid_t child = info.si_pid;
    if (watched_.contains(child)) {
        reap_watched(child);
        return Reaped::watched;
    }
    take_off(child);
    ++orphans_reaped_;
    return Reaped::stranger;
}

model::ExitStatus ChildReaper::take_off(pid_t child) {
    siginfo_t info{};
    rusage taken{};
    const pid_t session = on_reaped_ ? ::getsid(child) : 0; // A zombie still is in its session.
    wait_for(P_PID, static_cast<id_t>(child), info, 0, &taken);
    if (on_reaped_) {
        on_reaped_({.pid = child, .session = session, .cpu = cpu_of(taken)});
    }
    return exit_status_of(info);
}

void ChildReaper::reap_watched(pid_t child) {
    const model::ExitStatus status = take_off(child);
    // Out of the map first: the owner may start a new child, which may get the same pid.
    const auto node = watched_.extract(child);
    if (node.mapped()) {
        node.mapped()(status);
    }
}

} // namespace davit::os
