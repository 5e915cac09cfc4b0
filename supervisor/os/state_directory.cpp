// SPDX-License-Identifier: Apache-2.0
#include "os/state_directory.h"

#include "os/errno_text.h"
#include "os/files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace davit::os {
namespace {

constexpr const char* file_name = "davit.state";
constexpr const char* new_name = ".davit.state.new";

struct Filesystem {
    std::uint32_t magic; // statfs(2), linux/magic.h
    std::string_view name;
};

/// Their server may be away, and a call that waits for it cannot be broken off.
constexpr std::array network_filesystems{
    Filesystem{0x6969, "nfs"},       Filesystem{0x517B, "smb"},        Filesystem{0xFF534D42, "cifs"},
    Filesystem{0xFE534D42, "smb2"},  Filesystem{0x65735546, "fuse"},   Filesystem{0x00C36400, "ceph"},
    Filesystem{0x01021997, "9p"},    Filesystem{0x5346414F, "afs"},    Filesystem{0x6B414653, "afs"},
    Filesystem{0x73757245, "coda"},  Filesystem{0x0BD00BD0, "lustre"}, Filesystem{0x47504653, "gpfs"},
    Filesystem{0x7461636F, "ocfs2"}, Filesystem{0x01161970, "gfs2"},   Filesystem{0x564C, "ncp"},
};

std::string_view network_filesystem_of(int descriptor) {
    struct statfs about{};
    if (::fstatfs(descriptor, &about) != 0) {
        return {};
    }
    const auto magic = static_cast<std::uint32_t>(about.f_type);
    const auto* found = std::ranges::find(network_filesystems, magic, &Filesystem::magic);
    return found == network_filesystems.end() ? std::string_view{} : found->name;
}

/// root's, or this user's: anybody else could put there what he likes.
bool is_trusted(const struct stat& about) {
    return about.st_uid == 0 || about.st_uid == ::geteuid();
}

/// Empty: it can be used.
std::string trouble_with(int directory) {
    if (const std::string_view network = network_filesystem_of(directory); !network.empty()) {
        return "it is on a network filesystem (" + std::string{network} + ")";
    }
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
    constexpr mode_t mode = 0700;
    ::mkdir(path.c_str(), mode); // it is there already, or the next line says why not
    Fd directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK)};
    if (!directory) {
        return failure("cannot use " + path + ": " + errno_text(errno));
    }
    if (const std::string trouble = trouble_with(directory.get()); !trouble.empty()) {
        return failure("cannot use " + path + ": " + trouble);
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
