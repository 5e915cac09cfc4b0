// SPDX-License-Identifier: Apache-2.0
// `davit plan` and `davit graph`: the effective configuration, as text or as a picture, of the files that are named
// with -c, else of the davit that runs, else of the files where it would look.
#pragma once

#include "cli/commands.h"

namespace davit::cli {

int show_plan(const Arguments& arguments, Environment environment);

/// The locale says that a terminal understands UTF-8: the first of LC_ALL, LC_CTYPE and LANG that is set.
bool speaks_utf8(Environment environment);

} // namespace davit::cli
