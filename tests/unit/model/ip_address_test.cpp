// SPDX-License-Identifier: Apache-2.0
// Which texts are addresses, beside what the C library says.
#include "model/ip_address.h"

#include "support/catch.h"

#include <arpa/inet.h>
#include <array>
#include <string>

namespace davit::model {
namespace {

std::optional<IpVersion> by_c_library(const std::string& text) {
    in6_addr address{};
    if (::inet_pton(AF_INET, text.c_str(), &address) == 1) {
        return IpVersion::v4;
    }
    return ::inet_pton(AF_INET6, text.c_str(), &address) == 1 ? std::optional{IpVersion::v6} : std::nullopt;
}

} // namespace

TEST_CASE("a text is an address where the C library says so", "[ip_address]") {
    constexpr std::array texts{
        "127.0.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "10.1.2.3",
        "256.0.0.1",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.",
        "01.2.3.4",
        "1.2.3.4 ",
        "1..2.3",
        "a.b.c.d",
        "",
        "localhost",
        "-1.2.3.4",
        "::",
        "::1",
        "1::",
        "fe80::1",
        "2001:db8::10",
        "1:2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7::",
        "::2:3:4:5:6:7:8",
        "::1:2:3:4:5:6:7:8",
        "1:2:3::4:5:6:7:8",
        ":::",
        "1::2::3",
        ":1",
        "1:",
        ":",
        "::ffff:10.0.0.1",
        "::10.0.0.1",
        "1:2:3:4:5:6:10.0.0.1",
        "1:2:3:4:5:6:7:10.0.0.1",
        "::10.0.0.1:1",
        "10.0.0.1::",
        "::10.0.0.256",
        "::12345",
        "::g",
        "fe80::1%eth0",
        "[::1]",
        "::ABCD",
        "0:0:0:0:0:0:0:1",
    };
    for (const char* text : texts) {
        INFO(text);
        CHECK(ip_version_of(text) == by_c_library(text));
    }
}

TEST_CASE("a loopback address reaches only this network namespace", "[ip_address]") {
    for (const char* text : {"127.0.0.1", "127.1.2.3", "::1", "0:0:0:0:0:0:0:1", "0000::0001"}) {
        INFO(text);
        CHECK(is_loopback(text));
    }
    for (const char* text : {"10.0.0.1", "0.0.0.0", "::", "::11", "1::1", "fe80::1", "::1:0"}) {
        INFO(text);
        CHECK_FALSE(is_loopback(text));
    }
}

} // namespace davit::model
