// SPDX-License-Identifier: Apache-2.0
// Counts for the metrics what passes the driver: tries of steps and how they ended, probes that failed. It sees each
// fact with the pod that it finds and the pod that it leaves, remembers no more than numbers, and decides nothing.
//
//   fact ──► note(fact, pod before) ──► pod machine ──► notice(fact, pod after)
#pragma once

#include "model/pod_machine.h"
#include "model/spec.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace davit::runtime {

/// The tries of one kind of step.
struct StepTally {
    std::array<std::uint64_t, 4> runs{}; // by model::StepOutcome
    std::optional<Duration> last;        // how long the last one took
    friend bool operator==(const StepTally&, const StepTally&) = default;
};

/// Failed tries of one service's probes, by model::ProbeKind.
using ProbeFailures = std::array<std::uint64_t, 3>;

class Tally {
public:
    /// Before the machine sees it.
    void note(const model::PodEvent& event, const model::Pod& pod, TimePoint now);
    /// After that. A probe that is told (told_probe.h) fails by silence, which only the machine notices.
    void notice(const model::PodEvent& event, const model::PodSpec& spec, const model::Pod& pod);

    const StepTally& step(model::StepKind kind) const { return steps_.at(static_cast<std::size_t>(kind)); }
    ProbeFailures probe_failures(model::ServiceIndex service) const {
        return service < services_.size() ? services_[service].failures : ProbeFailures{};
    }

private:
    struct ServiceTally {
        ProbeFailures failures{};
        unsigned silent_attempt = 0; // the attempt whose silence was counted
    };

    void note_step(const model::StepFinished& step, const model::Pod& pod, TimePoint now);
    void note_check(const model::ServiceFact& fact, const model::Pod& pod);
    void notice_silence(const model::PodSpec& spec, const model::Pod& pod, model::ServiceIndex service);
    ServiceTally& of(model::ServiceIndex service);

    std::array<StepTally, 4> steps_; // by model::StepKind
    std::vector<ServiceTally> services_;
};

} // namespace davit::runtime
