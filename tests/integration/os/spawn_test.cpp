// SPDX-License-Identifier: Apache-2.0
// The launcher, with real children: where they stand, what they see, and how a start that failed is told.
#include "os/signals.h"
#include "os/spawn.h"

#include "support.h"
#include "support/catch.h"

#include <cerrno>
#include <csignal>
#include <sys/resource.h>

using namespace davit;
using namespace davit::os;
using namespace davit::test;

namespace {

SpawnFailure failure_of(const SpawnRequest& request) {
    const auto child = spawn(request);
    REQUIRE_FALSE(child.has_value());
    return child.error();
}

const SpawnRequest show_signals{.argv = {"grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"},
                                .environment = {"PATH=/usr/bin:/bin"}};

SpawnRequest command(const std::string& path) {
    return {.argv = {path}, .environment = {"PATH=/usr/bin:/bin"}};
}

} // namespace

TEST_CASE("a command without a slash is looked for in PATH of the child's environment", "[spawn]") {
    const Folder folder;
    folder.write("greet", "#!/bin/sh\necho hello\n", 0755);

    CHECK(output_of({.argv = {"greet"}, .environment = {"PATH=/nowhere:" + folder / ""}}) == "hello\n");
}

TEST_CASE("arguments and environment arrive as they were given", "[spawn]") {
    SpawnRequest request = shell("printf '%s|' \"$@\"; env | grep -c .; printf '%s' \"$COLOUR\"");
    request.argv.insert(request.argv.end(), {"sh", "a b", "", "$HOME"});
    request.environment.emplace_back("COLOUR=deep blue");

    const std::string output = output_of(request);
    CHECK(output.starts_with("a b||$HOME|"));
    CHECK(output.ends_with("deep blue"));
}

TEST_CASE("a command that does not exist is told as not found, at exec", "[spawn]") {
    const SpawnRequest request = command("/nowhere/at/all");
    const SpawnFailure failed = failure_of(request);

    CHECK(failed == SpawnFailure{SpawnStage::exec, ENOENT});
    CHECK(kind_of(failed) == SpawnFailureKind::not_found);
    CHECK(describe(failed, request) ==
          "/nowhere/at/all: no such file or directory (at exec, uid " + std::to_string(::geteuid()) + ")");
}

TEST_CASE("a command that PATH does not have is told as not found in PATH", "[spawn]") {
    const SpawnRequest request = command("no-such-command");
    const SpawnFailure failed = failure_of(request);

    CHECK(kind_of(failed) == SpawnFailureKind::not_found);
    CHECK(describe(failed, request).starts_with("no-such-command: not found in PATH"));
}

TEST_CASE("a file without the right to execute is told as not executable", "[spawn]") {
    const Folder folder;
    const SpawnRequest request = command(folder.write("run.sh", "#!/bin/sh\n"));
    const SpawnFailure failed = failure_of(request);

    CHECK(failed == SpawnFailure{SpawnStage::exec, EACCES});
    CHECK(kind_of(failed) == SpawnFailureKind::not_executable);
    CHECK(describe(failed, request).find("permission denied (at exec, uid ") != std::string::npos);
}

TEST_CASE("a permission that is missing in one part of PATH beats a file that is missing in the next", "[spawn]") {
    const Folder folder;
    folder.write("tool", "#!/bin/sh\n");

    CHECK(failure_of({.argv = {"tool"}, .environment = {"PATH=" + folder / "" + ":/nowhere"}}).error == EACCES);
}

TEST_CASE("a script whose interpreter is missing names the interpreter", "[spawn]") {
    const Folder folder;
    const SpawnRequest request = command(folder.write("run.sh", "#! /opt/none/bash -e\n", 0755));
    const SpawnFailure failed = failure_of(request);

    CHECK(kind_of(failed) == SpawnFailureKind::not_found);
    CHECK(describe(failed, request).find("its interpreter /opt/none/bash is missing") != std::string::npos);
}

TEST_CASE("a start directory that is missing is told at its stage and is no missing command", "[spawn]") {
    SpawnRequest request = shell("true");
    request.directory = "/nowhere";
    const SpawnFailure failed = failure_of(request);

    CHECK(failed == SpawnFailure{SpawnStage::directory, ENOENT});
    CHECK(kind_of(failed) == SpawnFailureKind::not_executable);
    CHECK(describe(failed, request).starts_with("/nowhere: no such file or directory (at directory"));
}

TEST_CASE("a descriptor that is not open is told at its stage", "[spawn]") {
    SpawnRequest request = shell("true");
    request.streams[1] = GivenStream{987};

    CHECK(failure_of(request) == SpawnFailure{SpawnStage::descriptors, EBADF});
}

