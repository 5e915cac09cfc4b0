// SPDX-License-Identifier: Apache-2.0
// Names, connections and HTTP, against servers of the test on loopback.
#include "os/dns.h"
#include "os/http_client.h"
#include "os/tcp_connect.h"
#include "os/tcp_connections.h"

#include "support.h"
#include "support/catch.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <fstream>
#include <limits>
#include <memory>

using namespace davit;
using namespace davit::os;
using namespace davit::test;
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

/// Says the same to everybody, once their request has begun to arrive; then again and again if asked to.
class Server {
public:
    enum class Manner { once, for_ever, silent };
    Server(asio::io_context& loop, std::string answer, Manner manner = Manner::once)
        : acceptor_(loop, tcp::endpoint{asio::ip::address_v4::loopback(), 0}), answer_(std::move(answer)),
          manner_(manner) {
        accept();
    }

    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    std::string url(const std::string& path = "/") const { return "http://127.0.0.1:" + std::to_string(port()) + path; }
    std::string request; // the last one
    int connections = 0;

private:
    struct Guest {
        explicit Guest(tcp::socket accepted) : socket(std::move(accepted)) {}
        tcp::socket socket;
        std::array<char, 65536> buffer;
    };

    void accept() {
        acceptor_.async_accept([this](const boost::system::error_code& error, tcp::socket socket) {
            if (error) {
                return;
            }
            ++connections;
            const auto guest = std::make_shared<Guest>(std::move(socket));
            guest->socket.async_read_some(asio::buffer(guest->buffer),
                                          [this, guest](const boost::system::error_code& failed, std::size_t size) {
                                              if (!failed) {
                                                  request.assign(guest->buffer.data(), size);
                                                  answer(guest);
                                              }
                                          });
            accept();
        });
    }

    void answer(const std::shared_ptr<Guest>& guest) {
        if (manner_ == Manner::silent) {
            silent_.push_back(guest);
            return;
        }
        asio::async_write(guest->socket, asio::buffer(answer_),
                          [this, guest](const boost::system::error_code& error, std::size_t) {
                              if (!error && manner_ == Manner::for_ever) {
                                  answer_ = again;
                                  answer(guest);
                              }
                          });
    }

    tcp::acceptor acceptor_;
    std::string answer_;
    Manner manner_;
    std::vector<std::shared_ptr<Guest>> silent_;

public:
    std::string again; // what follows the first answer, for ever
};

std::string http_answer(const std::string& body) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// A port where nobody listens.
std::uint16_t free_port(asio::io_context& loop) {
    return tcp::acceptor{loop, tcp::endpoint{asio::ip::address_v4::loopback(), 0}}.local_endpoint().port();
}

} // namespace

TEST_CASE("localhost is 127.0.0.1, then ::1, and addresses need no question", "[dns]") {
    CHECK(addresses_without_asking("localhost")->at(0) == asio::ip::make_address("127.0.0.1"));
    CHECK(addresses_without_asking("localhost")->at(1) == asio::ip::make_address("::1"));
    CHECK(addresses_without_asking("10.1.2.3")->size() == 1);
    CHECK(addresses_without_asking("[::1]") == addresses_without_asking("::1"));
    CHECK_FALSE(addresses_without_asking("db"));
}

TEST_CASE("a name that cannot be one is told without the network", "[dns]") {
    asio::io_context loop{1};
    const auto addresses = result_of(loop, resolve(std::string(300, 'x'), 5s));

    REQUIRE_FALSE(addresses);
    CHECK(addresses.error().text.starts_with("cannot resolve xxx"));
}

TEST_CASE("a name of /etc/hosts is resolved without the network", "[dns]") {
    std::ifstream hosts{"/etc/hosts"};
    std::string address;
    std::string name;
    while (hosts >> address >> name && (name == "localhost" || address.starts_with('#'))) {
        hosts.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    }
    if (!hosts) {
        SUCCEED("this machine has no name there");
        return;
    }
    asio::io_context loop{1};
    const auto addresses = result_of(loop, resolve(name, 20s));

    REQUIRE(addresses);
    CHECK(std::ranges::count(*addresses, asio::ip::make_address(address)) == 1);
}

