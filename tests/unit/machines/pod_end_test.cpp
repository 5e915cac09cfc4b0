// SPDX-License-Identifier: Apache-2.0
// What the container ends with: one row a rule of contract 5.
#include "model/pod_end.h"
#include "pod_bench.h"
#include "support/catch.h"

namespace davit::test {

using namespace model;

TEST_CASE("the exit code follows the cause of the end and how main ended", "[pod_end]") {
    struct Row {
        const char* rule;
        EndCause cause;
        std::optional<ExitStatus> main;
        bool online_ever;
        std::vector<int> success_codes;
        int code;
    };
    const Row row = GENERATE(values<Row>({
        {"main's own code", EndCause::main_ended, exited_with(3), true, {0}, 3},
        {"128+signal", EndCause::main_ended, killed_by(SIGSEGV), true, {0}, 139},
        {"main ended with 0 after online", EndCause::main_ended, exited_with(0), true, {0}, 0},
        {"main ended with 0 before online", EndCause::main_ended, exited_with(0), false, {0}, 121},
        {"a listed code is no 0 when nobody asked", EndCause::main_ended, exited_with(3), true, {0, 3}, 3},
        {"a probe failed, main ended with 0", EndCause::main_failed, exited_with(0), true, {0}, 122},
        {"the same before online", EndCause::main_failed, exited_with(0), false, {0}, 121},
        {"a probe failed, main's own code", EndCause::main_failed, exited_with(143), true, {0, 143}, 143},
        {"a stop, main dies of the signal", EndCause::stop_asked, killed_by(SIGTERM), true, {0}, 143},
        {"a stop, the code is listed", EndCause::stop_asked, exited_with(143), true, {0, 143}, 0},
        {"a stop, a signal's code is listed", EndCause::stop_asked, killed_by(SIGTERM), true, {0, 143}, 0},
        {"a stop broke the start off, main ended with 0", EndCause::stop_asked, exited_with(0), false, {0}, 121},
        {"a stop broke the start off, main's own code", EndCause::stop_asked, exited_with(5), false, {0}, 5},
        {"a stop before main ran", EndCause::stop_asked, std::nullopt, false, {0}, 121},
        {"a failed start", EndCause::start_failed, exited_with(0), false, {0}, 121},
        {"a failed start, whatever main says", EndCause::start_failed, exited_with(9), false, {0}, 121},
        {"a critical service", EndCause::critical_failed, exited_with(143), true, {0}, 122},
    }));
    PodBench pod;
    pod.service("main").success_exit_codes = row.success_codes;
    pod.begin();
    Pod end = pod.pod();
    end.lifecycle.cause = row.cause;
    end.lifecycle.online_ever = row.online_ever;
    end.services[0].last_exit = row.main;
    end.services[0].process = Process::none;

    INFO(row.rule);
    CHECK(exit_code(pod.spec(), end) == row.code);
    CHECK(end_lines(pod.spec(), end).empty() == (row.code == 0));
}

TEST_CASE("the termination lines name the reason first and main's end after it", "[pod_end]") {
    PodBench pod;
    pod.begin();
    Pod end = pod.pod();
    end.lifecycle.cause = EndCause::start_failed;
    end.lifecycle.failure.text = "preload failed: exit code 1";
    ExitStatus oom = killed_by(SIGKILL);
    oom.out_of_memory = true;
    end.services[0].last_exit = oom;
    CHECK(end_lines(pod.spec(), end) ==
          std::vector<std::string>{"the start failed: preload failed: exit code 1", "main: SIGKILL, out of memory"});
}

TEST_CASE("the best line says what ended the container, in whole", "[pod_end]") {
    PodBench pod;
    pod.begin();
    Pod end = pod.pod();
    end.services[0].process = Process::none;
    const auto best = [&] { return end_lines(pod.spec(), end).front(); };

    SECTION("main's own code") {
        end.lifecycle.cause = EndCause::main_ended;
        end.lifecycle.online_ever = true;
        end.services[0].last_exit = exited_with(3);
        CHECK(best() == "main ended: exit code 3");
    }
    SECTION("main's own code before it was online") {
        end.lifecycle.cause = EndCause::main_ended;
        end.services[0].last_exit = exited_with(0);
        CHECK(best() == "main ended before it was online: exit code 0");
    }
    SECTION("out of memory, with the limit") {
        end.lifecycle.cause = EndCause::main_ended;
        end.lifecycle.online_ever = true;
        end.services[0].last_exit =
            ExitStatus{.signal = SIGKILL, .out_of_memory = true, .memory_limit = std::uint64_t{1} << 30};
        CHECK(best() == "main ended: SIGKILL, out of memory (container limit 1 GiB)");
    }
    SECTION("main cannot be executed") {
        end.lifecycle.cause = EndCause::main_ended;
        end.services[0].last_exit = exited_with(127);
        end.services[0].cannot_execute = true;
        end.services[0].reason = "/bin/main: no such file or directory (at exec)";
        CHECK(best() == "main cannot be started: /bin/main: no such file or directory (at exec)");
    }
    SECTION("a failed probe") {
        end.lifecycle.cause = EndCause::main_failed;
        end.lifecycle.failure.text = "liveness probe failed: timed out";
        end.services[0].last_exit = killed_by(SIGTERM);
        CHECK(best() == "main failed: liveness probe failed: timed out");
    }
    SECTION("a stop broke the start off") {
        end.lifecycle.cause = EndCause::stop_asked;
        end.services[0].last_exit = killed_by(SIGTERM);
        CHECK(best() == "stopped before it was online; main: SIGTERM");
    }
    SECTION("a critical service") {
        end.lifecycle.cause = EndCause::critical_failed;
        end.lifecycle.failure.text = "mesh failed: gave up after 2 restarts";
        CHECK(best() == "a critical service failed: mesh failed: gave up after 2 restarts");
    }
}

TEST_CASE("the last output is that of who failed, else main's", "[pod_end]") {
    constexpr ServiceIndex main = 0;
    constexpr ServiceIndex mesh = 1;
    constexpr ServiceIndex preloader = 2; // no step is meant by its name
    PodBench pod;
    ServiceSpec helper_that_fails = helper("mesh");
    helper_that_fails.restart_policy = RestartPolicy::never;
    pod.with(helper_that_fails).with(helper("preload-mesh"));
    pod.spec().lifecycle.preload = {step()};
    pod.spec().lifecycle.online = {step()};
    const auto blamed = [&] { return output_behind_end(pod.spec(), pod.pod()); };

    SECTION("a dependency of main") {
        pod.with_dependency("main", "mesh");
        pod.begin();
        pod.launch_failed("mesh", LaunchFailure::not_executable);
        CHECK(pod.pod().lifecycle.cause == EndCause::start_failed);
        CHECK(blamed() == Blame{mesh});
    }
    SECTION("a critical service") {
        pod.service("mesh").critical = true;
        pod.come_online();
        pod.exited("mesh", exited_with(1));
        CHECK(pod.pod().lifecycle.cause == EndCause::critical_failed);
        CHECK(blamed() == Blame{mesh});
    }
    SECTION("who holds up the gate, not who waits for it") {
        pod.service("preload-mesh").readiness_probe = tcp_probe();
        pod.with_dependency("main", "preload-mesh", Condition::ready);
        pod.begin();
        pod.launched("mesh");
        pod.launched("preload-mesh");
        pod.until(pod.spec().lifecycle.ready_timeout);
        CHECK(pod.pod().lifecycle.cause == EndCause::start_failed);
        CHECK(blamed() == Blame{preloader});
    }
    SECTION("a step") {
        pod.begin();
        pod.launched("mesh");
        pod.launched("preload-mesh");
        pod.launched("main");
        const bool is_online = GENERATE(false, true);
        if (is_online) {
            pod.step_finished();
        }
        pod.step_finished(StepOutcome::failed);
        CHECK(pod.pod().lifecycle.cause == EndCause::start_failed);
        CHECK(blamed() == Blame{is_online ? StepKind::online : StepKind::preload});
    }
    SECTION("main, where nobody else did") {
        pod.come_online();
        SECTION("it ended") {
            pod.exited("main", exited_with(3));
        }
        SECTION("it was stopped") {
            pod.signal(SIGTERM);
        }
        CHECK(blamed() == Blame{main});
    }
}

} // namespace davit::test
