// SPDX-License-Identifier: Apache-2.0
#include "os/path_watch.h"

#include "os/errno_text.h"
#include "os/files.h"

#include <array>
#include <cerrno>
#include <sys/inotify.h>
#include <unistd.h>
#include <utility>

namespace davit::os {
namespace {

constexpr std::chrono::seconds look_again_after{5};
constexpr std::uint32_t whatever_changes_names_or_contents =
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_MODIFY | IN_DELETE_SELF | IN_MOVE_SELF;

/// The nearest directory upwards that is there.
std::string nearest_directory(std::string path) {
    while (path != "/" && !is_directory(path)) {
        path = parent_of(path);
    }
    return path;
}

} // namespace

PathWatch::PathWatch(boost::asio::io_context& loop, std::string path, std::function<void()> may_have_changed)
    : path_(std::move(path)), may_have_changed_(std::move(may_have_changed)), events_(loop), timer_(loop) {
    const int descriptor = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (descriptor < 0) {
        trouble_ = "cannot be told of changes: " + errno_text(errno);
    } else {
        events_.assign(descriptor);
        watch_directories();
        wait();
    }
    look_later_if_troubled();
}

PathWatch::~PathWatch() = default;

/// The one that holds the name, and the one that holds what a link there leads to: in a downward-API volume the
/// contents change when `..data` in the first is renamed over. What is not there yet is seen where it will appear.
void PathWatch::watch_directories() {
    const std::string real = real_path(path_);
    bool all = watch(nearest_directory(parent_of(path_)));
    if (!real.empty() && parent_of(real) != parent_of(path_)) {
        all = watch(parent_of(real)) && all;
    }
    trouble_ = all ? "" : "cannot be told of changes: " + errno_text(errno);
}

/// Watching what is watched already changes nothing.
bool PathWatch::watch(const std::string& directory) {
    return ::inotify_add_watch(events_.native_handle(), directory.c_str(), whatever_changes_names_or_contents) >= 0;
}

void PathWatch::wait() {
    events_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [this](const boost::system::error_code& error) {
                           if (!error) {
                               take_events();
                           }
                       });
}

void PathWatch::take_events() {
    alignas(inotify_event) std::array<char, 4096> buffer{};
    // Bounded: what comes on is read in the next turn.
    for (int round = 0; round < 16 && ::read(events_.native_handle(), buffer.data(), buffer.size()) > 0; ++round) {
    }
    watch_directories(); // the links may lead elsewhere now
    wait();
    look_later_if_troubled();
    may_have_changed_(); // last: it may end this watch
}

void PathWatch::look_later_if_troubled() {
    if (trouble_.empty()) {
        return;
    }
    timer_.expires_after(look_again_after);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) {
            return;
        }
        if (events_.is_open()) {
            watch_directories(); // what was in the way may be gone
        }
        look_later_if_troubled();
        may_have_changed_(); // last: it may end this watch
    });
}

} // namespace davit::os
