// SPDX-License-Identifier: Apache-2.0
// Splits the grace period of a stop, so that whatever hangs, everything after it still gets its turn.
//
//   began          offline     drain       stop       main's TERM   helpers     davit is gone     the end
//     ├──────────────┼───────────┼───────────┼────────────┼────────────┼─────────────────┼
//                                            │ ≤ 2 s      │    2 s     │       1 s       │
//                                 stop limit ┘  main_deadline ┘     planned_end ┘        └ began + total
//
// What is not used goes to what comes later. With less than 6 s in all, 2 s, 2 s and 1 s shrink in proportion.
#pragma once

#include "model/spec.h"
#include "model/time.h"

#include <cstddef>
#include <optional>

namespace davit::model {

/// One way down: `total` is the grace period, counted from `began`.
struct ShutdownBudget {
    TimePoint began;
    Duration total = Duration::zero();

    friend bool operator==(const ShutdownBudget&, const ShutdownBudget&) = default;
};

/// davit plans to be gone then: 1 s before the grace period ends.
TimePoint planned_end(const ShutdownBudget& budget);

/// Main is down by then (KILL), the rest is for the helpers.
TimePoint main_deadline(const ShutdownBudget& budget);

/// When the whole list of `kind` (offline or stop) has to be over, so that what comes after it keeps what it needs:
/// written stop times and the drain in full, and a moment for main's own stop signal. Does not move with time; it
/// is in the past for a list that begins late.
TimePoint steps_limit(const ShutdownBudget& budget, const PodSpec& spec, StepKind kind);

/// When an attempt of step `index` of `kind` (offline or stop) that begins `now` is out of time: its written
/// timeout, or its share of what the list may still take; later steps of the list count, with their written times.
/// After `now` as long as main has time left, also when the list begins late.
TimePoint step_deadline(const ShutdownBudget& budget, const PodSpec& spec, StepKind kind, std::size_t index,
                        TimePoint now);

/// The drain ends then at the latest, whatever its `max`.
TimePoint drain_limit(const ShutdownBudget& budget, const PodSpec& spec);

/// When main is killed, if its stop signal is sent `now`. `grace`: written for main; nullopt: what the budget leaves.
TimePoint main_stop_deadline(const ShutdownBudget& budget, std::optional<Duration> grace, TimePoint now);

/// When a helper is killed that is asked to stop `now`, with `levels_left` rounds of stopping to go (this one
/// included): its own grace, or an equal share of what is left.
TimePoint helper_deadline(const ShutdownBudget& budget, Duration grace, int levels_left, TimePoint now);

} // namespace davit::model
