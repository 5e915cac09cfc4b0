// SPDX-License-Identifier: Apache-2.0
// How far a child came on its way to exec: what a failed start is told with.
#pragma once

#include <cstdint>

namespace davit::os {

enum class SpawnStage : std::uint8_t {
    fork,
    session,
    descriptors,
    oom_score,
    nice,
    limits,
    groups,
    group,
    user,
    no_new_privileges,
    directory,
    exec,
};

} // namespace davit::os
