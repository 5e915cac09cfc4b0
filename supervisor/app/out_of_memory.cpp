// SPDX-License-Identifier: Apache-2.0
#include "app/out_of_memory.h"

#include <chrono>
#include <new>
#include <poll.h>
#include <string_view>
#include <thread>
#include <unistd.h>

namespace davit::app {
namespace {

constexpr std::chrono::milliseconds pause_before_next_try{50};

/// Nothing here may allocate, or wait for a log that nobody reads.
void say(std::string_view line) {
    pollfd log{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    if (::poll(&log, 1, 0) == 1 && (log.revents & POLLOUT) != 0) {
        [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
    }
}

void wait_for_memory() {
    static bool told = false;
    if (!told) {
        told = true;
        say("davit error out of memory: waiting for some\n");
    }
    std::this_thread::sleep_for(pause_before_next_try);
}

} // namespace

void survive_lack_of_memory() {
    std::set_new_handler(wait_for_memory);
}

} // namespace davit::app
