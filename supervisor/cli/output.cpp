// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include "os/client_io.h"

#include <algorithm>
#include <string>

namespace davit::cli {
namespace {

constexpr int standard_output = 1;
constexpr int standard_error = 2;
/// For the last line, when the deadline has just gone by.
constexpr std::chrono::milliseconds last_words{40};

TimePoint not_before_last_words(TimePoint deadline) {
    return std::max<TimePoint>(deadline, std::chrono::steady_clock::now() + last_words);
}

} // namespace

Output::Output(std::string_view command, TimePoint deadline) : command_(command), deadline_(deadline) {
    os::ignore_broken_pipes();
}

void Output::text(std::string_view text) {
    if (!stdout_is_broken_) {
        stdout_is_broken_ =
            os::write_within(standard_output, text, not_before_last_words(deadline_)) != os::IoEnd::done;
    }
}

void Output::line(std::string_view text) {
    this->text(std::string{text} + "\n");
}

void Output::error(std::string_view text) {
    std::string line = "davit ";
    line += command_;
    line += ": ";
    line += text;
    error_line(line);
}

void Output::error_line(std::string_view text) {
    os::write_within(standard_error, std::string{text} + "\n", not_before_last_words(deadline_));
}

} // namespace davit::cli
