// SPDX-License-Identifier: Apache-2.0
// Small files, the clock's text and the cgroup's memory files.
#include "os/cgroup_memory.h"
#include "os/errno_text.h"
#include "os/files.h"
#include "os/wall_clock.h"

#include "support.h"
#include "support/catch.h"

#include <array>
#include <cerrno>
#include <sched.h>
#include <sys/mount.h>
#include <thread>

using namespace davit;
using namespace davit::os;
using namespace davit::test;

TEST_CASE("a file up to the limit is read whole, a longer one is refused", "[files]") {
    const Folder folder;
    const std::string path = folder.write("text", std::string(5000, 'x'));

    CHECK(read_file(path, 5000)->size() == 5000);
    CHECK(read_file(path, 4999).error().text == "cannot read " + path + ": longer than 4999 bytes");
    CHECK(read_file(folder / "none").error().text ==
          "cannot read " + (folder / "none") + ": no such file or directory");
}

TEST_CASE("a FIFO or a directory in the place of a file is refused without waiting", "[files]") {
    const Folder folder;
    REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);

    CHECK(read_file(folder / "fifo").error().text == "cannot read " + (folder / "fifo") + ": not a regular file");
    CHECK_FALSE(read_file(folder / "").has_value());
    CHECK_FALSE(overwrite_file(folder / "fifo", "text").has_value());
}

TEST_CASE("the beginning of a file is what fits the limit", "[files]") {
    const Folder folder;
    const std::string path = folder.write("text", std::string(5000, 'x'));

    CHECK(read_beginning(path, 4999)->size() == 4999);
    CHECK(read_beginning(path, 6000)->size() == 5000);
    CHECK(read_beginning("/", 10).error().text == "cannot read /: not a regular file");
}

