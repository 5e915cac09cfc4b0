// SPDX-License-Identifier: Apache-2.0
// What the configuration needs from the system, as functions: this room makes no system call itself.
// `app` (for run) and `cli` (for check and plan) pass in the real ones, a test passes in a map.
#pragma once

#include "model/accounts.h"
#include "model/process_identity.h"
#include "model/result.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::config {

/// What a path leads to, symbolic links followed (a ConfigMap volume is a directory of links).
/// `stream`: a pipe, a socket or a device.
enum class FileKind : std::uint8_t { missing, file, executable, directory, stream };

struct Sources {
    /// At most `limit` + 1 bytes of a file. The error's text is the reason alone ("permission denied").
    std::function<Result<std::string>(const std::string& path, std::size_t limit)> read_file;

    /// The same of a stream, until its end; waits for its writer, but not for ever. No function: streams are refused.
    std::function<Result<std::string>(const std::string& path, std::size_t limit)> read_stream = {};

    /// The names in a directory, without `.` and `..`, in any order. The error's text is the reason alone.
    std::function<Result<std::vector<std::string>>(const std::string& path)> list_directory;

    /// `executable`: a regular file that this process may execute (access(2) with X_OK).
    std::function<FileKind(const std::string& path)> kind_of;

    /// nullopt: the variable is not set.
    std::function<std::optional<std::string>(const std::string& name)> environment;

    std::function<std::string()> host_name;

    /// The users and groups of this machine; asked at most once a load. Empty: it has none.
    std::function<model::Accounts()> accounts = nullptr;

    /// davit itself, as far as the services of this load would have its rights; asked at most once. Empty: nobody
    /// knows.
    std::function<model::OwnProcess()> own_process = nullptr;
};

} // namespace davit::config
