// SPDX-License-Identifier: Apache-2.0
// Text as JSON has it: whatever the bytes are, the result is valid. Fast, for logs pass through it.
#pragma once

#include <string>
#include <string_view>

namespace davit::model {

bool is_utf8(std::string_view text);

/// What stands between the quotes of a JSON string: control characters are escaped, and a byte that is no UTF-8
/// becomes U+FFFD.
void append_json_text(std::string& out, std::string_view text);

/// The same with its quotes.
void append_json_string(std::string& out, std::string_view text);

/// `"key":"value"`.
std::string json_member(std::string_view key, std::string_view value);

/// The longest start of `text`, at most `limit` bytes, that does not end inside a character of UTF-8. Never empty
/// where `text` and `limit` are not.
std::string_view whole_characters(std::string_view text, std::size_t limit);

} // namespace davit::model
