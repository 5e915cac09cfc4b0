// SPDX-License-Identifier: Apache-2.0
#include "cli/system_sources.h"

#include "os/files.h"
#include "os/own_process.h"
#include "os/process_setup.h"

#include <chrono>
#include <cstdlib>

namespace davit::cli {
namespace {

/// The configuration names the path itself, with the place where it stands.
template <typename T>
Result<T> with_reason_alone(Result<T> result, const std::string& path) {
    if (!result) {
        std::string& text = result.error().text;
        if (const auto found = text.find(path + ": "); found != std::string::npos) {
            text.erase(0, found + path.size() + 2);
        }
    }
    return result;
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
    return with_reason_alone(os::read_beginning(path, limit + 1), path);
}

/// For `-c` of a pipe: whoever writes it is running already.
Result<std::string> read_stream(const std::string& path, std::size_t limit) {
    constexpr std::chrono::seconds patience{10};
    return with_reason_alone(os::read_stream(path, limit + 1, std::chrono::steady_clock::now() + patience), path);
}

Result<std::vector<std::string>> list_directory(const std::string& path) {
    return with_reason_alone(os::list_directory(path), path);
}

config::FileKind kind_of(const std::string& path) {
    switch (os::kind_of_path(path)) { // asked once: a start looks at a dozen places
    case os::PathKind::missing: return config::FileKind::missing;
    case os::PathKind::directory: return config::FileKind::directory;
    case os::PathKind::other: return config::FileKind::stream;
    case os::PathKind::file: break;
    }
    return os::is_executable_file(path) ? config::FileKind::executable : config::FileKind::file;
}

std::optional<std::string> environment(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value != nullptr ? std::optional<std::string>{value} : std::nullopt;
}

} // namespace

config::Sources system_sources() {
    return {.read_file = read_file,
            .read_stream = read_stream,
            .list_directory = list_directory,
            .kind_of = kind_of,
            .environment = environment,
            .host_name = os::host_name,
            .accounts = os::read_accounts,
            .own_process = os::read_own_process};
}

} // namespace davit::cli
