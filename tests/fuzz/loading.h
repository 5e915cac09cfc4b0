// SPDX-License-Identifier: Apache-2.0
// Made-up files and what must hold for every load of them, for the targets that load configurations.
#pragma once

#include "config/load.h"

#include <map>
#include <string>

namespace davit::fuzz {

using Files = std::map<std::string, std::string>;

/// Loads the directory /c. Demands that it never fails but by a problem, that each problem is readable, points into
/// a file and shows no value of the environment, and that a specification without errors is sound.
config::LoadResult load(const Files& files);

/// The same, and that loading again gives the same.
config::LoadResult load_twice(const Files& files);

} // namespace davit::fuzz
