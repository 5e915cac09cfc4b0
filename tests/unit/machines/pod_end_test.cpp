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
    end.lifecycle.failure = "preload failed: exit code 1";
    ExitStatus oom = killed_by(SIGKILL);
    oom.out_of_memory = true;
    end.services[0].last_exit = oom;
    CHECK(end_lines(pod.spec(), end) ==
          std::vector<std::string>{"the start failed: preload failed: exit code 1", "main: SIGKILL, out of memory"});
}

} // namespace davit::test
