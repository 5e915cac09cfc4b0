// SPDX-License-Identifier: Apache-2.0
// Which files make up the configuration: `-c PATH`, else $DAVIT_CONFIG, else /etc/davit; a file, or a
// directory whose *.yaml and *.yml are layers in lexical order. Works on a ConfigMap volume, where
// each name is a link into `..data`: names that begin with a dot are skipped, links are followed.
#pragma once

#include "config/problem.h"
#include "config/sources.h"

#include <string>
#include <vector>

namespace davit::config {

inline constexpr const char* default_directory = "/etc/davit";
inline constexpr const char* default_scripts_directory = "/etc/davit/hooks";

struct ConfigurationFiles {
    std::vector<std::string> paths;
    bool named = false; // by -c or the environment: missing or empty is then an error
};

/// `paths`: what -c says, or what `check` was given; each is a file or a directory of layers, a later one lies over an
/// earlier one. A named path that is missing, or a directory without a file of YAML, is told.
ConfigurationFiles find_files(const std::vector<std::string>& paths, const Sources& sources, Problems& problems);

} // namespace davit::config
