// SPDX-License-Identifier: Apache-2.0
// What is wrong with a configuration: where it stands, which key it is about, what was found and what
// is allowed. All problems of a load are collected and told at once, sorted by place.
// No text here holds a value of the environment: only what the user wrote.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace davit::config {

/// A place in one of the files of a load. Lines and columns (in characters) count from 1; line 0: the
/// file as a whole.
struct Place {
    std::uint32_t file = 0;
    std::uint32_t line = 0;
    std::uint32_t column = 0;

    friend auto operator<=>(const Place&, const Place&) = default;
};

enum class Severity : std::uint8_t {
    warning,      // told, never in the way
    error_in_run, // `run` cannot work with it, `check` and `plan` only warn: an unset variable, no main
    error,
};

struct Problem {
    std::string file;
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    /// The key that it is about: `services.web.dependsOn`; empty: the file or the load as a whole.
    std::string path;
    /// What is wrong: `unknown service "datbase"`.
    std::string text;
    Severity severity = Severity::error;

    friend bool operator==(const Problem&, const Problem&) = default;
};

/// `FILE:LINE:COLUMN: MARK PATH: TEXT`; without a line `FILE: ...`; without a file, path or mark the rest.
std::string describe(const Problem& problem, std::string_view mark = "");

/// The way to a value, as links that live on the stack of the walk: the text is only made for a problem.
struct KeyPath {
    const KeyPath* parent = nullptr;
    std::string_view name;
    int index = -1; // of a list item; -1: `name` counts

    /// `services.web.dependsOn`, `lifecycle.preload[1].exec`.
    std::string text() const;
};

/// Collects the problems of one load.
class Problems {
public:
    /// Numbers the files in the order of the layers.
    std::uint32_t add_file(std::string_view name);
    const std::string& file_name(std::uint32_t file) const { return files_[file]; }

    /// `path` may be empty; `text` says what is wrong. Whatever they hold, they are kept as one line that a terminal
    /// can show.
    void add(Place place, std::string_view path, std::string_view text, Severity severity = Severity::error);
    /// About the load as a whole: no file or place to point at.
    void add_without_place(std::string_view text, Severity severity = Severity::error);

    bool has_errors() const { return has_errors_; }
    std::size_t count() const { return entries_.size(); }

    /// `FILE:LINE:COLUMN`, for a text that names a second place.
    std::string name_of(Place place) const;

    /// All, sorted by file, line and column; the same text at the same place is told once.
    std::vector<Problem> take();

private:
    struct Entry {
        bool placed = true;
        Place place;
        std::string path;
        std::string text;
        Severity severity = Severity::error;
    };
    std::vector<std::string> files_;
    std::vector<Entry> entries_;
    bool has_errors_ = false;
};

/// A text of the user in quotes, short enough for a line and without control characters.
std::string quoted(std::string_view text);

} // namespace davit::config
