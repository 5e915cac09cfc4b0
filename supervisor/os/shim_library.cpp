// SPDX-License-Identifier: Apache-2.0
#include "os/shim_library.h"

#include "os/elf_file.h"
#include "os/errno_text.h"
#include "os/fd.h"

#include <array>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::os {
namespace {

/// The path of the running program. Without /proc as it was started, if that is a whole path; empty: not known.
std::string own_path() {
    std::array<char, PATH_MAX> target;
    const ssize_t size = ::readlink("/proc/self/exe", target.data(), target.size());
    if (size <= 0) {
        const auto* started_as = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
        return started_as != nullptr && *started_as == '/' ? started_as : std::string{};
    }
    std::string path{target.data(), static_cast<std::size_t>(size)};
    // Another davit was installed over it meanwhile: its library reads the same page, or says that it does not.
    constexpr std::string_view deleted = " (deleted)";
    if (path.ends_with(deleted)) {
        path.resize(path.size() - deleted.size());
    }
    return path;
}

bool is_library_of_this_machine(int descriptor) {
    const auto header = elf_header(descriptor);
    return header && header->e_type == ET_DYN && is_of_this_machine(*header);
}

/// As the loader will do it.
bool maps_executable(int descriptor) {
    constexpr std::size_t some = 4096;
    void* address = ::mmap(nullptr, some, PROT_READ | PROT_EXEC, MAP_PRIVATE, descriptor, 0);
    if (address == MAP_FAILED) {
        return false;
    }
    ::munmap(address, some);
    return true;
}

} // namespace

Result<void> check_shim_library(const std::string& path, Reach reach) {
    // ld.so(8): spaces and colons part the list, `$ORIGIN` and its like are replaced.
    if (path.find_first_of(" :$") != std::string::npos) {
        return failure(path + ": a path with a space, a colon or a $ cannot be in LD_PRELOAD");
    }
    const Fd descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    struct stat about{};
    if (!descriptor || ::fstat(descriptor.get(), &about) != 0) {
        return failure(path + ": " + errno_text(errno));
    }
    if (!S_ISREG(about.st_mode) || !is_library_of_this_machine(descriptor.get())) {
        return failure(path + ": no shared library for this machine");
    }
    if (!maps_executable(descriptor.get())) {
        const int error = errno;
        return failure(path + ": cannot be mapped executable: " + errno_text(error) +
                       (error == EPERM ? " (is its filesystem mounted noexec?)" : ""));
    }
    if (reach == Reach::everybody && ((about.st_mode & S_IROTH) == 0 || !everybody_may_enter(path))) {
        return failure(path + ": another user than davit's cannot read it");
    }
    return {};
}

Result<std::string> find_shim_library(Reach reach) {
    const std::string program = own_path();
    if (program.empty()) {
        return failure(std::string{shim_library_name} + ": where davit's own binary is cannot be seen without /proc");
    }
    std::string path = program.substr(0, program.rfind('/') + 1) + std::string{shim_library_name};
    if (const auto usable = check_shim_library(path, reach); !usable) {
        return std::unexpected{usable.error()};
    }
    return path;
}

} // namespace davit::os
