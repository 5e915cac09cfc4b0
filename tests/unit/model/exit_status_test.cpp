// SPDX-License-Identifier: Apache-2.0
// How an end is said, as a number and in words, and how signals are written.
#include "model/exit_status.h"

#include "support/catch.h"

#include <csignal>
#include <utility>
#include <vector>

namespace davit::model {

TEST_CASE("a container ends with the code itself, or with 128 and the signal", "[exit_status]") {
    CHECK(container_code(exited_with(0)) == 0);
    CHECK(container_code(exited_with(3)) == 3);
    CHECK(container_code(killed_by(SIGTERM)) == 143);
    CHECK(container_code(killed_by(SIGKILL)) == 137);
}

TEST_CASE("an end is said in words", "[exit_status]") {
    CHECK(describe(exited_with(3)) == "exit code 3");
    CHECK(describe(exited_with(0)) == "exit code 0");
    CHECK(describe(killed_by(SIGTERM)) == "SIGTERM");
    CHECK(describe(ExitStatus{.signal = SIGSEGV, .core_dumped = true}) == "SIGSEGV, core dumped");
    CHECK(describe(ExitStatus{.signal = SIGKILL, .out_of_memory = true}) == "SIGKILL, out of memory");
    CHECK(describe(ExitStatus{.code = 137, .out_of_memory = true}) == "exit code 137, out of memory");
    CHECK(describe(ExitStatus{.signal = SIGKILL, .out_of_memory = true, .memory_limit = 512 << 20}) ==
          "SIGKILL, out of memory (container limit 512 MiB)");
    CHECK(describe(killed_by(37)) == "SIGRTMIN+3");
}

TEST_CASE("a signal is known with or without SIG, in any case, and as a number", "[exit_status]") {
    CHECK(signal_from_name("TERM") == SIGTERM);
    CHECK(signal_from_name("SIGTERM") == SIGTERM);
    CHECK(signal_from_name("sigterm") == SIGTERM);
    CHECK(signal_from_name("term") == SIGTERM);
    CHECK(signal_from_name("15") == SIGTERM);
    CHECK(signal_from_name("USR1") == SIGUSR1);
    CHECK(signal_from_name("WINCH") == SIGWINCH);
    CHECK(signal_from_name("1") == 1);
    CHECK(signal_from_name("64") == 64);
}

TEST_CASE("real-time signals are counted from RTMIN and from RTMAX", "[exit_status]") {
    CHECK(signal_from_name("RTMIN") == 34);
    CHECK(signal_from_name("SIGRTMIN+3") == 37);
    CHECK(signal_from_name("rtmin+30") == 64);
    CHECK(signal_from_name("RTMAX") == 64);
    CHECK(signal_from_name("RTMAX-1") == 63);
    CHECK(signal_from_name("RTMAX-30") == 34);
}

TEST_CASE("what is no signal of Linux is refused", "[exit_status]") {
    for (const char* name : {"", "SIG", "TERMINATE", "0", "65", "-1", "+5", "15 ", "15x", "RTMIN+31", "RTMAX-31",
                             "RTMIN+", "RTMIN+-1", "RTMIN+x", "RTMIN-1", "SIGSIGTERM", "SIG15", "99999999999999"}) {
        INFO(name);
        CHECK_FALSE(signal_from_name(name));
    }
}

TEST_CASE("the name of a signal leads back to it", "[exit_status]") {
    for (int signal = 1; signal <= 64; ++signal) {
        INFO(signal);
        CHECK(signal_from_name(signal_name(signal)) == signal);
    }
}

TEST_CASE("a signal without a name is its number", "[exit_status]") {
    CHECK(signal_name(15) == "TERM");
    CHECK(signal_name(34) == "RTMIN");
    CHECK(signal_name(37) == "RTMIN+3");
    CHECK(signal_name(32) == "32");
    CHECK(signal_name(99) == "99");
}

} // namespace davit::model
