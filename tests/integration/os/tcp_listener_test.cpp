// SPDX-License-Identifier: Apache-2.0
// davit's own port: of both IP versions or of one, and who has it where somebody else does.
#include "os/tcp_listener.h"

#include "support.h"
#include "support/catch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

using namespace davit;
using namespace davit::os;
using namespace davit::test;

namespace {

std::uint16_t port_of(const Fd& socket) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    const auto port = address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6*>(&address)->sin6_port
                                                    : reinterpret_cast<const sockaddr_in*>(&address)->sin_port;
    return ntohs(port);
}

bool reaches_v4(std::uint16_t port) {
    const Fd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const sockaddr_in address{
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

bool reaches_v6(std::uint16_t port) {
    const Fd socket{::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    address.sin6_addr = in6addr_loopback;
    return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

} // namespace

TEST_CASE("without an address a port is of IPv6 and IPv4", "[tcp_listener]") {
    const auto socket = listen_on_tcp("", 0);
    REQUIRE(socket);
    CHECK(reaches_v4(port_of(*socket)));
    CHECK(reaches_v6(port_of(*socket)));
}

TEST_CASE("an address is of its own IP version alone", "[tcp_listener]") {
    for (const char* address : {"127.0.0.1", "0.0.0.0"}) {
        const auto socket = listen_on_tcp(address, 0);
        REQUIRE(socket);
        CHECK(reaches_v4(port_of(*socket)));
        CHECK_FALSE(reaches_v6(port_of(*socket)));
    }
    for (const char* address : {"::1", "::"}) {
        const auto socket = listen_on_tcp(address, 0);
        REQUIRE(socket);
        CHECK_FALSE(reaches_v4(port_of(*socket)));
        CHECK(reaches_v6(port_of(*socket)));
    }
}

TEST_CASE("a port that is taken is told with who has it", "[tcp_listener]") {
    const std::string address = GENERATE("", "127.0.0.1", "::1");
    const auto taken = listen_on_tcp(address, 0);
    REQUIRE(taken);
    const std::string port = std::to_string(port_of(*taken));

    const auto second = listen_on_tcp(address, port_of(*taken));

    REQUIRE_FALSE(second);
    CHECK(second.error().text == "cannot listen on port " + port + (address.empty() ? "" : " of " + address) +
                                     ": integration_os (pid " + std::to_string(::getpid()) + ") listens there");
}

TEST_CASE("a port whose last connection still waits for its end can be taken again", "[tcp_listener]") {
    auto first = listen_on_tcp("127.0.0.1", 0);
    REQUIRE(first);
    const std::uint16_t port = port_of(*first);
    REQUIRE(reaches_v4(port)); // The client has hung up; davit's end hangs up last.
    Fd{::accept4(first->get(), nullptr, nullptr, SOCK_CLOEXEC)}.reset();
    first->reset();

    CHECK(listen_on_tcp("127.0.0.1", port));
}

TEST_CASE("what is no address of this machine says so", "[tcp_listener]") {
    CHECK(listen_on_tcp("192.0.2.1", 9100).error().text ==
          "cannot listen on port 9100 of 192.0.2.1: 192.0.2.1 is no address of this container");
    CHECK(listen_on_tcp("localhost", 9100).error().text == "cannot listen at localhost: it is no address");
}

TEST_CASE("who listens is read from the kernel's table", "[tcp_listener]") {
    constexpr std::string_view table =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
        "   0: 00000000:238C 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0\n"
        "   1: 0100007F:238C 0100007F:B0C2 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0\n"
        "   2: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0\n"
        "   3: 00000000000000000000000000000000:238C 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 4714\n"
        "   4: nonsense\n";
    CHECK(listeners_in(table, 9100) == std::vector<std::uint64_t>{4711, 4714});
    CHECK(listeners_in(table, 80) == std::vector<std::uint64_t>{4713});
    CHECK(listeners_in(table, 443).empty());
    CHECK(listeners_in("", 80).empty());
}
