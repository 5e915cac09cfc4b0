// SPDX-License-Identifier: Apache-2.0
// The app.yaml of an application (`--app FILE` or $DAVIT_APP_YAML): what it is built on, what runs it, and its
// entrypoint, which davit takes as if it were CMD. As strict as the configuration itself.
#pragma once

#include "config/problem.h"
#include "config/sources.h"
#include "config/yaml_document.h"

#include <optional>
#include <string>

namespace davit::config {

/// The checked node of `entrypoint`, a list of words with their places; nullopt: what is wrong was told.
std::optional<Node> read_entrypoint(const std::string& path, const Sources& sources, Problems& problems);

} // namespace davit::config