TEST_CASE("a start that failed leaves no child behind", "[spawn]") {
    wait_for_leftovers();
    failure_of(command("/nowhere"));

    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK(errno == ECHILD);
}

TEST_CASE("no process to be had is a matter of resources, not of the command", "[spawn]") {
    const pid_t poor = ::fork();
    if (poor == 0) {
        // Root is not limited; 65534 has no other processes here that matter: zero is too few anyway.
        const rlimit none{.rlim_cur = 0, .rlim_max = 0};
        if (::setrlimit(RLIMIT_NPROC, &none) != 0 || ::setuid(65534) != 0) {
            ::_exit(2);
        }
        const auto child = spawn(shell("true"));
        const bool is_right = !child && child.error().stage == SpawnStage::fork && child.error().error == EAGAIN &&
                              kind_of(child.error()) == SpawnFailureKind::no_resources;
        ::_exit(is_right ? 0 : 1);
    }
    CHECK(wait_for(poor) == 0);
}

TEST_CASE("the child leads a session of its own", "[spawn]") {
    CHECK(output_of(shell("set -- $(cat /proc/self/stat); [ $$ = $6 ] && echo own")) == "own\n");
}

TEST_CASE("a child in a group of its own stays in davit's session", "[spawn]") {
    SpawnRequest request = shell("set -- $(cat /proc/self/stat); [ $$ = $5 ] && echo \"$6\"");
    request.placement = GENERATE(Placement::own_group, Placement::foreground_group);

    CHECK(output_of(request) == std::to_string(::getsid(0)) + "\n");
}

TEST_CASE("the child starts in its directory", "[spawn]") {
    SpawnRequest request = shell("pwd");
    request.directory = "/usr";
    CHECK(output_of(request) == "/usr\n");
}

TEST_CASE("the child sees 0, 1 and 2 and nothing else of davit", "[spawn]") {
    const Fd stray{::fcntl(STDERR_FILENO, F_DUPFD, 200)}; // as somebody would leave it: without close-on-exec
    REQUIRE(stray);

    const std::string script = "for n in 3 4 5 6 7 8 9 " + std::to_string(stray.get()) +
                               "; do ( : >&$n ) 2>/dev/null && echo $n; done; echo end";
    CHECK(output_of(shell(script)) == "end\n");
}

TEST_CASE("plain init's child keeps the descriptors that were passed to davit", "[spawn]") {
    const Fd passed{::fcntl(STDERR_FILENO, F_DUPFD, 7)};
    SpawnRequest request = shell("[ -e /proc/self/fd/" + std::to_string(passed.get()) + " ] && echo there");
    request.others = OtherDescriptors::pass_through;

    CHECK(output_of(request) == "there\n");
}

TEST_CASE("given descriptors may stand in each other's way", "[spawn]") {
    // Inside a child of the test: its 1 and 2 are swapped, so its word for stderr comes out at stdout.
    Pipe output = open_pipe();
    const pid_t middle = ::fork();
    if (middle == 0) {
        ::dup2(output.write.get(), 2);
        ::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), 1);
        SpawnRequest request = shell("echo to-error >&2; echo to-output");
        request.streams[1] = GivenStream{2};
        request.streams[2] = GivenStream{1};
        const auto child = spawn(request);
        ::_exit(child && wait_for(*child) == 0 ? 0 : 1);
    }
    output.write.reset();
    CHECK(read_all(output.read.get()) == "to-output\n");
    CHECK(wait_for(middle) == 0);
}

TEST_CASE("stdin of a child is empty unless it is given", "[spawn]") {
    CHECK(output_of(shell("cat; echo end")) == "end\n");
}

TEST_CASE("the child has every signal at its default and none blocked", "[spawn]") {
    std::signal(SIGUSR1, SIG_IGN);
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGRTMIN + 5, SIG_IGN);
    const CallersSignals callers = take_over_signals(); // as davit begins
    const std::string output = output_of(show_signals); // no shell: it blocks signals itself while it forks
    ::sigprocmask(SIG_SETMASK, &callers.mask, nullptr);

    CHECK(output == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_CASE("plain init's child has the mask and the ignored signals of davit's caller", "[spawn]") {
    SpawnRequest request = show_signals;
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    sigset_t ignored;
    sigemptyset(&ignored);
    sigaddset(&ignored, SIGHUP);
    request.signal_mask = mask;
    request.ignored_signals = ignored;

    CHECK(output_of(request) == "SigBlk:\t0000000000000800\nSigIgn:\t0000000000000001\n");
}
