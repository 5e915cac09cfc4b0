// SPDX-License-Identifier: Apache-2.0
#include "cli/install.h"

#include "support/catch.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace davit::cli {
namespace {

namespace fs = std::filesystem;

struct Folder {
    fs::path path;
    Folder() {
        std::string pattern = (fs::temp_directory_path() / "davit-install-XXXXXX").string();
        path = ::mkdtemp(pattern.data());
    }
    ~Folder() { fs::remove_all(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    fs::path file(const char* name, const char* text) const {
        std::ofstream{path / name} << text;
        return path / name;
    }
};

std::string text_of(const fs::path& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
}

TEST_CASE("the program is copied as davit, mode 0755, and nothing else is left", "[install]") {
    const Folder folder;
    const fs::path program = folder.file("program", "#!binary");
    const auto copy = install(program, folder.path / "new" / "place");
    REQUIRE(copy);
    CHECK(copy->program == folder.path / "new" / "place" / "davit");
    CHECK_FALSE(copy->has_library);
    CHECK(text_of(copy->program) == "#!binary");
    CHECK((fs::status(copy->program).permissions() & fs::perms::mask) == static_cast<fs::perms>(0755));
    CHECK(std::distance(fs::directory_iterator{folder.path / "new" / "place"}, {}) == 1);
}

TEST_CASE("the library that lies beside the program comes along, also where the program is a link", "[install]") {
    const Folder folder;
    const fs::path program = folder.file("program", "#!binary");
    folder.file("libdavit-cpus.so", "library");
    const fs::path link = folder.path / "elsewhere" / "link";
    fs::create_directory(folder.path / "elsewhere");
    fs::create_symlink(program, link);
    const fs::path target = folder.path / "target";
    const auto copy = install(link, target);
    REQUIRE(copy);
    CHECK(copy->has_library);
    CHECK(text_of(target / "libdavit-cpus.so") == "library");
    CHECK((fs::status(target / "libdavit-cpus.so").permissions() & fs::perms::mask) == static_cast<fs::perms>(0755));
    CHECK(std::distance(fs::directory_iterator{target}, {}) == 2);
}

TEST_CASE("an older copy is replaced while it may be in use", "[install]") {
    const Folder folder;
    const fs::path program = folder.file("program", "new");
    const fs::path old = folder.file("davit", "old");
    std::ifstream in_use{old};
    REQUIRE(install(program, folder.path));
    CHECK(text_of(old) == "new");
    CHECK((std::string{std::istreambuf_iterator<char>{in_use}, {}}) == "old");
}

TEST_CASE("a directory that is a file is an error that names it", "[install]") {
    const Folder folder;
    const fs::path program = folder.file("program", "x");
    const auto copy = install(program, program);
    REQUIRE_FALSE(copy);
    CHECK(copy.error().text.starts_with("cannot install to " + program.string()));
}

TEST_CASE("a copy that fails leaves nothing behind", "[install]") {
    const Folder folder;
    const fs::path target = folder.path / "target";
    CHECK_FALSE(install(folder.path / "missing", target));
    CHECK(fs::is_empty(target));
}

} // namespace
} // namespace davit::cli
