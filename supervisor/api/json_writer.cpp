// SPDX-License-Identifier: Apache-2.0
#include "api/json_writer.h"

#include "model/json_text.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace davit::api {

using model::append_json_string;

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
