// SPDX-License-Identifier: Apache-2.0
#include "cli/install.h"

#include "os/copy_file.h"
#include "os/files.h"
#include "os/shim_library.h"

namespace davit::cli {
namespace {

std::unexpected<Error> cannot_install(const std::string& where, const Error& error) {
    return failure("cannot install to " + where + ": " + error.text);
}

Result<void> copy(const std::string& file, const std::string& target) {
    if (const auto copied = os::copy_program(file, target); !copied) {
        return cannot_install(target, copied.error());
    }
    return {};
}

} // namespace

Result<Installed> install(const std::string& program, std::string directory) {
    while (directory.size() > 1 && directory.ends_with('/')) {
        directory.pop_back();
    }
    if (const auto made = os::make_directories(directory); !made) {
        return cannot_install(directory, made.error());
    }
    const std::string name{os::shim_library_name};
    const std::string library = os::parent_of(os::real_path(program)) + "/" + name;
    Installed installed{.program = directory + "/davit", .has_library = os::is_regular_file(library)};
    // The library first: a davit that is there finds its own.
    if (installed.has_library) {
        if (const auto copied = copy(library, directory + "/" + name); !copied) {
            return std::unexpected{copied.error()};
        }
    }
    if (const auto copied = copy(program, installed.program); !copied) {
        return std::unexpected{copied.error()};
    }
    return installed;
}

} // namespace davit::cli
