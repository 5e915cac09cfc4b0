// SPDX-License-Identifier: Apache-2.0
// The commands that ask a running davit: hooks, verbs, wait, reload, status, why and probe. Each takes what the user
// typed and gives the exit code of the process.
#pragma once

#include "cli/fetch.h"

namespace davit::cli {

/// The real one.
std::string process_environment(const char* name);

/// poststart prestop online offline start stop restart signal wait reload.
int ask_verb(const Arguments& arguments, Environment environment);
int show_status(const Arguments& arguments, Environment environment);
int explain(const Arguments& arguments, Environment environment);
int show_events(const Arguments& arguments, Environment environment);
int show_logs(const Arguments& arguments, Environment environment);
int ask_probe(const Arguments& arguments, Environment environment);

} // namespace davit::cli
