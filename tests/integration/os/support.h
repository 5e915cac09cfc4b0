// SPDX-License-Identifier: Apache-2.0
// What the tests of this room share: a loop that is run until a condition holds, shell children whose output is
// collected, a folder that goes away.
#pragma once

#include "os/child_reaper.h"
#include "os/fd.h"
#include "os/spawn.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <array>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace davit::test {

using namespace std::chrono_literals;

/// Runs the loop until `holds()`; false: it did not within many seconds.
template <typename Condition>
bool run_until(boost::asio::io_context& loop, Condition holds) {
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        loop.restart();
        loop.run_one_for(10ms);
    }
    return true;
}

/// Runs a coroutine to its end.
template <typename Value>
Value result_of(boost::asio::io_context& loop, boost::asio::awaitable<Value> task) {
    std::optional<Value> result;
    std::exception_ptr escaped;
    boost::asio::co_spawn(loop, std::move(task), [&](std::exception_ptr error, Value value) {
        escaped = error;
        result.emplace(std::move(value));
    });
    if (!run_until(loop, [&] { return result.has_value(); })) {
        throw std::runtime_error{"the coroutine did not end"};
    }
    if (escaped) {
        std::rethrow_exception(escaped);
    }
    return std::move(*result);
}

/// As run_until without a loop: for what other processes do.
template <typename Condition>
bool eventually(Condition holds) {
    const auto deadline = std::chrono::steady_clock::now() + 60s;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

inline os::SpawnRequest shell(const std::string& script) {
    return {.argv = {"/bin/sh", "-c", script}, .environment = {"PATH=/usr/bin:/bin"}};
}

inline int wait_for(pid_t child) {
    int status = 0;
    ::waitpid(child, &status, 0);
    return status;
}

/// What an earlier test has ended may become this process's child only now.
inline void wait_for_leftovers() {
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
}

/// Everything up to the end of the file.
inline std::string read_all(int descriptor) {
    std::string text;
    std::array<char, 4096> buffer;
    ssize_t size = 0;
    while ((size = ::read(descriptor, buffer.data(), buffer.size())) > 0) {
        text.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return text;
}

/// What the child writes to its stdout. The child ends, and well.
inline std::string output_of(os::SpawnRequest request) {
    os::Pipe pipe = os::open_pipe();
    request.streams[1] = os::GivenStream{pipe.write.get()};
    const auto child = os::spawn(request);
    pipe.write.reset();
    if (!child) {
        return "not started: " + os::describe(child.error(), request);
    }
    std::string text = read_all(pipe.read.get());
    const int status = wait_for(*child);
    return status == 0 ? text : text + "ended badly: " + std::to_string(status);
}

class Folder {
public:
    Folder() {
        std::string name = "/tmp/davit-os-test-XXXXXX";
        path_ = ::mkdtemp(name.data());
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::string& path() const { return path_; }
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }

    std::string write(const std::string& name, std::string_view text, mode_t mode = 0644) const {
        const std::string path = *this / name;
        const os::Fd file{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)};
        static_cast<void>(::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
        ::fchmod(file.get(), mode);
        return path;
    }

private:
    std::string path_;
};

} // namespace davit::test
