// SPDX-License-Identifier: Apache-2.0
// The words for an error number of the system, as they stand in the middle of a sentence.
#pragma once

#include <string>

namespace davit::os {

/// "permission denied" for EACCES: the system's own words, in lower case.
std::string errno_text(int error);

} // namespace davit::os
