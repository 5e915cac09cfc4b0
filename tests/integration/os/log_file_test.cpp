// SPDX-License-Identifier: Apache-2.0
// Log files: rotation between lines, files that somebody took away, disks without room.
#include "os/log_file.h"
#include "os/log_output.h"

#include "support.h"
#include "support/catch.h"

#include <fstream>
#include <iterator>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

using namespace davit;
using namespace davit::os;
using namespace davit::test;

namespace {

std::string content_of(const std::string& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
}

struct Told {
    std::vector<std::string> failures;
    int recoveries = 0;
    LogFile::Observer observer() {
        return {.failed = [this](std::string_view reason) { failures.emplace_back(reason); },
                .recovered = [this] { ++recoveries; }};
    }
};

/// Writes all of `text`, as LogOutput does; what a file refuses is dropped.
void write_all(LogFile& file, std::string_view text) {
    while (!text.empty()) {
        const ssize_t size = file.write(text);
        if (size < 0) {
            return;
        }
        text.remove_prefix(static_cast<std::size_t>(size));
    }
}

/// Files of this process can have at most so many bytes, as on a disk without room (but for the errno).
class SmallDisk {
public:
    explicit SmallDisk(rlim_t bytes) {
        std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit small{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &small);
    }
    ~SmallDisk() { ::setrlimit(RLIMIT_FSIZE, &before_); }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;

private:
    rlimit before_{};
};

} // namespace

TEST_CASE("a log file can be read by others, as far as the umask allows it", "[log_file]") {
    const Folder place;
    Told told;
    const mode_t usual = ::umask(022);
    LogFile open_file{{.path = place / "open.log", .max_bytes = 4096}, told.observer()};
    write_all(open_file, "one\n");
    ::umask(077);
    LogFile closed_file{{.path = place / "closed.log", .max_bytes = 4096}, told.observer()};
    write_all(closed_file, "one\n");
    ::umask(usual);
    struct stat about{};
    REQUIRE(::stat((place / "open.log").c_str(), &about) == 0);
    CHECK((about.st_mode & 0777U) == 0644U);
    REQUIRE(::stat((place / "closed.log").c_str(), &about) == 0);
    CHECK((about.st_mode & 0777U) == 0600U);
}

TEST_CASE("a file is rotated between two lines, and the oldest falls away", "[log_file]") {
    const Folder folder;
    const std::string path = folder / "web.log";
    LogFile file{{.path = path, .max_bytes = 10, .max_files = 3}, {}};

    write_all(file, "one\ntwo\nthree\nfour\nfive\nsix\nseven\n");

    CHECK(content_of(path) == "six\nseven\n");
    CHECK(content_of(path + ".1") == "four\nfive\n");
    CHECK(content_of(path + ".2") == "three\n");
    CHECK_FALSE(std::filesystem::exists(path + ".3"));
}

TEST_CASE("a line that is longer than a file has one of its own", "[log_file]") {
    const Folder folder;
    const std::string path = folder / "web.log";
    LogFile file{{.path = path, .max_bytes = 10, .max_files = 3}, {}};

    write_all(file, "one\na line that is far too long\ntwo\n");

    CHECK(content_of(path) == "two\n");
    CHECK(content_of(path + ".1") == "a line that is far too long\n");
    CHECK(content_of(path + ".2") == "one\n");
}

TEST_CASE("a file that is there is gone on with, after its torn line", "[log_file]") {
    const Folder folder;
    const std::string path = folder.write("web.log", "before\ntorn");
    LogFile file{{.path = path, .max_bytes = 1000, .max_files = 2}, {}};

    write_all(file, "after\n");

    CHECK(content_of(path) == "before\ntorn\nafter\n");
}

TEST_CASE("directories on the way are made", "[log_file]") {
    const Folder folder;
    LogFile file{{.path = folder / "a/b/web.log", .max_bytes = 1000, .max_files = 2}, {}};

    write_all(file, "one\n");

    CHECK(content_of(folder / "a/b/web.log") == "one\n");
}

