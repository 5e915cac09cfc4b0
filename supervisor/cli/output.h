// SPDX-License-Identifier: Apache-2.0
// What a client command prints: lines on stdout, errors as "davit COMMAND: ..." on stderr. A reader that
// went away or stopped never keeps a client from its result or past its deadline.
#pragma once

#include "model/time.h"

#include <string_view>

namespace davit::cli {

class Output {
public:
    /// `command` is what stands in front of errors. Writing ends at `deadline` (and a little grace).
    Output(std::string_view command, TimePoint deadline);

    void line(std::string_view text);
    /// As it is, without a line feed.
    void text(std::string_view text);
    void error(std::string_view text);
    /// On stderr as it is: it names its place itself.
    void error_line(std::string_view text);

    /// Nobody takes what goes to stdout any more.
    bool is_broken() const { return stdout_is_broken_; }
    void set_deadline(TimePoint deadline) { deadline_ = deadline; }

private:
    std::string_view command_;
    TimePoint deadline_;
    bool stdout_is_broken_ = false;
};

} // namespace davit::cli
