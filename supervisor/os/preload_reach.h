// SPDX-License-Identifier: Apache-2.0
// Whether a preload library reaches a process that runs: for a person who asks why a program still counts otherwise.
#pragma once

#include <string>
#include <string_view>
#include <sys/types.h>

namespace davit::os {

/// Why `library` (a file name) is not loaded in that process: "/bin/busybox is linked statically"; empty: it is loaded.
/// What cannot be seen is said: "pid 17 cannot be looked at: permission denied".
std::string why_not_preloaded(pid_t pid, std::string_view library);

/// Why nothing can be preloaded into the program at `path`; empty: no reason is known.
std::string why_not_preloadable(const std::string& path);

} // namespace davit::os
