// SPDX-License-Identifier: Apache-2.0
// A watched file that others write, rename over, reach through links that are swapped, take away and bring back.
#include "os/path_watch.h"

#include "support.h"
#include "support/catch.h"

#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace davit;
using namespace davit::os;
using namespace davit::test;

namespace {

namespace fs = std::filesystem;

void write(const std::string& path, const std::string& text) {
    std::ofstream{path} << text;
}

/// A directory with a file in it, and how often the watch told of it.
struct Watched {
    explicit Watched(const std::string& name) : watch(loop, folder / name, [this] { ++told; }) {
        REQUIRE(watch.trouble().empty());
    }

    bool is_told() {
        const bool happened = run_until(loop, [this] { return told > 0; });
        told = 0;
        return happened;
    }

    Folder folder;
    boost::asio::io_context loop{1};
    int told = 0;
    PathWatch watch;
};

/// As the kubelet does it: ..data is a link to a directory, and is renamed over.
void swap_volume(const std::string& volume, const std::string& version, const std::string& text) {
    fs::create_directory(volume + "/" + version);
    write(volume + "/" + version + "/labels", text);
    fs::create_symlink(version, volume + "/..data_tmp");
    fs::rename(volume + "/..data_tmp", volume + "/..data");
}

} // namespace

TEST_CASE("a file that appears, changes and goes is told each time", "[path_watch]") {
    Watched file{"labels"};
    write(file.folder / "labels", "a");
    CHECK(file.is_told());
    write(file.folder / "labels", "b");
    CHECK(file.is_told());
    write(file.folder / "labels.new", "c");
    fs::rename(file.folder / "labels.new", file.folder / "labels");
    CHECK(file.is_told());
    fs::remove(file.folder / "labels");
    CHECK(file.is_told());
}

TEST_CASE("a volume whose link is swapped is told, again and again", "[path_watch]") {
    Folder folder;
    const std::string volume = folder / "";
    swap_volume(volume, "..v1", "a");
    fs::create_symlink("..data/labels", volume + "/labels");
    boost::asio::io_context loop{1};
    int told = 0;
    PathWatch watch{loop, volume + "/labels", [&] { ++told; }};
    for (const std::string version : {"..v2", "..v3", "..v4"}) {
        told = 0;
        swap_volume(volume, version, version);
        CHECK(run_until(loop, [&] { return told > 0; }));
    }
    // What the link leads to may be written in place as well.
    told = 0;
    loop.poll();
    told = 0;
    write(volume + "/..v4/labels", "in place");
    CHECK(run_until(loop, [&] { return told > 0; }));
}

TEST_CASE("a directory that is not there yet is seen when it comes", "[path_watch]") {
    Watched file{"volume/labels"};
    fs::create_directory(file.folder / "volume");
    CHECK(file.is_told());
    write(file.folder / "volume/labels", "a");
    CHECK(file.is_told());
}

namespace {

/// This process has another user's rights on files until the end.
struct AsUser {
    explicit AsUser(uid_t user) { REQUIRE(::seteuid(user) == 0); }
    ~AsUser() { CHECK(::seteuid(::getuid()) == 0); }
    AsUser(const AsUser&) = delete;
    AsUser& operator=(const AsUser&) = delete;
};

} // namespace

TEST_CASE("a volume that leads where nothing can be told any more is looked at again", "[path_watch]") {
    Folder folder;
    const std::string volume = folder / "";
    fs::permissions(volume, fs::perms{0755});
    swap_volume(volume, "..v1", "a");
    fs::create_symlink("..data/labels", volume + "/labels");
    boost::asio::io_context loop{1};
    int told = 0;
    PathWatch watch{loop, volume + "/labels", [&] { ++told; }};
    REQUIRE(watch.trouble().empty());

    fs::create_directory(volume + "/..v2");
    fs::permissions(volume + "/..v2", fs::perms{0311}); // to be entered, not to be watched
    swap_volume(volume, "..v2", "b");
    const AsUser somebody{::getuid() == 0 ? 65534 : ::getuid()}; // root may watch everything
    REQUIRE(run_until(loop, [&] { return told > 0; }));
    CHECK(watch.trouble() == "cannot be told of changes: permission denied");

    told = 0;
    CHECK(run_until(loop, [&] { return told > 0; })); // by the clock alone
}
