// SPDX-License-Identifier: Apache-2.0
#include "os/terminal.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <ctime>
#include <poll.h>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

namespace davit::os {
namespace {

constexpr std::string_view show_cursor = "\x1b[?25h";
constexpr std::array ending_signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

/// A terminal that takes nothing (stopped with Ctrl-S) must not keep this process from its end.
void show_cursor_if_taken() {
    pollfd entry{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
    if (::poll(&entry, 1, 0) > 0 && (entry.revents & POLLOUT) != 0) {
        [[maybe_unused]] const ssize_t written = ::write(STDOUT_FILENO, show_cursor.data(), show_cursor.size());
    }
}

void end_with_cursor(int number);

/// Once, and not blocked inside: the handler raises it again to do what it does by default.
void install(int number) {
    struct sigaction action{};
    action.sa_handler = end_with_cursor;
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
    ::sigaction(number, &action, nullptr);
}

void end_with_cursor(int number) {
    const int error = errno;
    show_cursor_if_taken();
    ::raise(number);
    install(number); // of TSTP: it goes on
    errno = error;
}

void do_nothing(int /*number*/) {}

} // namespace

TerminalSize terminal_size(int descriptor) {
    winsize size{};
    if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0) {
        return {};
    }
    constexpr TerminalSize usual{.columns = 80, .rows = 24};
    return {.columns = size.ws_col == 0 ? usual.columns : size.ws_col,
            .rows = size.ws_row == 0 ? usual.rows : size.ws_row};
}

CursorGuard::CursorGuard() {
    for (const int number : ending_signals) {
        struct sigaction before{};
        ::sigaction(number, nullptr, &before);
        if (before.sa_handler != SIG_IGN) {
            install(number); // nohup and background jobs ignore some
        }
    }
    struct sigaction resize{};
    resize.sa_handler = do_nothing; // without SA_RESTART: it ends the wait
    ::sigaction(SIGWINCH, &resize, nullptr);
}

CursorGuard::~CursorGuard() {
    show_cursor_if_taken();
}

News wait_for_news(int source, int output, TimePoint moment) {
    const auto left = std::max<Duration>(moment - std::chrono::steady_clock::now(), Duration::zero());
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
    const timespec wait{.tv_sec = static_cast<time_t>(seconds.count()),
                        .tv_nsec = static_cast<long>((left - seconds).count())};
    // Of the output only its end is of interest: POLLERR and POLLHUP come unasked.
    std::array entries{pollfd{.fd = output, .events = 0, .revents = 0},
                       pollfd{.fd = source, .events = POLLIN, .revents = 0}};
    if (::ppoll(entries.data(), entries.size(), &wait, nullptr) <= 0) {
        return News::none;
    }
    return entries[0].revents != 0 ? News::output_gone : News::there;
}

} // namespace davit::os
