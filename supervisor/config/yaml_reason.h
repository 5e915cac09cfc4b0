// SPDX-License-Identifier: Apache-2.0
// Says in words of a person why a text is no YAML: the library underneath names its grammar rules
// ("end of map not found"), which helps nobody who has lost an indentation.
#pragma once

#include <string>
#include <string_view>

namespace davit::config {

/// The library points behind what it missed; whoever knows better where the bracket stands says so.
inline constexpr std::string_view open_bracket_reason = "a { or [ that begins here is never closed";

/// `message`: the library's own words. `line` is the line it points at, `column` the byte in it (from 0).
std::string reason_in_words(std::string_view message, std::string_view line, std::size_t column);

} // namespace davit::config
