// SPDX-License-Identifier: Apache-2.0
// One question to a running davit and its whole answer, for the commands that only show something.
#pragma once

#include "cli/arguments.h"
#include "cli/client.h"
#include "cli/output.h"

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace davit::cli {

/// Reads one environment variable; empty when it is not set. Passed in, so that a test has its own.
using Environment = std::string (*)(const char* name);

/// Where davit may be (contract, section 9).
std::vector<std::string> places(const Arguments& arguments, Environment environment);

/// GET `target`; tries to connect until `patience` is over.
Outcome<Reply> fetch(const Arguments& arguments, Environment environment, const std::string& target, Duration patience);

/// The body of a good answer (200); everything else is told and its exit code is the failure.
std::expected<std::string, api::ClientExit> fetch_body(const Arguments& arguments, Environment environment,
                                                       Output& output, const std::string& target);

/// The address of `status` for the services that are named; with `first_parameter` if it is not empty.
std::string status_target(const Arguments& arguments, std::string_view first_parameter);

/// The text of {"error": ...}, or the status itself.
std::string error_text(const Reply& reply);

} // namespace davit::cli
