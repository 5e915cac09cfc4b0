// SPDX-License-Identifier: Apache-2.0
// A client returns by its deadline wherever davit falls silent, and says what it met.
#include "cli/client.h"
#include "made_up_server.h"

#include "support/catch.h"

#include <vector>

namespace davit::cli {
namespace {

using namespace std::chrono_literals;
using api::ClientExit;

TimePoint in(Duration length) {
    return std::chrono::steady_clock::now() + length;
}

struct Exchange {
    Outcome<Reply> reply = std::unexpected{Failure{}};
    std::vector<std::string> lines;
};

/// One request to `place`; gives up after `patience` in all.
Exchange ask(const std::string& place, Duration patience) {
    Exchange exchange;
    Client client{in(patience)};
    if (const auto connected = client.connect({place}, in(0s)); !connected) {
        exchange.reply = std::unexpected{connected.error()};
        return exchange;
    }
    exchange.reply = client.call({.method = "POST", .target = "/v1/wait", .body = "{\"phase\":\"online\"}"},
                                 [&](std::string_view line) { exchange.lines.emplace_back(line); });
    return exchange;
}

TEST_CASE("a whole answer is given with its status and its body", "[client]") {
    MadeUpServer server{plain_answer("404 Not Found", "{\"error\": \"no\"}\n"), Then::close};
    const Exchange exchange = ask(server.place(), 10s);
    REQUIRE(exchange.reply);
    CHECK(exchange.reply->status == 404);
    CHECK(exchange.reply->body == "{\"error\": \"no\"}\n");
    const std::string request = server.request();
    CHECK(request.starts_with("POST /v1/wait HTTP/1.1\r\nHost: davit\r\n"));
    CHECK(request.contains("Content-Length: 18\r\n"));
    CHECK(request.ends_with("\r\n\r\n{\"phase\":\"online\"}"));
}

TEST_CASE("an answer is complete when its length says so, though the connection stays open", "[client]") {
    MadeUpServer server{plain_answer("200 OK", "{}"), Then::freeze};
    CHECK(ask(server.place(), 10s).reply.has_value());
}

TEST_CASE("the lines of a stream come one by one", "[client]") {
    MadeUpServer server{stream_answer({"{\"a\":1}", "{\"b\":2}"}) + stream_end, Then::close};
    const Exchange exchange = ask(server.place(), 10s);
    REQUIRE(exchange.reply);
    CHECK(exchange.lines == std::vector<std::string>{"{\"a\":1}", "{\"b\":2}"});
    CHECK(exchange.reply->body.empty());
}

TEST_CASE("a large stream arrives whole", "[client]") {
    const std::vector<std::string> sent(2000, std::string(500, 'x'));
    MadeUpServer server{stream_answer(sent) + stream_end, Then::close};
    CHECK(ask(server.place(), 10s).lines == sent);
}

TEST_CASE("a davit that falls silent is exit 4, wherever that is", "[client]") {
    const std::string whole = plain_answer("200 OK", "{}");
    const std::string stream = stream_answer({"{\"timeoutSeconds\": 28}"});
    const std::string answer =
        GENERATE_COPY(std::string{}, std::string{"HTTP/1"}, whole.substr(0, 40), whole.substr(0, whole.size() - 1),
                      stream, stream.substr(0, stream.size() - 5));
    INFO(answer);
    MadeUpServer server{answer, Then::freeze};
    const Exchange exchange = ask(server.place(), 50ms);
    REQUIRE_FALSE(exchange.reply);
    CHECK(exchange.reply.error().exit == ClientExit::timed_out);
}

TEST_CASE("a davit that takes no connection from its queue is exit 4", "[client]") {
    const MadeUpPlace place;
    const os::Fd listener = place.listen(4);
    const Exchange exchange = ask(place.name(), 50ms);
    REQUIRE_FALSE(exchange.reply);
    CHECK(exchange.reply.error().exit == ClientExit::timed_out);
}

TEST_CASE("a davit whose queue is full is exit 4", "[client]") {
    const MadeUpPlace place;
    const os::Fd listener = place.listen(0);
    std::vector<os::Fd> others;
    for (os::Fd other = place.connect_without_waiting(); other; other = place.connect_without_waiting()) {
        others.push_back(std::move(other));
        REQUIRE(others.size() < 1000);
    }
    const Exchange exchange = ask(place.name(), 50ms);
    REQUIRE_FALSE(exchange.reply);
    CHECK(exchange.reply.error().exit == ClientExit::timed_out);
    CHECK(exchange.reply.error().text.contains(place.name()));
}

TEST_CASE("a davit that ends in the middle of its answer is exit 1", "[client]") {
    const std::string whole = plain_answer("200 OK", "{}");
    const std::string stream = stream_answer({"{\"timeoutSeconds\": 28}"});
    const std::string answer = GENERATE_COPY(whole.substr(0, 40), whole.substr(0, whole.size() - 1), stream);
    INFO(answer);
    MadeUpServer server{answer, Then::close};
    const Exchange exchange = ask(server.place(), 10s);
    REQUIRE_FALSE(exchange.reply);
    CHECK(exchange.reply.error().exit == ClientExit::negative);
    CHECK(exchange.reply.error().text == "davit ended before it answered");
}

TEST_CASE("a davit that closes without a word does not serve this caller: exit 3", "[client]") {
    MadeUpServer server{"", Then::close};
    const Exchange exchange = ask(server.place(), 10s);
    REQUIRE_FALSE(exchange.reply);
    CHECK(exchange.reply.error().exit == ClientExit::unreachable);
    CHECK(exchange.reply.error().text.contains("without an answer"));
}

TEST_CASE("something else than davit on the socket is exit 3", "[client]") {
    MadeUpServer server{"220 mail.example ESMTP\r\n\r\n", Then::freeze};
    const Exchange exchange = ask(server.place(), 10s);
    REQUIRE_FALSE(exchange.reply);
    CHECK(exchange.reply.error().exit == ClientExit::unreachable);
}

TEST_CASE("nobody there is exit 3 and names every place that was tried", "[client]") {
    Client client{in(10s)};
    const auto connected = client.connect({"/nowhere/davit.sock", "@davit-nobody"}, in(0s));
    REQUIRE_FALSE(connected);
    CHECK(connected.error().exit == ClientExit::unreachable);
    CHECK(connected.error().text.starts_with("no davit reachable: /nowhere/davit.sock ("));
    CHECK(connected.error().text.contains("@davit-nobody ("));
}

TEST_CASE("patience ends at the deadline", "[client]") {
    Client client{in(20ms)};
    const auto connected = client.connect({"@davit-nobody"}, in(1h));
    REQUIRE_FALSE(connected);
    CHECK(connected.error().exit == ClientExit::unreachable);
}

TEST_CASE("a client with patience meets a davit that comes later", "[client]") {
    const MadeUpPlace place;
    os::Fd listener;
    std::thread late{[&] {
        std::this_thread::yield();
        listener = place.listen(4);
    }};
    Client client{in(10s)};
    const auto connected = client.connect({place.name()}, in(10s));
    late.join();
    CHECK(connected.has_value());
}

TEST_CASE("the first place where davit answers is taken", "[client]") {
    MadeUpServer server{plain_answer("200 OK", "{}"), Then::close};
    Client client{in(10s)};
    REQUIRE(client.connect({"/nowhere/davit.sock", server.place()}, in(0s)));
    CHECK(client.call({.target = "/livez"}, [](std::string_view) {}).has_value());
}

} // namespace
} // namespace davit::cli
