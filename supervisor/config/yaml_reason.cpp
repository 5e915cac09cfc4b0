// SPDX-License-Identifier: Apache-2.0
// The library's messages, translated. See yaml_reason.h.
#include "config/yaml_reason.h"

#include "config/concat.h"

#include <array>
#include <utility>

namespace davit::config {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 16> translations = {{
    {"end of map not found", "this does not belong to the map above it: check the indentation and the quotes"},
    {"end of sequence not found", "this does not belong to the list above it: check the indentation and the quotes"},
    {"illegal map value", "a \":\" that begins a value is not allowed here: check the indentation, and quote a "
                          "text that has \": \" in it"},
    {"illegal map key", "a key is not allowed here: check the indentation"},
    {"illegal block entry", "a list item is not allowed here: check the indentation"},
    {"illegal EOF in scalar", "a quote is never closed"},
    {"illegal document indicator in scalar", "a quote is never closed before the --- or ... that ends the document"},
    {"illegal flow end", "a ] or } that closes nothing"},
    {"the referenced anchor is not defined", "an alias (*) without an anchor (&) of that name before it"},
    {"alias not found after *", "a text that begins with * must be quoted"},
    {"anchor not found after &", "a text that begins with & must be quoted"},
    {"illegal character found while scanning alias", "a text that begins with * must be quoted"},
    {"illegal character found while scanning anchor", "a text that begins with & must be quoted"},
    {"bad character found while scanning hex number",
     "\\x, \\u and \\U in a text in double quotes are followed by 2, 4 and "
     "8 hexadecimal digits: write \\\\ for a backslash"},
    {"unexpected character in block scalar",
     "behind | and > stands nothing on their line: begin the text in the next one"},
    {"unknown token", "a text cannot begin with this character: quote it"},
}};

bool has_tab_in_indentation(std::string_view line) {
    return line.substr(0, line.find_first_not_of(" \t")).find('\t') != std::string_view::npos;
}

bool begins_variable_at(std::string_view line, std::size_t column) {
    return column > 0 && column <= line.size() && line.substr(column - 1).starts_with("${");
}

} // namespace

std::string reason_in_words(std::string_view message, std::string_view line, std::size_t column) {
    if (has_tab_in_indentation(line)) {
        return "a tab in the indentation: YAML takes only spaces there";
    }
    if (message == "end of map flow not found" || message == "end of sequence flow not found") {
        if (begins_variable_at(line, column)) {
            return "inside { } and [ ] a text with ${...} must be quoted: \"${NAME}\"";
        }
        return std::string{open_bracket_reason};
    }
    constexpr std::string_view unknown_escape = "unknown escape character: ";
    constexpr std::string_view end_of_text = "\x04"; // as the library reads it
    if (message.starts_with(unknown_escape) && message.substr(unknown_escape.size()) == end_of_text) {
        return "a quote is never closed";
    }
    if (message.starts_with(unknown_escape)) {
        const std::string_view letter = message.substr(unknown_escape.size());
        // Of a letter beyond ASCII the library gives the first byte.
        const bool is_whole = letter.size() == 1 && letter.front() > ' ' && letter.front() < '\x7F';
        return concat("unknown escape ", is_whole ? concat("\\", letter) : "(a backslash before this letter)",
                      " in a text in double quotes: write \\\\ for a backslash, or use single quotes");
    }
    for (const auto& [theirs, ours] : translations) {
        if (message == theirs) {
            return std::string{ours};
        }
    }
    return concat("not valid YAML: ", message);
}

} // namespace davit::config
