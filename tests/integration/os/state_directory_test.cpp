// SPDX-License-Identifier: Apache-2.0
#include "os/state_directory.h"

#include "os/errno_text.h"
#include "os/fd.h"
#include "os/files.h"
#include "support.h"

#include "support/catch.h"

#include <fcntl.h>
#include <string>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace davit;
using namespace davit::os;

namespace {

constexpr std::size_t limit = 4096;
constexpr uid_t somebody = 1234;

std::string trouble_of(const std::string& path) {
    const auto directory = StateDirectory::open(path);
    return directory ? "none" : directory.error().text;
}

/// "nothing", "text: ..." or "error: ...".
std::string content_of(const Result<StateDirectory>& directory, std::size_t most = limit) {
    const auto text = directory->read(most);
    return !text ? "error: " + text.error().text : !*text ? "nothing" : "text: " + **text;
}

} // namespace

TEST_CASE("what was written is there for the next process, whole", "[state_directory]") {
    const test::Folder place;
    {
        const auto first = StateDirectory::open(place.path() + "/state");
        REQUIRE(first);
        CHECK(content_of(first) == "nothing");
        CHECK(first->write("one"));
        CHECK(first->write("two"));
        CHECK(content_of(first) == "text: two");
        CHECK(content_of(first, 2) == "text: tw");
    }
    const auto next = StateDirectory::open(place.path() + "/state");
    REQUIRE(next);
    CHECK(content_of(next) == "text: two");
    CHECK(next->file() == place.path() + "/state/davit.state");
    CHECK(list_directory(place.path() + "/state").value() == std::vector<std::string>{"davit.state"});
}

TEST_CASE("a directory has one davit at a time", "[state_directory]") {
    const test::Folder place;
    {
        const auto one = StateDirectory::open(place.path());
        REQUIRE(one);
        CHECK(trouble_of(place.path()) == "cannot use " + place.path() + ": another davit uses it");
    }
    CHECK(trouble_of(place.path()) == "none");
}

TEST_CASE("what is no directory of ours is not used, and it says why", "[state_directory]") {
    const test::Folder place;
    const std::string path = place.path();
    CHECK(trouble_of(path + "/no/such") == "cannot use " + path + "/no/such: no such file or directory");
    REQUIRE(write_file_atomically(path + "/file", "x"));
    CHECK(trouble_of(path + "/file") == "cannot use " + path + "/file: not a directory");
    if (::geteuid() != 0) {
        WARN("skipped: only root can give a directory away");
        return;
    }
    REQUIRE(::mkdir((path + "/foreign").c_str(), 0777) == 0);
    REQUIRE(::chown((path + "/foreign").c_str(), somebody, somebody) == 0);
    CHECK(trouble_of(path + "/foreign") ==
          "cannot use " + path + "/foreign: it belongs to uid 1234, which is neither root nor davit's");
    // As a user of root's directory who may not write there.
    REQUIRE(::chmod(path.c_str(), 0755) == 0);
    REQUIRE(::seteuid(somebody) == 0);
    const std::string trouble = trouble_of(path);
    REQUIRE(::seteuid(0) == 0);
    CHECK(trouble == "cannot use " + path + ": permission denied");
}

TEST_CASE("a directory whose server is away is not touched", "[state_directory]") {
    const test::Folder place;
    const std::string mounted = place.path() + "/volume";
    REQUIRE(::mkdir(mounted.c_str(), 0755) == 0);
    const Fd server{::open("/dev/fuse", O_RDWR | O_CLOEXEC)}; // nobody answers there
    const std::string options = "fd=" + std::to_string(server.get()) + ",rootmode=40000,user_id=0,group_id=0";
    if (!server || ::mount("davit-test", mounted.c_str(), "fuse", 0, options.c_str()) != 0) {
        WARN("skipped: no FUSE can be mounted here: " + errno_text(errno));
        return;
    }
    const std::string why = ": it is on a network filesystem (fuse), whose server may be away";
    CHECK(trouble_of(mounted) == "cannot use " + mounted + why);
    CHECK(trouble_of(mounted + "/state") == "cannot use " + mounted + "/state" + why);
    CHECK(trouble_of(place.path() + "/x/../volume/./state") ==
          "cannot use " + place.path() + "/x/../volume/./state" + why);
    CHECK(::umount2(mounted.c_str(), MNT_DETACH) == 0);
    CHECK(trouble_of(mounted) == "none");
}

TEST_CASE("a file that this user did not write is not believed", "[state_directory]") {
    const test::Folder place;
    const auto directory = StateDirectory::open(place.path());
    REQUIRE(directory);
    const std::string file = directory->file();
    REQUIRE(::symlink("/etc/hostname", file.c_str()) == 0);
    CHECK(content_of(directory) == "error: cannot read " + file + ": it is a symbolic link");
    REQUIRE(::unlink(file.c_str()) == 0);
    REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
    CHECK(content_of(directory) == "error: cannot read " + file + ": it is no file");
    // Writing takes the place of whatever is there.
    CHECK(directory->write("mine"));
    CHECK(content_of(directory) == "text: mine");
    if (::geteuid() != 0) {
        WARN("skipped: only root can give a file away");
        return;
    }
    REQUIRE(::chown(file.c_str(), somebody, somebody) == 0);
    CHECK(content_of(directory) == "error: cannot believe " + file + ": uid 1234 wrote it");
}

TEST_CASE("what stands in the place of the new file is no way out of the directory", "[state_directory]") {
    const test::Folder place;
    const auto directory = StateDirectory::open(place.path());
    REQUIRE(directory);
    REQUIRE(write_file_atomically(place.path() + "/victim", "safe"));
    REQUIRE(::symlink("victim", (place.path() + "/.davit.state.new").c_str()) == 0);
    CHECK(directory->write("mine"));
    CHECK(read_file(place.path() + "/victim").value_or("") == "safe");
    CHECK(content_of(directory) == "text: mine");
}
