// SPDX-License-Identifier: Apache-2.0
// `davit install DIR`: copies the running program, and the preload library that lies beside it, into a directory, each
// in one step: for an init container that brings davit to an image without it.
#pragma once

#include "model/result.h"

#include <string>

namespace davit::cli {

struct Installed {
    std::string program;      // the copy
    bool has_library = false; // else none lies beside the program
};

/// Copies `program` to `directory`/davit, and libdavit-cpus.so from beside it: mode 0755, first under another name,
/// then renamed. The directory is made if it is missing.
Result<Installed> install(const std::string& program, std::string directory);

} // namespace davit::cli
