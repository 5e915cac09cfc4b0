// SPDX-License-Identifier: Apache-2.0
// Lines of a service's output against the patterns of its log probes.
#include "runtime/line_watch.h"

#include "support/catch.h"

namespace davit::runtime {

using namespace std::chrono_literals;
using model::ProbeKind;

namespace {

struct Watching {
    explicit Watching(model::ServiceSpec spec) : watch(spec, [this](ProbeKind probe) { matched.push_back(probe); }) {}

    std::vector<ProbeKind> matched;
    LineWatch watch;
};

model::ProbeSpec log(const char* pattern) {
    return {.check = model::LogCheck{.pattern = pattern}};
}

} // namespace

TEST_CASE("the first line that matches is told, for each probe its own", "[line_watch]") {
    Watching watching{{.startup_probe = log("^started"), .readiness_probe = log("listening on [0-9]+")}};
    for (const char* line :
         {"not started", "listening on :x", "started", "listening on 80", "started", "listening on 81"}) {
        watching.watch.take(line);
    }
    CHECK(watching.matched == std::vector{ProbeKind::startup, ProbeKind::readiness});
}

TEST_CASE("for a liveness probe lines go on to be told, but not all of many", "[line_watch]") {
    Watching watching{{.liveness_probe = log("tick")}};
    for (int line = 0; line < 1000; ++line) {
        watching.watch.take("tick");
    }
    CHECK(watching.matched.size() == 1); // the next one is looked at a second later
}

TEST_CASE("a line is bytes: zeros, a carriage return and its first 4 KiB", "[line_watch]") {
    const auto matches = [](const char* pattern, std::string_view line) {
        Watching watching{{.startup_probe = log(pattern)}};
        watching.watch.take(line);
        return !watching.matched.empty();
    };
    CHECK(matches("b$", std::string_view{"a\0b", 3}));
    CHECK(matches("^up$", "up\r"));
    CHECK(matches("^$", ""));
    CHECK(matches("gr.{2}n", "grün")); // a character of two bytes is two
    CHECK(matches("end", std::string(4093, 'x') + "end"));
    CHECK_FALSE(matches("end", std::string(4094, 'x') + "end"));
}

TEST_CASE("a service without log probes watches nothing", "[line_watch]") {
    Watching watching{{.startup_probe = model::ProbeSpec{.check = model::NotifyCheck{}}}};
    watching.watch.take("anything");
    CHECK(watching.matched.empty());
}

} // namespace davit::runtime
