// SPDX-License-Identifier: Apache-2.0
#include "os/copy_file.h"

#include "os/errno_text.h"
#include "os/fd.h"
#include "os/files.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::os {
namespace {

constexpr mode_t for_everybody = 0755;

bool copy_bytes(int from, int to) {
    std::array<char, std::size_t{64} * 1024> buffer{};
    while (true) {
        const ssize_t size = ::read(from, buffer.data(), buffer.size());
        if (size == 0) {
            return true;
        }
        if (size > 0 && !write_whole(to, {buffer.data(), static_cast<std::size_t>(size)})) {
            return false;
        }
        if (size < 0 && errno != EINTR) {
            return false;
        }
    }
}

std::unexpected<Error> reason() {
    return failure(errno_text(errno));
}

} // namespace

Result<void> make_directories(const std::string& path) {
    if (is_directory(path)) {
        return {};
    }
    if (const std::string parent = parent_of(path); parent != path && path.contains('/')) {
        if (auto made = make_directories(parent); !made) {
            return made;
        }
    }
    if (::mkdir(path.c_str(), for_everybody) != 0 && !is_directory(path)) {
        return reason();
    }
    return {};
}

Result<void> copy_program(const std::string& source, const std::string& target) {
    const Fd from{::open(source.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!from) {
        return reason();
    }
    // A name that no other installer uses at the same time: mkostemp(3).
    std::string temporary = (target.contains('/') ? parent_of(target) : ".") + "/.davit.XXXXXX";
    const Fd to{::mkostemp(temporary.data(), O_CLOEXEC)};
    if (!to) {
        return reason();
    }
    if (!copy_bytes(from.get(), to.get()) || ::fchmod(to.get(), for_everybody) != 0 ||
        ::rename(temporary.c_str(), target.c_str()) != 0) {
        auto failed = reason();
        ::unlink(temporary.c_str());
        return failed;
    }
    return {};
}

} // namespace davit::os
