// SPDX-License-Identifier: Apache-2.0
// Joins texts and whole numbers to one string, without the weight of a formatting library.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace davit::config {

template <typename Part>
void append_part(std::string& whole, const Part& part) {
    if constexpr (std::integral<Part> && !std::same_as<Part, char>) {
        whole += std::to_string(part);
    } else if constexpr (std::same_as<Part, char>) {
        whole += part;
    } else {
        whole += std::string_view{part};
    }
}

template <typename... Parts>
std::string concat(const Parts&... parts) {
    std::string whole;
    (append_part(whole, parts), ...);
    return whole;
}

} // namespace davit::config
