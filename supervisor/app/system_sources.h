// SPDX-License-Identifier: Apache-2.0
// What the configuration asks of the system, answered by the system.
#pragma once

#include "config/sources.h"

namespace davit::app {

config::Sources system_sources();

} // namespace davit::app
