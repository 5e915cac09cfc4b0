// SPDX-License-Identifier: Apache-2.0
// `davit install DIR`: copies the running program into a directory in one step, for an init container that
// brings davit to an image without it.
#pragma once

#include "model/result.h"

#include <filesystem>

namespace davit::cli {

/// Copies `program` to `directory`/davit, mode 0755: first under another name, then renamed over it. The
/// directory is made if it is missing. Gives the path of the copy.
Result<std::filesystem::path> install(const std::filesystem::path& program, const std::filesystem::path& directory);

} // namespace davit::cli
