// SPDX-License-Identifier: Apache-2.0
#include "runtime/line_watch.h"

#include "model/told_probe.h"

#include <algorithm>
#include <chrono>
#include <variant>

namespace davit::runtime {
namespace {

/// A log that is full of matching lines must not become as many facts; a twentieth of the patience is no loss.
Duration rest_after_match(const model::ProbeSpec& probe) {
    using namespace std::chrono_literals;
    return std::clamp<Duration>(model::patience_of(probe) / 20, 10ms, 1s);
}

} // namespace

LineWatch::LineWatch(const model::ServiceSpec& spec, OnMatch on_match) : on_match_(std::move(on_match)) {
    for (const auto kind : {model::ProbeKind::startup, model::ProbeKind::readiness, model::ProbeKind::liveness}) {
        const model::ProbeSpec* probe = model::probe_spec(spec, kind);
        const auto* log = probe == nullptr ? nullptr : std::get_if<model::LogCheck>(&probe->check);
        if (log == nullptr) {
            continue;
        }
        // It was compiled when the configuration was read.
        if (auto pattern = config::LinePattern::compile(log->pattern.value)) {
            watched_.push_back({.probe = kind,
                                .pattern = std::move(*pattern),
                                .rest = kind == model::ProbeKind::liveness ? rest_after_match(*probe) : Duration{},
                                .next_look = {}});
        }
    }
}

void LineWatch::take(std::string_view line) {
    for (Watched& watched : watched_) {
        if (watched.is_done) {
            continue;
        }
        const bool rests = watched.rest > Duration{} && std::chrono::steady_clock::now() < watched.next_look;
        if (rests || !watched.pattern.matches(line)) {
            continue;
        }
        watched.is_done = watched.rest == Duration{};
        watched.next_look = std::chrono::steady_clock::now() + watched.rest;
        on_match_(watched.probe);
    }
}

} // namespace davit::runtime
