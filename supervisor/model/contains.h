// SPDX-License-Identifier: Apache-2.0
// std::ranges::contains for the standard library of Debian 12, which does not have it yet.
#pragma once

#include <algorithm>
#include <ranges>

namespace davit::model {

template <std::ranges::input_range Range, typename Value>
constexpr bool contains(const Range& range, const Value& value) {
    return std::ranges::find(range, value) != std::ranges::end(range);
}

} // namespace davit::model
