// SPDX-License-Identifier: Apache-2.0
// What `status --watch` writes.
#include "cli/watch_frame.h"

#include "support/catch.h"

namespace davit::cli {

TEST_CASE("a frame goes over the last one from the top left corner, and erases only what is left over", "[watch]") {
    CHECK(frame_of("one\ntwo\n", "", 24, Charset::utf8) == "\x1b[?25l\x1b[Hone\x1b[K\ntwo\x1b[K\n\x1b[J");
    CHECK(frame_of("one\n", "davit is gone", 24, Charset::utf8) ==
          "\x1b[?25l\x1b[Hone\x1b[K\ndavit is gone\x1b[K\n\x1b[J");
}

TEST_CASE("what does not fit into the rows is cut and counted, and the cursor has the last row", "[watch]") {
    CHECK(frame_of("1\n2\n3\n", "", 4, Charset::utf8) == "\x1b[?25l\x1b[H1\x1b[K\n2\x1b[K\n3\x1b[K\n\x1b[J");
    CHECK(frame_of("1\n2\n3\n4\n", "", 4, Charset::utf8) == "\x1b[?25l\x1b[H1\x1b[K\n2\x1b[K\n… 2 more\x1b[K\n\x1b[J");
    CHECK(frame_of("1\n2\n3\n", "note", 4, Charset::ascii) ==
          "\x1b[?25l\x1b[H1\x1b[K\n... 2 more\x1b[K\nnote\x1b[K\n\x1b[J");
    CHECK(frame_of("1\n2\n", "", 1, Charset::ascii) == "\x1b[?25l\x1b[H... 2 more\x1b[K\n\x1b[J");
}

TEST_CASE("for a pipe a change is another state, not another time", "[watch]") {
    const auto status = [](const char* state, const char* uptime, const char* why) {
        return std::string{R"({"app": "a", "phase": "online", "services": [{"name": "web", "state": ")"} + state +
               R"(", "ready": true, "pid": 3, "restarts": 0, "uptimeSeconds": )" + uptime + R"(, "why": ")" + why +
               R"("}]})";
    };
    CHECK(fingerprint(status("running", "1.0", "ready")) == fingerprint(status("running", "2.0", "ready, for 2.0s")));
    CHECK(fingerprint(status("running", "1.0", "x")) != fingerprint(status("stopping", "1.0", "x")));
    CHECK(fingerprint("not json") == "not json");
    CHECK(fingerprint("{}") == fingerprint(R"({"services": [3]})"));
}

} // namespace davit::cli