TEST_CASE("a port that is open accepts, one that is not says so", "[tcp]") {
    asio::io_context loop{1};
    const Server server{loop, "", Server::Manner::silent};

    CHECK(result_of(loop, try_connect("", server.port(), 10s)).has_value());
    const auto closed = free_port(loop);
    CHECK(result_of(loop, try_connect("127.0.0.1", closed, 10s)).error().text ==
          "cannot connect to 127.0.0.1:" + std::to_string(closed) + ": connection refused");
}

TEST_CASE("established connections are counted by local port, in the kernel's own text", "[tcp]") {
    const std::string text =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0\n"
        "   1: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0\n"
        "   2: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3 1 0\n"
        "   3: 00000000000000000000000001000000:1F91 00000000000000000000000001000000:C351 01 0:0 00:0 0 0 0 4\n"
        "rubbish\n   4: 0100007F 01\n   5: 0100007F:1F90 0100007F:C352 06 0\n";

    CHECK(count_established_in(text, std::array<std::uint16_t, 1>{8080}) == 1);
    CHECK(count_established_in(text, std::array<std::uint16_t, 2>{8080, 8081}) == 2);
    CHECK(count_established_in(text, {}) == 0);
    CHECK(count_established_in("", std::array<std::uint16_t, 1>{8080}) == 0);
}

TEST_CASE("connections that are there are counted, and no longer when they are gone", "[tcp]") {
    asio::io_context loop{1};
    tcp::acceptor acceptor{loop, tcp::endpoint{tcp::v6(), 0}}; // takes both families
    const std::array ports = {acceptor.local_endpoint().port()};
    std::vector<tcp::socket> clients;
    for (const char* address : {"127.0.0.1", "127.0.0.1", "::1"}) {
        clients.emplace_back(loop);
        clients.back().connect({asio::ip::make_address(address), ports[0]});
    }
    CHECK(count_established(ports) == 3);
    CHECK(count_established(std::array<std::uint16_t, 1>{free_port(loop)}) == 0);

    clients.clear();
    CHECK(eventually([&] { return count_established(ports) == 0; }));
}

TEST_CASE("an answer comes with its status and body", "[http]") {
    asio::io_context loop{1};
    Server server{loop, "HTTP/1.1 503 Busy\r\nContent-Length: 5\r\n\r\nsorry"};
    HttpClient client{loop};

    const auto response = result_of(loop, client.send({.url = server.url("/ready?x=1"), .timeout = 20s}));

    REQUIRE(response);
    CHECK(response->status == 503);
    CHECK(response->body == "sorry");
    CHECK(server.request.starts_with("GET /ready?x=1 HTTP/1.1\r\n"));
}

TEST_CASE("method, headers and body arrive as they were asked for", "[http]") {
    asio::io_context loop{1};
    Server server{loop, http_answer("")};
    HttpClient client{loop};

    const auto response = result_of(loop, client.send({.method = "PUT",
                                                       .url = server.url(),
                                                       .headers = {"X-Token: secret", "Host: shop.example"},
                                                       .body = "{\"weight\": 0}",
                                                       .timeout = 20s}));
    REQUIRE(response);
    CHECK(server.request.starts_with("PUT / HTTP/1.1\r\n"));
    CHECK(server.request.find("\r\nX-Token: secret\r\n") != std::string::npos);
    CHECK(server.request.find("\r\nHost: shop.example\r\n") != std::string::npos);
    CHECK(server.request.find("\r\nContent-Length: 13\r\n") != std::string::npos);
    CHECK(server.request.find("Content-Type") == std::string::npos);
    CHECK(server.request.ends_with("\r\n\r\n{\"weight\": 0}"));
}

TEST_CASE("localhost by name works, and each request has a connection of its own", "[http]") {
    asio::io_context loop{1};
    Server server{loop, http_answer("ok")};
    HttpClient client{loop};
    for (int index = 0; index < 3; ++index) {
        const auto response = result_of(
            loop, client.send({.url = "http://localhost:" + std::to_string(server.port()) + "/", .timeout = 20s}));
        REQUIRE(response);
        CHECK(response->body == "ok");
    }
    CHECK(server.connections == 3);
}

TEST_CASE("a proxy of the environment does not get davit's requests", "[http]") {
    asio::io_context loop{1};
    Server server{loop, http_answer("direct")};
    HttpClient client{loop};
    ::setenv("http_proxy", "http://127.0.0.1:1", 1);
    const auto response = result_of(loop, client.send({.url = server.url(), .timeout = 20s}));
    ::unsetenv("http_proxy");

    REQUIRE(response);
    CHECK(response->body == "direct");
}

