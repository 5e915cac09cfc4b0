// SPDX-License-Identifier: Apache-2.0
// What `${...}` becomes, and what is refused.
#include "model/interpolation.h"

#include "support/catch.h"

#include <map>
#include <string>

namespace davit::model {
namespace {

InterpolationSources made_up_sources() {
    return {.variable = [](const std::string& name) -> std::optional<std::string> {
                const std::map<std::string, std::string> set{
                    {"NAME", "shop"}, {"EMPTY", ""}, {"TRICK", "${NAME} $$"}, {"_x1", "y"}};
                const auto found = set.find(name);
                return found == set.end() ? std::nullopt : std::optional{found->second};
            },
            .file = [](const std::string& path) -> Result<std::string> {
                if (path == "/run/secrets/x") {
                    return "secret\n";
                }
                if (path == "/run/two-lines") {
                    return "a\n\n";
                }
                if (path == "/run/windows") {
                    return "a\r\n";
                }
                if (path == "/run/bare") {
                    return "bare";
                }
                return failure("no such file");
            }};
}

std::string value_of(std::string_view text) {
    const auto value = interpolate(text, made_up_sources());
    return value ? *value : "error: " + value.error().text;
}

InterpolationError error_of(std::string_view text) {
    const auto value = interpolate(text, made_up_sources());
    REQUIRE_FALSE(value);
    return value.error();
}

std::string nested_defaults(int depth) {
    std::string text = "end";
    for (int level = 0; level < depth; ++level) {
        text = "${NONE:-" + text + "}";
    }
    return text;
}

} // namespace

TEST_CASE("a variable is put in its place, as often as it stands there", "[interpolation]") {
    CHECK(value_of("${NAME}") == "shop");
    CHECK(value_of("a ${NAME}-${_x1}${NAME} b") == "a shop-yshop b");
    CHECK(value_of("[${EMPTY}]") == "[]");
    CHECK(value_of("").empty());
    CHECK(value_of("plain } text {") == "plain } text {");
}

TEST_CASE("a default stands in for what is not set or empty", "[interpolation]") {
    CHECK(value_of("${NAME:-x}") == "shop");
    CHECK(value_of("${NONE:-x y}") == "x y");
    CHECK(value_of("${EMPTY:-x}") == "x");
    CHECK(value_of("[${NONE:-}]") == "[]");
    CHECK(value_of("${NONE:-a:-b}") == "a:-b");
}

TEST_CASE("a default may hold references itself", "[interpolation]") {
    CHECK(value_of("${NONE:-<${NAME}>}") == "<shop>");
    CHECK(value_of("${NONE:-${NOT_EITHER:-deep}}!") == "deep!");
    CHECK(value_of("${NONE:-$$}") == "$");
    CHECK(value_of("${NAME:-${NONE}}") == "shop");
}

TEST_CASE("two dollars are one, a lone one stays", "[interpolation]") {
    CHECK(value_of("$$") == "$");
    CHECK(value_of("$${NAME}") == "${NAME}");
    CHECK(value_of("$$${NAME}") == "$shop");
    CHECK(value_of("$NAME costs 5 $") == "$NAME costs 5 $");
    CHECK(value_of("a$") == "a$");
}

TEST_CASE("what was looked up is not read again", "[interpolation]") {
    CHECK(value_of("${TRICK}") == "${NAME} $$");
    CHECK(value_of("${NONE:-${TRICK}}") == "${NAME} $$");
}

TEST_CASE("a file is read without the newline at its end", "[interpolation]") {
    CHECK(value_of("pw=${file:/run/secrets/x};") == "pw=secret;");
    CHECK(value_of("${file:/run/two-lines}") == "a\n");
    CHECK(value_of("${file:/run/bare}") == "bare");
}

TEST_CASE("a file that cannot be read is an error with its path", "[interpolation]") {
    const InterpolationError error = error_of("x ${file:/nowhere}");

    CHECK(error.fault == InterpolationFault::file);
    CHECK(error.offset == 2);
    CHECK(error.text == "cannot read /nowhere: no such file");
}

TEST_CASE("without a source of files there is no ${file:...}", "[interpolation]") {
    const InterpolationSources sources{.variable = made_up_sources().variable, .file = {}};

    const auto value = interpolate("${file:/run/secrets/x}", sources);

    REQUIRE_FALSE(value);
    CHECK(value.error().fault == InterpolationFault::bad_name);
}

TEST_CASE("a variable that is not set and has no default is an error that says what to do", "[interpolation]") {
    const InterpolationError error = error_of("--app ${NONE}");

    CHECK(error.fault == InterpolationFault::unset);
    CHECK(error.offset == 6);
    CHECK(error.text == "the variable NONE is not set; write ${NONE:-default} to do without it");
}

TEST_CASE("the user's own message is told for what is not set or empty", "[interpolation]") {
    CHECK(value_of("${NAME:?needed}") == "shop");
    CHECK(error_of("${NONE:?the name of the shop}").text == "NONE: the name of the shop");
    CHECK(error_of("${EMPTY:?needed}").fault == InterpolationFault::message);
    CHECK(error_of("${NONE:?}").text == "NONE: is not set");
}

TEST_CASE("a ${ that is never closed is an error at its place", "[interpolation]") {
    for (const char* text : {"ab${NAME", "ab${", "ab${NONE:-${NAME}", "ab${NAME$"}) {
        INFO(text);
        CHECK(error_of(text).fault == InterpolationFault::unclosed);
        CHECK(error_of(text).offset == 2);
    }
}

TEST_CASE("what is no name and no known form is an error", "[interpolation]") {
    for (const char* text : {"${}", "${1A}", "${A-b}", "${A:b}", "${A:+b}", "${A b}", "${:-x}", "${a~}", "${a]}",
                             "${a.b}", "${a@}", "${A:}", "${ä}", "${${NAME}}"}) {
        INFO(text);
        CHECK(error_of(text).fault == InterpolationFault::bad_name);
    }
}

TEST_CASE("an error in a default is told at its own place", "[interpolation]") {
    const InterpolationError error = error_of("ab${NONE:-c${ALSO_NONE}}");

    CHECK(error.fault == InterpolationFault::unset);
    CHECK(error.offset == 11);
}

TEST_CASE("defaults nest sixteen deep and no deeper", "[interpolation]") {
    CHECK(value_of(nested_defaults(16)) == "end");
    CHECK(error_of(nested_defaults(17)).fault == InterpolationFault::too_deep);
    CHECK(error_of(nested_defaults(5000)).fault == InterpolationFault::too_deep);
}

TEST_CASE("only texts with ${ or $$ need interpolation", "[interpolation]") {
    CHECK(needs_interpolation("${A}"));
    CHECK(needs_interpolation("a$$"));
    CHECK(needs_interpolation("${"));
    CHECK_FALSE(needs_interpolation("$A $ {}"));
    CHECK_FALSE(needs_interpolation(""));
}

TEST_CASE("a file's one line end is taken off, and its path is absolute", "[interpolation]") {
    CHECK(value_of("${file:/run/windows}") == "a");
    CHECK(value_of("${file:run/secrets/x}") ==
          "error: \"${file:run/secrets/x}\" is neither ${NAME}, ${NAME:-default}, ${NAME:?message} nor ${file:/path}; "
          "write $$ for a $");
}

} // namespace davit::model
