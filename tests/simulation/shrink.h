// SPDX-License-Identifier: Apache-2.0
// Makes a failing story short: takes out visitors, services, probes, steps and wildness, as long as the same
// invariant is still broken. What is left is what the failure needs.
#pragma once

#include "world.h"

namespace davit::simulation {

/// `machine` makes a fresh machine for each run: a falsified one remembers what it has done.
Scenario shrink(Scenario scenario, const std::string& invariant, const std::function<Machine()>& machine);

} // namespace davit::simulation
