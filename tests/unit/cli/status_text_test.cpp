// SPDX-License-Identifier: Apache-2.0
// What a person reads: the table takes in a container at a glance, on a terminal of any width.
#include "cli/status_text.h"

#include "support/catch.h"

namespace davit::cli {
namespace {

constexpr const char* shop = R"json({"app": "shop", "mode": "normal", "phase": "checking", "ready": false, "live": true,
 "isolated": false, "since": "2026-11-23T07:00:00.123Z", "cpus": 2,
 "why": "checking: waits for readiness: mesh: GET http://127.0.0.1:15021/ready 503", "advice": "see `davit why SERVICE`",
 "services": [
  {"name": "log-agent", "main": false, "state": "running", "ready": true, "pid": 17, "uptimeSeconds": 185.0,
   "restarts": 0, "lastExit": null, "why": "ready: runs (no readiness probe)", "advice": ""},
  {"name": "mesh", "main": false, "state": "running", "ready": false, "pid": 18, "uptimeSeconds": 12.5, "restarts": 2,
   "lastExit": {"signal": "KILL", "oom": true, "at": "2026-11-23T06:59:00.000Z"},
   "why": "not ready: GET http://127.0.0.1:15021/ready 503", "advice": "look at its output"},
  {"name": "web", "main": true, "state": "failed", "ready": false, "pid": null, "uptimeSeconds": null, "restarts": 5,
   "lastExit": {"code": 3, "at": null}, "why": "failed: gave up after 5 restarts", "advice": "mend the cause",
   "lastOutput": ["cannot open \u001b[31mdatabase"]}]})json";

std::vector<std::string> lines(std::string text) {
    std::vector<std::string> all;
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
        all.push_back(text.substr(0, end));
        text.erase(0, end + 1);
    }
    return all;
}

TEST_CASE("without a terminal every service is one line without colour", "[status_text]") {
    const auto table = lines(status_table(shop, {}));
    REQUIRE(table.size() == 7);
    CHECK(table[0] == "shop  checking  since 2026-11-23T07:00:00.123Z  2 cpus");
    CHECK(table[1] == "waits for readiness: mesh: GET http://127.0.0.1:15021/ready 503");
    CHECK(table[2].empty());
    CHECK(table[3] == "SERVICE    STATE      READY  PID  RESTARTS  UPTIME  WHY");
    CHECK(table[4] == "log-agent  running    yes     17         0   3m05s  runs (no readiness probe)");
    CHECK(table[5] == "mesh       running    no      18         2   12.5s  GET http://127.0.0.1:15021/ready 503");
    CHECK(table[6] == "web *      failed     no       -         5       -  gave up after 5 restarts");
}

TEST_CASE("a container that is as it should be is one line a service on 80 columns", "[status_text]") {
    const auto table = lines(status_table(
        R"json({"app": "a", "phase": "online", "ready": true, "since": "T", "cpus": 1, "services": [
            {"name": "a-service-of-\u00fcmlaut", "state": "running", "ready": true, "pid": 4194303, "uptimeSeconds": 1.0,
             "why": "ready: GET http://127.0.0.1:15021/a/long/way/\u00fc/\u00fc/\u00fc 200"}]})json",
        {.width = 80}));
    REQUIRE(table.size() == 4);
    CHECK(table[3] == "a-service-of-\u00fcmlaut  running    yes    4194303         0    1.0s  GET http://...");
}

TEST_CASE("on a terminal no line is wider than it, and nothing is lost", "[status_text]") {
    const auto table = lines(status_table(shop, {.width = 80}));
    std::string all;
    for (const std::string& line : table) {
        INFO(line);
        CHECK(line.size() <= 80);
        all += line + " ";
    }
    CHECK(all.contains("GET http://127.0.0.1:15021/ready 503"));
    CHECK(all.contains("gave up after 5 restarts"));
}

TEST_CASE("colour is for terminals that want it", "[status_text]") {
    CHECK_FALSE(status_table(shop, {.width = 80}).contains('\x1b'));
    const std::string table = status_table(shop, {.width = 80, .in_colour = true});
    CHECK(table.contains("\x1b[32mrunning"));
    CHECK(table.contains("\x1b[33mrunning"));
    CHECK(table.contains("\x1b[31mfailed"));
}

TEST_CASE("a container that is online says whether it is ready", "[status_text]") {
    CHECK(status_table(R"({"app": "a", "phase": "online", "ready": true, "since": "T", "cpus": 1, "services": []})", {})
              .starts_with("a  online, ready  since T  1 cpu\n"));
    CHECK(
        status_table(R"({"app": "a", "phase": "online", "ready": false, "since": "T", "cpus": 1, "services": []})", {})
            .starts_with("a  online, not ready  since T"));
}

TEST_CASE("why of the container names what is not as it should be", "[status_text]") {
    const std::string text = pod_paragraph(shop);
    CHECK(text.starts_with("shop: checking, not ready, since 2026-11-23T07:00:00.123Z\n  why:\n    waits for"));
    CHECK(text.contains("what to do:\n    see `davit why SERVICE`\n"));
    CHECK(text.contains("mesh not ready: GET http://127.0.0.1:15021/ready 503"));
    CHECK(text.contains("web failed: gave up after 5 restarts"));
    CHECK_FALSE(text.contains("log-agent"));
}

TEST_CASE("why of a service has its state, cause, advice, last exit and last output", "[status_text]") {
    const std::string text = service_paragraph(shop);
    CHECK(text.contains("mesh: running, pid 18, for 12.5s, restarts 2\n"));
    CHECK(text.contains("SIGKILL, out of memory, at 2026-11-23T06:59:00.000Z"));
    CHECK(text.contains("web (main): failed, restarts 5\n"));
    CHECK(text.contains("exit code 3\n"));
    CHECK(text.contains("mend the cause"));
    CHECK(text.contains("last output:\n    cannot open  [31mdatabase\n")); // no escape reaches the terminal
}

TEST_CASE("what does not parse is shown as it came", "[status_text]") {
    const char* strange = GENERATE("not json", "[1]", "");
    CHECK(status_table(strange, {}) == strange);
    CHECK(pod_paragraph(strange) == strange);
    CHECK(service_paragraph(strange) == strange);
}

TEST_CASE("members that are missing or of another type do no harm", "[status_text]") {
    const char* odd =
        GENERATE("{}", R"({"services": 3})", R"({"services": [1, {}, {"name": 3, "pid": "x", "lastExit": []}]})");
    CHECK_FALSE(status_table(odd, {.width = 80}).empty());
    CHECK_FALSE(pod_paragraph(odd).empty());
}

TEST_CASE("main is the service that says so", "[status_text]") {
    CHECK(main_service(R"({"services": [{"name": "log"}, {"name": "web", "main": true}]})") == "web");
    CHECK(main_service(R"({"services": [{"name": "log", "main": false}]})").empty());
    CHECK(main_service("not json").empty());
}

TEST_CASE("a name in an address is escaped", "[status_text]") {
    CHECK(query_escaped("log-agent_1.x~") == "log-agent_1.x~");
    CHECK(query_escaped("a b&c=d?\r\n\xC3\xBC") == "a%20b%26c%3Dd%3F%0D%0A%C3%BC");
}

} // namespace
} // namespace davit::cli
