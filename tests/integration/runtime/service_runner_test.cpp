// SPDX-License-Identifier: Apache-2.0
// From a launch to an empty session, with real processes.
#include "runtime/service_runner.h"

#include "integration/runtime/workshop.h"
#include "support/catch.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::test {
namespace {

model::PodSpec pod_of(model::ServiceSpec only) {
    model::PodSpec pod;
    pod.services = {std::move(only)};
    return pod;
}

} // namespace

TEST_CASE("a service that ends with nothing left behind is told with its status", "[service_runner]") {
    Workshop workshop{pod_of(service("web", "echo $DAVIT_SERVICE; exit 3"))};
    runtime::ServiceRunner runner{workshop.host};

    runner.launch(0, 7);

    REQUIRE(workshop.next_service_fact<model::Launched>());
    const auto exited = workshop.next_service_fact<model::LeaderExited>();
    REQUIRE(exited);
    CHECK(exited->attempt == 7);
    CHECK(exited->status == model::exited_with(3));
    CHECK(exited->left_behind.empty());
    CHECK(runner.leader_of(0) == 0);
    CHECK(workshop.run_until([&] { return workshop.log_text() == "[web] web\n"; }));
    CHECK(runner.logs().last_lines(0, 10) == std::vector<std::string>{"web"});
}

TEST_CASE("what a leader leaves in its session is named, and its end is told", "[service_runner]") {
    Workshop workshop{pod_of(service("web", "sleep 1000 & until grep -q sleep /proc/$!/comm; do :; done"))};
    runtime::ServiceRunner runner{workshop.host};
    workshop.reaper.on_turn_end([&] { runner.look_at_sessions(); });

    runner.launch(0, 1);

    const auto exited = workshop.next_service_fact<model::LeaderExited>();
    REQUIRE(exited);
    CHECK(exited->left_behind.starts_with("sleep (pid "));
    runner.signal_session(0, 1, SIGTERM);
    CHECK(workshop.next_service_fact<model::SessionEmptied>());
}

TEST_CASE("an order of an earlier attempt does nothing", "[service_runner]") {
    Workshop workshop{pod_of(service("web", "sleep 1000"))};
    runtime::ServiceRunner runner{workshop.host};
    runner.launch(0, 2);
    REQUIRE(workshop.next_service_fact<model::Launched>());

    runner.signal_session(0, 1, SIGKILL);
    runner.signal_leader(0, 1, SIGKILL);
    runner.signal_leader(0, 2, SIGTERM);

    const auto exited = workshop.next_service_fact<model::LeaderExited>();
    REQUIRE(exited);
    CHECK(exited->status == model::killed_by(SIGTERM));
}

TEST_CASE("a command that is not there, or may not run, is told with its stage", "[service_runner]") {
    model::ServiceSpec web = service("web", "");
    web.command = {model::Text{"/nowhere/web"}};
    Workshop workshop{pod_of(web)};
    runtime::ServiceRunner runner{workshop.host};

    runner.launch(0, 1);

    const auto failed = workshop.next_service_fact<model::LaunchFailed>();
    REQUIRE(failed);
    CHECK(failed->failure == model::LaunchFailure::not_found);
    CHECK(failed->message.starts_with("/nowhere/web: no such file or directory (at exec"));
}

TEST_CASE("a stop command runs as the service and is ended at its deadline", "[service_runner]") {
    model::ServiceSpec web = service("web", "sleep 1000");
    web.stop_command = shell("echo stop $DAVIT_SERVICE; exec sleep 1000");
    Workshop workshop{pod_of(web)};
    runtime::ServiceRunner runner{workshop.host};
    runner.launch(0, 1);

    runner.run_stop_command(0, 1, std::chrono::steady_clock::now() + 500ms);

    const auto finished = workshop.next_service_fact<model::StopCommandFinished>();
    REQUIRE(finished);
    CHECK(finished->status == model::killed_by(SIGKILL));
    CHECK(workshop.log_text() == "[web] stop web\n");
    runner.stop_everything();
}

