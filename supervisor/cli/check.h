// SPDX-License-Identifier: Apache-2.0
// `davit check`: reads a configuration as `davit run` would and tells every problem in it. Starts nothing.
#pragma once

#include "cli/arguments.h"
#include "config/load.h"

#include <string>
#include <vector>

namespace davit::cli {

/// The lines for stderr, warnings marked as such; none: all is well.
std::vector<std::string> check_lines(const config::LoadResult& result);

/// What is said of a configuration that can be used.
std::string ok_line(const config::LoadResult& result);

/// The whole of `-o json`: {"ok", "files", "services", "main", "problems"}.
std::string check_json(const config::LoadResult& result);

int check(const Arguments& arguments);

} // namespace davit::cli
