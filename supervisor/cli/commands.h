// SPDX-License-Identifier: Apache-2.0
// The commands that ask a running davit: hooks, verbs, wait, status, why and probe. Each takes what the user
// typed and gives the exit code of the process.
#pragma once

#include "cli/arguments.h"

namespace davit::cli {

/// Reads one environment variable; empty when it is not set. Passed in, so that a test has its own.
using Environment = std::string (*)(const char* name);
std::string process_environment(const char* name);

/// poststart prestop online offline start stop restart signal wait.
int ask_verb(const Arguments& arguments, Environment environment);
int show_status(const Arguments& arguments, Environment environment);
int explain(const Arguments& arguments, Environment environment);
int ask_probe(const Arguments& arguments, Environment environment);

} // namespace davit::cli
