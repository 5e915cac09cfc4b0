// SPDX-License-Identifier: Apache-2.0
#include "os/process_setup.h"

#include "os/errno_text.h"

#include <array>
#include <cerrno>
#include <sys/prctl.h>
#include <unistd.h>

namespace davit::os {

bool is_pid_1() {
    return ::getpid() == 1;
}

Result<void> adopt_orphans() {
    if (is_pid_1() || ::prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL) == 0) {
        return {};
    }
    return failure("cannot become the reaper of orphans (PR_SET_CHILD_SUBREAPER): " + errno_text(errno));
}

std::optional<rlim_t> raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) {
        return std::nullopt;
    }
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    return ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? std::optional{before} : std::nullopt;
}

std::string host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) {
        return {};
    }
    return name.data();
}

bool enter_directory(const std::string& path) {
    return ::chdir(path.c_str()) == 0;
}

KeepOwnProc::KeepOwnProc() : was_open_(::prctl(PR_GET_DUMPABLE, 0UL, 0UL, 0UL, 0UL) == 1) {}

KeepOwnProc::~KeepOwnProc() {
    if (was_open_) {
        ::prctl(PR_SET_DUMPABLE, 1UL, 0UL, 0UL, 0UL);
    }
}

} // namespace davit::os
