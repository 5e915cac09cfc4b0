// SPDX-License-Identifier: Apache-2.0
#include "os/jvm_library.h"

#include "os/errno_text.h"
#include "os/fd.h"
#include "os/files.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <utility>

namespace davit::os {
namespace {

#if defined(__x86_64__)
constexpr std::string_view architecture = "amd64";
#else
constexpr std::string_view architecture = "aarch64";
#endif

std::string from(const std::string& directory, std::string path) {
    return path.starts_with('/') || directory.empty() ? path : directory + "/" + path;
}

std::optional<std::string> in_search_path(const std::string& program, std::string_view search_path,
                                          const std::string& directory) {
    while (true) {
        const auto end = search_path.find(':');
        const std::string_view part = search_path.substr(0, end);
        // An empty part is the current directory, as for a shell.
        std::string path = from(directory, (part.empty() ? "." : std::string{part}) + "/" + program);
        if (is_executable_file(path)) {
            return path;
        }
        if (end == std::string_view::npos) {
            return std::nullopt;
        }
        search_path.remove_prefix(end + 1);
    }
}

/// Where JDKs from 8 on, and JREs, keep it below their home.
std::optional<std::string> library_below(const std::string& home) {
    const std::string of_machine{architecture};
    for (const std::string& folder :
         {std::string{"/lib/server"}, "/jre/lib/" + of_machine + "/server", "/lib/" + of_machine + "/server"}) {
        if (is_regular_file(home + folder + "/libjvm.so")) {
            return home + folder + "/libjvm.so";
        }
    }
    return std::nullopt;
}

/// nullopt: errno.
std::optional<FileIdentity> identity_of(const std::string& path) {
    struct stat about{};
    if (::stat(path.c_str(), &about) != 0) {
        return std::nullopt;
    }
    constexpr std::int64_t nanoseconds = 1'000'000'000;
    return FileIdentity{.device = about.st_dev,
                        .inode = about.st_ino,
                        .size = about.st_size,
                        .modified = about.st_mtim.tv_sec * nanoseconds + about.st_mtim.tv_nsec};
}

/// A file in memory as long as this lives.
class MappedFile {
public:
    explicit MappedFile(const std::string& path) {
        const Fd descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
        struct stat about{};
        if (!descriptor || ::fstat(descriptor.get(), &about) != 0) {
            error_ = errno;
            return;
        }
        if (about.st_size <= 0) {
            return;
        }
        const auto size = static_cast<std::size_t>(about.st_size);
        void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, descriptor.get(), 0);
        if (address == MAP_FAILED) {
            error_ = errno;
            return;
        }
        text_ = {static_cast<const char*>(address), size};
    }
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile() {
        if (!text_.empty()) {
            ::munmap(const_cast<char*>(text_.data()), text_.size());
        }
    }

    /// Empty: the file is, or there was an error.
    std::string_view text() const { return text_; }
    int error() const { return error_; }

private:
    std::string_view text_;
    int error_ = 0;
};

} // namespace

std::optional<std::string> find_program(const std::string& program, const std::string& search_path,
                                        const std::string& directory) {
    if (!program.contains('/')) {
        return in_search_path(program, search_path, directory);
    }
    std::string path = from(directory, program);
    return is_executable_file(path) ? std::optional{std::move(path)} : std::nullopt;
}

Result<JvmPlace> locate_jvm(const std::string& program) {
    const std::string java = real_path(program);
    if (java.empty()) {
        return failure(program + ": " + errno_text(errno));
    }
    const auto beginning = read_beginning(java, 2);
    if (!beginning) {
        return failure(beginning.error().text);
    }
    if (*beginning == "#!") {
        return failure(java + ": a script: what it starts is not known");
    }
    std::string home = parent_of(parent_of(java));
    auto library = library_below(home);
    if (!library) {
        return failure(java + ": no libjvm.so below " + home + ": not the launcher of a JVM");
    }
    const auto identity = identity_of(*library);
    if (!identity) {
        return failure(*library + ": " + errno_text(errno));
    }
    return JvmPlace{.java = java, .home = std::move(home), .library = *std::move(library), .identity = *identity};
}

Result<JvmLibrary> read_jvm(const JvmPlace& place) {
    const MappedFile text{place.library};
    if (text.text().empty()) {
        return failure(place.library + ": cannot be read" + (text.error() == 0 ? "" : ": " + errno_text(text.error())));
    }
    const auto version = model::java_version_in(read_file(place.home + "/release").value_or(std::string{}));
    return JvmLibrary{.java = place.java,
                      .library = place.library,
                      .version = version,
                      .facts = model::facts_of_jvm(text.text(), version)};
}

Result<JvmLibrary> find_jvm(const std::string& program, const std::string& search_path) {
    const auto found = find_program(program, search_path);
    if (!found) {
        return failure(program + (program.contains('/') ? ": no executable file" : ": not found in PATH"));
    }
    const auto place = locate_jvm(*found);
    return place ? read_jvm(*place) : std::unexpected{place.error()};
}

} // namespace davit::os
