// SPDX-License-Identifier: Apache-2.0
// Every text of `--help`, written by hand so that a newcomer can live from it: what a command does, its
// options, its exit codes and an example.
#pragma once

#include <string_view>

namespace davit::cli {

/// The list of commands.
std::string_view top_help();

/// Help of one command; empty: there is no such command.
std::string_view command_help(std::string_view command);

} // namespace davit::cli
