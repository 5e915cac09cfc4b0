// SPDX-License-Identifier: Apache-2.0
#include "cli/columns.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace davit::cli {
namespace {

constexpr std::string_view ellipsis = "...";

struct Range {
    char32_t first;
    char32_t last;
};

/// Marks that stand on the character before them, and characters that are not seen.
constexpr std::array zero_wide{
    Range{0x0300, 0x036F},   Range{0x0483, 0x0489}, Range{0x0591, 0x05BD}, Range{0x0610, 0x061A}, Range{0x064B, 0x065F},
    Range{0x0900, 0x0902},   Range{0x0E31, 0x0E31}, Range{0x0E34, 0x0E3A}, Range{0x0E47, 0x0E4E}, Range{0x1AB0, 0x1AFF},
    Range{0x1DC0, 0x1DFF},   Range{0x200B, 0x200F}, Range{0x2028, 0x202E}, Range{0x2060, 0x2064}, Range{0x20D0, 0x20F0},
    Range{0x302A, 0x302D},   Range{0x3099, 0x309A}, Range{0xFE00, 0xFE0F}, Range{0xFE20, 0xFE2F}, Range{0xFEFF, 0xFEFF},
    Range{0xE0100, 0xE01EF},
};

constexpr std::array double_wide{
    Range{0x1100, 0x115F},   Range{0x231A, 0x231B},   Range{0x2329, 0x232A},   Range{0x23E9, 0x23EC},
    Range{0x25FD, 0x25FE},   Range{0x2614, 0x2615},   Range{0x2648, 0x2653},   Range{0x26A1, 0x26A1},
    Range{0x26C4, 0x26C5},   Range{0x26D4, 0x26D4},   Range{0x2705, 0x2705},   Range{0x270A, 0x270B},
    Range{0x2728, 0x2728},   Range{0x274C, 0x274C},   Range{0x2753, 0x2755},   Range{0x2757, 0x2757},
    Range{0x2795, 0x2797},   Range{0x2E80, 0x3029},   Range{0x3030, 0x303E},   Range{0x3041, 0x3098},
    Range{0x309B, 0x4DBF},   Range{0x4E00, 0xA4C6},   Range{0xA960, 0xA97C},   Range{0xAC00, 0xD7A3},
    Range{0xF900, 0xFAFF},   Range{0xFE10, 0xFE19},   Range{0xFE30, 0xFE6F},   Range{0xFF01, 0xFF60},
    Range{0xFFE0, 0xFFE6},   Range{0x1F18E, 0x1F18E}, Range{0x1F191, 0x1F19A}, Range{0x1F200, 0x1F265},
    Range{0x1F300, 0x1F64F}, Range{0x1F680, 0x1F6FC}, Range{0x1F7E0, 0x1F7EB}, Range{0x1F90C, 0x1F9FF},
    Range{0x1FA70, 0x1FAFF}, Range{0x20000, 0x3FFFD},
};

template <std::size_t size>
bool is_in(const std::array<Range, size>& ranges, char32_t character) {
    const auto* found = std::ranges::lower_bound(ranges, character, {}, &Range::last);
    return found != ranges.end() && character >= found->first;
}

bool continues(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

/// The first character of `text` with its bytes. What is no UTF-8 is taken byte by byte.
struct Character {
    std::size_t bytes;
    std::size_t width;
};

Character first_character(std::string_view text) {
    std::size_t bytes = 1;
    while (bytes < text.size() && bytes < 4 && continues(text[bytes])) {
        ++bytes;
    }
    const auto first = static_cast<unsigned char>(text.front());
    if (bytes == 1 || first < 0xC0U) {
        return {bytes, 1};
    }
    char32_t character = first & (0xFFU >> (bytes + 1));
    for (std::size_t at = 1; at < bytes; ++at) {
        character = (character << 6U) | (static_cast<unsigned char>(text[at]) & 0x3FU);
    }
    return {bytes, is_in(zero_wide, character) ? 0U : is_in(double_wide, character) ? 2U : 1U};
}

/// Bytes of the longest end of `text` that fits into `count` cells.
std::string last_columns(std::string_view text, std::size_t count) {
    while (columns(text) > count) {
        text.remove_prefix(first_character(text).bytes);
    }
    return std::string{text};
}

/// Where a line may be broken first: not inside of backquotes, so that a command can be copied.
std::size_t first_blank(std::string_view text) {
    bool is_quoted = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '`') {
            is_quoted = !is_quoted && text.find('`', at + 1) != std::string_view::npos;
        } else if (text[at] == ' ' && !is_quoted) {
            return at;
        }
    }
    return text.size();
}

} // namespace

std::string printable(std::string_view text) {
    std::string clean{text};
    constexpr unsigned char delete_character = 0x7F;
    std::ranges::replace_if(
        clean, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == delete_character; }, ' ');
    return clean;
}

std::size_t columns(std::string_view text) {
    std::size_t width = 0;
    while (!text.empty()) {
        const Character character = first_character(text);
        width += character.width;
        text.remove_prefix(character.bytes);
    }
    return width;
}

std::string first_columns(std::string_view text, std::size_t count) {
    std::size_t end = 0;
    for (std::size_t used = 0; end < text.size();) {
        const Character character = first_character(text.substr(end));
        used += character.width;
        if (used > count) {
            break;
        }
        end += character.bytes;
    }
    return std::string{text.substr(0, end)};
}

std::string cut(std::string_view text, std::size_t width) {
    if (columns(text) <= width) {
        return std::string{text};
    }
    return width <= ellipsis.size() ? first_columns(text, width)
                                    : first_columns(text, width - ellipsis.size()) + std::string{ellipsis};
}

std::string cut_in_the_middle(std::string_view text, std::size_t width) {
    constexpr std::size_t least = 7; // two characters on each side
    if (columns(text) <= width || width < least) {
        return cut(text, width);
    }
    const std::size_t kept = width - ellipsis.size();
    return first_columns(text, kept - kept / 2) + std::string{ellipsis} + last_columns(text, kept / 2);
}

std::string left(std::string_view text, std::size_t width) {
    const std::size_t used = columns(text);
    return std::string{text} + std::string(used < width ? width - used : 0, ' ');
}

std::string right(std::string_view text, std::size_t width) {
    const std::size_t used = columns(text);
    return std::string(used < width ? width - used : 0, ' ') + std::string{text};
}

std::string wrapped(std::string_view text, std::size_t width, std::string_view indent) {
    const std::size_t room = width > indent.size() + 1 ? width - indent.size() : 1;
    std::string result;
    std::string line;
    const auto flush = [&] {
        if (!line.empty()) {
            result += std::string{indent} + line + "\n";
            line.clear();
        }
    };
    while (!text.empty()) {
        const std::size_t blank = first_blank(text);
        std::string word{text.substr(0, blank)};
        text.remove_prefix(std::min(blank + 1, text.size()));
        if (!line.empty() && columns(line) + 1 + columns(word) > room) {
            flush();
        }
        while (line.empty() && columns(word) > room) {
            line = first_columns(word, room);
            if (line.empty()) {
                break; // not even one wide character fits
            }
            word.erase(0, line.size());
            flush();
        }
        line += line.empty() ? word : " " + word;
    }
    flush();
    return result;
}

} // namespace davit::cli
