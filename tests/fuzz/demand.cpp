// SPDX-License-Identifier: Apache-2.0
#include "target.h"

#include <cstdio>
#include <cstdlib>

namespace davit::fuzz {

namespace {

bool is_control(unsigned char byte) {
    return byte < 0x20 || byte == 0x7F;
}

/// Bytes of the character at the front; 0: it is no UTF-8 (the lengths alone: what a text was cut through shows here).
std::size_t character_size(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t size = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 0;
    if (size == 0 || size > text.size()) {
        return 0;
    }
    for (const char next : text.substr(1, size - 1)) {
        if ((static_cast<unsigned char>(next) & 0xC0U) != 0x80U) {
            return 0;
        }
    }
    return size;
}

} // namespace

void demand(bool holds, std::string_view property) {
    if (!holds) {
        std::fprintf(stderr, "does not hold: %.*s\n", static_cast<int>(property.size()), property.data());
        std::abort();
    }
}

void demand_readable(std::string_view text) {
    demand(!text.empty(), "a text for a person is not empty");
    while (!text.empty()) {
        const std::size_t size = character_size(text);
        demand(size != 0, "a text for a person is UTF-8");
        demand(!is_control(static_cast<unsigned char>(text.front())), "a text for a person has no control characters");
        text.remove_prefix(size);
    }
}

} // namespace davit::fuzz
