// SPDX-License-Identifier: Apache-2.0
// How lengths and numbers are said.
#include "model/words.h"

#include "support/catch.h"

namespace davit::model {

using namespace std::chrono_literals;

TEST_CASE("a length is said in seconds with at most one digit behind the point", "[words]") {
    CHECK(seconds_text(15s) == "15 s");
    CHECK(seconds_text(500ms) == "0.5 s");
    CHECK(seconds_text(1260ms) == "1.3 s");
    CHECK(seconds_text(1960ms) == "2 s");
    CHECK(seconds_text(10min) == "600 s");
    CHECK(seconds_text(Duration{}) == "0 s");
}

TEST_CASE("an amount of memory is said as Kubernetes writes it", "[words]") {
    CHECK(bytes_text(17) == "17 bytes");
    CHECK(bytes_text(900 << 10) == "900 KiB");
    CHECK(bytes_text(std::uint64_t{512} << 20) == "512 MiB");
    CHECK(bytes_text(std::uint64_t{1536} << 20) == "1.5 GiB");
    CHECK(bytes_text(std::uint64_t{3} << 40) == "3 TiB");
    CHECK(bytes_text(std::uint64_t{1} << 62) == "4194304 TiB");
}

TEST_CASE("one is counted in the singular, all else in the plural", "[words]") {
    CHECK(counted(0, "restart") == "0 restarts");
    CHECK(counted(1, "restart") == "1 restart");
    CHECK(counted(2, "restart") == "2 restarts");
}

} // namespace davit::model
