// SPDX-License-Identifier: Apache-2.0
// Holds a merged tree against the tables of keys.h: unknown keys, wrong types, values out of range, and
// resolves `${...}`. What passes is left in one form, so that whoever reads it needs no second check:
// numbers are parsed, a command is a list of words, env a map, steps and ports lists, dependsOn a map.
#pragma once

#include "config/keys.h"
#include "config/problem.h"
#include "config/sources.h"
#include "config/yaml_document.h"

namespace davit::config {

/// `root` is a merged map. What is wrong is told and marked `bad`, and so are the maps that hold it.
void check_values(Node& root, const Sources& sources, Problems& problems);

} // namespace davit::config
