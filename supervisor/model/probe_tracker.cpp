// SPDX-License-Identifier: Apache-2.0
// The body of probe_tracker.h: counts, compares with the thresholds, and tells only what is new.
#include "model/probe_tracker.h"

#include "model/told_probe.h"

#include <algorithm>

namespace davit::model {
namespace {

constexpr Duration first_try_again = 50ms;
/// 50 ms grown by half this often is over a day: enough for every period.
constexpr int most_fast_tries = 40;

bool is_bad(const ProbeSpec& probe, ProbeKind kind, const ProbeTracker& tracker, TimePoint now) {
    switch (kind) {
    case ProbeKind::startup: return now - tracker.started >= probe.initial_delay + patience_of(probe);
    case ProbeKind::readiness: return tracker.ever_good && tracker.failures >= probe.failure_threshold;
    case ProbeKind::liveness: break;
    }
    return tracker.failures >= probe.failure_threshold;
}

} // namespace

ProbeUpdate on_check(const ProbeSpec& probe, ProbeKind kind, ProbeTracker tracker, CheckResult result, TimePoint now) {
    ProbeUpdate update{.next = tracker};
    ProbeTracker& next = update.next;
    switch (result) {
    case CheckResult::ignored: return update;
    case CheckResult::good:
        next.failures = 0;
        next.ever_succeeded = true;
        next.successes = std::min(next.successes + 1, probe.success_threshold);
        if (!next.good && next.successes >= probe.success_threshold) {
            next.good = true;
            next.ever_good = true;
            update.verdict = ProbeVerdict::good;
        }
        return update;
    case CheckResult::bad: break;
    }
    next.successes = 0;
    next.failures = std::min(next.failures + 1, probe.failure_threshold);
    next.fast_tries = std::min(next.fast_tries + 1, most_fast_tries);
    if (is_bad(probe, kind, next, now) && (next.good || kind != ProbeKind::readiness)) {
        next.good = false;
        update.verdict = ProbeVerdict::bad;
    }
    return update;
}

Duration next_check_delay(const ProbeSpec& probe, ProbeKind kind, const ProbeTracker& tracker) {
    if (kind == ProbeKind::liveness || tracker.ever_succeeded) {
        return probe.period;
    }
    Duration delay = first_try_again;
    for (int tries = 1; tries < tracker.fast_tries && delay < probe.period; ++tries) {
        delay += delay / 2;
    }
    return std::min(delay, probe.period);
}

ProbeTracker after_stall(ProbeTracker tracker, Duration length) {
    tracker.started += length;
    return tracker;
}

} // namespace davit::model
