// SPDX-License-Identifier: Apache-2.0
// See identity_plan.h. Users are changed with raw system calls: the C library's functions would tell the other threads
// of a program, and a vforked child has its parent's.
#include "os/identity_plan.h"

#include "os/in_child.h"
#include "os/own_process.h"

#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace davit::os {

IdentityPlan::IdentityPlan(const model::IdentityChange& change)
    : user_(change.user), group_(change.group), umask_(change.umask), nice_(change.nice),
      no_new_privileges_(change.no_new_privileges) {
    if (change.groups) {
        groups_.emplace(change.groups->begin(), change.groups->end());
    }
    for (const model::ResourceLimit& limit : change.limits) {
        limits_.push_back({.resource = resource_of(limit.name).value_or(-1),
                           .value = {.rlim_cur = limit.soft, .rlim_max = limit.hard}});
    }
    if (change.oom_score_adj) {
        const auto end = std::to_chars(oom_score_.data(), oom_score_.data() + oom_score_.size(), *change.oom_score_adj);
        oom_score_size_ = static_cast<std::size_t>(end.ptr - oom_score_.data());
    }
}

DAVIT_IN_CHILD bool IdentityPlan::take(volatile SpawnStage& stage, volatile unsigned& limit) const {
    stage = SpawnStage::oom_score;
    if (oom_score_size_ > 0 && !write_oom_score()) {
        return false;
    }
    stage = SpawnStage::nice;
    if (nice_ && ::setpriority(PRIO_PROCESS, 0, *nice_) != 0) {
        return false;
    }
    stage = SpawnStage::limits;
    for (limit = 0; limit < limits_.size(); limit = limit + 1) {
        const Limit& wanted = limits_[limit];
        if (::syscall(SYS_prlimit64, 0, wanted.resource, &wanted.value, nullptr) != 0) {
            return false;
        }
    }
    stage = SpawnStage::groups;
    if (groups_ && ::syscall(SYS_setgroups, groups_->size(), groups_->data()) != 0) {
        return false;
    }
    stage = SpawnStage::group;
    if (group_ && ::syscall(SYS_setresgid, *group_, *group_, *group_) != 0) {
        return false;
    }
    stage = SpawnStage::user;
    if (user_) {
        // Capabilities that a davit without root was given to pass on are not for another user. An old kernel has none.
        ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0UL, 0UL, 0UL);
        if (::syscall(SYS_setresuid, *user_, *user_, *user_) != 0) {
            return false;
        }
    }
    if (umask_) {
        ::umask(*umask_);
    }
    stage = SpawnStage::no_new_privileges;
    return !no_new_privileges_ || ::prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) == 0;
}

DAVIT_IN_CHILD bool IdentityPlan::write_oom_score() const {
    const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0) {
        return false;
    }
    const bool written = ::write(file, oom_score_.data(), oom_score_size_) >= 0;
    const int error = errno;
    ::close(file);
    errno = error;
    return written;
}

} // namespace davit::os
