// SPDX-License-Identifier: Apache-2.0
// The lines of an envFile: what they mean, and what is refused with its place and without its value.
#include "config/env_file.h"
#include "made_up_files.h"

#include "support/catch.h"

namespace davit::config {

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Parsed {
    Pairs variables;
    std::string problems;
};

Parsed parse(std::string_view text) {
    Problems problems;
    const std::uint32_t file = problems.add_file("/etc/web.env");
    Parsed parsed;
    for (const model::EnvVariable& variable : parse_env_file(text, file, problems)) {
        parsed.variables.emplace_back(variable.name, variable.value.value);
    }
    parsed.problems = lines_of(problems.take());
    return parsed;
}

Pairs good(std::string_view text) {
    const Parsed parsed = parse(text);
    CHECK(parsed.problems.empty());
    return parsed.variables;
}

} // namespace

TEST_CASE("names and values, blank lines and comments", "[env_file]") {
    CHECK(good("A=1\n\n# B=2\n   # C=3\n  D = four five  \nE=\nF=a=b=c\n") ==
          Pairs{{"A", "1"}, {"D", "four five"}, {"E", ""}, {"F", "a=b=c"}});
    CHECK(good("").empty());
    CHECK(good("\n\n").empty());
    CHECK(good("A=1") == Pairs{{"A", "1"}});
}

TEST_CASE("a # inside a value belongs to it", "[env_file]") {
    CHECK(good("COLOUR=#fff\nURL=http://x/#top # no comment\n") ==
          Pairs{{"COLOUR", "#fff"}, {"URL", "http://x/#top # no comment"}});
}

TEST_CASE("nothing is put in place of a dollar", "[env_file]") {
    CHECK(good("A=${HOME}\nB=\"$HOME\"\nC='$HOME'\n") == Pairs{{"A", "${HOME}"}, {"B", "$HOME"}, {"C", "$HOME"}});
}

TEST_CASE("quotes around the whole value go, others stay", "[env_file]") {
    CHECK(good("A=\" two words \"\nB='it is \"so\"'\nC=say \"hi\"\nD=\"\"\nE=''\nF=it's\n") ==
          Pairs{{"A", " two words "}, {"B", "it is \"so\""}, {"C", "say \"hi\""}, {"D", ""}, {"E", ""}, {"F", "it's"}});
}

TEST_CASE("in double quotes a backslash escapes what a shell would let it escape; elsewhere it is itself",
          "[env_file]") {
    CHECK(good(R"(A="a \"b\" \\ \$ \` \n"
B='a\b\'
C=C:\dir\"x"
)") == Pairs{{"A", "a \"b\" \\ $ ` \\n"}, {"B", "a\\b\\"}, {"C", "C:\\dir\\\"x\""}});
}

TEST_CASE("a file from another system: a byte order mark and CR LF", "[env_file]") {
    CHECK(good("\xEF\xBB\xBF"
               "A=1\r\nB=\"2\"\r\n") == Pairs{{"A", "1"}, {"B", "2"}});
}

TEST_CASE("a name that comes again is warned of, and the later value counts in the earlier place", "[env_file]") {
    const Parsed parsed = parse("A=1\nB=2\nA=3\n");
    CHECK(parsed.variables == Pairs{{"A", "3"}, {"B", "2"}});
    CHECK(parsed.problems == "warning: /etc/web.env:3:1: A stands in this file twice: the later one counts\n");
}

TEST_CASE("every bad line is told with its number, and never with its value", "[env_file]") {
    const Parsed parsed = parse("GOOD=1\n"
                                "secret\n"
                                "export A=secret\n"
                                "1A=secret\n"
                                "A B=secret\n"
                                "=secret\n"
                                "Q=\"secret\n"
                                "R='secret' secret\n"
                                "S='secret\\'\n"
                                "T=\"secret\\\"\n"
                                "LAST=2\n");
    CHECK(parsed.variables == Pairs{{"GOOD", "1"}, {"S", "secret\\"}, {"LAST", "2"}});
    CHECK(parsed.problems ==
          R"(/etc/web.env:2:1: expected NAME=value, found a line without "="
/etc/web.env:3:1: this is no shell script: leave out "export"
/etc/web.env:4:1: a variable's name has letters, digits, "_", "." and "-" and does not begin with a digit, found "1A"
/etc/web.env:5:1: a variable's name has letters, digits, "_", "." and "-" and does not begin with a digit, found "A B"
/etc/web.env:6:1: a variable's name has letters, digits, "_", "." and "-" and does not begin with a digit, found ""
/etc/web.env:7:1: Q: the quote is not closed on this line
/etc/web.env:8:1: R: there is text after the closing quote
/etc/web.env:10:1: T: the quote is not closed on this line
)");
}

TEST_CASE("a NUL is refused", "[env_file]") {
    CHECK(parse(std::string_view{"A=1\0002\n", 6}).problems ==
          "/etc/web.env:1:1: there is a NUL character in this line\n");
}

} // namespace davit::config
