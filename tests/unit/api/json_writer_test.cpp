// SPDX-License-Identifier: Apache-2.0
// What davit writes is JSON, whatever a child wrote.
#include "api/json_writer.h"

#include "model/json_text.h"
#include "support/catch.h"

#include <boost/json.hpp>

namespace davit::api {
namespace {

std::string quoted(std::string_view text) {
    std::string out;
    model::append_json_string(out, text);
    return out;
}

TEST_CASE("text is quoted, control characters are escaped", "[json_writer]") {
    CHECK(quoted("plain") == "\"plain\"");
    CHECK(quoted("a\"b\\c") == R"("a\"b\\c")");
    CHECK(quoted("line\nnext\tcell\r") == R"("line\nnext\tcell\r")");
    CHECK(quoted(std::string_view{"\0\x1b[31m\x7f", 7}) == "\"\\u0000\\u001b[31m\\u007f\"");
}

TEST_CASE("UTF-8 stays, what is not UTF-8 becomes the replacement character", "[json_writer]") {
    CHECK(quoted("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x9A\xA2") ==
          "\"gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x9A\xA2\"");
    CHECK(quoted("\xFF") == "\"\xEF\xBF\xBD\"");
    CHECK(quoted("\xC3") == "\"\xEF\xBF\xBD\"");                     // cut off
    CHECK(quoted("\xC0\xAF") == "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");     // overlong
    CHECK(quoted("\xED\xA0\x80").starts_with("\"\xEF\xBF\xBD"));     // a surrogate
    CHECK(quoted("\xF4\x90\x80\x80").starts_with("\"\xEF\xBF\xBD")); // above U+10FFFF
}

TEST_CASE("every byte string gives a document that a strict parser takes", "[json_writer]") {
    for (int first = 0; first < 256; ++first) {
        for (int second = 0; second < 256; second += 5) {
            const std::string bytes{static_cast<char>(first), static_cast<char>(second), 'x'};
            boost::system::error_code error;
            boost::json::parse(quoted(bytes), error);
            INFO("bytes " << first << " " << second);
            REQUIRE_FALSE(error);
        }
    }
}

TEST_CASE("objects and lists nest, commas stand between members only", "[json_writer]") {
    JsonWriter json;
    json.begin_object().key("a").number(-3).key("b").begin_array().string("x").null().begin_object().end_object();
    json.end_array().key("c").seconds(12.54).key("d").boolean(false).end_object();
    CHECK(json.take() == R"({"a": -3, "b": ["x", null, {}], "c": 12.5, "d": false})");
    CHECK(json_object("error", "no \"web\"") == R"({"error": "no \"web\""})");
}

} // namespace
} // namespace davit::api
