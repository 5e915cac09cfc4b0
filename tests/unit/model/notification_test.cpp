// SPDX-License-Identifier: Apache-2.0
// Datagrams of sd_notify(3) as they come, good and bad.
#include "model/notification.h"

#include "support/catch.h"

namespace davit::model {

using namespace std::chrono_literals;

TEST_CASE("each assignment that davit uses is understood", "[notification]") {
    CHECK(parse_notification("READY=1") == Notification{.word = SelfWord::ready, .ready = true, .said_ready = true});
    CHECK(parse_notification("STOPPING=1\n") == Notification{.word = SelfWord::stopping, .ready = false});
    CHECK(parse_notification("RELOADING=1\nMONOTONIC_USEC=12345") == Notification{.word = SelfWord::reloading});
    CHECK(parse_notification("STATUS=loading models") == Notification{.status = "loading models"});
    CHECK(parse_notification("EXTEND_TIMEOUT_USEC=1500000") == Notification{.extend = 1500ms});
    CHECK(parse_notification("WATCHDOG=1") == Notification{.alive = true});
    CHECK(parse_notification("WATCHDOG=trigger") == Notification{.wants_to_be_killed = true});
    CHECK(parse_notification("WATCHDOG_USEC=250000") == Notification{.watchdog = 250ms});
    CHECK(parse_notification("ERRNO=2") == Notification{.error = "errno 2 (No such file or directory)"});
    CHECK(parse_notification("BUSERROR=org.freedesktop.DBus.Error.TimedOut") ==
          Notification{.error = "org.freedesktop.DBus.Error.TimedOut"});
    CHECK(parse_notification("READY=1\nSTATUS=up\nMAINPID=4711\n") ==
          Notification{
              .word = SelfWord::ready, .ready = true, .said_ready = true, .status = "up", .unused = {"MAINPID"}});
}

TEST_CASE("what is not understood says nothing", "[notification]") {
    for (const char* text : {"", "\n\n", "READY", "READY=", "READY=0", "READY=yes", "ready=1", "=1", "X_READY=1", "R=1",
                             "WATCHDOG=0", "WATCHDOG_USEC=", "WATCHDOG_USEC=-1", "EXTEND_TIMEOUT_USEC=soon",
                             "EXTEND_TIMEOUT_USEC=1.5", "BARRIER=1", "MONOTONIC_USEC=1"}) {
        INFO(text);
        CHECK(parse_notification(text) == Notification{});
    }
    CHECK(parse_notification(std::string_view{"READY=1\0", 8}) == Notification{});
}

TEST_CASE("times that are too long are cut, and an endless watchdog is none", "[notification]") {
    CHECK(parse_notification("EXTEND_TIMEOUT_USEC=99999999999999999999999").extend == longest_notified_time);
    CHECK(parse_notification("EXTEND_TIMEOUT_USEC=18446744073709551615").extend == longest_notified_time);
    CHECK(parse_notification("WATCHDOG_USEC=18446744073709551615").watchdog == Duration::zero());
    CHECK(parse_notification("WATCHDOG_USEC=0").watchdog == Duration::zero());
}

TEST_CASE("a status is one short clean line of UTF-8", "[notification]") {
    CHECK(parse_notification("STATUS=a\tb\x1b[31mc\rd").status == "a b [31mc d");
    CHECK(parse_notification("STATUS=\xff"
                             "grün")
              .status == "\uFFFDgrün");
    const auto status = parse_notification("STATUS=" + std::string(199, 'x') + "ü and more").status;
    CHECK(status == std::string(199, 'x'));
    CHECK(parse_notification("STATUS=").status == "");
    CHECK(parse_notification("STATUS=old\nSTATUS=new").status == "new");
}

TEST_CASE("a datagram of very many lines is read to its bound", "[notification]") {
    std::string text;
    for (int line = 0; line < 64; ++line) {
        text += "X=1\n";
    }
    CHECK(parse_notification(text + "READY=1") == Notification{});
}

TEST_CASE("what came together counts together, the later word wins", "[notification]") {
    Notification all;
    add(all, parse_notification("READY=1\nSTATUS=up\nFDSTORE=1"));
    add(all, parse_notification("WATCHDOG=1\nEXTEND_TIMEOUT_USEC=1000000"));
    add(all, parse_notification("STOPPING=1\nSTATUS=down\nFDSTORE=1"));
    CHECK(all == Notification{.word = SelfWord::stopping,
                              .ready = false,
                              .said_ready = true,
                              .status = "down",
                              .extend = 1s,
                              .alive = true,
                              .unused = {"FDSTORE"}});
}

} // namespace davit::model
