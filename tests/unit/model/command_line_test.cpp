// SPDX-License-Identifier: Apache-2.0
// One text to words, as a POSIX shell reads them.
#include "model/command_line.h"

#include "support/catch.h"

#include <random>
#include <string>
#include <vector>

namespace davit::model {
namespace {

using Words = std::vector<std::string>;

Words words_of(std::string_view text) {
    const auto words = split_command_line(text);
    return words ? *words : Words{"error: " + words.error().text};
}

std::string error_of(std::string_view text) {
    const auto words = split_command_line(text);
    return words ? "no error" : words.error().text;
}

} // namespace

TEST_CASE("blanks divide words, however many", "[command_line]") {
    CHECK(words_of("a b") == Words{"a", "b"});
    CHECK(words_of("  a \t b\n c  ") == Words{"a", "b", "c"});
    CHECK(words_of("").empty());
    CHECK(words_of(" \t\n").empty());
}

TEST_CASE("single quotes keep everything as it is", "[command_line]") {
    CHECK(words_of("'a b'") == Words{"a b"});
    CHECK(words_of(R"('a\b "c" $d')") == Words{R"(a\b "c" $d)"});
}

TEST_CASE("double quotes keep blanks; a backslash escapes only what is special there", "[command_line]") {
    CHECK(words_of(R"("a b")") == Words{"a b"});
    CHECK(words_of(R"("a\"b\\c\$d\`e")") == Words{R"(a"b\c$d`e)"});
    CHECK(words_of(R"("a\nb\'c")") == Words{R"(a\nb\'c)"});
    CHECK(words_of("\"a\\\nb\"") == Words{"ab"});
    CHECK(words_of("\"it's\"") == Words{"it's"});
}

TEST_CASE("outside of quotes a backslash escapes any letter and joins lines", "[command_line]") {
    CHECK(words_of(R"(a\ b \'c \\ \x)") == Words{"a b", "'c", "\\", "x"});
    CHECK(words_of("a\\\nb \\\n c") == Words{"ab", "c"});
}

TEST_CASE("parts that touch are one word, empty quotes are an empty one", "[command_line]") {
    CHECK(words_of(R"(a'b c'"d e"f)") == Words{"ab cd ef"});
    CHECK(words_of(R"('' a "")") == Words{"", "a", ""});
    CHECK(words_of(R"(a'')") == Words{"a"});
}

TEST_CASE("nothing is expanded and no operator is known", "[command_line]") {
    CHECK(words_of("a|b ; c & #d *.txt $HOME ~ `e`") ==
          Words{"a|b", ";", "c", "&", "#d", "*.txt", "$HOME", "~", "`e`"});
}

TEST_CASE("a quote that is never closed is an error that says where it opens", "[command_line]") {
    CHECK(error_of("a 'b c") == "the quote ' is never closed (character 3)");
    CHECK(error_of(R"("a b)") == "the quote \" is never closed (character 1)");
    CHECK(error_of(R"("a\")") == "the quote \" is never closed (character 1)");
    CHECK(error_of(R"("a\)") == "the quote \" is never closed (character 1)");
}

TEST_CASE("a backslash at the end is an error", "[command_line]") {
    CHECK(error_of("a\\") == "a backslash at the end escapes nothing (character 2)");
}

TEST_CASE("a ${...} outside of quotes stays in one word, with the blanks of its default", "[command_line]") {
    CHECK(words_of("run --app ${APP:-no name} x") == Words{"run", "--app", "${APP:-no name}", "x"});
    CHECK(words_of("a${A:-${B:-c d} e}f g") == Words{"a${A:-${B:-c d} e}f", "g"});
    CHECK(words_of("${A b") == Words{"${A b"});
    CHECK(words_of("$ {A b}") == Words{"$", "{A", "b}"});
}

TEST_CASE("words that are quoted come back as they were", "[command_line]") {
    const auto seed = GENERATE(range(0U, 100U));
    std::mt19937 dice{seed};
    const std::string letters = "ab '\"\\$\n\t{}#|";
    Words words;
    std::string line;
    for (std::size_t count = dice() % 5; count > 0; --count) {
        std::string word;
        std::string quoted = "'";
        for (std::size_t length = dice() % 8; length > 0; --length) {
            const char letter = letters[dice() % letters.size()];
            word += letter;
            quoted += letter == '\'' ? "'\\''" : std::string(1, letter);
        }
        words.push_back(word);
        line += (line.empty() ? "" : " ") + quoted + "'";
    }

    CHECK(words_of(line) == words);
}

} // namespace davit::model
