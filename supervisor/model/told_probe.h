// SPDX-License-Identifier: Apache-2.0
// Probes that nobody tries because the service tells: `notify` (sd_notify) and `log` (a line of its output). There is
// nothing to repeat and nothing to count, only a time by which something must have been told:
//
//              notify                                    log
//   startup    READY=1 within the window                 a matching line within the window
//   readiness  READY=1, until STOPPING=1                 a matching line, from then on
//   liveness   WATCHDOG=1 again and again, each within   a matching line again and again, each within
//              failureThreshold x periodSeconds          failureThreshold x periodSeconds
//
// The window of startup is initialDelaySeconds + failureThreshold x periodSeconds, as for probes that are tried.
#pragma once

#include "model/spec.h"
#include "model/time.h"

#include <optional>
#include <string>

namespace davit::model {

bool is_told(const ProbeSpec& probe);
bool has_notify_probe(const ServiceSpec& spec);
bool has_log_probe(const ServiceSpec& spec);

/// failureThreshold x periodSeconds, without running over: both are the user's.
Duration patience_of(const ProbeSpec& probe);

/// Until when something must have been told, from the beginning of the probe at `now`; nullopt: readiness may wait.
std::optional<TimePoint> must_be_told_by(const ProbeSpec& probe, ProbeKind kind, TimePoint launched, TimePoint now);

/// "no READY=1 yet", "no line matched "started" yet".
std::string nothing_told_text(const ProbeSpec& probe, ProbeKind kind);
/// "no WATCHDOG=1 for 30 s", "no line matched "started" within 30 s".
std::string overdue_text(const ProbeSpec& probe, ProbeKind kind, Duration patience);
/// "a line matched "started"".
std::string matched_text(const LogCheck& check);

} // namespace davit::model
