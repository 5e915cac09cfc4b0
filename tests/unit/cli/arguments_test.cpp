// SPDX-License-Identifier: Apache-2.0
// What may be typed, and that everything else is a usage error with a reason.
#include "cli/arguments.h"
#include "cli/help.h"

#include "support/catch.h"

#include <algorithm>

namespace davit::cli {
namespace {

using namespace std::chrono_literals;

Result<Arguments> parse(Command command, const std::vector<const char*>& words) {
    return parse_arguments(command, words);
}

std::string error_of(Command command, const std::vector<const char*>& words) {
    const auto parsed = parse(command, words);
    return parsed ? "" : parsed.error().text;
}

TEST_CASE("every command has a name and a help text, and the top level lists it", "[arguments]") {
    for (const std::string_view name : command_names()) {
        INFO(std::string{name});
        if (name == "help") {
            continue;
        }
        CHECK(command_help(name).contains("Usage: davit " + std::string{name}));
        CHECK(top_help().contains("\n  " + std::string{name} + " "));
        if (name != "run") {
            REQUIRE(command_from_name(name).has_value());
            CHECK(to_string(*command_from_name(name)) == name);
            CHECK((command_help(name).contains("Exit codes") || name == "version"));
        }
    }
    CHECK(command_help("fly").empty());
    CHECK_FALSE(command_from_name("fly").has_value());
}

TEST_CASE("help fits a terminal of 80 columns", "[arguments]") {
    for (const std::string_view name : command_names()) {
        std::string_view text = name == "help" ? top_help() : command_help(name);
        while (!text.empty()) {
            const auto end = text.find('\n');
            INFO(std::string{text.substr(0, end)});
            CHECK(std::min(end, text.size()) <= 80);
            text.remove_prefix(std::min(end, text.size() - 1) + 1);
        }
    }
}

TEST_CASE("the command of exec stands after --, untouched", "[arguments]") {
    const auto exec = parse(Command::exec, {"--timeout", "2", "web", "--", "ls", "-l", "--", "--socket", ""});
    REQUIRE(exec);
    CHECK(exec->words == std::vector<std::string>{"web"});
    CHECK(exec->program == std::vector<std::string>{"ls", "-l", "--", "--socket", ""});
    CHECK(exec->timeout == 2s);
    CHECK(error_of(Command::exec, {"web"}) == "no command: write it after --");
    CHECK(error_of(Command::exec, {"web", "--"}) == "no command: write it after --");
    CHECK(error_of(Command::exec, {"web", "--", ""}) == "no command: write it after --");
    CHECK(error_of(Command::exec, {"--", "ls"}) == "name SERVICE");
    CHECK(error_of(Command::exec, {"web", "ls"}) == "unexpected \"ls\": the command stands after --");
    CHECK(error_of(Command::exec, {"web", "-l"}) == "unknown option -l");
    CHECK(error_of(Command::exec, {"web", "--reveal", "--", "ls"}).starts_with("unknown option --reveal"));
}

TEST_CASE("only env reveals, and only when it is told to", "[arguments]") {
    CHECK_FALSE(parse(Command::env, {"web"})->reveal);
    CHECK(parse(Command::env, {"web", "--reveal"})->reveal);
    CHECK(error_of(Command::env, {}) == "name SERVICE");
    CHECK(parse(Command::shell, {})->words.empty());
    CHECK(parse(Command::shell, {"web"})->words == std::vector<std::string>{"web"});
}

TEST_CASE("words and options may be mixed", "[arguments]") {
    const auto status =
        parse(Command::status, {"web", "-o", "json", "mesh", "--socket", "/run/x.sock", "--timeout", "0.5"});
    REQUIRE(status);
    CHECK(status->words == std::vector<std::string>{"web", "mesh"});
    CHECK(status->format == Format::json);
    CHECK(status->socket == "/run/x.sock");
    CHECK(status->timeout == Duration{500ms});
}

TEST_CASE("an option may carry its value behind an equals sign", "[arguments]") {
    const auto parsed = parse(Command::prestop, {"--timeout=3", "--socket=@davit-1"});
    REQUIRE(parsed);
    CHECK(parsed->timeout == Duration{3s});
    CHECK(parsed->socket == "@davit-1");
    CHECK(parse(Command::status, {"-ojson"})->format == Format::json);
    CHECK(parse(Command::status, {"-o=json"})->format == Format::json);
    CHECK(parse(Command::status, {"--output=json"})->format == Format::json);
}

TEST_CASE("what stands behind -- is a word", "[arguments]") {
    CHECK(parse(Command::status, {"--", "-o", "--"})->words == std::vector<std::string>{"-o", "--"});
    CHECK(parse(Command::status, {"-"})->words == std::vector<std::string>{"-"});
}

TEST_CASE("what stands behind -- is a CMD where a command takes one", "[arguments]") {
    const auto check = parse(Command::check, {"a.yaml", "-", "--app", "app.yaml", "--", "java", "-jar", "--", "x"});
    REQUIRE(check);
    CHECK(check->words == std::vector<std::string>{"a.yaml", "-"});
    CHECK(check->program == std::vector<std::string>{"java", "-jar", "--", "x"});
    CHECK(check->app == "app.yaml");
    CHECK(parse(Command::check, {"--"})->program.empty());
    CHECK(parse(Command::check, {"-c", "/etc/davit"})->config == "/etc/davit");
    CHECK(error_of(Command::check, {"-c", ""}) == "-c needs a path");
    CHECK(error_of(Command::check, {"--app="}) == "--app needs a path");
    CHECK(parse(Command::check, {"--pod", "a.yaml", "--pod=-"})->manifests == std::vector<std::string>{"a.yaml", "-"});
    CHECK(error_of(Command::check, {"--pod", ""}) == "--pod needs a path");
}

TEST_CASE("each command has its own output formats, and the first is the default", "[arguments]") {
    CHECK(parse(Command::check, {})->format == Format::text);
    CHECK(parse(Command::check, {"-o", "json"})->format == Format::json);
    CHECK(error_of(Command::check, {"-o", "table"}) == "-o: there are text and json, not \"table\"");
}

TEST_CASE("reload has flags of its own, plan and graph take a path", "[arguments]") {
    const auto reload = parse(Command::reload, {"--dry-run", "--main", "--no-wait"});
    REQUIRE(reload);
    CHECK(reload->dry_run);
    CHECK(reload->main);
    CHECK(reload->no_wait);
    CHECK(parse(Command::plan, {"-c", "/etc/x"})->config == "/etc/x");
    CHECK(parse(Command::plan, {})->format == Format::yaml);
    CHECK(parse(Command::graph, {"-o", "dot"})->format == Format::dot);
    CHECK_FALSE(parse(Command::plan, {"-o", "dot"}));
    CHECK_FALSE(parse(Command::restart, {"web", "--main"}));
}

TEST_CASE("of an option that is said twice the last counts", "[arguments]") {
    CHECK(parse(Command::prestop, {"--timeout", "3", "--timeout", "5"})->timeout == Duration{5s});
}

TEST_CASE("a flag takes no value", "[arguments]") {
    CHECK(error_of(Command::stop, {"mesh", "--cascade=yes"}) == "--cascade takes no value");
}

TEST_CASE("defaults are a table, no socket and no timeout", "[arguments]") {
    CHECK(*parse(Command::status, {}) == Arguments{.command = Command::status});
}

TEST_CASE("stop knows cascade and no-wait, start and restart only no-wait", "[arguments]") {
    const auto stop = parse(Command::stop, {"mesh", "--cascade", "--no-wait"});
    REQUIRE(stop);
    CHECK(stop->cascade);
    CHECK(stop->no_wait);
    CHECK(parse(Command::start, {"mesh", "--no-wait"})->no_wait);
    CHECK_FALSE(error_of(Command::start, {"mesh", "--cascade"}).empty());
    CHECK_FALSE(error_of(Command::restart, {"mesh", "--cascade"}).empty());
}

TEST_CASE("missing words are named", "[arguments]") {
    CHECK(error_of(Command::start, {}) == "name SERVICE or all");
    CHECK(error_of(Command::signal, {"HUP"}) == "name SIGNAL and SERVICE");
    CHECK(error_of(Command::wait, {}) == "name PHASE or SERVICE");
    CHECK(error_of(Command::probe, {}) == "name startup, ready or live");
    CHECK(error_of(Command::install, {}) == "name DIR");
}

TEST_CASE("too many words are an error", "[arguments]") {
    CHECK(error_of(Command::wait, {"online", "web"}) == "unexpected \"web\"");
    CHECK_FALSE(error_of(Command::prestop, {"now"}).empty());
    CHECK_FALSE(error_of(Command::version, {"x"}).empty());
    CHECK_FALSE(error_of(Command::start, {""}).empty());
}

TEST_CASE("a bad value of an option is an error that names it", "[arguments]") {
    CHECK(error_of(Command::status, {"-o", "yaml"}) == "-o: there are table and json, not \"yaml\"");
    const char* timeout = GENERATE("0", "-1", "nan", "inf", "1e9", "soon", "");
    INFO(timeout);
    CHECK(error_of(Command::prestop, {"--timeout", timeout}).contains("--timeout"));
    CHECK(error_of(Command::prestop, {"--timeout"}).contains("--timeout"));
    CHECK(error_of(Command::prestop, {"--socket", ""}).contains("--socket"));
}

TEST_CASE("an unknown option is an error, also one of another command", "[arguments]") {
    CHECK(error_of(Command::why, {"--watch"}) == "unknown option --watch");
    CHECK(error_of(Command::status, {"--sokcet=x"}) == "unknown option --sokcet (did you mean --socket?)");
    CHECK_FALSE(error_of(Command::check, {"--timeout", "3"}).empty());
    CHECK_FALSE(error_of(Command::probe, {"ready", "-o", "json"}).empty());
}

TEST_CASE("help is asked for before the end of options only", "[arguments]") {
    const std::vector<const char*> asks{"web", "--help"};
    const std::vector<const char*> short_form{"-h"};
    const std::vector<const char*> behind{"--", "--help"};
    CHECK(asks_for_help(asks));
    CHECK(asks_for_help(short_form));
    CHECK_FALSE(asks_for_help(behind));
    CHECK_FALSE(asks_for_help({}));
}

} // namespace
} // namespace davit::cli
