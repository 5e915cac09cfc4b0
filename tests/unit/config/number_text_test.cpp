// SPDX-License-Identifier: Apache-2.0
// Numbers: what is one and what only looks like one.
#include "config/concat.h"
#include "config/number_text.h"

#include "support/catch.h"

namespace davit::config {

TEST_CASE("only plain decimal numbers are numbers", "[number_text]") {
    CHECK(parse_number("0") == 0);
    CHECK(parse_number("0.5") == 0.5);
    CHECK(parse_number("-3") == -3);
    CHECK(parse_number("40") == 40);
    for (const char* text : {"",     "-",    "017", "00",  "1_000", "0x10", "0o17",  "1e3", ".5",  "5.", "+1",
                             ".inf", ".nan", "inf", "nan", " 1",    "1 ",   "1.2.3", "10s", "--1", "1,5"}) {
        INFO(text);
        CHECK(parse_number(text) == std::nullopt);
    }
    CHECK(parse_number(std::string(400, '9')) == std::nullopt); // more than a number can hold
    CHECK(parse_number("0.30000000000000004") == 0.1 + 0.2);
    CHECK(parse_whole_number("7") == 7);
    CHECK(parse_whole_number("7.0") == std::nullopt);
}

TEST_CASE("a number is printed short and without an exponent", "[number_text]") {
    CHECK(number_text(0.5) == "0.5");
    CHECK(number_text(1'000'000) == "1000000");
    CHECK(number_text(0.01) == "0.01");
    CHECK(number_text(40) == "40");
    CHECK(number_text(0.1 + 0.2) == "0.30000000000000004");
    CHECK(number_text(-2.25) == "-2.25");
    CHECK(number_text(1e300).size() == 301);
}

TEST_CASE("texts, letters and whole numbers are joined", "[number_text]") {
    CHECK(concat("a", 'b', 3, std::string{"c"}, std::uint32_t{4'000'000'000}, std::string_view{"d"}, -5) ==
          "ab3c4000000000d-5");
    CHECK(concat("").empty());
}

TEST_CASE("a size is a number of bytes or a quantity", "[number_text]") {
    CHECK(parse_size("4096") == 4096);
    CHECK(parse_size("64Ki") == 65536);
    CHECK(parse_size("10Mi") == 10485760);
    CHECK(parse_size("1Gi") == 1073741824);
    CHECK(parse_size("5k") == 5000);
    CHECK(parse_size("5M") == 5e6);
    CHECK(parse_size("5G") == 5e9);
    for (const char* wrong : {"", "Mi", "10MB", "10 Mi", "1.5Mi", "10mi", "10K"}) {
        INFO(wrong);
        CHECK(parse_size(wrong) == std::nullopt);
    }
}

} // namespace davit::config
