// SPDX-License-Identifier: Apache-2.0
#include "runtime/tally.h"

#include "model/told_probe.h"

#include <utility>
#include <variant>

namespace davit::runtime {

static_assert(std::to_underlying(model::StepKind::stop) == 3 &&
              std::to_underlying(model::StepOutcome::cancelled) == 3 &&
              std::to_underlying(model::ProbeKind::liveness) == 2);

void Tally::note(const model::PodEvent& event, const model::Pod& pod, TimePoint now) {
    if (const auto* step = std::get_if<model::StepFinished>(&event)) {
        note_step(*step, pod, now);
    } else if (const auto* fact = std::get_if<model::ServiceFact>(&event)) {
        note_check(*fact, pod);
    }
}

/// A try that was ended failed of that, whatever it ended with.
void Tally::note_step(const model::StepFinished& step, const model::Pod& pod, TimePoint now) {
    const auto& list = pod.lifecycle.steps;
    if (!list || !list->running || list->running->run != step.run) {
        return;
    }
    const model::StepRun& run = *list->running;
    StepTally& tally = steps_.at(static_cast<std::size_t>(run.kind));
    ++tally.runs.at(static_cast<std::size_t>(run.kill ? run.ended_as : step.outcome));
    tally.last = now - run.began;
}

/// What met a stall of the loop is no failure, and neither is the check of an attempt that is over.
void Tally::note_check(const model::ServiceFact& fact, const model::Pod& pod) {
    const auto* check = std::get_if<model::CheckFinished>(&fact.event);
    if (check == nullptr || check->outcome == model::CheckOutcome::good || fact.service >= pod.services.size()) {
        return;
    }
    const model::Service& service = pod.services[fact.service];
    const model::ProbeState& probe = model::probe_state(service, check->probe);
    if (service.attempt == check->attempt && probe.in_flight && !probe.forgiven) {
        ++of(fact.service).failures.at(static_cast<std::size_t>(check->probe));
    }
}

void Tally::notice(const model::PodEvent& event, const model::PodSpec& spec, const model::Pod& pod) {
    if (const auto* fact = std::get_if<model::ServiceFact>(&event)) {
        return notice_silence(spec, pod, fact->service);
    }
    if (!std::holds_alternative<model::TimePassed>(event)) {
        return;
    }
    for (model::ServiceIndex service = 0; service < pod.services.size(); ++service) {
        notice_silence(spec, pod, service);
    }
}

void Tally::notice_silence(const model::PodSpec& spec, const model::Pod& pod, model::ServiceIndex service) {
    const model::Service& state = pod.services[service];
    if (!state.failed_probe) {
        return;
    }
    const model::ProbeSpec* probe = model::probe_spec(spec.services[service], *state.failed_probe);
    if (probe == nullptr || !model::is_told(*probe) || of(service).silent_attempt == state.attempt) {
        return;
    }
    of(service).silent_attempt = state.attempt;
    ++of(service).failures.at(static_cast<std::size_t>(*state.failed_probe));
}

Tally::ServiceTally& Tally::of(model::ServiceIndex service) {
    if (service >= services_.size()) {
        services_.resize(service + 1);
    }
    return services_[service];
}

} // namespace davit::runtime
