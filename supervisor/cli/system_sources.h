// SPDX-License-Identifier: Apache-2.0
// The real files and the real environment for config/, as `davit check` and `davit run` see them (main.cpp
// hands them to app/).
#pragma once

#include "config/sources.h"

namespace davit::cli {

config::Sources system_sources();

} // namespace davit::cli
