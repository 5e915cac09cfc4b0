// SPDX-License-Identifier: Apache-2.0
// Children that become somebody else, with the real kernel: who they are then, in which order it happens, how a stage
// that fails is told. Runs as root; what needs less, a fork gives up first.
#include "os/own_process.h"
#include "os/process_setup.h"
#include "os/session_scan.h"
#include "os/spawn.h"

#include "support.h"
#include "support/catch.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

using namespace davit;
using namespace davit::os;
using namespace davit::test;
using model::Capability;
using model::IdentityChange;

namespace {

constexpr uid_t nobody = 65534;

/// Runs `body` in a fork of this process; its result is the exit code.
template <typename Body>
int in_a_fork(Body body) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::_exit(body());
    }
    return WEXITSTATUS(wait_for(child));
}

void give_up(Capability capability) {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
    ::syscall(SYS_capget, &header, data.data());
    const auto bit = ~(1U << static_cast<unsigned>(capability));
    data[0].effective &= bit;
    data[0].permitted &= bit;
    ::syscall(SYS_capset, &header, data.data());
}

std::string seen_by(const std::string& script, const IdentityChange& identity) {
    SpawnRequest request = shell(script);
    request.identity = identity;
    return output_of(request);
}

SpawnFailure failure_of(const SpawnRequest& request) {
    const auto child = spawn(request);
    return child ? SpawnFailure{SpawnStage::fork, 0} : child.error();
}

/// 0 where the fork that lacks `capability` is told exactly this.
int told_without(Capability capability, const IdentityChange& identity, const SpawnFailure& expected) {
    return in_a_fork([&] {
        give_up(capability);
        SpawnRequest request = shell("true");
        request.identity = identity;
        return failure_of(request) == expected ? 0 : 1;
    });
}

} // namespace

TEST_CASE("a child becomes another user, real, effective and saved, in its groups alone", "[identity]") {
    CHECK(seen_by("grep -E '^(Uid|Gid|Groups)' /proc/self/status",
                  {.user = nobody, .group = 1234, .groups = std::vector<std::uint32_t>{27, 44}}) ==
          "Uid:\t65534\t65534\t65534\t65534\nGid:\t1234\t1234\t1234\t1234\nGroups:\t27 44 \n");
}

TEST_CASE("a child of another user has no capabilities", "[identity]") {
    CHECK(seen_by("grep CapEff /proc/self/status", {.user = nobody}) == "CapEff:\t0000000000000000\n");
}

TEST_CASE("groups can be taken away whole", "[identity]") {
    CHECK(seen_by("id -G", {.group = 1234, .groups = std::vector<std::uint32_t>{}}) == "1234\n");
}

TEST_CASE("a child has its umask, nice and oom score", "[identity]") {
    CHECK(seen_by("umask; nice; cat /proc/self/oom_score_adj", {.umask = 027, .nice = 7, .oom_score_adj = 321}) ==
          "0027\n7\n321\n");
    CHECK(read_own_process().identity.oom_score_adj != 321);
}

TEST_CASE("a child of another user has a nice and limits that this user could not have set", "[identity]") {
    rlimit nofile{};
    ::getrlimit(RLIMIT_NOFILE, &nofile);
    CHECK(seen_by("id -u; nice; ulimit -n; ulimit -Hn; ulimit -c",
                  {.user = nobody, .limits = {{"nofile", 256, nofile.rlim_max}, {"core", 0, 0}}, .nice = -7}) ==
          "65534\n-7\n256\n" + std::to_string(nofile.rlim_max) + "\n0\n");
}

TEST_CASE("a child can be forbidden to gain privileges", "[identity]") {
    CHECK(seen_by("grep NoNewPrivs /proc/self/status", {.no_new_privileges = true}) == "NoNewPrivs:\t1\n");
    CHECK(seen_by("grep NoNewPrivs /proc/self/status", {}) == "NoNewPrivs:\t0\n");
}

TEST_CASE("the limit of descriptors that a service has written beats the one that davit gives back", "[identity]") {
    SpawnRequest request = shell("ulimit -n");
    request.open_descriptors = 512;
    request.identity.limits = {{"nofile", 300, 300}};
    CHECK(output_of(request) == "300\n");
}

TEST_CASE("the directory is entered by the user that the child has become", "[identity]") {
    const Folder folder;
    ::chmod((folder / "").c_str(), 0755);
    const std::string closed = folder / "closed";
    std::filesystem::create_directory(closed);
    ::chmod(closed.c_str(), 0700);
    SpawnRequest request = shell("pwd");
    request.directory = closed;
    request.identity.user = nobody;

    CHECK(failure_of(request) == SpawnFailure{SpawnStage::directory, EACCES});
    CHECK(describe(failure_of(request), request) == closed + ": permission denied (at directory, uid 65534)");
    REQUIRE(::chown(closed.c_str(), nobody, nobody) == 0);
    CHECK(output_of(request) == closed + "\n");
}

