// SPDX-License-Identifier: Apache-2.0
#include "os/client_io.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <ctime>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace davit::os {
namespace {

/// True: `descriptor` is ready for `events` (or broken). False: the deadline came first.
bool wait_for(int descriptor, short events, TimePoint deadline) {
    while (true) {
        const auto left = std::max<Duration>(deadline - std::chrono::steady_clock::now(), Duration::zero());
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
        const timespec wait{.tv_sec = static_cast<time_t>(seconds.count()),
                            .tv_nsec = static_cast<long>((left - seconds).count())};
        pollfd entry{.fd = descriptor, .events = events, .revents = 0};
        const int ready = ::ppoll(&entry, 1, &wait, nullptr);
        if (ready > 0) {
            return true;
        }
        if (ready == 0 || errno != EINTR) {
            return false;
        }
    }
}

bool may_try_again() {
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

} // namespace

Received receive_within(int socket, std::span<char> buffer, TimePoint deadline) {
    while (true) {
        const ssize_t size = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (size > 0) {
            return {.end = IoEnd::done, .size = static_cast<std::size_t>(size)};
        }
        if (size == 0 || !may_try_again()) {
            return {.end = IoEnd::closed};
        }
        if (!wait_for(socket, POLLIN, deadline)) {
            return {.end = IoEnd::deadline};
        }
    }
}

IoEnd send_within(int socket, std::string_view text, TimePoint deadline) {
    while (!text.empty()) {
        const ssize_t size = ::send(socket, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (size >= 0) {
            text.remove_prefix(static_cast<std::size_t>(size));
        } else if (!may_try_again()) {
            return IoEnd::closed;
        } else if (!wait_for(socket, POLLOUT, deadline)) {
            return IoEnd::deadline;
        }
    }
    return IoEnd::done;
}

IoEnd write_within(int descriptor, std::string_view text, TimePoint deadline) {
    while (!text.empty()) {
        if (!wait_for(descriptor, POLLOUT, deadline)) {
            return IoEnd::deadline;
        }
        // A pipe that is ready takes this much without blocking (pipe(7)).
        const ssize_t size = ::write(descriptor, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
        if (size >= 0) {
            text.remove_prefix(static_cast<std::size_t>(size));
        } else if (!may_try_again()) {
            return IoEnd::closed;
        }
    }
    return IoEnd::done;
}

void ignore_broken_pipes() {
    std::signal(SIGPIPE, SIG_IGN);
}

} // namespace davit::os
