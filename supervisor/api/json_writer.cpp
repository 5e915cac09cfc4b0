// SPDX-License-Identifier: Apache-2.0
#include "api/json_writer.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace davit::api {
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

void append_ascii(std::string& out, char character) {
    switch (character) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    }
    if (static_cast<unsigned char>(character) < 0x20 || character == 0x7F) {
        append_control(out, static_cast<unsigned char>(character));
    } else {
        out += character;
    }
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

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    while (!text.empty()) {
        const std::size_t length = sequence_length(text);
        if (length == 0) {
            out += "\xEF\xBF\xBD";
            text.remove_prefix(1);
        } else if (length == 1) {
            append_ascii(out, text[0]);
            text.remove_prefix(1);
        } else {
            out += text.substr(0, length);
            text.remove_prefix(length);
        }
    }
    out += '"';
}

void JsonWriter::separate() {
    if (needs_comma_) {
        text_ += ", ";
    }
    needs_comma_ = true;
}

JsonWriter& JsonWriter::begin_object() {
    separate();
    text_ += '{';
    needs_comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::end_object() {
    text_ += '}';
    needs_comma_ = true;
    return *this;
}

JsonWriter& JsonWriter::begin_array() {
    separate();
    text_ += '[';
    needs_comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::end_array() {
    text_ += ']';
    needs_comma_ = true;
    return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
    separate();
    append_json_string(text_, name);
    text_ += ": ";
    needs_comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::string(std::string_view value) {
    separate();
    append_json_string(text_, value);
    return *this;
}

JsonWriter& JsonWriter::number(std::int64_t value) {
    separate();
    text_ += std::to_string(value);
    return *this;
}

JsonWriter& JsonWriter::seconds(double value) {
    separate();
    std::array<char, 64> digits{};
    std::snprintf(digits.data(), digits.size(), "%.1f", value);
    text_ += digits.data();
    return *this;
}

JsonWriter& JsonWriter::decimal(double value) {
    separate();
    std::array<char, 64> digits{};
    std::snprintf(digits.data(), digits.size(), "%.6g", value);
    text_ += digits.data();
    return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
    separate();
    text_ += value ? "true" : "false";
    return *this;
}

JsonWriter& JsonWriter::null() {
    separate();
    text_ += "null";
    return *this;
}

std::string json_object(std::string_view key, std::string_view value) {
    std::string text = "{";
    append_json_string(text, key);
    text += ": ";
    append_json_string(text, value);
    return text + "}";
}

} // namespace davit::api
