// SPDX-License-Identifier: Apache-2.0
// Splits one string into words as a POSIX shell would (quotes, backslashes, blanks), without running a
// shell and without expanding anything: `|`, `*`, `#` and `$HOME` are plain letters here. Only `${...}` is
// known as something that stays in one word, because interpolation.h resolves it later.
// Rule: POSIX.1-2017, Shell Command Language, 2.2 Quoting.
#pragma once

#include "model/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace davit::model {

/// The words of `text`; none for a blank text. An empty word is written as '' or "".
/// Error: a quote that is never closed, or a backslash with nothing behind it; names the byte, from 1.
Result<std::vector<std::string>> split_command_line(std::string_view text);

} // namespace davit::model
