// SPDX-License-Identifier: Apache-2.0
// What a way up took: one row for each service, step and gate, and the critical chain. The chain goes back from online
// (or from now, or the failure): which step, gate or service was waited for last, what that one had waited for last,
// and so on to the beginning. Nothing else could have made the start faster.
//
//   log-agent  ██                      * critical: web waited for mesh last, mesh for log-agent
//   cache      ███
//   mesh       ··█████████████         *
//   web        ···············█████    *
#pragma once

#include "model/start_record.h"

#include <optional>
#include <string>
#include <vector>

namespace davit::model {

enum class RowKind : std::uint8_t { service, step, gate };
std::string_view to_string(RowKind kind);

/// Times count from the beginning of the way up.
struct TimelineRow {
    RowKind kind = RowKind::service;
    std::string name; // of a service; "preload", "online 2 of 3", "ready gate", "manual gate"
    bool main = false;
    bool critical = false;
    Duration wanted{};               // it begins to wait
    std::optional<Duration> started; // launched; of a step and a gate: as wanted
    std::optional<Duration> running; // of a service with a startup probe: that is good
    std::optional<Duration> done;    // ready, completed, over
    std::string waited_for;          // name of the service that it waited for last, or waits for
    std::string state;               // "ready", "completed", "not ready", "waits", "done", "failed", "runs"
    unsigned starts = 1;             // launches of a service, tries of a step

    friend bool operator==(const TimelineRow&, const TimelineRow&) = default;
};

struct ChainLink {
    std::string name; // as of the row
    std::string what; // "readiness probe", "startup probe", "start", "runs to completion", "step", "by hand", ...
    Duration from{};
    Duration length{};
    friend bool operator==(const ChainLink&, const ChainLink&) = default;
};

struct Timeline {
    WayUpState state = WayUpState::none;
    Duration length{}; // of the way up so far
    std::string sentence;
    std::vector<TimelineRow> rows;   // by when they started; what has not started comes last
    std::vector<ChainLink> critical; // first to last
};

Timeline timeline(const PodSpec& spec, const StartRecord& record, TimePoint now);

} // namespace davit::model