TEST_CASE("a file that somebody removed is there again within a second", "[log_file]") {
    const Folder folder;
    const std::string path = folder / "web.log";
    LogFile file{{.path = path, .max_bytes = 1000, .max_files = 2}, {}};
    write_all(file, "one\n");
    REQUIRE(std::filesystem::remove(path));

    REQUIRE(eventually([&] {
        write_all(file, "again\n");
        return std::filesystem::exists(path);
    }));
    CHECK(content_of(path).starts_with("again\n"));
}

TEST_CASE("what cannot be a log file is told once, with its reason", "[log_file]") {
    const Folder folder;
    Told told;
    LogFile file{{.path = folder / "", .max_bytes = 1000, .max_files = 2}, told.observer()};

    CHECK(file.write("one\n") == -1);
    CHECK(file.write("two\n") == -1);
    CHECK(told.failures == std::vector<std::string>{"cannot open " + folder / "" + ": is a directory"});
}

TEST_CASE("a disk without room costs lines, which are counted; told once, and so is the end of it", "[log_file]") {
    const Folder folder;
    const std::string path = folder / "web.log";
    boost::asio::io_context loop{1};
    Told told;
    LogOutput output{loop, std::make_unique<LogFile>(LogFilePlan{.path = path, .max_bytes = 1'000'000, .max_files = 2},
                                                     told.observer())};
    {
        const SmallDisk disk{10};
        output.write_or_drop("one\ntwo\nthree\nfour\n");
        output.write_or_drop("five\n");
    }
    output.write_or_drop("six\n");

    CHECK(content_of(path) == "one\ntwo\nsix\n"); // no torn line
    CHECK(output.dropped_lines() == 3);
    CHECK(told.failures == std::vector<std::string>{"cannot write " + path + ": file too large"});
    CHECK(told.recoveries == 1);
}

TEST_CASE("of a long line that met a disk without room nothing is left, whatever comes of it later", "[log_file]") {
    const Folder folder;
    const std::string path = folder / "web.log";
    boost::asio::io_context loop{1};
    LogOutput output{loop, std::make_unique<LogFile>(LogFilePlan{.path = path, .max_bytes = 1'000'000, .max_files = 2},
                                                     LogFile::Observer{})};
    const auto writer = output.add_writer();
    const auto commit = [&](std::string_view text, LogOutput::Ending ending) {
        output.buffer() += text;
        output.commit(writer, ending);
    };
    commit("one\nbegins,", LogOutput::Ending::inside_line);
    CHECK(content_of(path) == "one\nbegins,");
    {
        const SmallDisk disk{14};
        commit(" goes on,", LogOutput::Ending::inside_line);
    }
    CHECK(content_of(path) == "one\n");
    CHECK(output.holds_line(writer));
    CHECK(output.is_free(output.add_writer())); // others need not wait for what will not be written

    output.write_or_drop("two\n");
    commit(" still goes on,", LogOutput::Ending::inside_line);
    commit(" ends\nthree\n", LogOutput::Ending::line_end);
    CHECK(content_of(path) == "one\ntwo\nthree\n");
    CHECK_FALSE(output.holds_line(writer));
    CHECK(output.dropped_lines() == 1);
}

TEST_CASE("a file below davit's own output keeps the beginning of a line that met a full disk, on its own",
          "[log_file]") {
    const Folder folder;
    const std::string path = folder.write("stdout", "");
    boost::asio::io_context loop{1};
    const Fd file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
    LogOutput output{loop, file.get()};
    {
        const SmallDisk disk{6};
        output.write_or_drop("one\ntwo\n");
        output.write_or_drop("three\n");
    }
    output.write_or_drop("four\n");
    CHECK(content_of(path) == "one\ntw\nfour\n");
    CHECK(output.dropped_lines() == 2);
}

TEST_CASE("a file that cannot be rotated grows on: lines come first", "[log_file]") {
    const Folder folder;
    const std::string path = folder / "web.log";
    std::filesystem::create_directory(path + ".1"); // no file can take its place
    LogFile file{{.path = path, .max_bytes = 10, .max_files = 2}, {}};

    write_all(file, "one\ntwo\nthree\nfour\n");

    CHECK(content_of(path) == "one\ntwo\nthree\nfour\n");
}
