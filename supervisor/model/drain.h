// SPDX-License-Identifier: Apache-2.0
// Decides when traffic has ended after a service went offline: at least `min`, then until no connection was
// seen for 1 s, at most `max`. Counting connections is the runtime's work; it is asked for when
// `next_sample` is due.
#pragma once

#include "model/spec.h"
#include "model/time.h"

#include <optional>
#include <string>

namespace davit::model {

struct Drain {
    TimePoint earliest; // the end of `min`
    TimePoint latest;   // the end of `max`, cut to the budget
    TimePoint began;
    bool watches = false; // there are ports to count on; else it ends at `earliest`
    bool asked = false;   // a count is on its way
    std::optional<TimePoint> next_count;
    std::optional<TimePoint> quiet_since; // no count has found a connection from then on
    std::optional<TimePoint> counted;     // when the last count was made
    std::optional<unsigned> connections;  // of the last count

    friend bool operator==(const Drain&, const Drain&) = default;
};

/// `limit`: what the budget leaves.
Drain begin_drain(const DrainSpec& spec, TimePoint now, TimePoint limit);

/// When a count is due; nullopt: none is wanted, or one is on its way.
std::optional<TimePoint> next_sample(const Drain& drain);
Drain sample_asked(Drain drain);
Drain on_sample(Drain drain, unsigned connections, TimePoint now);

bool is_over(const Drain& drain, TimePoint now);
/// When `is_over` may turn true or a count is due, whichever is first.
TimePoint next_deadline(const Drain& drain);

/// "no connection for 1 s", "3 connections still open after 15 s", "2 s are over".
std::string drain_result(const Drain& drain, TimePoint now);

} // namespace davit::model
