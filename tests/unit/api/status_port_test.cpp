// SPDX-License-Identifier: Apache-2.0
// The same sessions behind the status port, over real TCP of this machine: everybody may look, nobody may do anything,
// and no client keeps another one out.
#include "made_up_supervisor.h"
#include "serving.h"

#include "support/catch.h"

#include <memory>
#include <string>
#include <vector>

namespace davit::api {
namespace {

using namespace std::chrono_literals;

ServerOptions status_port(std::size_t places = 64, Duration io_timeout = 60s) {
    ServerOptions options = status_port_options();
    options.max_connections = places;
    options.io_timeout = io_timeout;
    return options;
}

TEST_CASE("the status port says in one line what a probe is told, and why", "[status_port]") {
    Fixture fixture{status_port()};
    Client client{fixture};
    client.get("/livez");
    REQUIRE(client.hears("live: davit answers\n"));
    CHECK(client.received().starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"));
    client.forget_received();
    Fixture::world().pod.lifecycle.phase = model::Phase::checking;
    client.get("/readyz");
    REQUIRE(client.hears("not ready: "));
    CHECK(client.received().starts_with("HTTP/1.1 503 "));
    client.forget_received();
    client.get("/startupz");
    REQUIRE(client.hears("not started: "));
}

TEST_CASE("the status port gives the metrics", "[status_port]") {
    Fixture fixture{status_port()};
    Client client{fixture};
    client.get("/metrics");
    REQUIRE(client.hears("davit_ready 1\n"));
    CHECK(client.received().contains("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
}

TEST_CASE("metrics that are slow to write stand for a while, for all who ask", "[status_port]") {
    Fixture fixture{status_port()};
    Fixture::world().measuring_takes = 500ms;
    Client client{fixture};
    Client other{fixture};
    client.get("/metrics");
    client.get("/metrics");
    other.get("/metrics");
    REQUIRE(client.hears("davit_orphans_reaped_total 0\n"));
    REQUIRE(other.hears("davit_orphans_reaped_total 0\n"));
    CHECK(Fixture::world().measured == 1);
}

TEST_CASE("HEAD is answered as GET is, without the line", "[status_port]") {
    Fixture fixture{status_port()};
    Client client{fixture};
    client.send("HEAD /livez HTTP/1.1\r\nHost: davit\r\nConnection: close\r\n\r\n");
    CHECK(client.is_closed());
    CHECK(client.received().starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(client.received().contains("Content-Length: 20\r\n"));
    CHECK(client.received().ends_with("\r\n\r\n"));
}

TEST_CASE("nothing of the API can be asked or done on the status port", "[status_port]") {
    Fixture fixture{status_port()};
    Client client{fixture};
    client.get("/v1/status");
    REQUIRE(client.hears("there are /livez, /readyz, /startupz and /metrics\n"));
    CHECK(client.received().starts_with("HTTP/1.1 404 "));
    client.forget_received();
    client.post("/v1/lifecycle/prestop");
    REQUIRE(client.hears("HTTP/1.1 404 "));
    client.forget_received();
    client.post("/livez");
    REQUIRE(client.hears("HTTP/1.1 405 "));
    CHECK(client.received().contains("Allow: GET, HEAD\r\n"));
    CHECK(Fixture::world().asked.empty());
}

TEST_CASE("a request with a body, or with a header over 8 KiB, is refused", "[status_port]") {
    Fixture fixture{status_port()};
    Client body{fixture};
    body.send("GET /livez HTTP/1.1\r\nContent-Length: 1\r\n\r\nx");
    CHECK(body.is_closed());
    CHECK(body.received().starts_with("HTTP/1.1 413 "));
    CHECK(body.received().contains("a request here has no body\n"));
    Client header{fixture};
    header.send("GET /livez HTTP/1.1\r\nX: " + std::string(10'000, 'x') + "\r\n\r\n");
    CHECK(header.is_closed());
    CHECK(header.received().starts_with("HTTP/1.1 431 "));
    Client tls{fixture};
    tls.send("\x16\x03\x01\x02\x01 tls?\r\n\r\n");
    CHECK(tls.is_closed());
    CHECK(tls.received().starts_with("HTTP/1.1 400 "));
}

TEST_CASE("a client that sends its request slowly is closed in time", "[status_port]") {
    Fixture fixture{status_port(64, 20ms)};
    Client slow{fixture};
    slow.send("GET /livez HT");
    CHECK(slow.is_closed());
    CHECK(slow.received().empty());
}

TEST_CASE("idle clients on the status port make room for one that asks", "[status_port]") {
    Fixture fixture{status_port(4)};
    std::vector<std::unique_ptr<Client>> idle;
    for (int count = 0; count < 50; ++count) {
        idle.push_back(std::make_unique<Client>(fixture));
        idle.back()->send("GET /read");
    }
    Client newcomer{fixture};
    newcomer.get("/livez");
    CHECK(newcomer.hears("live: davit answers\n"));
    CHECK(idle.front()->is_closed());
}

TEST_CASE("clients that do not read their answers make room as well", "[status_port]") {
    Fixture fixture{status_port(3)};
    // Long lines: an answer that fills the buffers of both ends of a connection soon.
    Fixture::world().spec.services.assign(2000, model::ServiceSpec{.name = std::string(200, 'x')});
    Fixture::world().pod = model::initial_pod(Fixture::world().spec);
    std::vector<std::unique_ptr<Client>> stuck;
    for (int count = 0; count < 3; ++count) {
        stuck.push_back(std::make_unique<Client>(fixture));
        for (int request = 0; request < 10; ++request) {
            stuck.back()->get("/metrics");
        }
    }
    Client newcomer{fixture};
    newcomer.get("/livez");
    CHECK(newcomer.hears("live: davit answers\n"));
}

} // namespace
} // namespace davit::api
