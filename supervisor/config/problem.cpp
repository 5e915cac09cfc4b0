// SPDX-License-Identifier: Apache-2.0
// Collecting, sorting and printing problems. See problem.h.
#include "config/problem.h"

#include "config/concat.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace davit::config {

namespace {

constexpr std::size_t longest_quoted = 60;

bool is_continuation(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

} // namespace

std::string describe(const Problem& problem) {
    if (problem.file.empty()) {
        return problem.text;
    }
    if (problem.line == 0) {
        return concat(problem.file, ": ", problem.text);
    }
    return concat(problem.file, ":", problem.line, ":", problem.column, ": ", problem.text);
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
    if (!path.empty()) {
        text = concat(path, ": ", text);
    }
    entries_.push_back({.place = place, .text = std::move(text), .severity = severity});
    has_errors_ = has_errors_ || severity == Severity::error;
}

void Problems::add_without_place(std::string text, Severity severity) {
    entries_.push_back({.placed = false, .place = {}, .text = std::move(text), .severity = severity});
    has_errors_ = has_errors_ || severity == Severity::error;
}

std::string Problems::name_of(Place place) const {
    return concat(files_[place.file], ":", place.line, ":", place.column);
}

std::vector<Problem> Problems::take() {
    auto order = [](const Entry& entry) {
        return std::tuple{!entry.placed, entry.place, std::string_view{entry.text}};
    };
    std::ranges::sort(entries_, std::less{}, order);
    std::vector<Problem> sorted;
    sorted.reserve(entries_.size());
    for (Entry& entry : entries_) {
        Problem problem{.file = entry.placed ? files_[entry.place.file] : std::string{},
                        .line = entry.place.line,
                        .column = entry.place.column,
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
    for (char character : text) {
        if (taken >= longest_quoted && !is_continuation(character)) {
            return shown + "...\"";
        }
        ++taken;
        auto byte = static_cast<unsigned char>(character);
        if (byte < 0x20 || byte == 0x7F) {
            constexpr std::string_view digits = "0123456789abcdef";
            shown += concat("\\x", digits[byte >> 4U], digits[byte & 0xFU]);
        } else {
            shown += character;
        }
    }
    return shown + "\"";
}

} // namespace davit::config
