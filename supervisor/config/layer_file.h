// SPDX-License-Identifier: Apache-2.0
// One file of YAML whose top is a map with known keys: a layer of the configuration, or an app.yaml.
#pragma once

#include "config/keys.h"
#include "config/problem.h"
#include "config/sources.h"
#include "config/yaml_document.h"

#include <optional>
#include <string>

namespace davit::config {

/// nullopt: the file holds nothing (it is empty, or only comments), or a problem was told. The values are not held
/// against `keys` here: those of a layer are checked when all layers are merged.
std::optional<Node> read_layer_file(const std::string& path, const KeySet& keys, const Sources& sources,
                                    Problems& problems);

} // namespace davit::config
