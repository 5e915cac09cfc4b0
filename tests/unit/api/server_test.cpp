// SPDX-License-Identifier: Apache-2.0
// Sessions over a real unix socket: limits, streams, and clients that are slow, gone or talk rubbish.
#include "made_up_supervisor.h"
#include "serving.h"

#include "support/catch.h"

#include <array>
#include <csignal>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace davit::api {
namespace {

using namespace std::chrono_literals;
using model::Verdict;

TEST_CASE("a connection serves several requests", "[server]") {
    Fixture fixture;
    Client client{fixture};
    client.get("/v1/status");
    REQUIRE(client.hears("\"phase\": \"online\""));
    CHECK(client.received().starts_with("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"));
    client.forget_received();
    client.get("/readyz");
    REQUIRE(client.hears("ready: online"));
    CHECK(client.received().starts_with("HTTP/1.1 200 OK"));
}

TEST_CASE("a client that asks for it is closed after its answer", "[server]") {
    Fixture fixture;
    Client client{fixture};
    client.send("GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n");
    CHECK(client.is_closed());
    CHECK(client.received().contains("live: davit answers"));
    CHECK(client.received().contains("Connection: close"));
}

TEST_CASE("a probe that says no is 503", "[server]") {
    Fixture fixture;
    Fixture::world().pod.lifecycle.phase = model::Phase::checking;
    Client client{fixture};
    client.get("/readyz");
    REQUIRE(client.hears("not ready"));
    CHECK(client.received().starts_with("HTTP/1.1 503 "));
}

TEST_CASE("errors of a request leave the connection open", "[server]") {
    Fixture fixture;
    Client client{fixture};
    client.get("/nowhere");
    REQUIRE(client.hears(R"({"error": "unknown route /nowhere"})"));
    CHECK(client.received().starts_with("HTTP/1.1 404 "));
    client.get("/v1/lifecycle/prestop");
    REQUIRE(client.hears("HTTP/1.1 405 "));
    CHECK(client.received().contains("Allow: POST\r\n"));
}

TEST_CASE("rubbish is 400 and the end of the connection", "[server]") {
    Fixture fixture;
    const char* rubbish = GENERATE("hello\r\n\r\n", "\x16\x03\x01\x02\x01 tls?\r\n\r\n", "GET /\r\n\r\n",
                                   "GET / HTTP/9.9\r\n\r\n", "POST /v1/wait HTTP/1.1\r\nContent-Length: x\r\n\r\n");
    INFO(rubbish);
    Client client{fixture};
    client.send(rubbish);
    CHECK(client.is_closed());
    CHECK(client.received().starts_with("HTTP/1.1 400 "));
    CHECK(client.received().contains("\"error\""));

    Client next{fixture};
    next.get("/livez");
    CHECK(next.hears("200 OK"));
}

TEST_CASE("a header over 8 KiB and a body over 64 KiB are refused", "[server]") {
    Fixture fixture;
    Client header{fixture};
    header.send("GET /livez HTTP/1.1\r\nX: " + std::string(10'000, 'x') + "\r\n\r\n");
    CHECK(header.is_closed());
    CHECK(header.received().starts_with("HTTP/1.1 431 "));
    Client body{fixture};
    body.send("POST /v1/wait HTTP/1.1\r\nContent-Length: 70000\r\n\r\n");
    CHECK(body.is_closed());
    CHECK(body.received().starts_with("HTTP/1.1 413 "));
}

TEST_CASE("a request that does not arrive in time ends its connection without an answer", "[server]") {
    Fixture fixture{{.io_timeout = 20ms}};
    Client silent{fixture};
    Client slow{fixture};
    slow.send("GET /v1/sta");
    CHECK(silent.is_closed());
    CHECK(slow.is_closed());
    CHECK(silent.received().empty());
    CHECK(slow.received().empty());
}

TEST_CASE("a hook hears its timeout first, then progress, then the result", "[server]") {
    Fixture fixture;
    Client client{fixture};
    client.post("/v1/lifecycle/prestop");
    REQUIRE(client.hears("{\"timeoutSeconds\": 28.0}\n"));
    CHECK(client.received().contains("Content-Type: application/x-ndjson"));
    REQUIRE(Fixture::world().asked.size() == 1);
    CHECK(Fixture::world().asked[0].verb == model::Verb::prestop);

    auto& listener = Fixture::world().listeners[1];
    listener.progress("phase draining");
    REQUIRE(client.hears("{\"progress\": \"phase draining\"}\n"));
    listener.progress("phase offline");
    listener.answer(Verdict::done, "stopped");
    CHECK(client.is_closed());
    CHECK(client.received().contains("{\"progress\": \"phase offline\"}\n{\"result\"") == false); // two chunks
    CHECK(client.received().ends_with("{\"result\": \"done\", \"message\": \"stopped\"}\n\r\n0\r\n\r\n"));
    CHECK(Fixture::world().forgotten.empty());
}

TEST_CASE("a client of HTTP/1.0 gets the lines without chunks", "[server]") {
    Fixture fixture;
    fixture.answer_all(Verdict::failed, "web failed");
    Client client{fixture};
    client.send("POST /v1/services/web/start HTTP/1.0\r\nContent-Length: 0\r\n\r\n");
    CHECK(client.is_closed());
    CHECK(client.received().ends_with("\r\n\r\n{\"result\": \"failed\", \"message\": \"web failed\"}\n"));
}

TEST_CASE("a verb that is refused at once is 409", "[server]") {
    Fixture fixture;
    fixture.answer_all(Verdict::refused, "cannot start web: davit is stopping");
    Client client{fixture};
    client.post("/v1/services/web/start");
    CHECK(client.is_closed());
    CHECK(client.received().starts_with("HTTP/1.1 409 "));
    CHECK(client.received().ends_with("{\"error\": \"cannot start web: davit is stopping\"}\n"));
}

/// The shop as a loader would give it, with a change.
config::LoadResult shop_with_limit() {
    config::LoadResult loaded{.pod = Fixture::world().spec};
    loaded.pod.services[1].backoff.limit = 3;
    loaded.problems.push_back(
        {.file = "a.yaml", .line = 1, .column = 2, .text = "odd", .severity = config::Severity::warning});
    return loaded;
}

TEST_CASE("a reload tells warnings and differences, and hands the new specification over", "[server]") {
    Fixture fixture{{.load = shop_with_limit}};
    fixture.answer_all(Verdict::done, "reloaded");
    Client client{fixture};
    client.post("/v1/reload");
    CHECK(client.hears("{\"result\": \"done\", \"message\": \"reloaded\"}"));
    CHECK(client.received().contains("{\"progress\": \"a.yaml:1:2: warning: odd\"}\n"
                                     "{\"progress\": \"~ mesh: changes without a restart\"}\n"
                                     "{\"progress\": \"    backoff.limit: 0 → 3\"}\n"));
    REQUIRE(Fixture::world().reloaded.size() == 1);
    CHECK(Fixture::world().reloaded.front().services[1].backoff.limit == 3);
    CHECK(Fixture::world().changed_keys == std::vector<model::ChangedKeys>{{"mesh", "backoff.limit"}});
}

TEST_CASE("a dry run hands nothing over", "[server]") {
    Fixture fixture{{.load = shop_with_limit}};
    Client client{fixture};
    client.post("/v1/reload?dryRun");
    CHECK(client.hears("{\"result\": \"done\", \"message\": \"dry run: nothing was changed\"}"));
    CHECK(client.received().contains("backoff.limit: 0 → 3"));
    CHECK(Fixture::world().reloaded.empty());
}

TEST_CASE("a reload of a bad configuration is 409 with every problem", "[server]") {
    Fixture fixture{{.load = [] {
        config::LoadResult loaded;
        loaded.problems = {{.file = "a.yaml", .line = 1, .column = 2, .text = "bad"}, {.text = "worse"}};
        return loaded;
    }}};
    Client client{fixture};
    client.post("/v1/reload");
    CHECK(client.hears("409 Conflict"));
    CHECK(client.hears("{\"error\": \"the configuration has 2 problems; nothing was changed\", \"problems\": "
                       "[\"a.yaml:1:2: bad\", \"worse\"]}"));
    CHECK(Fixture::world().refused_reloads ==
          std::vector<std::string>{
              "reload refused: the configuration has 2 problems; nothing was changed: a.yaml:1:2: bad"});
    CHECK(Fixture::world().reloaded.empty());
}

TEST_CASE("a plan and a graph are whole answers", "[server]") {
    Fixture fixture;
    Client client{fixture};
    client.get("/v1/plan");
    CHECK(client.hears("application/json"));
    CHECK(client.hears("{\"app\": \"shop\", "));
    client.forget_received();
    client.get("/v1/plan?format=yaml");
    CHECK(client.hears("application/yaml"));
    CHECK(client.hears("\r\n\r\napp: shop\n"));
    client.get("/v1/graph?format=ascii");
    CHECK(client.hears("shop: 3 services"));
    client.get("/v1/graph?format=dot");
    CHECK(client.hears("digraph \"shop\""));
}

TEST_CASE("a client that leaves is forgotten, its request is not cancelled", "[server]") {
    Fixture fixture;
    Client client{fixture};
    client.post("/v1/lifecycle/prestop");
    REQUIRE(client.hears("timeoutSeconds"));
    client.leave();
    CHECK(fixture.reaches([] { return Fixture::world().forgotten == std::vector<model::RequestId>{1}; }));
    // Late words for it concern nobody.
    Fixture::world().listeners[1].progress("late");
    Fixture::world().listeners[1].answer(Verdict::done, "late");
}

TEST_CASE("lines that the client does not read are dropped and counted", "[server]") {
    Fixture fixture;
    Client client{fixture};
    client.post("/v1/lifecycle/online");
    REQUIRE(fixture.reaches([] { return Fixture::world().asked.size() == 1; }));
    for (int line = 0; line < 1200; ++line) {
        Fixture::world().listeners[1].progress("line " + std::to_string(line));
    }
    Fixture::world().listeners[1].answer(Verdict::done, "online");
    CHECK(client.is_closed());
    CHECK(client.received().contains("lines were not read in time"));
    CHECK(client.received().contains("\"line 1199\""));
    CHECK(client.received().contains("\"result\": \"done\""));
}

TEST_CASE("a reader that stopped ends its session, not the server", "[server]") {
    Fixture fixture{{.io_timeout = 20ms}};
    Client stuck{fixture};
    stuck.post("/v1/lifecycle/online");
    REQUIRE(fixture.reaches([] { return Fixture::world().asked.size() == 1; }));
    const bool forgotten = fixture.reaches([] {
        Fixture::world().listeners[1].progress(std::string(10'000, 'x'));
        return !Fixture::world().forgotten.empty();
    });
    CHECK(forgotten);
    Client next{fixture};
    next.get("/livez");
    CHECK(next.hears("200 OK"));
}

/// More than a socket takes: who follows and does not read is in the middle of a write from here on.
void flood_journal() {
    for (int number = 0; number < 200; ++number) {
        Fixture::world().journal.add({.service = "web", .reason = std::string(10'000, 'x')});
    }
}

TEST_CASE("who follows may pause, and is told what was forgotten meanwhile", "[server]") {
    Fixture fixture{{.io_timeout = 20ms}};
    Client follower{fixture};
    follower.get("/v1/events?follow=true");
    REQUIRE(follower.hears("200 OK"));
    flood_journal();
    // One who waits for a verb and does not read either is closed; the time of the follower is over then as well.
    Client stuck{fixture};
    stuck.post("/v1/lifecycle/online");
    REQUIRE(fixture.reaches([] { return Fixture::world().asked.size() == 1; }));
    REQUIRE(fixture.reaches([] {
        Fixture::world().listeners[1].progress(std::string(10'000, 'x'));
        return !Fixture::world().forgotten.empty();
    }));
    for (std::size_t number = 0; number < runtime::Journal::capacity + 500; ++number) {
        Fixture::world().journal.add({.service = "web", .reason = "again"});
    }
    CHECK(follower.hears("{\"number\": 2700, "));
    CHECK(follower.received().contains("{\"lost\": "));
}

TEST_CASE("a follower that has stalled loses its place to one that has none", "[server]") {
    Fixture fixture{{.max_connections = 2, .reserved_for_hooks = 1, .io_timeout = 20ms}};
    Client follower{fixture};
    follower.get("/v1/events?follow=true");
    REQUIRE(follower.hears("200 OK"));
    Client early{fixture};
    early.get("/v1/wait?phase=offline");
    CHECK(early.hears("503 Service Unavailable"));
    flood_journal();
    CHECK(fixture.reaches([&] {
        Client next{fixture};
        next.get("/v1/wait?phase=offline");
        return next.hears("HTTP/1.1 ") && next.received().starts_with("HTTP/1.1 200 OK");
    }));
    CHECK(follower.is_closed());
}

TEST_CASE("who does not take a short answer makes room for a hook", "[server]") {
    Fixture fixture{{.max_connections = 2, .reserved_for_hooks = 1}};
    Fixture::world().spec.app = std::string(2'000'000, 'x'); // no socket takes that at once
    fixture.answer_all(Verdict::done, "online");
    Client slow{fixture};
    Client slower{fixture};
    for (Client* client : {&slow, &slower}) {
        client->get("/v1/status");
        REQUIRE(client->hears("200 OK"));
    }
    Client hook{fixture};
    hook.post("/v1/lifecycle/poststart");
    CHECK(hook.hears("\"result\": \"done\""));
    CHECK(slow.is_closed());
}

TEST_CASE("a full house drops who has not asked yet, the oldest first", "[server]") {
    Fixture fixture{{.max_connections = 2, .reserved_for_hooks = 1}};
    Client oldest{fixture};
    Client second{fixture};
    Client newcomer{fixture};
    newcomer.get("/livez");
    CHECK(newcomer.hears("200 OK"));
    CHECK(oldest.is_closed());
    CHECK(oldest.received().empty());
    second.get("/livez");
    CHECK(second.hears("200 OK"));
}

TEST_CASE("clients that wait leave places to the hooks", "[server]") {
    Fixture fixture{{.max_connections = 2, .reserved_for_hooks = 1}};
    Client waits{fixture};
    waits.post("/v1/wait?phase=offline");
    REQUIRE(waits.hears("200 OK"));
    Client too_many{fixture};
    too_many.post("/v1/wait?phase=offline");
    REQUIRE(too_many.hears("503"));
    CHECK(too_many.received().contains("too many clients wait already"));
    too_many.leave();
    Client hook{fixture};
    hook.post("/v1/lifecycle/prestop");
    CHECK(hook.hears("timeoutSeconds"));
    // Now every place is taken by one who waits: nobody is dropped for a newcomer.
    Client late{fixture};
    CHECK(late.is_closed());
    CHECK(late.received().empty());
    Fixture::world().listeners[1].answer(Verdict::done, "offline");
    CHECK(waits.hears("\"done\""));
}

TEST_CASE("an exception is told and ends one session", "[server]") {
    Fixture fixture;
    Fixture::world().on_ask = [](const model::Request&) { throw std::runtime_error("out of luck"); };
    Client unlucky{fixture};
    unlucky.post("/v1/lifecycle/online");
    CHECK(unlucky.is_closed());
    CHECK(Fixture::world().escaped == std::vector<std::string>{"a client's session ended: out of luck"});
    Client next{fixture};
    next.get("/livez");
    CHECK(next.hears("200 OK"));
}

TEST_CASE("another user is closed without an answer", "[server]") {
    if (::getuid() != 0) {
        WARN("needs root to become somebody else");
        return;
    }
    Fixture fixture;
    std::array<int, 2> result{};
    REQUIRE(::pipe(result.data()) == 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const bool ready = ::setresuid(65534, 65534, 65534) == 0 &&
                           ::connect(socket, fixture.address.get(), fixture.address.size) == 0;
        char byte = 0;
        const char verdict = ready && ::recv(socket, &byte, 1, 0) == 0 ? 'c' : 'x';
        const ssize_t written = ::write(result[1], &verdict, 1);
        ::_exit(written == 1 ? 0 : 1);
    }
    ::close(result[1]);
    int status = 0;
    CHECK(fixture.reaches([&] { return ::waitpid(child, &status, WNOHANG) == child; }));
    char verdict = 0;
    CHECK(::read(result[0], &verdict, 1) == 1);
    CHECK(verdict == 'c');
    ::close(result[0]);
}

TEST_CASE("at the end of davit every answer that is due is handed over", "[server]") {
    Fixture fixture;
    Client answered{fixture};
    answered.post("/v1/lifecycle/prestop");
    REQUIRE(answered.hears("timeoutSeconds"));
    Client open{fixture};
    open.post("/v1/wait?phase=offline");
    REQUIRE(open.hears("200 OK"));

    int done = 0;
    boost::asio::post(fixture.loop, [] { Fixture::world().listeners[1].answer(Verdict::done, "stopped"); });
    fixture.server.finish(10s, [&] { ++done; });
    REQUIRE(fixture.reaches([&] { return done == 1; }));
    CHECK(answered.is_closed());
    CHECK(answered.received().contains("\"result\": \"done\""));
    CHECK(done == 1);
}

TEST_CASE("the end of davit does not wait for a client that does not read", "[server]") {
    Fixture fixture;
    Client stuck{fixture};
    stuck.post("/v1/lifecycle/online");
    REQUIRE(fixture.reaches([] { return Fixture::world().asked.size() == 1; }));
    for (int line = 0; line < 100; ++line) {
        Fixture::world().listeners[1].progress(std::string(10'000, 'x'));
    }
    Fixture::world().listeners[1].answer(Verdict::done, "online");
    bool done = false;
    fixture.server.finish(20ms, [&] { done = true; });
    CHECK(fixture.reaches([&] { return done; }));
}

} // namespace
} // namespace davit::api
