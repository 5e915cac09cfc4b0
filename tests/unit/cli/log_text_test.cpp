// SPDX-License-Identifier: Apache-2.0
// What `davit logs` prints.
#include "cli/log_text.h"

#include "support/catch.h"

#include <boost/json.hpp>

#include <string_view>

namespace davit::cli {
namespace {

using namespace std::string_view_literals;

struct Printed {
    std::string output;
    std::string notes;
};

Printed print(LogNames names, std::initializer_list<std::string_view> objects) {
    LogText text{names};
    Printed printed;
    for (const std::string_view object : objects) {
        const LogText::Part part = text.take(boost::json::parse(object).as_object());
        printed.output += part.output;
        printed.notes += part.note.empty() ? "" : part.note + "|";
    }
    return printed;
}

} // namespace

TEST_CASE("lines of one service are as it wrote them, of several with its name", "[log_text]") {
    const auto lines = {R"({"service": "web", "stream": "stdout", "message": "a"})"sv,
                        R"({"service": "db", "stream": "stderr", "message": ""})"sv};
    CHECK(print(LogNames::hidden, lines).output == "a\n\n");
    CHECK(print(LogNames::shown, lines).output == "[web] a\n[db] \n");
}

TEST_CASE("the pieces of a line are one line, unless another comes between", "[log_text]") {
    const auto first = R"({"service": "web", "stream": "stdout", "message": "a", "partial": true})"sv;
    const auto last = R"({"service": "web", "stream": "stdout", "message": "b"})"sv;
    const auto other = R"({"service": "db", "stream": "stdout", "message": "c"})"sv;
    CHECK(print(LogNames::shown, {first, first, last, other}).output == "[web] aab\n[db] c\n");
    CHECK(print(LogNames::shown, {first, other, last}).output == "[web] a\n[db] c\n[web] b\n");
}

TEST_CASE("what was lost, and of what nothing is kept, are notes", "[log_text]") {
    const Printed printed =
        print(LogNames::shown, {R"({"service": "web", "lost": 7})", R"({"service": "db", "note": "x"})"});
    CHECK(printed.output == "");
    CHECK(printed.notes == "web: 7 lines were not read in time|x|");
}

} // namespace davit::cli
