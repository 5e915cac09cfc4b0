// SPDX-License-Identifier: Apache-2.0
// Holds a merged tree against the tables of keys.h: unknown keys, wrong types, values out of range, and
// resolves `${...}`. What passes is left in one form, so that whoever reads it needs no second check:
// numbers are parsed, a command is a list of words, env a map, steps and ports lists, dependsOn a map.
#pragma once

#include "config/keys.h"
#include "config/problem.h"
#include "config/sources.h"
#include "config/yaml_document.h"

#include <span>
#include <string_view>

namespace davit::config {

/// `root` is a merged map with `keys`. What is wrong is told and marked `bad`, and so are the maps that hold it.
void check_values(Node& root, const KeySet& keys, const Sources& sources, Problems& problems);

/// Whether a key of `map` that is none of `keys` is probably meant to be one of `wanted`: it was told as unknown, and
/// that what it means is missing need not be told as well.
bool has_slip_of(const Node& map, const KeySet& keys, std::span<const std::string_view> wanted);

} // namespace davit::config
