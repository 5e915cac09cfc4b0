// SPDX-License-Identifier: Apache-2.0
// Marks functions that run between vfork and exec, in the parent's memory: system calls only, no allocation. The
// sanitizers must not watch them, since the stack that they would mark is the parent's.
#pragma once

#define DAVIT_IN_CHILD __attribute__((no_sanitize("address", "undefined")))
