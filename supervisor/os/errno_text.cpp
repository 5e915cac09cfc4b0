// SPDX-License-Identifier: Apache-2.0
#include "os/errno_text.h"

#include <cctype>
#include <cstring>

namespace davit::os {

std::string errno_text(int error) {
    std::string text = std::strerror(error);
    // "RPC ..." and the like keep their capitals.
    if (text.size() > 1 && std::islower(static_cast<unsigned char>(text[1])) != 0) {
        text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    }
    return text;
}

} // namespace davit::os
