// SPDX-License-Identifier: Apache-2.0
// Looks for what the log probes of a service wait for in its output, line by line, for one attempt. It tells of the
// first line that matches; for a liveness probe again and again, but not more often than it helps.
#pragma once

#include "config/line_pattern.h"
#include "model/service_machine.h"

#include <functional>
#include <string_view>
#include <vector>

namespace davit::runtime {

class LineWatch {
public:
    using OnMatch = std::function<void(model::ProbeKind probe)>;

    LineWatch(const model::ServiceSpec& spec, OnMatch on_match);

    void take(std::string_view line);

private:
    struct Watched {
        model::ProbeKind probe;
        config::LinePattern pattern;
        Duration rest;       // after a match; zero: one is enough
        TimePoint next_look; // no line before is looked at
        bool is_done = false;
    };

    OnMatch on_match_;
    std::vector<Watched> watched_;
};

} // namespace davit::runtime
