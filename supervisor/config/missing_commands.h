// SPDX-License-Identifier: Apache-2.0
// For `davit check`: warns of commands that are not on this machine. Only a warning, because a
// configuration is often checked where the programs of the image are not.
#pragma once

#include "config/problem.h"
#include "config/sources.h"
#include "config/yaml_document.h"

namespace davit::config {

/// `root` is a checked tree. Looks at enabled services, their exec probes and stop commands, and exec steps.
void warn_of_missing_commands(const Node& root, const Sources& sources, Problems& problems);

} // namespace davit::config
