// SPDX-License-Identifier: Apache-2.0
// How what a person reads is to look on the terminal that standard output is, if it is one.
#pragma once

#include "cli/fetch.h"
#include "cli/status_text.h"

namespace davit::cli {

inline constexpr int standard_output = 1;

/// Colour on a terminal only, and not with NO_COLOR (no-color.org).
TableStyle terminal_style(Environment environment);

} // namespace davit::cli
