// SPDX-License-Identifier: Apache-2.0
#include "os/preload_reach.h"

#include "os/elf_file.h"
#include "os/errno_text.h"
#include "os/fd.h"
#include "os/files.h"

#include <array>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::os {
namespace {

/// No file has more; others are not believed.
constexpr int most_headers = 256;
constexpr std::size_t largest_maps = std::size_t{8} << 20;

bool has_interpreter(int file, const Elf64_Ehdr& header) {
    for (int index = 0; index < header.e_phnum && index < most_headers; ++index) {
        Elf64_Phdr part{};
        const auto place = static_cast<off_t>(header.e_phoff + static_cast<std::size_t>(index) * sizeof part);
        if (::pread(file, &part, sizeof part, place) != sizeof part) {
            return true; // it is not known
        }
        if (part.p_type == PT_INTERP) {
            return true;
        }
    }
    return false;
}

std::string why_not(int file) {
    struct stat about{};
    const auto header = elf_header(file);
    if (::fstat(file, &about) != 0 || !header) {
        return {};
    }
    if (!is_of_this_machine(*header)) {
        return "is of another architecture";
    }
    if (!has_interpreter(file, *header)) {
        return "is linked statically";
    }
    return (about.st_mode & (S_ISUID | S_ISGID)) != 0 ? "is set-uid or set-gid" : "";
}

std::string target_of(const std::string& link) {
    std::array<char, PATH_MAX> target;
    const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
    return size > 0 ? std::string{target.data(), static_cast<std::size_t>(size)} : link;
}

} // namespace

std::string why_not_preloadable(const std::string& path) {
    const Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!file) {
        return {};
    }
    const std::string reason = why_not(file.get());
    return reason.empty() ? reason : target_of(path) + " " + reason;
}

std::string why_not_preloaded(pid_t pid, std::string_view library) {
    const std::string directory = "/proc/" + std::to_string(pid);
    const auto maps = KernelFile{directory + "/maps"}.read(largest_maps);
    if (!maps) {
        return "pid " + std::to_string(pid) + " cannot be looked at: " + errno_text(errno);
    }
    if (maps->contains(library)) {
        return {};
    }
    const std::string program = directory + "/exe";
    std::string reason = why_not_preloadable(program);
    return reason.empty() ? target_of(program) + " has not loaded it" : reason;
}

} // namespace davit::os
