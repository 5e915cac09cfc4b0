// SPDX-License-Identifier: Apache-2.0
#include "os/state_directory.h"

#include "model/mount_table.h"
#include "os/errno_text.h"
#include "os/files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::os {
namespace {

constexpr const char* file_name = "davit.state";
constexpr const char* new_name = ".davit.state.new";

/// Empty: calls to `path` wait for nobody, or it cannot be known.
std::string served_from_outside(const std::string& path) {
    constexpr std::size_t most = std::size_t{4} * 1024 * 1024;
    const auto mountinfo = read_file("/proc/self/mountinfo", most);
    const std::string plain = std::filesystem::path{path}.lexically_normal().string();
    const auto mount = mountinfo ? model::mount_of(*mountinfo, plain) : std::nullopt;
    return mount && model::is_served_from_outside(mount->type) ? mount->type : std::string{};
}

/// Where a descriptor leads, without symbolic links; empty: it cannot be known.
std::string path_of(int descriptor) {
    std::array<char, PATH_MAX> path;
    const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
    const ssize_t size = ::readlink(link.c_str(), path.data(), path.size());
    return {path.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
}

/// root's, or this user's: anybody else could put there what he likes.
bool is_trusted(const struct stat& about) {
    return about.st_uid == 0 || about.st_uid == ::geteuid();
}

/// Empty: it can be used.
std::string trouble_with(int directory) {
    struct stat about{};
    if (::fstat(directory, &about) != 0) {
        return errno_text(errno);
    }
    if (!is_trusted(about)) {
        return "it belongs to uid " + std::to_string(about.st_uid) + ", which is neither root nor davit's";
    }
    if (::faccessat(directory, ".", W_OK | X_OK, AT_EACCESS) != 0) {
        return errno_text(errno);
    }
    if (::flock(directory, LOCK_EX | LOCK_NB) != 0) {
        return errno == EWOULDBLOCK ? "another davit uses it" : "it cannot be locked: " + errno_text(errno);
    }
    return {};
}

} // namespace

Result<StateDirectory> StateDirectory::open(const std::string& path) {
    const auto cannot = [&](const std::string& why) { return failure("cannot use " + path + ": " + why); };
    const auto is_away = [&](const std::string& type) {
        return cannot("it is on a network filesystem (" + type + "), whose server may be away");
    };
    // Before anything touches it: what waits for a server cannot be broken off.
    if (const std::string type = served_from_outside(path); !type.empty()) {
        return is_away(type);
    }
    constexpr mode_t mode = 0700;
    ::mkdir(path.c_str(), mode); // it is there already, or the next line says why not
    Fd directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK)};
    if (!directory) {
        return cannot(errno_text(errno));
    }
    if (const std::string type = served_from_outside(path_of(directory.get())); !type.empty()) {
        return is_away(type); // by a symbolic link
    }
    if (const std::string trouble = trouble_with(directory.get()); !trouble.empty()) {
        return cannot(trouble);
    }
    return StateDirectory{path, std::move(directory)};
}

std::string StateDirectory::file() const {
    return path_ + (path_.ends_with('/') ? "" : "/") + file_name;
}

Result<std::optional<std::string>> StateDirectory::read(std::size_t limit) const {
    const Fd descriptor{::openat(directory_.get(), file_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    if (!descriptor && errno == ENOENT) {
        return std::nullopt;
    }
    struct stat about{};
    if (!descriptor || ::fstat(descriptor.get(), &about) != 0) {
        return failure("cannot read " + file() + ": " +
                       (errno == ELOOP ? std::string{"it is a symbolic link"} : errno_text(errno)));
    }
    if (!S_ISREG(about.st_mode)) {
        return failure("cannot read " + file() + ": it is no file");
    }
    if (about.st_uid != ::geteuid()) {
        return failure("cannot believe " + file() + ": uid " + std::to_string(about.st_uid) + " wrote it");
    }
    std::string text(std::min(limit, static_cast<std::size_t>(std::max<off_t>(about.st_size, 0))), '\0');
    const ssize_t size = ::read(descriptor.get(), text.data(), text.size());
    if (size < 0) {
        return failure("cannot read " + file() + ": " + errno_text(errno));
    }
    text.resize(static_cast<std::size_t>(size));
    return text;
}

Result<void> StateDirectory::write(std::string_view text) const {
    constexpr mode_t mode = 0600;
    const auto cannot = [this](int error) { return failure("cannot write " + file() + ": " + errno_text(error)); };
    ::unlinkat(directory_.get(), new_name, 0); // of a davit that ended in between, or of a stranger
    const Fd descriptor{
        ::openat(directory_.get(), new_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)};
    if (!descriptor) {
        return cannot(errno);
    }
    if (!write_whole(descriptor.get(), text) ||
        ::renameat(directory_.get(), new_name, directory_.get(), file_name) != 0) {
        const int error = errno;
        ::unlinkat(directory_.get(), new_name, 0);
        return cannot(error);
    }
    return {};
}

} // namespace davit::os
