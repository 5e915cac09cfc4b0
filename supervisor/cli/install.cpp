// SPDX-License-Identifier: Apache-2.0
#include "cli/install.h"

#include <random>
#include <system_error>

namespace davit::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* library_name = "libdavit-cpus.so";
constexpr fs::perms mode_0755 = fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                                fs::perms::others_read | fs::perms::others_exec;

std::unexpected<Error> cannot_install(const fs::path& where, const std::error_code& error) {
    return failure("cannot install to " + where.string() + ": " + error.message());
}

/// A name that no other installer uses at the same time.
fs::path temporary_in(const fs::path& directory) {
    return directory / (".davit." + std::to_string(std::random_device{}()));
}

std::error_code copy_and_rename(const fs::path& program, const fs::path& temporary, const fs::path& target) {
    std::error_code error;
    fs::copy_file(program, temporary, error);
    if (!error) {
        fs::permissions(temporary, mode_0755, error);
    }
    if (!error) {
        fs::rename(temporary, target, error);
    }
    return error;
}

Result<void> copy_into(const fs::path& directory, const fs::path& file, const fs::path& target) {
    const fs::path temporary = temporary_in(directory);
    if (const std::error_code failed = copy_and_rename(file, temporary, target)) {
        std::error_code ignored;
        fs::remove(temporary, ignored);
        return cannot_install(target, failed);
    }
    return {};
}

} // namespace

Result<Installed> install(const fs::path& program, const fs::path& directory) {
    std::error_code error;
    fs::create_directories(directory, error);
    if (error) {
        return cannot_install(directory, error);
    }
    const fs::path source = fs::canonical(program, error);
    const fs::path library = source.parent_path() / library_name;
    Installed installed{.program = directory / "davit", .has_library = fs::is_regular_file(library, error)};
    // The library first: a davit that is there finds its own.
    if (installed.has_library) {
        if (const auto copied = copy_into(directory, library, directory / library_name); !copied) {
            return std::unexpected{copied.error()};
        }
    }
    if (const auto copied = copy_into(directory, program, installed.program); !copied) {
        return std::unexpected{copied.error()};
    }
    return installed;
}

} // namespace davit::cli
