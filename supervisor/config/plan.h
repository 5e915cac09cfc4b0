// SPDX-License-Identifier: Apache-2.0
// The effective configuration in the shape of the configuration: every key of keys.h that has a value, written or
// by default. What it prints can be loaded again and gives the same plan. Texts keep their `${...}` as written;
// the values of variables and headers, and bodies, are `***`. Scripts that were found are steps.
#pragma once

#include "config/plan_tree.h"
#include "model/spec.h"

#include <string>
#include <string_view>
#include <vector>

namespace davit::config {

/// What stands in the place of a secret.
inline constexpr std::string_view masked = "***";

/// Services that a reload removed are left out.
PlanNode plan_of(const model::PodSpec& pod);

/// The keys in which a service differs between two specifications.
std::vector<KeyChange> changed_keys_of_service(const model::PodSpec& before, model::ServiceIndex index_before,
                                               const model::PodSpec& after, model::ServiceIndex index_after);
/// As above, of everything but the services: "lifecycle.drain.maxSeconds".
std::vector<KeyChange> changed_keys_of_pod(const model::PodSpec& before, const model::PodSpec& after);

} // namespace davit::config
