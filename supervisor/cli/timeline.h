// SPDX-License-Identifier: Apache-2.0
// `davit timeline`: what the last way up took, and what made it slow.
#pragma once

#include "cli/fetch.h"

namespace davit::cli {

int show_timeline(const Arguments& arguments, Environment environment);

} // namespace davit::cli
