// SPDX-License-Identifier: Apache-2.0
// What services need that get the preload library: the page, where it can be and who can write it, and the check of the
// library.
#include "os/cpu_page.h"
#include "os/shim_library.h"

#include "shim/davit_cpus.h"
#include "support.h"
#include "support/catch.h"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

using namespace davit;
using namespace davit::os;
using namespace davit::test;

namespace {

mode_t mode_of(const std::string& path) {
    struct stat about{};
    return ::lstat(path.c_str(), &about) == 0 ? about.st_mode & 07777 : 0;
}

/// The page as a program sees it that has mapped it.
class Reader {
public:
    explicit Reader(const std::string& path) {
        const Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
        address_ = ::mmap(nullptr, DAVIT_CPUS_FILE_SIZE, PROT_READ, MAP_SHARED, file.get(), 0);
    }
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;
    ~Reader() { ::munmap(address_, DAVIT_CPUS_FILE_SIZE); }

    davit_cpus_page page() const {
        davit_cpus_page page{};
        std::memcpy(&page, address_, sizeof page);
        return page;
    }

private:
    void* address_;
};

std::string built_library() {
    return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "libdavit-cpus.so";
}

} // namespace

TEST_CASE("who has mapped a page sees each new count", "[cpu_page]") {
    const Folder folder;
    auto page = CpuPage::make({folder / ""});
    REQUIRE(page);

    const Reader reader{page->path()};
    CHECK(reader.page().magic == DAVIT_CPUS_MAGIC);
    CHECK(reader.page().version == DAVIT_CPUS_VERSION);
    CHECK(reader.page().cpus == 0); // nothing is answered

    REQUIRE(page->write(2, {}));
    CHECK(reader.page().cpus == 2);
    CHECK(reader.page().hooks == (DAVIT_CPUS_JVM | DAVIT_CPUS_ONLINE | DAVIT_CPUS_AFFINITY));

    REQUIRE(page->write(1, {.jvm = false}));
    CHECK(reader.page().cpus == 1);
    CHECK(reader.page().hooks == (DAVIT_CPUS_ONLINE | DAVIT_CPUS_AFFINITY));
}

TEST_CASE("a page is a whole file that everybody reads and only its owner writes, whatever davit's umask",
          "[cpu_page]") {
    const Folder folder;
    const mode_t before = ::umask(0077);
    const auto page = CpuPage::make({folder / ""});
    ::umask(before);

    REQUIRE(page);
    CHECK(mode_of(page->path()) == 0644);
    CHECK(std::filesystem::file_size(page->path()) == DAVIT_CPUS_FILE_SIZE);
}

