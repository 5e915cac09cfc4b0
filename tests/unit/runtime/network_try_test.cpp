// SPDX-License-Identifier: Apache-2.0
// How the address of a check is written.
#include "runtime/network_try.h"

#include "support/catch.h"

namespace davit::runtime {

TEST_CASE("an address gets its brackets and its slash", "[network_try]") {
    CHECK(url_of("http", "127.0.0.1", 8080, "/ready") == "http://127.0.0.1:8080/ready");
    CHECK(url_of("https", "::1", 443, "ready?a=b") == "https://[::1]:443/ready?a=b");
    CHECK(url_of("http", "[::1]", 80, "/") == "http://[::1]:80/");
}

} // namespace davit::runtime
