// SPDX-License-Identifier: Apache-2.0
// The body of termination_message.h: UTF-8 by the table of RFC 3629, then what fits.
#include "model/termination_message.h"

namespace davit::model {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

bool continues(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

/// Length that a first byte asks for; 0: no character begins with it.
std::size_t length_by_first_byte(unsigned char first) {
    if (first < 0x80U) {
        return 1;
    }
    if (first < 0xC2U || first > 0xF4U) {
        return 0;
    }
    return first < 0xE0U ? 2 : first < 0xF0U ? 3 : 4;
}

/// What the first byte leaves open: overlong forms, surrogates, and what lies above U+10FFFF.
bool is_second_byte_bad(unsigned char first, unsigned char second) {
    switch (first) {
    case 0xE0U: return second < 0xA0U;
    case 0xEDU: return second > 0x9FU;
    case 0xF0U: return second < 0x90U;
    case 0xF4U: return second > 0x8FU;
    default: return false;
    }
}

/// Length of the character that `text` begins with; 0: it begins with none.
std::size_t character_length(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t length = length_by_first_byte(first);
    if (length > text.size()) {
        return 0;
    }
    for (std::size_t at = 1; at < length; ++at) {
        if (!continues(text[at])) {
            return 0;
        }
    }
    return length > 1 && is_second_byte_bad(first, static_cast<unsigned char>(text[1])) ? 0 : length;
}

} // namespace

std::string_view cut_at_character(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) {
        return text;
    }
    std::size_t end = limit;
    while (end > 0 && continues(text[end])) {
        --end;
    }
    return text.substr(0, end);
}

std::string valid_utf8(std::string_view text) {
    std::string valid;
    while (!text.empty()) {
        const std::size_t length = character_length(text);
        valid += length == 0 ? replacement : text.substr(0, length);
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return valid;
}

std::string termination_message(const std::vector<std::string>& reasons, const std::vector<std::string>& last_output) {
    std::string message;
    for (const std::string& reason : reasons) {
        message += valid_utf8(reason) + '\n';
    }
    message.resize(cut_at_character(message, termination_message_limit).size());
    std::vector<std::string> newest; // newest first
    std::size_t size = message.size();
    for (auto line = last_output.rbegin(); line != last_output.rend(); ++line) {
        newest.push_back(valid_utf8(*line) + '\n');
        size += newest.back().size();
        if (size > termination_message_limit) {
            newest.pop_back();
            break;
        }
    }
    for (auto line = newest.rbegin(); line != newest.rend(); ++line) {
        message += *line;
    }
    return message;
}

} // namespace davit::model
