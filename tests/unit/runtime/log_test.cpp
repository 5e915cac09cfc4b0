// SPDX-License-Identifier: Apache-2.0
// The form of davit's own lines.
#include "runtime/log.h"

#include "support/catch.h"

#include <regex>
#include <string>

namespace davit::runtime {
namespace {

std::string line_of(LogLevel level, std::string_view text, model::LogFormat format = model::LogFormat::text) {
    std::string written;
    Log log{[&](std::string_view line) { written += line; }, [=] { return format; }};
    log.write(level, text);
    return written;
}

} // namespace

TEST_CASE("a line has the time in UTC, davit's name, the level and the text", "[log]") {
    const std::regex form{R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z davit info mesh running \(pid 17\)\n)"};
    CHECK(std::regex_match(line_of(LogLevel::info, "mesh running (pid 17)"), form));
    CHECK(line_of(LogLevel::warn, "x").ends_with("Z davit warn x\n"));
    CHECK(line_of(LogLevel::error, "x").ends_with("Z davit error x\n"));
}

TEST_CASE("a line is an object where that is asked for", "[log]") {
    const std::regex form{
        R"(\{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","level":"warn","source":"davit","message":"a \\"b\\"\\n"\}\n)"};
    CHECK(std::regex_match(line_of(LogLevel::warn, "a \"b\"\n", model::LogFormat::json), form));
}

TEST_CASE("a text with line feeds stays one line", "[log]") {
    CHECK(line_of(LogLevel::info, "a\nb\tc{}").ends_with(" davit info a b c{}\n"));
}

} // namespace davit::runtime
