// SPDX-License-Identifier: Apache-2.0
// Says when traffic has ended after offline: at least `min`, then until no connection was seen on the ports
// for 1 s, at most `max`. It asks for counts of established connections and is told them; it never looks
// itself. Without ports there is nothing to count: it ends at `min`.
#pragma once

#include "model/spec.h"
#include "model/time.h"

#include <optional>
#include <string>

namespace davit::model {

/// From one count of connections to the next.
inline constexpr Duration drain_sample_period = 200ms;

struct Drain {
    TimePoint began;
    TimePoint earliest;                   // `min` is over
    TimePoint latest;                     // `max` is over, or the budget
    std::optional<TimePoint> next_sample; // nullopt: no ports, or a count is on its way
    bool counts = false;                  // there are ports
    std::optional<unsigned> connections;  // of the last count
    std::optional<TimePoint> quiet_since; // the first of the latest counts in a row that found none
    std::optional<TimePoint> counted;     // when the last count was made

    friend bool operator==(const Drain&, const Drain&) = default;
};

/// Begins at the end of offline. `limit`: what the budget leaves.
Drain begin_drain(const DrainSpec& spec, TimePoint now, TimePoint limit);

/// When the next count of connections is to be asked for; nullopt: none is.
std::optional<TimePoint> next_sample(const Drain& drain);

/// The count is on its way: no other is asked for until `on_sample`.
Drain sample_asked(Drain drain);

/// `connections` were established on the ports at `now`.
Drain on_sample(Drain drain, unsigned connections, TimePoint now);

bool is_over(const Drain& drain, TimePoint now);

/// When it has to be looked at next: a count is due, or it ends by itself.
TimePoint next_deadline(const Drain& drain);

/// Why it is over, for a person: "no connection for 1 s", "3 connections still open after 15 s".
std::string drain_result(const Drain& drain, TimePoint now);

} // namespace davit::model
