// SPDX-License-Identifier: Apache-2.0
// Did you mean: the known name that is nearest to a mistyped one. Near are names that one or two slips of
// the finger (a letter too much, too few, another one, two swapped) turn into each other.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace davit::model {

/// How many slips lie between two words: insertions, deletions, replacements and swaps of neighbours, each
/// letter touched once at most (optimal string alignment). Upper and lower case count as equal.
std::size_t edit_distance(std::string_view left, std::string_view right);

/// The nearest of `known` within two slips (one for words of up to four letters); the first of equals.
/// The result points into `known`. nullopt: nothing is near enough to be helpful.
std::optional<std::string_view> suggestion(std::string_view wrong, std::span<const std::string_view> known);

} // namespace davit::model
