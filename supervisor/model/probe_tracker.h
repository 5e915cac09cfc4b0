// SPDX-License-Identifier: Apache-2.0
// Counts the results of one probe against its thresholds and says when to look again. Performing a check
// and acting on the verdict are other rooms' work.
//
//   startup    first tries are fast, so failures are not counted: bad is a failed check at the end of the
//              window initialDelaySeconds + failureThreshold x periodSeconds
//   readiness  never bad for good before it was good once; then `failureThreshold` failures in a row
//   liveness   `failureThreshold` failures in a row
#pragma once

#include "model/spec.h"
#include "model/time.h"

#include <optional>

namespace davit::model {

enum class CheckResult : std::uint8_t { good, bad, ignored };
enum class ProbeVerdict : std::uint8_t { undecided, good, bad };

struct ProbeTracker {
    TimePoint started;  // of the process; the startup window counts from it, moved by stalls of the loop
    int successes = 0;  // in a row
    int failures = 0;   // in a row
    int fast_tries = 0; // checks before the first success
    bool good = false;  // the present verdict
    bool ever_good = false;
    bool ever_succeeded = false; // ends the fast tries; `ever_good` needs successThreshold of them

    friend bool operator==(const ProbeTracker&, const ProbeTracker&) = default;
};

struct ProbeUpdate {
    ProbeTracker next;
    ProbeVerdict verdict = ProbeVerdict::undecided; // only when this check decided something new
};

ProbeUpdate on_check(const ProbeSpec& probe, ProbeKind kind, ProbeTracker tracker, CheckResult result, TimePoint now);

/// From the beginning of the last check to the next. Until its first success a startup or readiness probe
/// is tried after 50 ms, then half as long again each time, up to the period.
Duration next_check_delay(const ProbeSpec& probe, ProbeKind kind, const ProbeTracker& tracker);

/// The loop stood still for `length`: the window moves with it.
ProbeTracker after_stall(ProbeTracker tracker, Duration length);

} // namespace davit::model
