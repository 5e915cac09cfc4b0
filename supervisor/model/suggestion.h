// SPDX-License-Identifier: Apache-2.0
// "Did you mean": the known word that is nearest to what was written, if one is near enough to be a slip.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace davit::model {

/// The nearest of `known` within two slips (one for words up to four letters): a letter too many, too few,
/// wrong, or two swapped; upper and lower case are alike. The first of several. nullopt: none is near.
std::optional<std::string_view> suggestion(std::string_view written, std::span<const std::string_view> known);

} // namespace davit::model
