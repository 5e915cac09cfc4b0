// SPDX-License-Identifier: Apache-2.0
#include "app/system_sources.h"

#include "os/files.h"
#include "os/process_setup.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace davit::app {
namespace {

/// os/ names the path in its errors, the configuration says it itself, with the place.
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

config::FileKind kind_of(const std::string& path) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    switch (status.type()) {
    case std::filesystem::file_type::directory: return config::FileKind::directory;
    case std::filesystem::file_type::regular: break;
    case std::filesystem::file_type::none:
    case std::filesystem::file_type::not_found:
    case std::filesystem::file_type::symlink:
    case std::filesystem::file_type::block:
    case std::filesystem::file_type::character:
    case std::filesystem::file_type::fifo:
    case std::filesystem::file_type::socket:
    case std::filesystem::file_type::unknown: return config::FileKind::missing;
    }
    return os::is_executable_file(path) ? config::FileKind::executable : config::FileKind::file;
}

std::optional<std::string> environment(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>{value};
}

} // namespace

config::Sources system_sources() {
    return {
        .read_file = [](const std::string& path,
                        std::size_t limit) { return with_reason_alone(os::read_file(path, limit + 1), path); },

        .list_directory = [](const std::string& path) { return with_reason_alone(os::list_directory(path), path); },
        .kind_of = kind_of,
        .environment = environment,
        .host_name = os::host_name,
    };
}

} // namespace davit::app
