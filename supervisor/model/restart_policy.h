// SPDX-License-Identifier: Apache-2.0
// Whether a service is started again after it ended, and how long to wait first.
// Pure: knows no process and no clock.
#pragma once

#include "model/spec.h"

namespace davit::model {

enum class Outcome : std::uint8_t { success, failure };

bool should_restart(RestartPolicy policy, Outcome outcome);

/// Delay before restart number `restart` (from 1): `initial` times `factor` for each restart before it,
/// never above `max`. Zero when `initial` is.
Duration backoff_delay(unsigned restart, const BackoffSpec& backoff);

/// Up to 10 % off, so that services that fell together do not rise together. `random` is in [0, 1).
Duration with_jitter(Duration delay, double random);

} // namespace davit::model
