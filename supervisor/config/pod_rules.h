// SPDX-License-Identifier: Apache-2.0
// The rules that hold between keys: unknown dependencies and cycles, conditions that can never be met,
// stop times that are longer than the grace period, a drain that ends before it may. Each is told at the
// place where a person would mend it.
#pragma once

#include "config/problem.h"
#include "config/yaml_document.h"
#include "model/spec.h"

namespace davit::config {

/// `root` is the merged and checked tree from which `pod` was made, its defaults filled in. Maps that hold
/// a bad value are passed over: that value was told.
void check_rules(const model::PodSpec& pod, const Node& root, Problems& problems);

} // namespace davit::config
