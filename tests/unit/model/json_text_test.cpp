// SPDX-License-Identifier: Apache-2.0
// Text as JSON, at every place of the eight bytes that are looked at together; and cuts between characters.
#include "model/json_text.h"

#include "support/catch.h"

namespace davit::model {
namespace {

std::string json_text(std::string_view text) {
    std::string out;
    append_json_text(out, text);
    return out;
}

} // namespace

TEST_CASE("a member has its name and its text as JSON", "[json_text]") {
    CHECK(json_member("service", "log-agent") == R"("service":"log-agent")");
    CHECK(json_member("a\"b", "c\n") == R"("a\"b":"c\n")");
}

TEST_CASE("a character that cannot stand for itself is found wherever it stands", "[json_text]") {
    const std::pair<std::string, std::string> cases[] = {
        {"\"", "\\\""},           {"\\", "\\\\"},           {"\t", "\\t"},        {std::string(1, '\0'), "\\u0000"},
        {"\x1f", "\\u001f"},      {"\x7f", "\\u007f"},      {" ", " "},           {"~", "~"},
        {"\xff", "\xEF\xBF\xBD"}, {"\x80", "\xEF\xBF\xBD"}, {"\u00fc", "\u00fc"}, {"\U0001F6A2", "\U0001F6A2"}};
    for (const auto& [character, escaped] : cases) {
        for (std::size_t before = 0; before < 20; ++before) {
            INFO(escaped << " after " << before);
            const std::string head(before, 'a');
            const std::string tail(20 - before, '!');
            CHECK(json_text(head + character + tail) == head + escaped + tail);
        }
    }
}

TEST_CASE("a text is cut between two characters", "[json_text]") {
    CHECK(whole_characters("abc", 5) == "abc");
    CHECK(whole_characters("abc", 2) == "ab");
    CHECK(whole_characters("a\u00fcb", 2) == "a");
    CHECK(whole_characters("a\u00fcb", 3) == "a\u00fc");
    CHECK(whole_characters("\U0001F6A2\U0001F6A2", 7) == "\U0001F6A2");
    CHECK(whole_characters("\x80\x80\x80\x80\x80\x80\x80", 5) == "\x80\x80\x80\x80\x80"); // no character at all
}

} // namespace davit::model
