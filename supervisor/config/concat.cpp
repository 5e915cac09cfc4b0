// SPDX-License-Identifier: Apache-2.0
#include "config/concat.h"

#include <charconv>

namespace davit::config {

Piece::Piece(long long number) {
    const auto end = std::to_chars(digits_.data(), digits_.data() + digits_.size(), number).ptr;
    text_ = {digits_.data(), static_cast<std::size_t>(end - digits_.data())};
}

std::string join(std::initializer_list<std::string_view> parts) {
    std::size_t size = 0;
    for (const std::string_view part : parts) {
        size += part.size();
    }
    std::string whole;
    whole.reserve(size);
    for (const std::string_view part : parts) {
        whole += part;
    }
    return whole;
}

} // namespace davit::config
