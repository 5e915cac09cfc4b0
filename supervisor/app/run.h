// SPDX-License-Identifier: Apache-2.0
// `davit run`: reads the configuration, makes the parts, wires them together, runs the loop, and gives the
// container's exit code. Nothing else in davit makes anything that lives as long as the process.
//
//   signals ─► options ─► configuration ─► socket ─► Supervisor ─► api::Server ─► loop ─► exit code
#pragma once

#include "config/sources.h"

#include <string_view>

namespace davit::app {

/// `argv` is main's, with `run` as its first word. `help` is what `davit run --help` prints; `sources` is where the
/// configuration comes from.
/// 125: it cannot run; every reason is on stderr and nothing was started.
int run(int argc, char** argv, std::string_view help, const config::Sources& sources);

} // namespace davit::app
