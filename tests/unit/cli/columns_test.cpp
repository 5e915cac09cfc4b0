// SPDX-License-Identifier: Apache-2.0
// Columns stay columns whatever stands in them.
#include "cli/columns.h"

#include "support/catch.h"

namespace davit::cli {

TEST_CASE("a cell is what a terminal shows, not a byte", "[columns]") {
    CHECK(columns("") == 0);
    CHECK(columns("mesh") == 4);
    CHECK(columns("über") == 4);
    CHECK(columns("u\u0308ber") == 4); // a mark that stands on its letter
    CHECK(columns("注文") == 4);
    CHECK(columns("서비스") == 6);
    CHECK(columns("🚢") == 2);
    CHECK(columns("a\u200Bb") == 2);
    CHECK(columns("█·…") == 3);
    CHECK(columns("\xFF\x80z") == 2); // no UTF-8: each first byte with what follows it
}

TEST_CASE("a cut never falls into a character, nor beyond the width", "[columns]") {
    CHECK(first_columns("注文サービス", 5) == "注文");
    CHECK(first_columns("注文", 4) == "注文");
    CHECK(first_columns("abc", 0).empty());
    CHECK(cut("abcdef", 6) == "abcdef");
    CHECK(cut("abcdefg", 6) == "abc...");
    CHECK(cut("注文サービス", 8) == "注文...");
    CHECK(cut("abcdef", 2) == "ab");
    CHECK(cut_in_the_middle("payment-gateway-blue", 20) == "payment-gateway-blue");
    CHECK(cut_in_the_middle("payment-gateway-blue", 12) == "payme...blue");
    CHECK(cut_in_the_middle("注文サービス", 9) == "注...ス");
    CHECK(cut_in_the_middle("abcdefgh", 6) == "abc...");
}

TEST_CASE("a column is filled to its width by cells", "[columns]") {
    CHECK(left("注", 4) == "注  ");
    CHECK(right("注", 4) == "  注");
    CHECK(left("too long", 3) == "too long");
}

TEST_CASE("text is broken at blanks, a word that is too long where it must", "[columns]") {
    CHECK(wrapped("one two three", 7, "") == "one two\nthree\n");
    CHECK(wrapped("one two", 6, "  ") == "  one\n  two\n");
    CHECK(wrapped("a http://127.0.0.1", 8, "  ") == "  a\n  http:/\n  /127.0\n  .0.1\n");
    CHECK(wrapped("see `davit why mesh`, then go", 15, "") == "see\n`davit why mesh\n`, then go\n");
    CHECK(wrapped("see `davit why mesh`, then go", 18, "") == "see\n`davit why mesh`,\nthen go\n");
    CHECK(wrapped("one ` two", 6, "") == "one `\ntwo\n");
    CHECK(wrapped("注文", 1, "") == "注文\n");
    CHECK(wrapped("", 10, "  ").empty());
}

TEST_CASE("no byte moves the cursor", "[columns]") {
    CHECK(printable("a\x1b[31m\tb\x7F\n") == "a [31m b  ");
}

} // namespace davit::cli
