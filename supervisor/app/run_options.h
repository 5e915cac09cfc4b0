// SPDX-License-Identifier: Apache-2.0
// What a user typed after `davit run`. Parsed by hand: it is a handful of words, and the start of a container
// is measured in fractions of a millisecond.
#pragma once

#include "model/result.h"

#include <optional>
#include <string>
#include <vector>

namespace davit::app {

struct RunOptions {
    std::optional<std::string> config;   // -c, --config
    std::optional<std::string> app_file; // --app; its entrypoint is CMD
    std::optional<std::string> mode;     // --mode: normal or debug; else $DAVIT_MODE
    std::optional<std::string> socket;   // --socket; else $DAVIT_SOCKET, else the usual places
    bool signal_group = false;           // -g: plain init passes signals to CMD's process group
    bool help = false;
    std::vector<std::string> command; // CMD and its arguments
};

/// `arguments` is what follows `run`. The error's text is one line for the user.
Result<RunOptions> parse_run_options(const std::vector<std::string>& arguments);

} // namespace davit::app
