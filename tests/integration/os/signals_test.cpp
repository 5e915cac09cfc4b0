// SPDX-License-Identifier: Apache-2.0
// Signals as the loop gets them.
#include "os/signals.h"

#include "support.h"
#include "support/catch.h"

#include <csignal>

using namespace davit;
using namespace davit::os;
using namespace davit::test;

TEST_CASE("a signal from a process of the container names its sender", "[signals]") {
    take_over_signals();
    boost::asio::io_context loop{1};
    std::vector<ReceivedSignal> received;
    SignalReceiver receiver{loop, [&](const ReceivedSignal& signal) { received.push_back(signal); }, [] {}};
    REQUIRE(receiver.start());

    const auto child =
        spawn(shell("kill -HUP " + std::to_string(::getpid()) + "; kill -37 " + std::to_string(::getpid())));
    REQUIRE(child);
    REQUIRE(run_until(loop, [&] { return received.size() == 2; }));
    wait_for(*child);

    CHECK(received[0].number == SIGHUP);
    CHECK(received[0].origin == SignalOrigin::inside);
    CHECK(received[0].sender == *child);
    CHECK(received[1].number == 37);
}

TEST_CASE("the ends of many children are one hint", "[signals]") {
    take_over_signals();
    boost::asio::io_context loop{1};
    int hints = 0;
    SignalReceiver receiver{loop, [](const ReceivedSignal&) {}, [&] { ++hints; }};
    for (int index = 0; index < 5; ++index) {
        const auto child = spawn(shell("exit 0"));
        REQUIRE(child);
        wait_for(*child);
    }
    REQUIRE(receiver.start());
    REQUIRE(run_until(loop, [&] { return hints > 0; }));

    CHECK(hints == 1);
}

TEST_CASE("signals that the caller ignored reach davit, and are told for plain init", "[signals]") {
    std::signal(SIGHUP, SIG_IGN);
    const CallersSignals callers = take_over_signals();
    boost::asio::io_context loop{1};
    std::vector<int> received;
    SignalReceiver receiver{loop, [&](const ReceivedSignal& signal) { received.push_back(signal.number); }, [] {}};
    REQUIRE(receiver.start());

    ::kill(::getpid(), SIGHUP);

    REQUIRE(run_until(loop, [&] { return !received.empty(); }));
    CHECK(received == std::vector{SIGHUP});
    CHECK(sigismember(&callers.ignored, SIGHUP) == 1);
    CHECK(sigismember(&callers.ignored, SIGTERM) == 0);
}

TEST_CASE("a pipe without a reader is an error to davit, not its end", "[signals]") {
    take_over_signals();
    Pipe pipe = open_pipe();
    pipe.read.reset();

    CHECK(::write(pipe.write.get(), "x", 1) == -1);
    CHECK(errno == EPIPE);
}
