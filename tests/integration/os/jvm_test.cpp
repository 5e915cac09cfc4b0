// SPDX-License-Identifier: Apache-2.0
// Finding a JVM on disk, and reading it in a child.
#include "os/jvm_look_up.h"

#include "support.h"
#include "support/catch.h"
#include "support/made_up_jvm.h"

#include <csignal>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <utility>

using namespace davit;
using namespace davit::os;
using namespace davit::test;

namespace {

/// What the child said when it had ended.
Result<JvmLibrary> looked_up(const JvmPlace& place) {
    const auto look_up = begin_jvm_look_up(place);
    if (!look_up) {
        return std::unexpected{look_up.error()};
    }
    ::waitpid(look_up->child, nullptr, 0);
    return take_answer(*look_up, place);
}

} // namespace

TEST_CASE("a child says of a JVM what davit itself would read", "[jvm_look_up]") {
    for (const MadeUpJvm& jvm : {MadeUpJvm{"new"}, MadeUpJvm{"old", MadeUpJvm::oldest}}) {
        const auto place = locate_jvm(jvm.java());
        REQUIRE(place);
        const auto from_child = looked_up(*place);
        const auto own = read_jvm(*place);
        REQUIRE(from_child);
        REQUIRE(own);
        CHECK(from_child->facts == own->facts);
        CHECK(from_child->facts.is_hotspot);
        CHECK(from_child->version == 17);
        CHECK(from_child->java == jvm.java());
        CHECK(from_child->library == jvm.library());
    }
}

TEST_CASE("a JVM without a release file has no version", "[jvm_look_up]") {
    const MadeUpJvm jvm{"plain"};
    std::filesystem::remove(jvm.home() + "/release");
    const auto library = looked_up(locate_jvm(jvm.java()).value());
    REQUIRE(library);
    CHECK(library->version == std::nullopt);
}

TEST_CASE("a library that is empty, gone or no library is told, or knows nothing", "[jvm_look_up]") {
    const MadeUpJvm jvm{"broken"};
    const JvmPlace place = locate_jvm(jvm.java()).value();
    jvm.write("lib/server/libjvm.so", "");
    CHECK(looked_up(place).error().text == jvm.library() + ": cannot be read");
    jvm.write("lib/server/libjvm.so", "\x7f"
                                      "ELF and then nothing");
    REQUIRE(looked_up(place));
    CHECK(looked_up(place)->facts == model::JvmFacts{});
    std::filesystem::remove(jvm.library());
    CHECK(looked_up(place).error().text == jvm.library() + ": cannot be read: no such file or directory");
}

TEST_CASE("a child that is killed has said nothing", "[jvm_look_up]") {
    const MadeUpJvm jvm{"killed"};
    const JvmPlace place = locate_jvm(jvm.java()).value();
    JvmLookUp silent{.child = 0, .answer = std::move(open_pipe().read)};
    CHECK(take_answer(silent, place).error().text == jvm.library() + ": the look at it ended without a word");
    const auto look_up = begin_jvm_look_up(place);
    REQUIRE(look_up);
    ::kill(look_up->child, SIGKILL);
    ::waitpid(look_up->child, nullptr, 0);
    CHECK_NOTHROW(take_answer(*look_up, place)); // it may have been quicker
}

TEST_CASE("a JVM is another one when its library was replaced or written to", "[jvm_library]") {
    const MadeUpJvm jvm{"changed"};
    const FileIdentity before = locate_jvm(jvm.java()).value().identity;
    CHECK(locate_jvm(jvm.java()).value().identity == before);
    jvm.write("lib/server/libjvm.so", "longer than it was before, whatever the clock says, by far: "
                                      "ActiveProcessorCount UseContainerSupport UseSerialGC");
    CHECK(locate_jvm(jvm.java()).value().identity != before);
}

TEST_CASE("what is no launcher of a JVM is said", "[jvm_library]") {
    const MadeUpJvm jvm{"odd"};
    const std::string home = jvm.home();
    jvm.write("bin/script", "#!/bin/sh\nexec java\n");
    CHECK(locate_jvm(home + "/bin/script").error().text == home + "/bin/script: a script: what it starts is not known");
    CHECK(locate_jvm("/bin/echo").error().text.ends_with(": not the launcher of a JVM"));
    CHECK(locate_jvm(home + "/bin/none").error().text == home + "/bin/none: no such file or directory");
    std::filesystem::create_symlink("nowhere", home + "/bin/dangling");
    CHECK(locate_jvm(home + "/bin/dangling").error().text == home + "/bin/dangling: no such file or directory");
    CHECK_FALSE(locate_jvm(home + "/bin"));
    std::filesystem::create_symlink(jvm.java(), home + "/elsewhere");
    CHECK(locate_jvm(home + "/elsewhere").value().java == jvm.java());
    std::filesystem::remove(jvm.library());
    std::filesystem::create_directory(jvm.library());
    CHECK(locate_jvm(jvm.java()).error().text.contains("no libjvm.so below " + home));
}

TEST_CASE("a program is found as a shell would find it", "[jvm_library]") {
    const MadeUpJvm jvm{"path"};
    const std::string bin = jvm.home() + "/bin";
    std::filesystem::create_directory(jvm.home() + "/java"); // a directory is no program
    CHECK(find_program("java", "/nowhere:" + jvm.home() + ":" + bin) == jvm.java());
    CHECK(find_program("java", "relative:bin", jvm.home()) == jvm.home() + "/bin/java");
    CHECK(find_program("java", ":/nowhere", bin) == bin + "/./java");
    CHECK(find_program("./java", "", bin) == bin + "/./java");
    CHECK(find_program(jvm.java(), "", "/nowhere") == jvm.java());
    CHECK(find_program("java", "/nowhere") == std::nullopt);
    CHECK(find_program(jvm.home() + "/java", "") == std::nullopt);
    ::chmod(jvm.java().c_str(), 0644);
    CHECK(find_program("java", bin) == std::nullopt);
}
