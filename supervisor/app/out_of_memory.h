// SPDX-License-Identifier: Apache-2.0
// PID 1 must not end because memory was short for a moment.
#pragma once

namespace davit::app {

/// From now on an allocation that finds no memory says so (once), waits and tries again. The loop stands still
/// meanwhile, which counts as a stall.
void survive_lack_of_memory();

} // namespace davit::app
