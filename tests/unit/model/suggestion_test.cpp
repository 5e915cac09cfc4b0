// SPDX-License-Identifier: Apache-2.0
// Which known word is offered for a mistyped one.
#include "model/suggestion.h"

#include "support/catch.h"

#include <array>
#include <string>
#include <vector>

namespace davit::model {
namespace {

using Words = std::vector<std::string_view>;

std::string nearest(std::string_view written, const Words& known) {
    return std::string{suggestion(written, known).value_or("nothing")};
}

} // namespace

TEST_CASE("one or two slips are forgiven: too much, too few, wrong, swapped", "[suggestion]") {
    CHECK(nearest("datbase", {"database"}) == "database");
    CHECK(nearest("dataabase", {"database"}) == "database");
    CHECK(nearest("datebase", {"database"}) == "database");
    CHECK(nearest("adtabase", {"database"}) == "database");
    CHECK(nearest("adtabaes", {"database"}) == "database");
    CHECK(nearest("dbase", {"database"}) == "nothing");
}

TEST_CASE("a word of up to four letters is forgiven one slip", "[suggestion]") {
    CHECK(nearest("mian", {"main"}) == "main");
    CHECK(nearest("mai", {"main"}) == "main");
    CHECK(nearest("mein", {"meow"}) == "nothing");
    CHECK(nearest("meinw", {"meow"}) == "meow");
}

TEST_CASE("upper and lower case are alike", "[suggestion]") {
    CHECK(nearest("RESTARTPOLICY", {"restartPolicy"}) == "restartPolicy");
    CHECK(nearest("always", {"Never", "Always"}) == "Always");
    CHECK(nearest("LOG_agent1", {"log-agent1"}) == "log-agent1");
}

TEST_CASE("the nearest is offered, the first of equals", "[suggestion]") {
    CHECK(nearest("prestop", {"poststart", "prestep", "prestops"}) == "prestep");
    CHECK(nearest("stort", {"stop", "start", "short"}) == "start");
}

TEST_CASE("words that have nothing in common are not offered for each other", "[suggestion]") {
    CHECK(nearest("x", {"y"}) == "nothing");
    CHECK(nearest("", {"y", "ab"}) == "nothing");
    CHECK(nearest("x", {""}) == "nothing");
    CHECK(nearest("web", {}) == "nothing");
}

TEST_CASE("a word that is longer than any name gets no suggestion", "[suggestion]") {
    const std::string long_word(100, 'a');

    CHECK(nearest(long_word, {long_word}) == "nothing");
    CHECK(nearest("a", {long_word}) == "nothing");
    CHECK(nearest("database", {"data"}) == "nothing");
}

} // namespace davit::model
