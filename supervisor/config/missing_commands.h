// SPDX-License-Identifier: Apache-2.0
// For `davit check`: warns of commands that are not on this machine. Only a warning, because a
// configuration is often checked where the programs of the image are not.
#pragma once

#include "config/problem.h"
#include "config/sources.h"
#include "config/yaml_document.h"
#include "model/spec.h"

#include <optional>

namespace davit::config {

/// The program that CMD brings to main, and where it stands if that is an app.yaml.
struct CommandOfMain {
    model::Text program;
    std::optional<Place> place;
};

/// `root` is a checked tree. Looks at enabled services, their exec probes and stop commands, and exec steps; with CMD
/// at its program in the place of main's.
void warn_of_missing_commands(const Node& root, const std::optional<CommandOfMain>& command, const Sources& sources,
                              Problems& problems);

} // namespace davit::config
