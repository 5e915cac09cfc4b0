// SPDX-License-Identifier: Apache-2.0
// Text in columns of a terminal: how wide it is, cut and filled to a width, broken into lines. Counts cells, not bytes:
// an East Asian wide character or an emoji takes two, a combining mark none (Unicode's EastAsianWidth and general
// categories, by their large blocks). No locale is needed, so it works in an image without any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace davit::cli {

/// What a child or a file wrote may hold bytes that move a terminal's cursor: they become blanks.
std::string printable(std::string_view text);

/// Cells that `text` takes.
std::size_t columns(std::string_view text);

/// The beginning of `text` that fits into `count` cells; never ends inside a character.
std::string first_columns(std::string_view text, std::size_t count);

/// Cut to `width` with "..." at the end, or in the middle: the beginning and the end of a name tell it from others.
std::string cut(std::string_view text, std::size_t width);
std::string cut_in_the_middle(std::string_view text, std::size_t width);

/// Filled with blanks up to `width`.
std::string left(std::string_view text, std::size_t width);
std::string right(std::string_view text, std::size_t width);

/// Breaks `text` at blanks into lines of at most `width`, each after `indent`; a command in backquotes stays whole.
/// What is longer is broken where it must.
std::string wrapped(std::string_view text, std::size_t width, std::string_view indent);

} // namespace davit::cli
