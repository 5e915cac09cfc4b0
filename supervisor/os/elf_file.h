// SPDX-License-Identifier: Apache-2.0
// What a file of programs or libraries says at its beginning, elf(5): whether it is for this machine.
#pragma once

#include <elf.h>
#include <optional>

namespace davit::os {

/// nullopt: it is no ELF file, or cannot be read.
std::optional<Elf64_Ehdr> elf_header(int descriptor);

/// 64 bits, and this processor's.
bool is_of_this_machine(const Elf64_Ehdr& header);

} // namespace davit::os
