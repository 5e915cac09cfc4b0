// SPDX-License-Identifier: Apache-2.0
#include "os/jvm_library.h"

#include "os/errno_text.h"
#include "os/fd.h"
#include "os/files.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <sys/mman.h>
#include <sys/stat.h>

namespace davit::os {
namespace {

#if defined(__x86_64__)
constexpr std::string_view architecture = "amd64";
#else
constexpr std::string_view architecture = "aarch64";
#endif

std::optional<std::string> in_search_path(const std::string& program, std::string_view search_path) {
    while (!search_path.empty()) {
        const auto end = std::min(search_path.find(':'), search_path.size());
        std::string path = std::string{search_path.substr(0, end)} + "/" + program;
        if (is_executable_file(path)) {
            return path;
        }
        search_path.remove_prefix(std::min(end + 1, search_path.size()));
    }
    return std::nullopt;
}

std::optional<std::string> real_path(const std::string& path) {
    const std::unique_ptr<char, decltype(&std::free)> real{::realpath(path.c_str(), nullptr), std::free};
    return real ? std::optional{std::string{real.get()}} : std::nullopt;
}

std::string parent_of(const std::string& path) {
    return path.substr(0, path.rfind('/'));
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

/// A file in memory as long as this lives.
class MappedFile {
public:
    explicit MappedFile(const std::string& path) {
        const Fd descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
        struct stat about{};
        if (!descriptor || ::fstat(descriptor.get(), &about) != 0 || about.st_size <= 0) {
            return;
        }
        const auto size = static_cast<std::size_t>(about.st_size);
        void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, descriptor.get(), 0);
        if (address != MAP_FAILED) {
            text_ = {static_cast<const char*>(address), size};
        }
    }
    MappedFile(const MappedFile&) = delete;
    MappedFile& operator=(const MappedFile&) = delete;
    ~MappedFile() {
        if (!text_.empty()) {
            ::munmap(const_cast<char*>(text_.data()), text_.size());
        }
    }

    std::string_view text() const { return text_; }

private:
    std::string_view text_;
};

} // namespace

Result<JvmLibrary> find_jvm(const std::string& program, const std::string& search_path) {
    const auto found = program.contains('/') ? std::optional{program} : in_search_path(program, search_path);
    if (!found) {
        return failure(program + ": not found in PATH");
    }
    const auto java = real_path(*found);
    if (!java) {
        return failure(*found + ": " + errno_text(errno));
    }
    const auto beginning = read_beginning(*java, 2);
    if (!beginning) {
        return failure(beginning.error().text);
    }
    if (*beginning == "#!") {
        return failure(*java + ": a script: what it starts is not known");
    }
    const std::string home = parent_of(parent_of(*java));
    const auto library = library_below(home);
    if (!library) {
        return failure(*java + ": no libjvm.so below " + (home.empty() ? "/" : home) + ": not the launcher of a JVM");
    }
    const MappedFile text{*library};
    if (text.text().empty()) {
        return failure(*library + ": cannot be read: " + errno_text(errno));
    }
    const auto version = model::java_version_in(read_file(home + "/release").value_or(std::string{}));
    return JvmLibrary{
        .java = *java, .library = *library, .version = version, .facts = model::facts_of_jvm(text.text(), version)};
}

} // namespace davit::os
