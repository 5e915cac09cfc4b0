// SPDX-License-Identifier: Apache-2.0
// The way into everything that is not `davit run`: the client commands, check, install, version and help.
#pragma once

#include <string_view>

namespace davit::cli {

/// Runs the command in `argv[1]` and gives the exit code of the process (contract, section 2). Never throws.
int run_client(int argc, char** argv);

/// What `davit run --help` prints; `run` itself is the app's.
std::string_view run_help();

} // namespace davit::cli
