// SPDX-License-Identifier: Apache-2.0
// davit's own lines: `2026-11-23T07:00:00.123Z davit info mesh running (pid 17)`. They go to the container's
// log and never wait for it: what it does not take is dropped there and counted.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

namespace spdlog {
class logger;
}

namespace davit::runtime {

enum class LogLevel : unsigned char { info, warn, error };

class Log {
public:
    /// `write` takes one line with its line feed; it must not block.
    explicit Log(std::function<void(std::string_view line)> write);
    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    /// Never throws; control characters of `text` are replaced, so one call is one line.
    void write(LogLevel level, std::string_view text) noexcept;

private:
    std::unique_ptr<spdlog::logger> logger_;
};

} // namespace davit::runtime
