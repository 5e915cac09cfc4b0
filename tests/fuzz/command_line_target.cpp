// SPDX-License-Identifier: Apache-2.0
// One text to words, without a shell.
#include "model/command_line.h"

#include "target.h"

namespace davit::fuzz {

namespace {

std::string in_single_quotes(std::string_view word) {
    std::string quoted = "'";
    for (const char letter : word) {
        quoted += letter == '\'' ? "'\\''" : std::string{letter};
    }
    return quoted + "'";
}

std::string in_double_quotes(std::string_view word) {
    std::string quoted = "\"";
    for (const char letter : word) {
        quoted += letter == '"' || letter == '\\' || letter == '$' || letter == '`' ? "\\" : "";
        quoted += letter;
    }
    return quoted + "\"";
}

} // namespace

void run(std::string_view input) {
    const auto words = model::split_command_line(input);
    if (!words) {
        demand_readable(words.error().text);
        return;
    }
    std::string single;
    std::string doubled;
    std::size_t letters = 0;
    for (const std::string& word : *words) {
        single += in_single_quotes(word) + " ";
        doubled += " \t" + in_double_quotes(word);
        letters += word.size();
    }
    demand(letters <= input.size(), "splitting adds no letters");
    const auto from_single = model::split_command_line(single);
    demand(from_single && *from_single == *words, "words in single quotes come back as they were");
    const auto from_doubled = model::split_command_line(doubled);
    demand(from_doubled && *from_doubled == *words, "words in double quotes come back as they were");
}

} // namespace davit::fuzz
