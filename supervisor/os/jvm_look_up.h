// SPDX-License-Identifier: Apache-2.0
// Reads a libjvm.so in a child of davit, so that PID 1 never waits for a disk: the child searches the library, writes
// what it found into a pipe that it can never fill, and ends. Whoever begins one hands the child to the ChildReaper in
// the same turn of the loop, sets it a deadline (SIGKILL) and takes the answer when it has ended.
#pragma once

#include "model/result.h"
#include "os/fd.h"
#include "os/jvm_library.h"

#include <sys/types.h>

namespace davit::os {

struct JvmLookUp {
    pid_t child = 0;
    Fd answer;
};

/// Error: no process or no descriptor is to be had.
Result<JvmLookUp> begin_jvm_look_up(const JvmPlace& place);

/// Never waits. Error: what the child said is wrong with the library, or that it ended without a word.
Result<JvmLibrary> take_answer(const JvmLookUp& look_up, const JvmPlace& place);

} // namespace davit::os