TEST_CASE("a command is executed with the rights of the user that the child has become", "[identity]") {
    const Folder folder;
    ::chmod((folder / "").c_str(), 0755);
    SpawnRequest request{.argv = {folder.write("mine", "#!/bin/sh\n", 0700)}, .environment = {"PATH=/usr/bin:/bin"}};
    request.identity.user = nobody;

    CHECK(failure_of(request) == SpawnFailure{SpawnStage::exec, EACCES});
    CHECK(describe(failure_of(request), request).find("permission denied (at exec, uid 65534)") != std::string::npos);
}

TEST_CASE("a part of PATH that the child's user may not enter has no commands for it", "[identity]") {
    const Folder closed; // mkdtemp: 0700
    closed.write("tool", "#!/bin/sh\n", 0755);
    SpawnRequest request{.argv = {"tool"}, .environment = {"PATH=" + closed / "" + ":/usr/bin"}};
    request.identity.user = nobody;

    CHECK(kind_of(failure_of(request)) == SpawnFailureKind::not_found);
    CHECK(describe(failure_of(request), request) ==
          "tool: not found in PATH, as that user sees it (at exec, uid 65534)");
}

TEST_CASE("after a child of another user davit's own /proc files are its own as before", "[identity]") {
    REQUIRE(::prctl(PR_GET_DUMPABLE) == 1);
    CHECK(seen_by("id -u", {.user = nobody}) == "65534\n");
    CHECK(::prctl(PR_GET_DUMPABLE) == 1);
}

TEST_CASE("without a capability the stage that needs it is told, and nothing runs", "[identity]") {
    CHECK(told_without(Capability::setuid, {.user = nobody}, {SpawnStage::user, EPERM}) == 0);
    CHECK(told_without(Capability::setgid, {.group = 5}, {SpawnStage::group, EPERM}) == 0);
    CHECK(told_without(Capability::setgid, {.groups = std::vector<std::uint32_t>{5}}, {SpawnStage::groups, EPERM}) ==
          0);
    const int nicer = ::getpriority(PRIO_PROCESS, 0) - 1; // than this test, however nice that was started
    CHECK(told_without(Capability::sys_nice, {.nice = nicer}, {SpawnStage::nice, EACCES}) == 0);
}

TEST_CASE("a raised hard limit and a lowered oom score are told where CAP_SYS_RESOURCE is missing", "[identity]") {
    const IdentityChange limits{.limits = {{"core", 0, 0}, {"msgqueue", 819200, model::unlimited}}};
    CHECK(told_without(Capability::sys_resource, limits, {SpawnStage::limits, EPERM, 1}) == 0);
    const int score = read_own_process().identity.oom_score_adj.value_or(0);
    CHECK(told_without(Capability::sys_resource, {.oom_score_adj = score - 1}, {SpawnStage::oom_score, EACCES}) == 0);
}

TEST_CASE("each failed stage names what it was about, and the user that tried", "[identity]") {
    SpawnRequest request = shell("true");
    request.identity = {
        .user = 1000, .group = 1001, .limits = {{"core", 0, 0}, {"nofile", 5, 5}}, .nice = -5, .oom_score_adj = -7};
    const std::string by_me = ", uid " + std::to_string(::geteuid()) + ")";
    CHECK(describe({SpawnStage::user, EPERM}, request) == "user 1000: operation not permitted (at user" + by_me);
    CHECK(describe({SpawnStage::group, EPERM}, request) == "group 1001: operation not permitted (at group" + by_me);
    CHECK(describe({SpawnStage::groups, EPERM}, request) ==
          "supplementary groups: operation not permitted (at groups" + by_me);
    CHECK(describe({SpawnStage::nice, EACCES}, request) == "nice -5: permission denied (at nice" + by_me);
    CHECK(describe({SpawnStage::oom_score, EACCES}, request) ==
          "oomScoreAdj -7: permission denied (at oom score" + by_me);
    CHECK(describe({SpawnStage::limits, EPERM, 1}, request) ==
          "rlimits.nofile: operation not permitted (at limits" + by_me);
    CHECK(describe({SpawnStage::no_new_privileges, EINVAL}, request) ==
          "noNewPrivileges: invalid argument (at no new privileges, uid 1000)");
    CHECK(kind_of({SpawnStage::user, EPERM}) == SpawnFailureKind::not_executable);
}

TEST_CASE("davit knows who it is itself, and every limit by its name", "[identity]") {
    const model::OwnProcess own = read_own_process();
    CHECK(own.identity.user == ::geteuid());
    CHECK(own.identity.group == ::getegid());
    CHECK(own.identity.limits.size() == model::resource_names.size());
    CHECK(own.identity.oom_score_adj.has_value());
    CHECK(own.has(Capability::setuid));
    CHECK(own.most_descriptors != model::unlimited);
    CHECK(own.directory == std::filesystem::current_path().string());
    for (const std::string_view name : model::resource_names) {
        INFO(name);
        CHECK(resource_of(name).has_value());
    }
    CHECK_FALSE(resource_of("files").has_value());
    CHECK(in_a_fork([] {
              give_up(Capability::setuid);
              return read_own_process().has(Capability::setuid) ? 1 : 0;
          }) == 0);
}

