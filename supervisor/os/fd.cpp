// SPDX-License-Identifier: Apache-2.0
#include "os/fd.h"

#include <array>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace davit::os {

void Fd::reset(int descriptor) {
    const int old = std::exchange(descriptor_, descriptor);
    if (old >= 0) {
        ::close(old);
    }
}

Pipe open_pipe() {
    std::array<int, 2> ends = {-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return {};
    }
    return {.read = Fd{ends[0]}, .write = Fd{ends[1]}};
}

bool is_terminal(int descriptor) {
    return ::isatty(descriptor) == 1;
}

void give_to_user(int descriptor, uid_t user) {
    [[maybe_unused]] const int given = ::fchown(descriptor, user, static_cast<gid_t>(-1));
}

void let_others_write(int descriptor) {
    struct statfs filesystem{};
    struct stat pipe{};
    const bool is_anonymous_pipe =
        ::fstatfs(descriptor, &filesystem) == 0 && filesystem.f_type == PIPEFS_MAGIC && ::fstat(descriptor, &pipe) == 0;
    if (is_anonymous_pipe) {
        constexpr mode_t permissions = 07777;
        [[maybe_unused]] const int changed = ::fchmod(descriptor, (pipe.st_mode & permissions) | S_IWGRP | S_IWOTH);
    }
}

bool is_same_file(int left, int right) {
    struct stat one{};
    struct stat other{};
    return ::fstat(left, &one) == 0 && ::fstat(right, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

} // namespace davit::os
