// SPDX-License-Identifier: Apache-2.0
#include "os/fd.h"

#include <array>
#include <fcntl.h>
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

} // namespace davit::os
