// SPDX-License-Identifier: Apache-2.0
#include "model/told_probe.h"

#include "model/words.h"

#include <algorithm>
#include <variant>

namespace davit::model {
namespace {

template <typename Kind>
bool has_probe(const ServiceSpec& spec) {
    const auto is_kind = [](const std::optional<ProbeSpec>& probe) {
        return probe && std::holds_alternative<Kind>(probe->check);
    };
    return is_kind(spec.startup_probe) || is_kind(spec.readiness_probe) || is_kind(spec.liveness_probe);
}

/// What is waited for.
std::string awaited(const ProbeSpec& probe, ProbeKind kind) {
    if (const auto* log = std::get_if<LogCheck>(&probe.check)) {
        return "line matched \"" + log->pattern.written + "\"";
    }
    return kind == ProbeKind::liveness ? "WATCHDOG=1" : "READY=1";
}

} // namespace

bool is_told(const ProbeSpec& probe) {
    return std::holds_alternative<NotifyCheck>(probe.check) || std::holds_alternative<LogCheck>(probe.check);
}

bool has_notify_probe(const ServiceSpec& spec) {
    return has_probe<NotifyCheck>(spec);
}

bool has_log_probe(const ServiceSpec& spec) {
    return has_probe<LogCheck>(spec);
}

Duration patience_of(const ProbeSpec& probe) {
    constexpr Duration for_ever = Duration::max() / 4;
    const bool runs_over = probe.period > for_ever / std::max(probe.failure_threshold, 1);
    return runs_over ? for_ever : probe.failure_threshold * probe.period;
}

std::optional<TimePoint> must_be_told_by(const ProbeSpec& probe, ProbeKind kind, TimePoint launched, TimePoint now) {
    switch (kind) {
    case ProbeKind::startup: return launched + probe.initial_delay + patience_of(probe);
    case ProbeKind::readiness: return std::nullopt;
    case ProbeKind::liveness: break;
    }
    return std::max(now, launched + probe.initial_delay) + patience_of(probe);
}

std::string nothing_told_text(const ProbeSpec& probe, ProbeKind kind) {
    return "no " + awaited(probe, kind) + " yet";
}

std::string overdue_text(const ProbeSpec& probe, ProbeKind kind, Duration patience) {
    return "no " + awaited(probe, kind) + (kind == ProbeKind::startup ? " within " : " for ") + seconds_text(patience);
}

std::string matched_text(const LogCheck& check) {
    return "a line matched \"" + check.pattern.written + "\"";
}

} // namespace davit::model