TEST_CASE("a kernel's file is read as it is now each time, and found when it appears", "[files]") {
    const Folder folder;
    const KernelFile file{folder / "events"};
    CHECK(file.read() == std::nullopt);

    folder.write("events", "oom_kill 1\n");
    CHECK(file.read() == "oom_kill 1\n");
    overwrite_file(folder / "events", std::string(10'000, 'x'));
    CHECK(file.read() == std::string(10'000, 'x'));
    CHECK(file.read(7)->size() == 7);
    CHECK(KernelFile{"/proc/self/stat"}.read()->starts_with(std::to_string(::getpid())));
    CHECK(KernelFile{folder / ""}.read() == std::nullopt);
    CHECK(read_kernel_file(folder / "none") == "");
}

TEST_CASE("a mount table says that it changed, once for each change", "[files]") {
    const Folder folder;
    const std::string path = folder / "";
    bool has_namespace = false;
    // A mount namespace of a thread of its own: the other tests stay where they are.
    std::thread{[&] {
        has_namespace =
            ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
        if (!has_namespace) {
            return;
        }
        const KernelFile table{"/proc/thread-self/mountinfo"};
        CHECK(table.says_changed()); // nobody has read it
        CHECK_FALSE(table.read()->contains("davit-mounted"));
        CHECK_FALSE(table.says_changed());

        CHECK(::mount("davit-mounted", path.c_str(), "tmpfs", 0, nullptr) == 0);
        CHECK(table.says_changed());
        CHECK_FALSE(table.says_changed());
        CHECK(table.read()->contains("davit-mounted"));
    }}.join();
    if (!has_namespace) {
        WARN("skipped: needs root for a mount namespace");
    }
}

TEST_CASE("a stream is read until its writer ends, and not past the limit", "[files]") {
    const TimePoint late = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    REQUIRE(::write(ends[1], "half", 4) == 4);
    std::jthread writer{[&] {
        [[maybe_unused]] const ssize_t size = ::write(ends[1], " whole", 6);
        ::close(ends[1]);
    }};

    CHECK(read_stream("/dev/fd/" + std::to_string(ends[0]), 100, late) == "half whole");
    CHECK(read_stream(ends[0], 100, late) == "");
    ::close(ends[0]);
    CHECK(read_stream("/dev/zero", 7, late) == std::string(7, '\0'));
    CHECK(read_stream("/nowhere", 7, late).error().text == "cannot read /nowhere: no such file or directory");
}

TEST_CASE("a stream whose end does not come is given up at the deadline", "[files]") {
    const Folder folder;
    REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
    const TimePoint soon = std::chrono::steady_clock::now() + std::chrono::milliseconds{30};

    CHECK(read_stream(folder / "fifo", 100, soon).error().text ==
          "cannot read " + (folder / "fifo") + ": its end did not come in time");
}

TEST_CASE("a file of the kernel that is missing is empty", "[files]") {
    CHECK(read_kernel_file("/proc/nowhere").empty());
    CHECK(read_kernel_file("/proc/self/stat").starts_with(std::to_string(::getpid())));
}

TEST_CASE("an atomic write replaces the file and leaves nothing beside it", "[files]") {
    const Folder folder;
    REQUIRE(write_file_atomically(folder / "state", "one"));
    folder.write("state.new", "left by a crash");
    REQUIRE(write_file_atomically(folder / "state", "two"));

    CHECK(read_file(folder / "state") == "two");
    CHECK(list_directory(folder / "") == std::vector<std::string>{"state"});
    CHECK_FALSE(write_file_atomically("/nowhere/state", "three"));
}

TEST_CASE("the termination log is written only where it exists", "[files]") {
    const Folder folder;
    const std::string path = folder.write("log", "a text that is longer");

    CHECK(overwrite_file(path, "short") == true);
    CHECK(read_file(path) == "short");
    CHECK(overwrite_file(folder / "none", "short") == false);
    CHECK_FALSE(is_regular_file(folder / "none"));
}

TEST_CASE("a directory is listed in lexical order, and what it holds can be asked", "[files]") {
    const Folder folder;
    folder.write("b", "", 0755);
    folder.write("a", "");

    CHECK(list_directory(folder / "") == std::vector<std::string>{"a", "b"});
    CHECK(is_executable_file(folder / "b"));
    CHECK_FALSE(is_executable_file(folder / "a"));
    CHECK(is_directory(folder / ""));
    CHECK_FALSE(is_directory(folder / "a"));
    CHECK_FALSE(list_directory(folder / "none"));
}

TEST_CASE("the system's words stand in the middle of a sentence", "[files]") {
    CHECK(errno_text(EACCES) == "permission denied");
    CHECK(errno_text(ENOENT) == "no such file or directory");
}

TEST_CASE("wall clock time is UTC with milliseconds", "[wall_clock]") {
    using namespace std::chrono;
    const auto moment = sys_days{2026y / November / 23} + 7h + 5min + 9s + 123ms + 999us;

    CHECK(utc_text(moment) == "2026-11-23T07:05:09.123Z");
    CHECK(utc_text(system_clock::time_point{}) == "1970-01-01T00:00:00.000Z");
}

TEST_CASE("kills and the limit are read from cgroup v2", "[cgroup_memory]") {
    const Folder folder;
    std::filesystem::create_directories(folder / "pod");
    folder.write("self", "0::/pod\n");
    folder.write("pod/memory.events", "low 0\nmax 4\noom 3\noom_kill 2\n");
    folder.write("pod/memory.max", "536870912\n");
    const CgroupMemory memory{folder / ".", folder / "self"};

    CHECK(memory.oom_kills() == 2);
    CHECK(memory.limit() == 536870912);
    folder.write("pod/memory.max", "max\n");
    CHECK(memory.limit() == std::nullopt);
}

TEST_CASE("kills and the limit are read from cgroup v1, also where the container sees only its own part",
          "[cgroup_memory]") {
    const Folder folder;
    std::filesystem::create_directories(folder / "memory");
    folder.write("self", "5:cpu,cpuacct:/a\n4:memory:/not/seen/here\n0::/\n");
    folder.write("memory/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 7\n");
    folder.write("memory/memory.limit_in_bytes", "9223372036854771712\n");
    const CgroupMemory memory{folder / ".", folder / "self"};

    CHECK(memory.oom_kills() == 7);
    CHECK(memory.limit() == std::nullopt);
}

TEST_CASE("without cgroup files nobody knows of kills", "[cgroup_memory]") {
    const Folder folder;
    const CgroupMemory memory{folder / ".", folder / "none"};

    CHECK(memory.oom_kills() == std::nullopt);
    CHECK(memory.limit() == std::nullopt);
}
