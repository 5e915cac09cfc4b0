// SPDX-License-Identifier: Apache-2.0
// The log file of a service, rotated by size between two lines: PATH is written, PATH.1 is the newest of the older
// ones, and what would be one file too many is removed. A disk without room costs lines, never more: a line that did
// not fit as a whole is taken back, so that the file goes on with a whole one once there is room. A file that somebody
// moved or removed is opened anew within a second.
#pragma once

#include "os/fd.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace davit::os {

struct LogFilePlan {
    std::string path;
    std::uint64_t max_bytes = 0; // of each file; a longer line has a file of its own
    int max_files = 2;           // PATH and PATH.1 to PATH.(max_files - 1)
};

class LogFile {
public:
    /// Told once, until the other comes: the file takes nothing (with the reason), the file takes lines again. Called
    /// from inside `write`.
    struct Observer {
        std::function<void(std::string_view reason)> failed;
        std::function<void()> recovered;
    };

    LogFile(LogFilePlan plan, Observer observer);

    /// As write(2): how much of `text` it took. -1: it takes nothing; the rest of the line that could not be written
    /// is the caller's to drop.
    ssize_t write(std::string_view text);

private:
    bool is_open();
    bool open();
    bool make_directories() const;
    bool was_taken_away();
    void rotate();
    std::string name_of(int number) const;
    std::string_view what_fits(std::string_view text) const;
    ssize_t write_piece(std::string_view piece);
    void take_back_torn_line();
    ssize_t fail(std::string_view action);

    LogFilePlan plan_;
    Observer observer_;
    Fd file_;
    std::uint64_t size_ = 0;
    std::uint64_t end_of_lines_ = 0;                      // where the last whole line ends
    std::chrono::steady_clock::time_point next_look_;     // whether the file is still there
    std::chrono::steady_clock::time_point next_rotation_; // after one that was refused
    bool has_failed_ = false;
};

} // namespace davit::os
