// SPDX-License-Identifier: Apache-2.0
// The preload library libdavit-cpus.so (shim/), which lies beside davit's own binary. It is looked at before a service
// is told to load it: what the loader cannot use it complains of on stderr, in that service and in each of its
// children.
#pragma once

#include "model/result.h"
#include "os/reach.h"

#include <string>
#include <string_view>

namespace davit::os {

inline constexpr std::string_view shim_library_name = "libdavit-cpus.so";

/// Its path, for LD_PRELOAD. Error: why processes of that reach cannot load it.
Result<std::string> find_shim_library(Reach reach);

/// `path` as LD_PRELOAD could have it: a shared library for this machine that may be mapped executable.
Result<void> check_shim_library(const std::string& path, Reach reach);

} // namespace davit::os
