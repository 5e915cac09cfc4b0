// SPDX-License-Identifier: Apache-2.0
// Machines with a planted fault: the real one, whose facts are dropped or whose answers are falsified on the way.
// They show that the invariants see what they are there for; the model itself stays clean.
#pragma once

#include "world.h"

#include <string>

namespace davit::simulation {

enum class Fault : std::uint8_t {
    offline_twice,
    ready_before_online,
    stop_forgets_a_helper,
    late_exit_is_lost,
    kill_before_the_budget,
    reload_stops_the_unchanged,
    reload_forgets_the_removed,
    reload_restarts_main,
    ready_by_an_old_word,
    silence_is_not_heard,
    extension_without_end,
    resize_tells_who_starts,
    resize_is_forgotten,
    scene_restarts_what_ends,
    scene_stops_a_helper,
    rejoin_ignores_the_key,
    debug_runs_a_step,
    crash_is_forgotten,
    stale_is_ignored,
};

Machine with_fault(Fault fault);

} // namespace davit::simulation
