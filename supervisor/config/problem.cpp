// SPDX-License-Identifier: Apache-2.0
// Collecting, sorting and printing problems. See problem.h.
#include "config/problem.h"

#include "config/concat.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

namespace davit::config {

namespace {

constexpr std::size_t longest_quoted = 60;
constexpr std::size_t longest_text = 2000;

/// What comes along with text that is copied from a page, and cannot be told from a blank or from nothing.
struct HiddenCharacter {
    std::string_view bytes;
    std::string_view shown;
};
constexpr std::array<HiddenCharacter, 7> hidden_characters = {{{"\xC2\xA0", "\\u00a0"},
                                                               {"\xC2\xAD", "\\u00ad"},
                                                               {"\xE2\x80\x8B", "\\u200b"},
                                                               {"\xE2\x80\x8C", "\\u200c"},
                                                               {"\xE2\x80\x8D", "\\u200d"},
                                                               {"\xE2\x80\xAF", "\\u202f"},
                                                               {"\xE2\x81\xA0", "\\u2060"}}};

bool is_continuation(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

/// Appends the character at the front of `text` as a person can see it; gives its bytes.
std::size_t append_visible(std::string& shown, std::string_view text) {
    const auto byte = static_cast<unsigned char>(text.front());
    if (byte >= 0x20 && byte < 0x7F) { // nearly all
        shown += text.front();
        return 1;
    }
    const auto hidden = std::ranges::find_if(
        hidden_characters, [&](const HiddenCharacter& character) { return text.starts_with(character.bytes); });
    if (hidden != hidden_characters.end()) {
        shown += hidden->shown;
        return hidden->bytes.size();
    }
    const bool is_c1 = byte == 0xC2 && text.size() > 1 && static_cast<unsigned char>(text[1]) < 0xA0;
    if (byte < 0x20 || byte == 0x7F || is_c1) {
        constexpr std::string_view digits = "0123456789abcdef";
        const auto code = is_c1 ? static_cast<unsigned char>(text[1]) : byte;
        shown += concat("\\x", digits[code >> 4U], digits[code & 0xFU]);
        return is_c1 ? 2 : 1;
    }
    shown += text.front();
    return 1;
}

/// On one line, without what a terminal would obey or nobody would see, and no longer than `longest` bytes and a bit.
std::string shortened(std::string_view text, std::size_t longest) {
    std::string shown;
    for (std::size_t taken = 0; taken < text.size();) {
        if (taken >= longest && !is_continuation(text[taken])) {
            return shown + "...";
        }
        taken += append_visible(shown, text.substr(taken));
    }
    return shown;
}

} // namespace

std::string describe(const Problem& problem, std::string_view mark) {
    std::string line;
    if (!problem.file.empty()) {
        line = problem.line == 0 ? concat(problem.file, ": ")
                                 : concat(problem.file, ":", problem.line, ":", problem.column, ": ");
    }
    return concat(line, mark, mark.empty() ? "" : " ", problem.path, problem.path.empty() ? "" : ": ", problem.text);
}

std::string KeyPath::text() const {
    std::string before = parent == nullptr ? std::string{} : parent->text();
    if (index >= 0) {
        return concat(before, "[", index, "]");
    }
    if (name.empty()) {
        return before;
    }
    const std::string own = shortened(name, longest_quoted);
    return before.empty() ? own : concat(before, ".", own);
}

std::uint32_t Problems::add_file(std::string_view name) {
    files_.push_back(shortened(name, longest_text));
    return static_cast<std::uint32_t>(files_.size() - 1);
}

void Problems::add(Place place, std::string_view path, std::string_view text, Severity severity) {
    entries_.push_back({.place = place,
                        .path = shortened(path, longest_text),
                        .text = shortened(text, longest_text),
                        .severity = severity});
    has_errors_ = has_errors_ || severity == Severity::error;
}

void Problems::add_without_place(std::string_view text, Severity severity) {
    entries_.push_back(
        {.placed = false, .place = {}, .path = {}, .text = shortened(text, longest_text), .severity = severity});
    has_errors_ = has_errors_ || severity == Severity::error;
}

std::string Problems::name_of(Place place) const {
    return concat(files_[place.file], ":", place.line, ":", place.column);
}

std::vector<Problem> Problems::take() {
    auto order = [](const Entry& entry) {
        return std::tuple{!entry.placed, entry.place, std::string_view{entry.path}, std::string_view{entry.text}};
    };
    std::ranges::sort(entries_, std::less{}, order);
    std::vector<Problem> sorted;
    sorted.reserve(entries_.size());
    for (Entry& entry : entries_) {
        Problem problem{.file = entry.placed ? files_[entry.place.file] : std::string{},
                        .line = entry.place.line,
                        .column = entry.place.column,
                        .path = std::move(entry.path),
                        .text = std::move(entry.text),
                        .severity = entry.severity};
        if (sorted.empty() || sorted.back() != problem) {
            sorted.push_back(std::move(problem));
        }
    }
    entries_.clear();
    return sorted;
}

std::string quoted(std::string_view text) {
    return concat("\"", shortened(text, longest_quoted), "\"");
}

} // namespace davit::config