TEST_CASE("a service that notifies finds its socket, and what it says is reported", "[service_runner]") {
    const std::string folder = "/tmp/davit-notify-" + std::to_string(::getpid());
    model::ServiceSpec web = service("web", "echo $NOTIFY_SOCKET $WATCHDOG_USEC \"${WATCHDOG_PID-none}\"; "
                                            "systemd-notify --ready --status=up; sleep 1000");
    web.startup_probe = model::ProbeSpec{.check = model::NotifyCheck{}};
    web.liveness_probe = model::ProbeSpec{.check = model::NotifyCheck{}, .period = 2s, .failure_threshold = 2};
    Workshop workshop{pod_of(std::move(web))};
    workshop.options.socket = folder;
    runtime::ServiceRunner runner{workshop.host};

    runner.launch(0, 4);

    const auto notified = workshop.next_service_fact<model::Notified>();
    REQUIRE(notified);
    CHECK(notified->attempt == 4);
    CHECK(notified->said ==
          model::Notification{.word = model::SelfWord::ready, .ready = true, .said_ready = true, .status = "up"});
    CHECK(
        workshop.run_until([&] { return workshop.log_text().starts_with("[web] " + folder + ".web 4000000 none\n"); }));
    runner.signal_session(0, 4, SIGKILL);
    REQUIRE(workshop.next_service_fact<model::LeaderExited>());
    CHECK(::access((folder + ".web").c_str(), F_OK) != 0);
}

TEST_CASE("a line that a log probe waits for is reported once, also if it comes in pieces", "[service_runner]") {
    const std::string gate = "/tmp/davit-pieces-" + std::to_string(::getpid());
    REQUIRE(::mkfifo(gate.c_str(), 0600) == 0);
    model::ServiceSpec web =
        service("web", "echo nothing; printf sta; read line < " + gate + "; echo rted; echo started; exec sleep 1000");
    web.startup_probe = model::ProbeSpec{.check = model::LogCheck{.pattern = "^started$"}};
    Workshop workshop{pod_of(std::move(web))};
    runtime::ServiceRunner runner{workshop.host};

    runner.launch(0, 1);
    // It waits at the gate with half of a line written; the first half is read before the rest is there.
    REQUIRE(workshop.run_until([&] { return workshop.log_text() == "[web] nothing\n"; }));
    const int opened = [&] {
        int descriptor = -1;
        const auto opens = [&] { return (descriptor = ::open(gate.c_str(), O_WRONLY | O_NONBLOCK)) >= 0; };
        return workshop.run_until(opens) ? descriptor : -1;
    }();
    REQUIRE(opened >= 0);
    ::close(opened);
    ::unlink(gate.c_str());

    const auto matched = workshop.next_service_fact<model::LineMatched>();
    REQUIRE(matched);
    CHECK(matched->attempt == 1);
    CHECK(matched->probe == model::ProbeKind::startup);
    CHECK(workshop.run_until([&] { return workshop.log_text().ends_with("[web] started\n[web] started\n"); }));
    runner.signal_session(0, 1, SIGKILL);
    REQUIRE(workshop.next_service_fact<model::LeaderExited>());
    for (const model::PodEvent& fact : workshop.facts) {
        CHECK_FALSE(std::holds_alternative<model::LineMatched>(std::get<model::ServiceFact>(fact).event));
    }
}

TEST_CASE("a service whose notify socket cannot be made is not launched, and tried again", "[service_runner]") {
    model::ServiceSpec web = service("web", "exit 0");
    web.readiness_probe = model::ProbeSpec{.check = model::NotifyCheck{}};
    Workshop workshop{pod_of(std::move(web))};
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    runtime::ServiceRunner runner{workshop.host};
    rlimit none = before;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_NOFILE, &none);

    runner.launch(0, 1);

    ::setrlimit(RLIMIT_NOFILE, &before);
    const auto failed = workshop.next_service_fact<model::LaunchFailed>();
    REQUIRE(failed);
    CHECK(failed->failure == model::LaunchFailure::no_resources);
    CHECK(failed->message.starts_with("cannot make its notify socket: "));
}

} // namespace davit::test
