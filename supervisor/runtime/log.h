// SPDX-License-Identifier: Apache-2.0
// davit's own lines: `2026-11-23T07:00:00.123Z davit info mesh running (pid 17)`, or
// `{"time":"2026-11-23T07:00:00.123Z","level":"info","source":"davit","message":"mesh running (pid 17)"}`. They go to
// the container's log and never wait for it: what it does not take is dropped there and counted. There are two formats,
// one writer and no thread: a logging library would be 120 KB of the binary for these lines.
#pragma once

#include "model/spec.h"

#include <functional>
#include <string_view>
#include <utility>

namespace davit::runtime {

enum class LogLevel : unsigned char { info, warn, error };

class Log {
public:
    /// `write` takes one line with its line feed; it must not block. `format` is asked for each line: a reload may
    /// change it.
    Log(std::function<void(std::string_view line)> write, std::function<model::LogFormat()> format)
        : write_(std::move(write)), format_(std::move(format)) {}

    /// Never throws; control characters of `text` are replaced, so one call is one line.
    void write(LogLevel level, std::string_view text) const noexcept;

private:
    std::function<void(std::string_view line)> write_;
    std::function<model::LogFormat()> format_;
};

} // namespace davit::runtime
