// SPDX-License-Identifier: Apache-2.0
// The waterfall of a start, as a person sees it.
#include "cli/timeline_text.h"

#include "cli/columns.h"
#include "model/text_parts.h"
#include "support/catch.h"

namespace davit::cli {
namespace {

constexpr const char* shop = R"json({"app": "shop", "state": "online", "began": "T", "seconds": 10,
 "sentence": "online after 10.0s; 6.0s of it mesh (readiness probe)",
 "rows": [
  {"kind": "service", "name": "log", "main": false, "critical": true, "state": "ready", "wantedSeconds": 0,
   "startedSeconds": 0, "doneSeconds": 2, "waitedFor": null, "starts": 1},
  {"kind": "service", "name": "mesh", "main": false, "critical": true, "state": "ready", "wantedSeconds": 0,
   "startedSeconds": 2, "doneSeconds": 8, "waitedFor": "log", "starts": 3},
  {"kind": "step", "name": "preload", "critical": false, "state": "failed", "wantedSeconds": 8,
   "startedSeconds": 8, "doneSeconds": 10, "waitedFor": null, "starts": 1},
  {"kind": "service", "name": "web", "main": true, "critical": false, "state": "waits", "wantedSeconds": 4,
   "startedSeconds": null, "doneSeconds": null, "waitedFor": "mesh", "starts": 0}], "critical": []})json";

} // namespace

TEST_CASE("a start is a waterfall with a mark at what made it slow", "[timeline_text]") {
    CHECK(timeline_text(shop, {.width = 62}, Charset::utf8) ==
          "shop: online after 10.0s; 6.0s of it mesh (readiness probe)\n"
          "\n"
          "              0s        10.0s      AT    TOOK  WAITED FOR\n"
          "* log         ███                0.0s    2.0s\n"
          "* mesh        ···█████████       2.0s    6.0s  log 2.0s, 3 ...\n"
          "  preload                 ███    8.0s    2.0s  failed\n"
          "  web (main)        ·········       -       -  waits, mesh\n"
          "\n"
          "* the critical chain: only a faster one of these makes the start faster\n");
}

TEST_CASE("where the locale is no UTF-8 the picture is ASCII", "[timeline_text]") {
    const std::string text = timeline_text(shop, {}, Charset::ascii);
    CHECK(text.contains("* mesh        ......####"));
    CHECK(std::ranges::all_of(text, [](char byte) { return static_cast<unsigned char>(byte) < 0x80; }));
}

TEST_CASE("no line is wider than the terminal", "[timeline_text]") {
    for (const std::size_t width : {60U, 80U, 133U, 200U}) {
        const std::string text = timeline_text(shop, {.width = width}, Charset::utf8);
        std::string_view rest = text;
        while (!rest.empty()) {
            const std::string_view line = model::next_line(rest);
            INFO(line);
            CHECK((columns(line) <= width || line.starts_with("* the critical")));
        }
    }
}

TEST_CASE("colour marks the critical chain and what failed", "[timeline_text]") {
    const std::string text = timeline_text(shop, {.width = 80, .in_colour = true}, Charset::ascii);
    CHECK(text.contains("* mesh        \x1b[33m"));
    CHECK(text.contains("  preload     \x1b[31m"));
    CHECK(text.contains("  web (main)              .."));
}

TEST_CASE("what is no timeline is shown as it came, and odd members do no harm", "[timeline_text]") {
    CHECK(timeline_text("not json", {}, Charset::utf8) == "not json");
    CHECK(timeline_text(R"({"app": "a", "sentence": "nothing has started yet", "rows": []})", {}, Charset::utf8) ==
          "a: nothing has started yet\n");
    CHECK(timeline_text(R"({"rows": [1, {"name": 3, "startedSeconds": "x", "doneSeconds": -1}]})", {}, Charset::utf8)
              .contains("AT    TOOK"));
}

} // namespace davit::cli
