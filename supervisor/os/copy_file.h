// SPDX-License-Identifier: Apache-2.0
// Copies a program into place, for an installer: whoever looks sees the old file or the whole new one.
#pragma once

#include "model/result.h"

#include <string>

namespace davit::os {

/// Makes the directory, with those above it. Error: the reason alone ("permission denied").
Result<void> make_directories(const std::string& path);

/// Copies `source` to `target` with mode 0755: first under another name in the same directory, then renamed. Error: the
/// reason alone.
Result<void> copy_program(const std::string& source, const std::string& target);

} // namespace davit::os
