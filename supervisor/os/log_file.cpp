// SPDX-License-Identifier: Apache-2.0
#include "os/log_file.h"

#include "os/errno_text.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace davit::os {
namespace {

constexpr std::chrono::seconds between_looks{1};
constexpr mode_t file_mode = 0644; // a helper that ships it may be another user; the umask counts
constexpr mode_t directory_mode = 0755;
constexpr std::chrono::seconds between_rotations_refused{10};

bool ends_with_line(const std::string& path, std::uint64_t size) {
    char last = '\n';
    const Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
    return !file || ::pread(file.get(), &last, 1, static_cast<off_t>(size - 1)) != 1 || last == '\n';
}

} // namespace

LogFile::LogFile(LogFilePlan plan, Observer observer) : plan_(std::move(plan)), observer_(std::move(observer)) {}

ssize_t LogFile::write(std::string_view text) {
    if (!is_open()) {
        return fail("open");
    }
    const bool begins_line = size_ == end_of_lines_;
    const std::string_view fitting = what_fits(text);
    if (!fitting.empty()) {
        return write_piece(fitting);
    }
    if (begins_line && size_ > 0) {
        rotate();
        return file_ ? 0 : fail("open");
    }
    const auto end = text.find('\n');
    return write_piece(end == std::string_view::npos ? text : text.substr(0, end + 1));
}

/// Whole lines, as many as fit into the present file; everything while it cannot be rotated.
std::string_view LogFile::what_fits(std::string_view text) const {
    const bool may_rotate = std::chrono::steady_clock::now() >= next_rotation_;
    const std::uint64_t room = !may_rotate ? text.size() : plan_.max_bytes > size_ ? plan_.max_bytes - size_ : 0;
    return text.size() <= room ? text : text.substr(0, text.substr(0, static_cast<std::size_t>(room)).rfind('\n') + 1);
}

/// Short or refused: what stands behind the last whole line is taken back.
ssize_t LogFile::write_piece(std::string_view piece) {
    ssize_t written = 0;
    do {
        written = ::write(file_.get(), piece.data(), piece.size());
    } while (written < 0 && errno == EINTR);
    if (written < 0) {
        const int error = errno;
        take_back_torn_line();
        errno = error;
        return fail("write");
    }
    const std::string_view taken = piece.substr(0, static_cast<std::size_t>(written));
    const auto last_end = taken.rfind('\n');
    size_ += taken.size();
    if (last_end != std::string_view::npos) {
        end_of_lines_ = size_ - (taken.size() - last_end - 1);
        // Not before a whole line went in: the next bytes of this one may find no room again.
        if (std::exchange(has_failed_, false) && observer_.recovered) {
            observer_.recovered();
        }
    }
    return written;
}

void LogFile::take_back_torn_line() {
    if (size_ > end_of_lines_ && ::ftruncate(file_.get(), static_cast<off_t>(end_of_lines_)) == 0) {
        size_ = end_of_lines_;
    }
}

ssize_t LogFile::fail(std::string_view action) {
    const int error = errno;
    if (!std::exchange(has_failed_, true) && observer_.failed) {
        observer_.failed("cannot " + std::string{action} + " " + plan_.path + ": " + errno_text(error));
    }
    errno = error;
    return -1;
}

// ---- the file ------------------------------------------------------------------------------------------

bool LogFile::is_open() {
    const auto now = std::chrono::steady_clock::now();
    if (now >= next_look_) {
        next_look_ = now + between_looks;
        if (file_ && was_taken_away()) {
            file_.reset();
        }
        if (!file_) {
            return open();
        }
    }
    if (!file_) {
        errno = ENOENT; // until the next look
    }
    return static_cast<bool>(file_);
}

bool LogFile::was_taken_away() {
    struct stat here{};
    struct stat there{};
    return ::fstat(file_.get(), &here) != 0 || ::stat(plan_.path.c_str(), &there) != 0 || here.st_dev != there.st_dev ||
           here.st_ino != there.st_ino;
}

bool LogFile::open() {
    // Non-blocking: a FIFO without a reader must not stop davit; a regular file does not know the flag.
    constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    file_.reset(::open(plan_.path.c_str(), flags, file_mode));
    if (!file_ && errno == ENOENT && make_directories()) {
        file_.reset(::open(plan_.path.c_str(), flags, file_mode));
    }
    struct stat status{};
    if (!file_ || ::fstat(file_.get(), &status) != 0) {
        return false;
    }
    if (!S_ISREG(status.st_mode)) {
        file_.reset();
        errno = EINVAL;
        return false;
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
    if (size_ > 0 && !ends_with_line(plan_.path, size_) && ::write(file_.get(), "\n", 1) == 1) {
        ++size_; // a davit that was killed left its line
    }
    end_of_lines_ = size_;
    return true;
}

bool LogFile::make_directories() const {
    for (auto end = plan_.path.find('/', 1); end != std::string::npos; end = plan_.path.find('/', end + 1)) {
        if (::mkdir(plan_.path.substr(0, end).c_str(), directory_mode) != 0 && errno != EEXIST) {
            return false;
        }
    }
    return true;
}

std::string LogFile::name_of(int number) const {
    return number == 0 ? plan_.path : plan_.path + "." + std::to_string(number);
}

/// PATH.N falls away, each other becomes one older. Where that is refused the file grows on: lines come first.
void LogFile::rotate() {
    if (was_taken_away()) {
        file_.reset();
        open();
        return;
    }
    for (int number = plan_.max_files - 1; number > 0; --number) {
        std::rename(name_of(number - 1).c_str(), name_of(number).c_str());
    }
    Fd previous = std::move(file_);
    if (!open()) {
        file_ = std::move(previous);
    }
    if (size_ > 0) {
        next_rotation_ = std::chrono::steady_clock::now() + between_rotations_refused;
    }
}

} // namespace davit::os
