// SPDX-License-Identifier: Apache-2.0
// What stands in the termination log: the best first, 4096 bytes, whole characters.
#include "model/termination_message.h"

#include "support/catch.h"

#include <string>
#include <vector>

namespace davit::model {
namespace {

using Lines = std::vector<std::string>;

} // namespace

TEST_CASE("the reasons come first, then the last output in its order", "[termination_message]") {
    CHECK(termination_message({"web ended: SIGKILL, out of memory", "offline timed out"}, {"one", "two"}) ==
          "web ended: SIGKILL, out of memory\noffline timed out\none\ntwo\n");
    CHECK(termination_message({}, {}).empty());
}

TEST_CASE("of the last output the newest lines are kept", "[termination_message]") {
    const Lines output{std::string(3000, 'a'), std::string(3000, 'b'), "newest"};

    const std::string message = termination_message({"reason"}, output);

    CHECK(message == "reason\n" + std::string(3000, 'b') + "\nnewest\n");
}

TEST_CASE("a line that just fits is taken, one byte more is not", "[termination_message]") {
    const std::size_t room = termination_message_limit - 7; // "reason\n"

    CHECK(termination_message({"reason"}, {std::string(room - 1, 'x')}).size() == termination_message_limit);
    CHECK(termination_message({"reason"}, {std::string(room, 'x')}) == "reason\n");
}

TEST_CASE("reasons that are too long are cut, and leave no room for output", "[termination_message]") {
    const std::string message = termination_message({std::string(5000, 'x')}, {"out"});

    CHECK(message == std::string(termination_message_limit, 'x'));
}

TEST_CASE("a cut never falls into a character", "[termination_message]") {
    CHECK(cut_at_character("aé", 3) == "aé");
    CHECK(cut_at_character("aé", 2) == "a");
    CHECK(cut_at_character("€€", 5) == "€");
    CHECK(cut_at_character("😀", 3).empty());
    CHECK(cut_at_character("abc", 0).empty());
    for (std::size_t length = 4090; length < 4100; ++length) {
        const std::string message = termination_message({std::string(length, 'x') + "😀😀"}, {});
        CHECK(message.size() <= termination_message_limit);
        CHECK(valid_utf8(message) == message);
    }
}

TEST_CASE("characters of one to four bytes stay as they are", "[termination_message]") {
    for (const char* text : {"plain\ttext", "é", "\u0800", "€", "\uD7FF", "\uE000", "\U00010000", "😀", "\U0010FFFF"}) {
        INFO(text);
        CHECK(valid_utf8(text) == text);
    }
}

TEST_CASE("bytes that are no UTF-8 are replaced one by one", "[termination_message]") {
    const std::string bad = "\xEF\xBF\xBD";
    const std::vector<std::pair<std::string, std::string>> cases{
        {"a\x80z", "a" + bad + "z"},                 // a byte that goes on with nothing before it
        {"\xC0\xAF", bad + bad},                     // overlong
        {"\xE0\x9F\xBF", bad + bad + bad},           // overlong
        {"\xF0\x8F\xBF\xBF", bad + bad + bad + bad}, // overlong
        {"\xED\xA0\x80", bad + bad + bad},           // a surrogate
        {"\xF4\x90\x80\x80", bad + bad + bad + bad}, // above U+10FFFF
        {"\xF8\xFF", bad + bad},                     // never in UTF-8
        {"\xC3", bad},                               // broken off
        {"\xE2\x82", bad + bad},                     // broken off
        {"\xE2\x82z", bad + bad + "z"},              // broken off
        {"\xC3\xC3\xA9", bad + "é"},                 // a good one behind
    };
    for (const auto& [text, valid] : cases) {
        CHECK(valid_utf8(text) == valid);
    }
    CHECK(termination_message({"\xFF"}, {"\xFE"}) == bad + "\n" + bad + "\n");
}

TEST_CASE("a flood of broken bytes is still cut to the limit", "[termination_message]") {
    const std::string message = termination_message({"reason", std::string(6000, '\x80')}, {std::string(2000, '\x80')});

    CHECK(message.starts_with("reason\n"));
    CHECK(message.size() <= termination_message_limit);
    CHECK(valid_utf8(message) == message);
}

} // namespace davit::model
