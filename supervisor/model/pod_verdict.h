// SPDX-License-Identifier: Apache-2.0
// Who may ask what, and when somebody who waits can be told the outcome. Questions over the pod's value;
// the pod machine asks them after it has settled.
#pragma once

#include "model/pod_machine.h"

#include <optional>
#include <string>

namespace davit::model {

struct Judgement {
    Verdict verdict;
    std::string message;
};

/// Why a request is not even tried (HTTP 409, exit 1); empty: it is.
std::string refusal_of(const PodSpec& spec, const Pod& pod, const Request& request);

/// The outcome for somebody who waits; nullopt: not yet.
std::optional<Judgement> judge(const PodSpec& spec, const Pod& pod, const Waiter& waiter, TimePoint now);

/// Whether every dependency of a service is met, or need not be.
bool dependencies_met(const PodSpec& spec, const Pod& pod, ServiceIndex service);
bool dependency_met(const PodSpec& spec, const Pod& pod, const Dependency& dependency);

/// Its readiness probe is good, or the ready gate does not ask it: it has none, is not enabled, or completed.
bool is_gate_good_for(const PodSpec& spec, const Pod& pod, ServiceIndex service);
/// Every readiness probe of an enabled, not completed service is good.
bool is_gate_good(const PodSpec& spec, const Pod& pod);

} // namespace davit::model
