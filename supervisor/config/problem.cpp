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
    return before.empty() ? std::string{name} : concat(before, ".", name);
}

std::uint32_t Problems::add_file(std::string name) {
    files_.push_back(std::move(name));
    return static_cast<std::uint32_t>(files_.size() - 1);
}

void Problems::add(Place place, std::string_view path, std::string text, Severity severity) {
    entries_.push_back({.place = place, .path = std::string{path}, .text = std::move(text), .severity = severity});
    has_errors_ = has_errors_ || severity == Severity::error;
}

void Problems::add_without_place(std::string text, Severity severity) {
    entries_.push_back({.placed = false, .place = {}, .path = {}, .text = std::move(text), .severity = severity});
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
    std::string shown = "\"";
    std::size_t taken = 0;
    while (!text.empty()) {
        if (taken >= longest_quoted && !is_continuation(text.front())) {
            return shown + "...\"";
        }
        const auto byte = static_cast<unsigned char>(text.front());
        const auto hidden = std::ranges::find_if(
            hidden_characters, [&](const HiddenCharacter& character) { return text.starts_with(character.bytes); });
        const std::size_t size = hidden == hidden_characters.end() ? 1 : hidden->bytes.size();
        if (hidden != hidden_characters.end()) {
            shown += hidden->shown;
        } else if (byte < 0x20 || byte == 0x7F) {
            constexpr std::string_view digits = "0123456789abcdef";
            shown += concat("\\x", digits[byte >> 4U], digits[byte & 0xFU]);
        } else {
            shown += text.front();
        }
        taken += size;
        text.remove_prefix(size);
    }
    return shown + "\"";
}

} // namespace davit::config
