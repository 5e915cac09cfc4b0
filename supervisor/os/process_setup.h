// SPDX-License-Identifier: Apache-2.0
// What davit asks and tells the kernel about its own process when it starts.
#pragma once

#include "model/result.h"

#include <optional>
#include <string>
#include <sys/resource.h>

namespace davit::os {

bool is_pid_1();

/// Orphans among davit's descendants become its children, as they do by themselves for PID 1
/// (PR_SET_CHILD_SUBREAPER, prctl(2)). Nothing to do for PID 1.
Result<void> adopt_orphans();

/// Raises the soft limit of open descriptors to the hard one: every relayed service needs two. Gives the limit
/// that was there before, which children should get back; nullopt: it is still that one.
std::optional<rlim_t> raise_descriptor_limit();

std::string host_name();

/// Goes into a directory with the rights of this moment. False: errno.
bool enter_directory(const std::string& path);

/// Whoever changes its user, be it for a moment or in a vforked child that shares the memory, has its /proc files given
/// to root and closed to others by the kernel (PR_SET_DUMPABLE, prctl(2)). While this lives that may happen; after
/// it they are as before.
class KeepOwnProc {
public:
    KeepOwnProc();
    ~KeepOwnProc();
    KeepOwnProc(const KeepOwnProc&) = delete;
    KeepOwnProc& operator=(const KeepOwnProc&) = delete;

private:
    bool was_open_;
};

} // namespace davit::os