TEST_CASE("a page is removed with its owner, not before", "[cpu_page]") {
    const Folder folder;
    std::string path;
    {
        auto first = CpuPage::make({folder / ""});
        REQUIRE(first);
        path = first->path();
        CpuPage second = *std::move(first);
        CHECK(std::filesystem::exists(path));
        auto other = CpuPage::make({folder / ""});
        REQUIRE(other);
        second = *std::move(other);
        CHECK_FALSE(std::filesystem::exists(path));
        path = second.path();
        CHECK(std::filesystem::exists(path));
    }
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("two pages of one directory are two files", "[cpu_page]") {
    const Folder folder;
    const auto one = CpuPage::make({folder / ""});
    const auto other = CpuPage::make({folder / ""});
    REQUIRE((one && other));
    CHECK(one->path() != other->path());
    REQUIRE((one->write(1, {}) && other->write(2, {})));
    CHECK(Reader{one->path()}.page().cpus == 1);
}

TEST_CASE("a page that was truncated by somebody is whole again after the next count", "[cpu_page]") {
    const Folder folder;
    const auto page = CpuPage::make({folder / ""});
    REQUIRE(page);
    REQUIRE(::truncate(page->path().c_str(), 0) == 0);

    REQUIRE(page->write(3, {}));
    CHECK(Reader{page->path()}.page().cpus == 3);
}

TEST_CASE("a directory in which others can replace files is passed over", "[cpu_page]") {
    const Folder folder;
    const std::string open = folder / "open";
    const std::string sticky = folder / "sticky";
    std::filesystem::create_directory(open);
    std::filesystem::create_directory(sticky);
    ::chmod(open.c_str(), 0777);
    ::chmod(sticky.c_str(), 01777);

    const auto page = CpuPage::make({open, sticky});
    REQUIRE(page);
    CHECK(page->path().starts_with(sticky));

    const auto none = CpuPage::make({open});
    REQUIRE_FALSE(none);
    CHECK(none.error().text == "no place for the page of the CPU count: " + open + ": others can replace files in it");
}

TEST_CASE("a directory that is a file, a link to nothing or not there is passed over, and said", "[cpu_page]") {
    const Folder folder;
    const std::string file = folder.write("file", "");
    const auto none = CpuPage::make({file, folder / "none"});
    REQUIRE_FALSE(none);
    CHECK(none.error().text == "no place for the page of the CPU count: " + file + ": not a directory; " +
                                   (folder / "none") + ": no such file or directory");
    CHECK(CpuPage::make({}).error().text ==
          "no place for the page of the CPU count: no directory that its reader may enter");
}

TEST_CASE("on a filesystem without room there is no page, and no rest of one", "[cpu_page]") {
    const Folder folder;
    const std::string full = folder / "full";
    std::filesystem::create_directory(full);
    if (::mount("none", full.c_str(), "tmpfs", 0, "size=4k,mode=0755") != 0) {
        WARN("cannot mount here");
        return;
    }
    folder.write("full/filling", std::string(4096, 'x'));
    const auto page = CpuPage::make({full});
    const bool is_clean = !std::filesystem::exists(full + "/davit-cpus") &&
                          std::distance(std::filesystem::directory_iterator{full}, {}) == 1;
    ::umount(full.c_str());

    REQUIRE_FALSE(page);
    CHECK(page.error().text.contains("no space left"));
    CHECK(is_clean);
}

TEST_CASE("a page lies beside the socket, else in the user's own directory, else in shared memory", "[cpu_page]") {
    const Folder folder; // 0700
    const std::string socket = folder / "davit.sock";
    const std::string beside = socket.substr(0, socket.rfind('/'));
    using Directories = std::vector<std::string>;
    CHECK(cpu_page_directories(socket, "", Reach::own_user) == Directories{beside, "/dev/shm"});
    CHECK(cpu_page_directories(socket, beside, Reach::everybody) == Directories{"/dev/shm"});
    CHECK(cpu_page_directories("@davit-1", "/run/user/7", Reach::own_user) == Directories{"/run/user/7", "/dev/shm"});
    CHECK(cpu_page_directories("davit.sock", "here", Reach::own_user) == Directories{"/dev/shm"});

    ::chmod(beside.c_str(), 0755);
    CHECK(cpu_page_directories(socket, "", Reach::everybody) == Directories{beside, "/dev/shm"});
}

TEST_CASE("the library beside the running program is found and can be used", "[shim_library]") {
    const auto library = find_shim_library(Reach::own_user);
    REQUIRE(library);
    CHECK(*library == built_library());
}

TEST_CASE("what the loader would complain of is said before", "[shim_library]") {
    const Folder folder;
    const auto problem_of = [&](const std::string& name) {
        const std::string path = folder / name;
        const auto usable = check_shim_library(path, Reach::own_user);
        return usable ? std::string{} : usable.error().text.substr(path.size());
    };
    CHECK(problem_of("none.so") == ": no such file or directory");

    folder.write("text.so", "not a library");
    CHECK(problem_of("text.so") == ": no shared library for this machine");
    folder.write("empty.so", "");
    CHECK(problem_of("empty.so") == ": no shared library for this machine");
    ::mkfifo((folder / "pipe.so").c_str(), 0600);
    CHECK(problem_of("pipe.so") == ": no shared library for this machine");

    std::filesystem::copy_file(built_library(), folder / "a b.so");
    CHECK(problem_of("a b.so") == ": a path with a space, a colon or a $ cannot be in LD_PRELOAD");

    std::filesystem::copy_file(built_library(), folder / "good.so");
    CHECK(problem_of("good.so").empty());
    std::filesystem::create_symlink("good.so", folder / "link.so");
    CHECK(problem_of("link.so").empty());

    // Another machine's: e_machine is the 16 bits at 18.
    std::filesystem::copy_file(built_library(), folder / "other.so");
    const Fd other{::open((folder / "other.so").c_str(), O_WRONLY | O_CLOEXEC)};
    constexpr std::array<char, 2> machine_of_mips = {8, 0};
    REQUIRE(::pwrite(other.get(), machine_of_mips.data(), machine_of_mips.size(), 18) == 2);
    CHECK(problem_of("other.so") == ": no shared library for this machine");
}

TEST_CASE("a library that another user cannot read is none for a service of that user", "[shim_library]") {
    const Folder folder; // 0700
    const std::string path = folder / "libdavit-cpus.so";
    std::filesystem::copy_file(built_library(), path);
    const auto for_all = [&] { return check_shim_library(path, Reach::everybody); };
    CHECK(check_shim_library(path, Reach::own_user));
    REQUIRE_FALSE(for_all());
    CHECK(for_all().error().text == path + ": another user than davit's cannot read it");

    ::chmod((folder / "").c_str(), 0755);
    ::chmod(path.c_str(), 0644);
    CHECK(for_all());
    ::chmod(path.c_str(), 0640);
    CHECK_FALSE(for_all());
}

TEST_CASE("on a filesystem that is mounted noexec the library is left out", "[shim_library]") {
    const Folder folder;
    const std::string mount = folder / "noexec";
    std::filesystem::create_directory(mount);
    if (::mount("none", mount.c_str(), "tmpfs", MS_NOEXEC, "size=64k") != 0) {
        WARN("cannot mount here");
        return;
    }
    std::filesystem::copy_file(built_library(), mount + "/libdavit-cpus.so");
    const auto usable = check_shim_library(mount + "/libdavit-cpus.so", Reach::own_user);
    ::umount(mount.c_str());

    REQUIRE_FALSE(usable);
    CHECK(usable.error().text == mount +
                                     "/libdavit-cpus.so: cannot be mapped executable: operation not permitted (is its "
                                     "filesystem mounted noexec?)");
}
