// SPDX-License-Identifier: Apache-2.0
// `davit exec`, `davit shell` and `davit env`: what a process of a service finds and is, asked of PID 1. exec and shell
// make this very process one, and then replace it by the command: it stands in the caller's session and terminal, so
// job control, window size and Ctrl-C are as without davit, and PID 1 has nothing to do with it. It is no part of the
// service: DAVIT_EXEC in its environment says so also of what it leaves behind.
#pragma once

#include "cli/arguments.h"
#include "cli/commands.h"

namespace davit::cli {

/// Do not return if all is well.
int exec_in_service(const Arguments& arguments, Environment environment);
int open_shell(const Arguments& arguments, Environment environment);

int show_env(const Arguments& arguments, Environment environment);

} // namespace davit::cli
