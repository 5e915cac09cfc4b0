// SPDX-License-Identifier: Apache-2.0
// A directory with one small file that outlives this process. It is this process's alone while it lives: a second davit
// is told so. A file is only believed if this user wrote it. Nothing here waits for a disk: what was written is there
// after the end of the process, however that ended; after a crash of the node it may be torn, which its reader notices.
#pragma once

#include "model/result.h"
#include "os/fd.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace davit::os {

class StateDirectory {
public:
    /// Makes the directory if only its last part is missing. Error: it cannot be used, and why: it is read-only, of
    /// another user, on a filesystem whose server may be away (nfs, FUSE; not even touched), or another davit uses it.
    static Result<StateDirectory> open(const std::string& path);

    /// What was written last, its first `limit` bytes; nullopt: nothing was. Error: what is there cannot be read, or
    /// this user did not write it.
    Result<std::optional<std::string>> read(std::size_t limit) const;

    /// Whoever reads finds the old text or the new one.
    Result<void> write(std::string_view text) const;

    /// Path of the file.
    std::string file() const;

private:
    StateDirectory(std::string path, Fd directory) : path_(std::move(path)), directory_(std::move(directory)) {}

    std::string path_;
    Fd directory_; // holds the lock
};

} // namespace davit::os
