// SPDX-License-Identifier: Apache-2.0
// Turns a checked tree into what the user wrote as values of the model: no defaults yet that hang on
// other keys. Bad nodes are left out, their problem has been told.
#pragma once

#include "config/problem.h"
#include "config/yaml_document.h"
#include "model/spec_defaults.h"

namespace davit::config {

/// What CMD brings to main: then main needs no command of its own.
enum class MainsCommand : std::uint8_t { from_configuration, from_cmd };

/// Also tells what only shows when a map is read as a whole: bad names of services, two mains, unknown
/// dependencies, thresholds that a probe cannot have, a service without a command.
model::WrittenPod read_pod(const Node& root, MainsCommand mains_command, Problems& problems);

} // namespace davit::config
