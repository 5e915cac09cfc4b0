// SPDX-License-Identifier: Apache-2.0
// Small files, read and written whole and with a limit. Nothing here waits for a reader, a writer or a device
// that is not ready: a FIFO in the place of a file is refused, not suffered. Only read_stream waits, for those who
// have time for that: a start, or a client.
#pragma once

#include "model/result.h"
#include "model/time.h"
#include "os/fd.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::os {

inline constexpr std::size_t small_file = std::size_t{64} * 1024;

/// The whole file. Error: cannot be read, is no regular file, or is longer than `limit`.
Result<std::string> read_file(const std::string& path, std::size_t limit = small_file);

/// The first `limit` bytes of a regular file.
Result<std::string> read_beginning(const std::string& path, std::size_t limit);

/// What a pipe, a socket, a device or a file gives until its end, the first `limit` bytes of it. Error: cannot be read,
/// or has not ended by `deadline` (a FIFO without a writer, a terminal where nobody types).
Result<std::string> read_stream(const std::string& path, std::size_t limit, TimePoint deadline);
/// The same of a descriptor, which stays open.
Result<std::string> read_stream(int descriptor, std::size_t limit, TimePoint deadline);

/// A file of /proc or /sys that is read again and again, through a descriptor that is opened once.
class KernelFile {
public:
    explicit KernelFile(std::string path) : path_(std::move(path)) {}

    /// Its first `limit` bytes as they are now; nullopt if it cannot be read.
    std::optional<std::string> read(std::size_t limit = small_file) const;
    /// Of a file that says so by itself, a mount table (proc_pid_mountinfo(5)): whether it changed since it was opened
    /// or this was asked. One that could not be read has.
    bool says_changed() const;
    const std::string& path() const { return path_; }

private:
    std::string path_;
    mutable Fd descriptor_;
};

/// The first `limit` bytes of a file of /proc or /sys; empty if it cannot be read. For what is only a hint.
std::string read_kernel_file(const std::string& path, std::size_t limit = small_file);

/// All of it; waits where the descriptor blocks. False: errno says why.
bool write_whole(int descriptor, std::string_view text);

/// Readers see the old text or the new one, never a part: a new file beside it is synced and renamed over it.
Result<void> write_file_atomically(const std::string& path, std::string_view text);

/// Replaces the contents of a file that is there (the termination log); never creates one.
/// false: there is no such file.
Result<bool> overwrite_file(const std::string& path, std::string_view text);

/// Names in a directory, in lexical order, without `.` and `..`.
Result<std::vector<std::string>> list_directory(const std::string& path);

/// Something is at that path, at its end if it is a link. Error: why not, without the path ("no such file or
/// directory").
Result<void> find_path(const std::string& path);
/// What stands at a path, at its end if it is a link, by one look.
enum class PathKind : std::uint8_t { missing, file, directory, other };
PathKind kind_of_path(const std::string& path);
/// A regular file that this process may execute.
bool is_executable_file(const std::string& path);
bool is_regular_file(const std::string& path);
bool is_directory(const std::string& path);

/// What a path leads to in the end. Empty: it leads nowhere, errno says why.
std::string real_path(const std::string& path);
/// "/" for what stands directly below it, and for a name alone.
std::string parent_of(const std::string& path);

} // namespace davit::os
