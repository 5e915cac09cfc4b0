// SPDX-License-Identifier: Apache-2.0
#include "os/elf_file.h"

#include <cstring>
#include <unistd.h>

namespace davit::os {
namespace {

#if defined(__x86_64__)
constexpr Elf64_Half machine = EM_X86_64;
#elif defined(__aarch64__)
constexpr Elf64_Half machine = EM_AARCH64;
#endif

} // namespace

std::optional<Elf64_Ehdr> elf_header(int descriptor) {
    Elf64_Ehdr header{};
    if (::pread(descriptor, &header, sizeof header, 0) != sizeof header ||
        std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
        return std::nullopt;
    }
    return header;
}

bool is_of_this_machine(const Elf64_Ehdr& header) {
    return header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_machine == machine;
}

} // namespace davit::os
