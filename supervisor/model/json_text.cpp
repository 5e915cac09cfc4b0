// SPDX-License-Identifier: Apache-2.0
#include "model/json_text.h"

#include <bit>
#include <cstdint>
#include <cstring>

namespace davit::model {
namespace {

bool is_continuation(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

/// Length of the well-formed UTF-8 sequence at the start of `text` (not empty); 0: there is none.
std::size_t sequence_length(std::string_view text) {
    const auto first = static_cast<unsigned char>(text[0]);
    if (first < 0x80) {
        return 1;
    }
    const std::size_t length = first >= 0xC2 && first <= 0xDF   ? 2
                               : first >= 0xE0 && first <= 0xEF ? 3
                               : first >= 0xF0 && first <= 0xF4 ? 4
                                                                : 0;
    if (length == 0 || text.size() < length) {
        return 0;
    }
    for (std::size_t index = 1; index < length; ++index) {
        if (!is_continuation(text[index])) {
            return 0;
        }
    }
    // Overlong forms, surrogates and what is above U+10FFFF differ in the second byte only.
    const auto second = static_cast<unsigned char>(text[1]);
    const bool refused = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                         (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
    return refused ? 0 : length;
}

void append_control(std::string& out, unsigned char character) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += "\\u00";
    out += digits[character >> 4U];
    out += digits[character & 0xFU];
}

/// Of a character that cannot stand for itself.
void append_escaped(std::string& out, char character) {
    switch (character) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    }
    append_control(out, static_cast<unsigned char>(character));
}

bool is_plain(char character) {
    const auto byte = static_cast<unsigned char>(character);
    return byte >= 0x20 && byte < 0x7F && character != '"' && character != '\\';
}

constexpr std::uint64_t ones = 0x0101010101010101;
constexpr std::uint64_t tops = 0x80 * ones;

/// Of eight bytes below 0x80 the top bit of each that is below 0x20, a quote, a backslash or DEL.
std::uint64_t marks_of_unplain(std::uint64_t word) {
    const auto marks_of_zero = [](std::uint64_t bytes) { return (bytes - ones) & ~bytes; };
    const std::uint64_t below_space = (word - 0x20 * ones) & ~word;
    return (below_space | marks_of_zero(word ^ ('"' * ones)) | marks_of_zero(word ^ ('\\' * ones)) |
            marks_of_zero(word ^ (0x7F * ones)) | word) &
           tops;
}

/// How many characters at the start of `text` stand for themselves.
std::size_t plain_length(std::string_view text) {
    std::size_t length = 0;
    while (text.size() - length >= sizeof(std::uint64_t)) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + length, sizeof word);
        if (const std::uint64_t marks = marks_of_unplain(word); marks != 0) {
            if constexpr (std::endian::native == std::endian::little) {
                return length + static_cast<std::size_t>(std::countr_zero(marks)) / 8; // the lowest is never wrong
            }
            break;
        }
        length += sizeof word;
    }
    while (length < text.size() && is_plain(text[length])) {
        ++length;
    }
    return length;
}

} // namespace

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = sequence_length(text);
        if (length == 0) {
            return false;
        }
        text.remove_prefix(length);
    }
    return true;
}

void append_json_text(std::string& out, std::string_view text) {
    while (true) {
        const std::size_t plain = plain_length(text);
        out.append(text.data(), plain);
        text.remove_prefix(plain);
        if (text.empty()) {
            return;
        }
        const std::size_t length = sequence_length(text);
        if (length == 0) {
            out += "\xEF\xBF\xBD";
            text.remove_prefix(1);
        } else if (length == 1) {
            append_escaped(out, text[0]);
            text.remove_prefix(1);
        } else {
            out += text.substr(0, length);
            text.remove_prefix(length);
        }
    }
}

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    append_json_text(out, text);
    out += '"';
}

std::string json_member(std::string_view key, std::string_view value) {
    std::string member;
    append_json_string(member, key);
    member += ':';
    append_json_string(member, value);
    return member;
}

std::string_view whole_characters(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) {
        return text;
    }
    constexpr std::size_t longest_sequence = 4;
    std::size_t end = limit;
    while (end > 0 && limit - end < longest_sequence && is_continuation(text[end])) {
        --end;
    }
    return text.substr(0, end == 0 || is_continuation(text[end]) ? limit : end);
}

} // namespace davit::model
