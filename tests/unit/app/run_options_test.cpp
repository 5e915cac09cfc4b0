// SPDX-License-Identifier: Apache-2.0
// The words after `davit run`.
#include "app/run_options.h"

#include "support/catch.h"

namespace davit::app {
namespace {

using Words = std::vector<std::string>;

std::string error_of(const Words& words) {
    const auto options = parse_run_options(words);
    return options ? "no error" : options.error().text;
}

} // namespace

TEST_CASE("without words nothing is asked for", "[run_options]") {
    const auto options = parse_run_options({});
    REQUIRE(options);
    CHECK(!options->config);
    CHECK(!options->socket);
    CHECK(!options->signal_group);
    CHECK(!options->help);
    CHECK(options->command.empty());
}

TEST_CASE("what stands after -- is CMD, whatever it looks like", "[run_options]") {
    const auto options = parse_run_options({"-c", "a.yaml", "--", "java", "-c", "--", "-g"});
    REQUIRE(options);
    CHECK(options->config == "a.yaml");
    CHECK(!options->signal_group);
    CHECK(options->command == Words{"java", "-c", "--", "-g"});
}

TEST_CASE("the first word that is no option begins CMD", "[run_options]") {
    const auto options = parse_run_options({"-g", "sleep", "-h"});
    REQUIRE(options);
    CHECK(options->signal_group);
    CHECK(!options->help);
    CHECK(options->command == Words{"sleep", "-h"});
}

TEST_CASE("a long option takes its value with or without an equals sign", "[run_options]") {
    CHECK(parse_run_options({"--config=a b", "--socket", "@x"})->config == "a b");
    CHECK(parse_run_options({"--config=a b", "--socket", "@x"})->socket == "@x");
    CHECK(parse_run_options({"--app", "app.yaml", "-g"})->app_file == "app.yaml");
    CHECK(parse_run_options({"--mode=debug"})->mode == "debug");
}

TEST_CASE("what run does not know or cannot use is an error that says so", "[run_options]") {
    CHECK(error_of({"--mod", "debug"}).starts_with("unknown option --mod"));
    CHECK(error_of({"-x"}).starts_with("unknown option -x"));
    CHECK(error_of({"--configuration=a"}).starts_with("unknown option --configuration=a"));
    CHECK(error_of({"-c"}) == "option -c needs a value");
    CHECK(error_of({"-c", ""}) == "option -c has an empty value");
    CHECK(error_of({"--socket="}) == "option --socket has an empty value");
}

} // namespace davit::app
