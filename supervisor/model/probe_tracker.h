// SPDX-License-Identifier: Apache-2.0
// Counts the checks of one probe and says when it has become good or bad, with the thresholds of a Pod's
// probes. Running a check, reading its answer and counting it are three things: this is the third.
//
//   startup     good after `successThreshold` in a row; bad on a failed check, but never before
//               failureThreshold × periodSeconds after its first check was due: the first tries are faster
//   readiness   good after `successThreshold` in a row; bad again after `failureThreshold` in a row, which
//               before its first success means nothing: it is just not good yet
//   liveness    bad after `failureThreshold` in a row
#pragma once

#include "model/spec.h"
#include "model/time.h"

#include <cstdint>

namespace davit::model {

struct ProbeTracker {
    TimePoint started; // of the process; the caller sets it
    int tries = 0;     // checks that counted
    int successes = 0; // in a row
    int failures = 0;  // in a row
    bool succeeded_once = false;
    bool good = false;

    friend bool operator==(const ProbeTracker&, const ProbeTracker&) = default;
};

/// `ignored`: the check says nothing (a stall of the loop cost it its time).
enum class CheckResult : std::uint8_t { good, bad, ignored };

enum class ProbeVerdict : std::uint8_t { undecided, good, bad };

struct ProbeUpdate {
    ProbeTracker next;
    ProbeVerdict verdict = ProbeVerdict::undecided;

    friend bool operator==(const ProbeUpdate&, const ProbeUpdate&) = default;
};

ProbeUpdate on_check(const ProbeSpec& spec, ProbeKind kind, ProbeTracker tracker, CheckResult result, TimePoint now);

/// From the begin of the last check to the begin of the next. Until its first success a startup or readiness
/// probe is tried after 50 ms, then in growing steps up to the period, so that a quick start is noticed quickly.
Duration next_check_delay(const ProbeSpec& spec, ProbeKind kind, const ProbeTracker& tracker);

/// The loop stood still for `length`: that time was not the service's, its window for starting moves.
ProbeTracker after_stall(ProbeTracker tracker, Duration length);

} // namespace davit::model
