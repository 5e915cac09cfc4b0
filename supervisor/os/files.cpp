// SPDX-License-Identifier: Apache-2.0
#include "os/files.h"

#include "os/errno_text.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::os {
namespace {

constexpr std::size_t stream_portion = std::size_t{16} * 1024;

std::unexpected<Error> cannot(const char* what, const std::string& path) {
    return failure(std::string{"cannot "} + what + " " + path + ": " + errno_text(errno));
}

/// read(2), or pread(2) at an offset.
using ReadPart = ssize_t (*)(int descriptor, void* into, std::size_t size, off_t offset);

ssize_t read_on(int descriptor, void* into, std::size_t size, off_t /*offset*/) {
    return ::read(descriptor, into, size);
}

/// Appends until the end of the file or until `text` has `limit` bytes. False: errno says why.
bool read_into(std::string& text, int descriptor, std::size_t limit, ReadPart read_part = read_on) {
    constexpr std::size_t portion = 4096;
    while (text.size() < limit) {
        const std::size_t before = text.size();
        text.resize(std::min(limit, before + portion));
        const ssize_t size =
            read_part(descriptor, text.data() + before, text.size() - before, static_cast<off_t>(before));
        text.resize(before + static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
        if (size == 0) {
            return true;
        }
        if (size < 0 && errno != EINTR) {
            return false;
        }
    }
    return true;
}

/// Waits until a read would not block; false: the deadline came first.
bool is_readable_by(int descriptor, TimePoint deadline) {
    constexpr std::chrono::milliseconds longest_turn{60'000};
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        const auto turn = std::clamp(left, std::chrono::milliseconds{0}, longest_turn);
        pollfd watched{.fd = descriptor, .events = POLLIN, .revents = 0};
        if (::poll(&watched, 1, static_cast<int>(turn.count())) > 0) {
            return true;
        }
        if (left <= std::chrono::milliseconds{0}) {
            return false;
        }
    }
}

mode_t mode_of(const std::string& path) {
    struct stat status{};
    return ::stat(path.c_str(), &status) == 0 ? status.st_mode : 0;
}

/// The rename is what counts after a crash, and it lives in the directory.
void sync_directory_of(const std::string& path) {
    const auto slash = path.rfind('/');
    const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const Fd descriptor{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (descriptor) {
        ::fsync(descriptor.get());
    }
}

} // namespace

Result<std::string> read_beginning(const std::string& path, std::size_t limit) {
    // O_NONBLOCK: opening a FIFO would wait for a writer.
    const Fd descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!descriptor) {
        return cannot("read", path);
    }
    struct stat status{};
    if (::fstat(descriptor.get(), &status) != 0) {
        return cannot("read", path);
    }
    if (!S_ISREG(status.st_mode)) {
        return failure("cannot read " + path + ": not a regular file");
    }
    std::string text;
    if (!read_into(text, descriptor.get(), limit)) {
        return cannot("read", path);
    }
    return text;
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
    Result<std::string> text = read_beginning(path, limit + 1);
    if (text && text->size() > limit) {
        return failure("cannot read " + path + ": longer than " + std::to_string(limit) + " bytes");
    }
    return text;
}

Result<std::string> read_stream(const std::string& path, std::size_t limit, TimePoint deadline) {
    const Fd descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!descriptor) {
        return cannot("read", path);
    }
    Result<std::string> text = read_stream(descriptor.get(), limit, deadline);
    if (!text) {
        return failure("cannot read " + path + ": " + text.error().text);
    }
    return text;
}

Result<std::string> read_stream(int descriptor, std::size_t limit, TimePoint deadline) {
    std::string text;
    while (text.size() < limit) {
        if (!is_readable_by(descriptor, deadline)) {
            return failure("its end did not come in time");
        }
        const std::size_t before = text.size();
        text.resize(std::min(limit, before + stream_portion));
        const ssize_t size = ::read(descriptor, text.data() + before, text.size() - before);
        const int error = errno;
        text.resize(before + static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
        if (size == 0) {
            return text;
        }
        if (size < 0 && error != EINTR && error != EAGAIN) {
            return failure(errno_text(error));
        }
    }
    return text;
}

std::optional<std::string> KernelFile::read(std::size_t limit) const {
    if (!descriptor_) {
        descriptor_.reset(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    }
    std::string text;
    if (!descriptor_ || !read_into(text, descriptor_.get(), limit, ::pread)) {
        descriptor_.reset(); // a mount that went away and came back has another file
        return std::nullopt;
    }
    return text;
}

bool KernelFile::says_changed() const {
    pollfd asked{.fd = descriptor_.get(), .events = POLLPRI, .revents = 0};
    return !descriptor_ || ::poll(&asked, 1, 0) != 0;
}

std::string read_kernel_file(const std::string& path, std::size_t limit) {
    return KernelFile{path}.read(limit).value_or(std::string{});
}

bool write_whole(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t size = ::write(descriptor, text.data(), text.size());
        if (size >= 0) {
            text.remove_prefix(static_cast<std::size_t>(size));
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

Result<void> write_file_atomically(const std::string& path, std::string_view text) {
    const std::string beside = path + ".new";
    constexpr mode_t owner_only = 0600;
    // What a crash left beside it is of no use; O_EXCL follows no link that somebody put there.
    ::unlink(beside.c_str());
    Fd descriptor{::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, owner_only)};
    if (!descriptor) {
        return cannot("write", beside);
    }
    if (!write_whole(descriptor.get(), text) || ::fsync(descriptor.get()) != 0 ||
        ::rename(beside.c_str(), path.c_str()) != 0) {
        auto error = cannot("write", path);
        ::unlink(beside.c_str());
        return error;
    }
    sync_directory_of(path);
    return {};
}

Result<bool> overwrite_file(const std::string& path, std::string_view text) {
    const Fd descriptor{::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!descriptor) {
        if (errno == ENOENT) {
            return false;
        }
        return cannot("write", path);
    }
    struct stat status{};
    if (::fstat(descriptor.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
        return failure("cannot write " + path + ": not a regular file");
    }
    if (::ftruncate(descriptor.get(), 0) != 0 || !write_whole(descriptor.get(), text)) {
        return cannot("write", path);
    }
    return true;
}

Result<std::vector<std::string>> list_directory(const std::string& path) {
    const auto close = [](DIR* directory) { ::closedir(directory); };
    const std::unique_ptr<DIR, decltype(close)> directory{::opendir(path.c_str()), close};
    if (!directory) {
        return cannot("list", path);
    }
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(directory.get())) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") {
            names.emplace_back(name);
        }
    }
    std::ranges::sort(names);
    return names;
}

Result<void> find_path(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) {
        return failure(errno_text(errno));
    }
    return {};
}

bool is_executable_file(const std::string& path) {
    return is_regular_file(path) && ::access(path.c_str(), X_OK) == 0;
}

bool is_regular_file(const std::string& path) {
    return S_ISREG(mode_of(path));
}

bool is_directory(const std::string& path) {
    return S_ISDIR(mode_of(path));
}

PathKind kind_of_path(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) {
        return PathKind::missing;
    }
    return S_ISDIR(status.st_mode) ? PathKind::directory : S_ISREG(status.st_mode) ? PathKind::file : PathKind::other;
}

std::string real_path(const std::string& path) {
    const std::unique_ptr<char, decltype(&std::free)> real{::realpath(path.c_str(), nullptr), &std::free};
    return real ? std::string{real.get()} : std::string{};
}

std::string parent_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

} // namespace davit::os
