// SPDX-License-Identifier: Apache-2.0
// Splits one string into words as a POSIX shell would (blanks, '...', "...", backslash), without running one:
// nothing is expanded, and operators such as | and ; are letters like any other. A `${...}` outside of quotes stays
// in one piece, so that it can be resolved later and its default may hold blanks.
#pragma once

#include "model/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace davit::model {

/// Error: a quote that is never closed, or a backslash at the end; says where (bytes, from 1).
Result<std::vector<std::string>> split_command_line(std::string_view text);

} // namespace davit::model
