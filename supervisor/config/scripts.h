// SPDX-License-Identifier: Apache-2.0
// The life cycle's scripts that need no line of configuration: an executable named preload, online,
// offline or stop (`.sh` allowed) in the scripts directory is the step of that name.
#pragma once

#include "config/problem.h"
#include "config/sources.h"
#include "model/spec.h"

#include <optional>
#include <string>
#include <string_view>

namespace davit::config {

/// The full path of the script for `step`; nullopt: there is none, or it cannot be used, which is told.
std::optional<model::Text> find_script(const model::Text& directory, std::string_view step, const Sources& sources,
                                       Problems& problems);

/// Whether a script of any step is in the directory, usable or not.
bool has_script(const std::string& directory, const Sources& sources);

} // namespace davit::config
