// SPDX-License-Identifier: Apache-2.0
// The JSON of a start: times in milliseconds, null for what has not happened.
#include "api/timeline.h"

#include "support/catch.h"

namespace davit::api {

using namespace std::chrono_literals;

TEST_CASE("a timeline has a row each service, step and gate, and its chain", "[timeline]") {
    model::Timeline made{
        .state = model::WayUpState::under_way, .length = 1500ms, .sentence = "so far", .rows = {}, .critical = {}};
    made.rows.push_back({.kind = model::RowKind::service,
                         .name = "mesh",
                         .main = false,
                         .critical = true,
                         .wanted = 0ms,
                         .started = 1234567us,
                         .running = {},
                         .done = {},
                         .waited_for = "log",
                         .state = "not ready",
                         .starts = 2});
    made.critical.push_back({.name = "mesh", .what = "readiness probe", .from = 1234567us, .length = 265ms});

    CHECK(timeline_json("shop", made, "T") ==
          R"({"app": "shop", "state": "under-way", "began": "T", "seconds": 1.5, "sentence": "so far", "rows": [)"
          R"({"kind": "service", "name": "mesh", "main": false, "critical": true, "state": "not ready", )"
          R"("wantedSeconds": 0, "startedSeconds": 1.235, "runningSeconds": null, "doneSeconds": null, )"
          R"("waitedFor": "log", "starts": 2}], "critical": [{"name": "mesh", "what": "readiness probe", )"
          R"("fromSeconds": 1.235, "seconds": 0.265}]})"
          "\n");
}

} // namespace davit::api
