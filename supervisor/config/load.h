// SPDX-License-Identifier: Apache-2.0
// The one way into this room: from `-c`, the environment and CMD to a PodSpec, with every problem at once.
// Layers are read, merged (merge.h), held against the tables of keys (value_check.h), turned into a
// specification (spec_reader.h), completed with CMD and the defaults, and checked as a whole (pod_rules.h).
#pragma once

#include "config/problem.h"
#include "config/sources.h"
#include "model/spec.h"

#include <optional>
#include <string>
#include <vector>

namespace davit::config {

/// What the configuration is loaded for: `run` (a reload too) refuses what `check` and `plan` only warn of.
enum class Purpose : std::uint8_t { run, check, plan };

struct LoadRequest {
    std::optional<std::string> path;     // of -c; else $DAVIT_CONFIG, else /etc/davit
    std::vector<std::string> command;    // CMD and its arguments; empty: none was given
    Purpose purpose = Purpose::run;      // check: also warns of commands that are not on this machine
    std::vector<std::string> more_paths; // further files or directories, layers over those of `path`
    std::optional<std::string> app_file; // of --app; else $DAVIT_APP_YAML unless there is a CMD
};

struct LoadResult {
    /// Complete if there is no error; with `plain_init` set if there is no configuration at all, only CMD.
    model::PodSpec pod;
    /// Sorted by file, line and column.
    std::vector<Problem> problems;
    /// The files that were read, in the order of the layers; an app.yaml comes last.
    std::vector<std::string> files;
    /// One of them was a pipe or a device: what it gave cannot be read again.
    bool read_from_stream = false;
};

/// Never throws. Reads the environment and files through `sources` only.
LoadResult load(const Sources& sources, const LoadRequest& request);

bool is_error(const Problem& problem, Purpose purpose);

/// The line for a person; what is no error for `purpose` is marked `warning:`.
std::string describe(const Problem& problem, Purpose purpose);

/// Whether the configuration cannot be used for `purpose`: exit 125 from run, 1 from check.
bool has_error(const LoadResult& result, Purpose purpose);

} // namespace davit::config