TEST_CASE("why there is no answer is told in words", "[http]") {
    asio::io_context loop{1};
    HttpClient client{loop};
    const auto reason = [&](const std::string& url) {
        return result_of(loop, client.send({.url = url, .timeout = 20s})).error().text;
    };

    CHECK(reason("http://127.0.0.1:" + std::to_string(free_port(loop)) + "/") == "connection refused");
    CHECK(reason("ftp://127.0.0.1/") == "neither http nor https: ftp");
    CHECK(reason("http://127.0.0.1:99999/") == "not a URL");
}

TEST_CASE("a server that does not speak TLS is no https server", "[http]") {
    asio::io_context loop{1};
    Server server{loop, http_answer("plain")};
    HttpClient client{loop};
    const std::string url = "https://127.0.0.1:" + std::to_string(server.port()) + "/";

    const auto response = result_of(loop, client.send({.url = url, .timeout = 20s, .trust = TlsTrust::any}));
    REQUIRE_FALSE(response);
    CHECK_FALSE(response.error().text.empty());
}

TEST_CASE("a redirect is an answer and is not followed", "[http]") {
    asio::io_context loop{1};
    Server server{loop, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"};
    HttpClient client{loop};

    CHECK(result_of(loop, client.send({.url = server.url(), .timeout = 20s}))->status == 302);
    CHECK(server.connections == 1);
}

TEST_CASE("a server that never answers is given up at the timeout", "[http]") {
    asio::io_context loop{1};
    Server server{loop, "", Server::Manner::silent};
    HttpClient client{loop};

    CHECK(result_of(loop, client.send({.url = server.url(), .timeout = 50ms})).error().text ==
          "no answer within 0.05s");
}

TEST_CASE("a body without end is kept to its limit and does not last until the timeout", "[http]") {
    asio::io_context loop{1};
    Server server{loop, "HTTP/1.1 200 OK\r\n\r\n", Server::Manner::for_ever};
    server.again = std::string(10000, 'x');
    HttpClient client{loop};

    const auto response = result_of(loop, client.send({.url = server.url(), .timeout = 1h, .kept_body = 500}));
    REQUIRE(response);
    CHECK(response->status == 200);
    CHECK(response->body == std::string(500, 'x'));
}

TEST_CASE("headers without end are an error long before the timeout", "[http]") {
    asio::io_context loop{1};
    Server server{loop, "HTTP/1.1 100 Continue\r\n\r\n", Server::Manner::for_ever};
    server.again = "HTTP/1.1 100 Continue\r\nX: " + std::string(5000, 'x') + "\r\n\r\n";
    HttpClient client{loop};

    CHECK_FALSE(result_of(loop, client.send({.url = server.url(), .timeout = 1h})));
}

TEST_CASE("a request that is cancelled ends at once, and the client can go on", "[http]") {
    asio::io_context loop{1};
    Server silent{loop, "", Server::Manner::silent};
    Server server{loop, http_answer("ok")};
    HttpClient client{loop};
    asio::cancellation_signal cancel;
    bool has_ended = false;
    asio::co_spawn(loop, client.send({.url = silent.url(), .timeout = 1h}),
                   asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr, Result<HttpResponse> response) {
                       has_ended = !response;
                   }));
    REQUIRE(run_until(loop, [&] { return silent.connections == 1 && !silent.request.empty(); }));

    cancel.emit(asio::cancellation_type::terminal);

    REQUIRE(run_until(loop, [&] { return has_ended; }));
    CHECK(result_of(loop, client.send({.url = server.url(), .timeout = 20s}))->body == "ok");
}

TEST_CASE("many requests at once each get their answer", "[http]") {
    asio::io_context loop{1};
    Server server{loop, http_answer("ok")};
    HttpClient client{loop};
    int answers = 0;
    for (int index = 0; index < 50; ++index) {
        asio::co_spawn(loop, client.send({.url = server.url(), .timeout = 40s}),
                       [&](std::exception_ptr, const Result<HttpResponse>& response) {
                           answers += response && response->body == "ok" ? 1 : 0;
                       });
    }
    CHECK(run_until(loop, [&] { return answers == 50; }));
}
