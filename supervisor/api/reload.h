// SPDX-License-Identifier: Apache-2.0
// What a reload shows: the problems of a configuration that is refused, and the differences to the one that runs,
// service by service and key by key. Pure; what becomes of a service model/reload.h says.
#pragma once

#include "config/load.h"
#include "model/pod_machine.h"
#include "model/reload.h"

#include <string>
#include <vector>

namespace davit::api {

/// {"error": "the configuration has 2 problems; nothing was changed", "problems": ["FILE:LINE:COLUMN: ...", ...]}
std::string problems_json(const config::LoadResult& loaded);
/// The `error` of it, with the first problem: for the log.
std::string refused_line(const config::LoadResult& loaded);

/// Warnings of a configuration that is good.
std::vector<std::string> warning_lines(const config::LoadResult& loaded);

/// `~ web: restarts`, `    command: [web] → [web, --fast]`, `+ mesh: starts`, `- old: stops, it is removed`.
std::vector<std::string> difference_lines(const model::PodSpec& present, const model::ReloadPlan& plan);

/// The changed keys alone, for the log and the events.
std::vector<model::ChangedKeys> changed_keys(const model::PodSpec& present, const model::ReloadPlan& plan);

} // namespace davit::api
