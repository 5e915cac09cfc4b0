// SPDX-License-Identifier: Apache-2.0
// What a user typed after `davit`: which command, its words and its options, checked. Parsed by hand against
// one table: five options do not need a library that would be a fortieth of the binary.
#pragma once

#include "model/result.h"
#include "model/time.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace davit::cli {

enum class Command : std::uint8_t {
    poststart,
    prestop,
    online,
    offline,
    isolate,
    rejoin,
    status,
    start,
    stop,
    restart,
    signal,
    wait,
    why,
    events,
    timeline,
    logs,
    probe,
    exec,
    shell,
    env,
    reload,
    check,
    cpus,
    plan,
    graph,
    install,
    version,
};
std::string_view to_string(Command command);
std::optional<Command> command_from_name(std::string_view name);
/// All names, for did-you-mean; `run` and `help` are among them.
std::span<const std::string_view> command_names();

/// What `-o` names. Which of them a command has, and which is its default, stands in its row of the table.
enum class Format : std::uint8_t { table, text, json, yaml, dot, env };
std::string_view to_string(Format format);

struct Arguments {
    Command command = Command::version;
    std::vector<std::string> words;     // services, a phase, a path, ... as the command has them
    std::vector<std::string> program;   // CMD and its arguments: what follows `--`, where a command takes that
    std::optional<std::string> config;  // -c
    std::optional<std::string> app;     // --app
    std::vector<std::string> manifests; // --pod, each
    std::optional<std::string> socket;
    std::optional<Duration> timeout;
    Format format = Format::table;
    std::string reason; // --reason
    bool cascade = false;
    bool no_wait = false;
    bool schema = false;             // --schema
    std::optional<std::string> java; // --java
    bool follow = false;             // -f
    std::string lines;               // -n: a number or all
    bool explain = false;
    bool watch = false;
    bool reveal = false;
    bool dry_run = false;
    bool main = false;

    friend bool operator==(const Arguments&, const Arguments&) = default;
};

/// `rest` is what follows the command's name. The error's text is one line for the user.
Result<Arguments> parse_arguments(Command command, std::span<const char* const> rest);

/// `--help` or `-h` stands among them, before any `--`.
bool asks_for_help(std::span<const char* const> rest);

} // namespace davit::cli
