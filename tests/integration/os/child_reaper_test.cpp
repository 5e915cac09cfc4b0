// SPDX-License-Identifier: Apache-2.0
// The one reaper, with real children and orphans.
#include "os/child_reaper.h"

#include "os/process_setup.h"
#include "os/signals.h"
#include "support.h"
#include "support/catch.h"

#include <csignal>
#include <map>
#include <sys/wait.h>

using namespace davit;
using namespace davit::os;
using namespace davit::test;

namespace {

/// A reaper that is told of children as davit's is.
struct Reaping {
    Reaping() {
        REQUIRE(adopt_orphans());
        wait_for_leftovers();
        take_over_signals();
        REQUIRE(signals.start());
    }
    boost::asio::io_context loop{1};
    ChildReaper reaper{loop};
    SignalReceiver signals{loop, [](const ReceivedSignal&) {}, [this] { reaper.reap(); }};

    /// The status of the child that ran the script.
    model::ExitStatus run(const std::string& script) {
        std::optional<model::ExitStatus> status;
        const auto child = spawn(shell(script));
        REQUIRE(child);
        reaper.watch(*child, [&](model::ExitStatus ended) { status = ended; });
        REQUIRE(run_until(loop, [&] { return status.has_value(); }));
        return *status;
    }
};

} // namespace

TEST_CASE("an owner learns the exit code or the signal of its child", "[child_reaper]") {
    Reaping reaping;

    CHECK(reaping.run("exit 0") == model::exited_with(0));
    CHECK(reaping.run("exit 37") == model::exited_with(37));
    CHECK(reaping.run("kill -KILL $$") == model::killed_by(SIGKILL));
    CHECK(reaping.run("kill -TERM $$") == model::killed_by(SIGTERM));
    CHECK(reaping.reaper.orphans_reaped() == 0);
}

TEST_CASE("beside 2000 orphans no watched child is lost, stolen or told twice", "[child_reaper]") {
    Reaping reaping;
    std::map<pid_t, std::vector<int>> told;
    std::map<pid_t, int> expected;
    bool crowd_is_over = false;

    const auto crowd = spawn(shell("i=0; while [ $i -lt 2000 ]; do ( : & ); i=$((i+1)); done"));
    REQUIRE(crowd);
    reaping.reaper.watch(*crowd, [&](model::ExitStatus) { crowd_is_over = true; });
    for (int index = 0; index < 200; ++index) {
        const auto child = spawn(shell("exit " + std::to_string(index % 100)));
        REQUIRE(child);
        expected[*child] = index % 100;
        reaping.reaper.watch(*child,
                             [&told, pid = *child](model::ExitStatus status) { told[pid].push_back(status.code); });
        reaping.loop.restart();
        reaping.loop.poll();
        // A pid may come again once it is free; what it says belongs to its latest child.
        if (const auto early = told.find(*child); early != told.end()) {
            CHECK(early->second == std::vector{index % 100});
            expected.erase(*child);
            told.erase(early);
        }
    }
    REQUIRE(run_until(reaping.loop, [&] {
        return crowd_is_over && told.size() == expected.size() && reaping.reaper.orphans_reaped() >= 2000;
    }));

    CHECK(reaping.reaper.orphans_reaped() == 2000);
    for (const auto& [pid, code] : expected) {
        CHECK(told[pid] == std::vector{code});
    }
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1); // no child is left
}

TEST_CASE("a child that is forgotten is reaped, is no orphan, and nobody is told", "[child_reaper]") {
    Reaping reaping;
    bool was_told = false;
    const auto child = spawn(shell("exit 1"));
    REQUIRE(child);
    reaping.reaper.watch(*child, [&](model::ExitStatus) { was_told = true; });
    reaping.reaper.forget(*child);

    REQUIRE(run_until(reaping.loop, [&] { return !reaping.reaper.is_watched(*child); }));
    CHECK_FALSE(was_told);
    CHECK(reaping.reaper.orphans_reaped() == 0);
}

TEST_CASE("an owner may start its next child from inside the call that tells the end", "[child_reaper]") {
    Reaping reaping;
    int ends = 0;
    std::function<void()> start = [&] {
        const auto child = spawn(shell("exit 0"));
        REQUIRE(child);
        reaping.reaper.watch(*child, [&](model::ExitStatus) {
            if (++ends < 5) {
                start();
            }
        });
    };
    start();

    CHECK(run_until(reaping.loop, [&] { return ends == 5; }));
}

TEST_CASE("children that end as soon as they were started leave the loop its turns", "[child_reaper]") {
    Reaping reaping;
    int ends = 0;
    // By the time that the reaper looks again the next child has ended already, for ever.
    std::function<void()> start = [&] {
        const auto child = spawn(shell("exit 0"));
        REQUIRE(child);
        siginfo_t ended{};
        REQUIRE(::waitid(P_PID, static_cast<id_t>(*child), &ended, WEXITED | WNOWAIT) == 0);
        reaping.reaper.watch(*child, [&](model::ExitStatus) {
            if (++ends < 200) {
                start();
            }
        });
    };
    start();

    reaping.reaper.reap();
    CHECK(ends < 200);
    CHECK(run_until(reaping.loop, [&] { return ends == 200; }));
}

TEST_CASE("of every child that is reaped its session and CPU time are told, before its owner hears of it",
          "[child_reaper]") {
    Reaping reaping;
    std::vector<ReapedChild> reaped;
    reaping.reaper.on_reaped([&](const ReapedChild& child) { reaped.push_back(child); });
    std::size_t known_at_end = 0;
    const auto child = spawn(shell("( while kill -0 $$ 2>/dev/null; do :; done ) & i=0; "
                                   "while [ $i -lt 200000 ]; do i=$((i+1)); done"));
    REQUIRE(child);
    reaping.reaper.watch(*child, [&](model::ExitStatus) { known_at_end = reaped.size(); });

    REQUIRE(run_until(reaping.loop, [&] { return reaped.size() == 2; }));

    CHECK(known_at_end == 1);
    CHECK(reaped[0].pid == *child);
    for (const ReapedChild& one : reaped) {
        CHECK(one.session == *child);
        CHECK(one.cpu > Duration::zero());
    }
}
