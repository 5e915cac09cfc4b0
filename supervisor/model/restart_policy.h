// SPDX-License-Identifier: Apache-2.0
// Decides whether a service is started again after it ended, and how long to wait first.
// Pure: knows no process and no clock; chance comes in as a number.
#pragma once

#include "model/spec.h"

#include <cstdint>

namespace davit::model {

/// How a service ended, as far as its restart policy is concerned.
enum class Outcome : std::uint8_t { success, failure };

bool should_restart(RestartPolicy policy, Outcome outcome);

/// Delay before restart number `restart` (1 = the first): `initial`, times `factor` for each further one, never
/// above `max`. No jitter.
Duration backoff_delay(int restart, const BackoffSpec& backoff);

/// Up to a tenth more, so that services which failed together do not come back together. `unit` is in [0, 1).
Duration with_jitter(Duration delay, double unit);

} // namespace davit::model
