// SPDX-License-Identifier: Apache-2.0
// A pattern for lines of a service's output (`log` probes): a POSIX extended regular expression (regex(7)) that is
// checked when the configuration is read and used when lines come. What could make the C library's matcher slow or
// hungry is refused: it runs in PID 1.
#pragma once

#include "model/result.h"

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace davit::config {

class LinePattern {
public:
    static constexpr std::size_t longest_pattern = 512;
    /// A line is looked at up to here.
    static constexpr std::size_t longest_line = 4096;

    /// Error: the C library's words ("Unmatched ( or \("), or what davit refuses.
    static Result<LinePattern> compile(const std::string& text);

    /// Somewhere in `line`, which is taken as bytes; a carriage return at its end does not count.
    bool matches(std::string_view line) const;

private:
    struct Compiled;
    explicit LinePattern(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}

    std::shared_ptr<const Compiled> compiled_;
};

} // namespace davit::config
