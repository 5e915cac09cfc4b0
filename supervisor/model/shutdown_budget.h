// SPDX-License-Identifier: Apache-2.0
// Divides the grace period among what has to happen before it ends, so that nothing that hangs takes the
// time of what comes after it.
//
//   began                                                      main_deadline   planned_end     end
//   │ offline ─► drain ─► stop steps ─► main: TERM ... KILL          │ helpers: TERM ... KILL │ 1 s │
//   └────────────────────────────────────────────────────────────────┴────────────────────────┴─────┘
//
// davit plans to be gone 1 s before the end; the helpers get the 2 s before that. Steps without a written
// timeout get what is left up to main_deadline, less what is written for later stages and a reserve for
// main's own end (2 s, at most a quarter of what is left): a registry that hangs must not cost main its
// TERM. A grace period that is too short for these reserves shrinks them in proportion.
#pragma once

#include "model/spec.h"
#include "model/time.h"

#include <optional>

namespace davit::model {

struct ShutdownBudget {
    TimePoint began;
    Duration total = 30s;

    friend bool operator==(const ShutdownBudget&, const ShutdownBudget&) = default;
};

/// Everything is down by then.
TimePoint planned_end(const ShutdownBudget& budget);
/// main is down by then; the helpers have the rest.
TimePoint main_deadline(const ShutdownBudget& budget);
/// The latest end of an offline or stop step without a written timeout; may lie before `now`: no time is left.
TimePoint step_deadline(const ShutdownBudget& budget, const PodSpec& spec, StepKind kind, TimePoint now);
/// The latest end of a drain.
TimePoint drain_limit(const ShutdownBudget& budget, const PodSpec& spec, TimePoint now);
/// KILL for main: its own grace period if it has one, never later than main_deadline.
TimePoint main_stop_deadline(const ShutdownBudget& budget, std::optional<Duration> own_grace, TimePoint now);
/// KILL for a helper that is stopped now, when `levels` (at least 1) groups of helpers, this one included,
/// still have to stop one after the other.
TimePoint helper_deadline(const ShutdownBudget& budget, Duration own_grace, int levels, TimePoint now);

} // namespace davit::model
