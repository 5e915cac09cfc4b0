// SPDX-License-Identifier: Apache-2.0
// Turns a checked tree into what the user wrote as values of the model: no defaults yet that hang on
// other keys. Bad nodes are left out, their problem has been told.
#pragma once

#include "config/problem.h"
#include "config/yaml_document.h"
#include "model/spec_defaults.h"

namespace davit::config {

/// Also tells what only shows when a map is read as a whole: bad service names, two mains, thresholds that
/// a probe cannot have, a service without a command (`command_of_main_given`: CMD brings that of main).
model::WrittenPod read_pod(const Node& root, Problems& problems);

} // namespace davit::config