TEST_CASE("a process that becomes a command takes on all of it and keeps session and descriptors", "[identity]") {
    Pipe output = open_pipe();
    const pid_t client = ::fork();
    if (client == 0) {
        ::dup2(output.write.get(), STDOUT_FILENO);
        ::signal(SIGPIPE, SIG_IGN);
        SpawnRequest request = shell("id -u; umask; pwd; grep SigIgn /proc/self/status; exit 7");
        request.directory = "/usr";
        request.identity = {.user = nobody, .umask = 077};
        become(request);
        ::_exit(99);
    }
    output.write.reset();
    CHECK(read_all(output.read.get()) == "65534\n0077\n/usr\nSigIgn:\t0000000000000000\n");
    CHECK(WEXITSTATUS(wait_for(client)) == 7);
}

TEST_CASE("a process that cannot become a command goes on, and knows why", "[identity]") {
    CHECK(in_a_fork([] {
              const SpawnRequest request{.argv = {"/nowhere"}, .environment = {}};
              return become(request) == SpawnFailure{SpawnStage::exec, ENOENT} ? 0 : 1;
          }) == 0);
}

TEST_CASE("a pipe can be given to a user, who can then open it by its name", "[identity]") {
    Pipe pipe = open_pipe();
    give_to_user(pipe.write.get(), nobody);
    SpawnRequest request = shell("echo opened > /dev/stdout");
    request.streams[1] = GivenStream{pipe.write.get()};
    request.identity.user = nobody;
    const auto child = spawn(request);
    pipe.write.reset();

    REQUIRE(child.has_value());
    CHECK(read_all(pipe.read.get()) == "opened\n");
    CHECK(wait_for(*child) == 0);
}

TEST_CASE("others may write into an anonymous pipe that is opened by its name, and may not read from it",
          "[identity]") {
    Pipe pipe = open_pipe();
    let_others_write(pipe.write.get());
    SpawnRequest request = shell("cat < /dev/stdout || echo opened > /dev/stdout");
    request.streams[1] = GivenStream{pipe.write.get()};
    request.identity.user = nobody;
    const auto child = spawn(request);
    pipe.write.reset();

    REQUIRE(child.has_value());
    CHECK(read_all(pipe.read.get()) == "opened\n");
    CHECK(wait_for(*child) == 0);
}

TEST_CASE("what has a name keeps its permissions", "[identity]") {
    const Folder folder;
    const std::string fifo = folder / "fifo";
    REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
    const std::string file = folder / "file";
    for (const auto& [path, flags] : {std::pair{fifo, O_RDWR}, std::pair{file, O_RDWR | O_CREAT}}) {
        const Fd descriptor{::open(path.c_str(), flags | O_CLOEXEC, 0600)};
        REQUIRE(descriptor);
        let_others_write(descriptor.get());
        struct stat found{};
        REQUIRE(::fstat(descriptor.get(), &found) == 0);
        CHECK((found.st_mode & 07777U) == 0600U);
    }
}

TEST_CASE("the environment of another user's orphan is read without the right to trace, and an outsider's mark counts",
          "[identity]") {
    // A davit of its own, without CAP_SYS_PTRACE: its children leave one orphan each in a session of its own.
    const auto orphan_is_found = [](std::vector<std::string> environment) {
        return in_a_fork([&] {
            constexpr auto sys_ptrace = static_cast<Capability>(19);
            give_up(sys_ptrace);
            static_cast<void>(adopt_orphans());
            SpawnRequest request = shell("setsid sleep 600 & exit 0");
            request.environment.insert(request.environment.end(), environment.begin(), environment.end());
            request.identity.user = nobody;
            const auto leader = spawn(request);
            if (!leader) {
                return 3;
            }
            wait_for(*leader);
            boost::asio::io_context loop;
            const ChildReaper reaper{loop};
            const SessionScan scan{reaper};
            SessionQuery query{.leader = *leader, .bound = SessionQuery::Bound::session, .service = {}, .excluded = {}};
            const auto sees_sleep = [&] {
                const auto processes = scan.processes_of(query);
                return std::ranges::find(processes, "sleep", &ProcessInfo::command) != processes.end();
            };
            const SessionQuery everything = query;
            const bool is_there = eventually(sees_sleep);
            query.service = "web";
            const bool found = sees_sleep();
            scan.signal(everything, SIGKILL);
            return !is_there ? 2 : found ? 1 : 0;
        });
    };
    CHECK(orphan_is_found({"DAVIT_SERVICE=web"}) == 1);
    CHECK(orphan_is_found({"DAVIT_SERVICE=web", "DAVIT_EXEC=1"}) == 0);
    CHECK(orphan_is_found({"DAVIT_SERVICE=other"}) == 0);
}
