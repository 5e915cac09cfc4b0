// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.h"

#include "model/contains.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace davit::cli {
namespace {

constexpr double max_timeout_seconds = 1e6;

/// What a command takes.
struct Shape {
    Command command;
    std::string_view name;
    std::size_t min_words;
    std::size_t max_words;
    std::string_view words; // as the usage line calls them
    bool is_client = true;  // --socket and --timeout
    bool has_format = false;
    bool has_no_wait = false;
    bool has_cascade = false;
};

constexpr std::size_t any_number = std::numeric_limits<std::size_t>::max();

constexpr std::array shapes{
    Shape{Command::poststart, "poststart", 0, 0, ""},
    Shape{Command::prestop, "prestop", 0, 0, ""},
    Shape{Command::online, "online", 0, 0, ""},
    Shape{Command::offline, "offline", 0, 0, ""},
    Shape{.command = Command::status,
          .name = "status",
          .min_words = 0,
          .max_words = any_number,
          .words = "SERVICE",
          .has_format = true},
    Shape{.command = Command::start,
          .name = "start",
          .min_words = 1,
          .max_words = any_number,
          .words = "SERVICE or all",
          .has_no_wait = true},
    Shape{.command = Command::stop,
          .name = "stop",
          .min_words = 1,
          .max_words = any_number,
          .words = "SERVICE or all",
          .has_no_wait = true,
          .has_cascade = true},
    Shape{.command = Command::restart,
          .name = "restart",
          .min_words = 1,
          .max_words = any_number,
          .words = "SERVICE or all",
          .has_no_wait = true},
    Shape{Command::signal, "signal", 2, any_number, "SIGNAL and SERVICE"},
    Shape{Command::wait, "wait", 1, 1, "PHASE or SERVICE"},
    Shape{Command::why, "why", 0, 1, "SERVICE"},
    Shape{Command::probe, "probe", 1, 1, "startup, ready or live"},
    Shape{.command = Command::check,
          .name = "check",
          .min_words = 0,
          .max_words = 1,
          .words = "PATH",
          .is_client = false},
    Shape{.command = Command::install,
          .name = "install",
          .min_words = 1,
          .max_words = 1,
          .words = "DIR",
          .is_client = false},
    Shape{.command = Command::version,
          .name = "version",
          .min_words = 0,
          .max_words = 0,
          .words = "",
          .is_client = false},
};

constexpr auto all_names = [] {
    std::array<std::string_view, shapes.size() + 2> names{};
    std::ranges::transform(shapes, names.begin(), &Shape::name);
    names[shapes.size()] = "run";
    names[shapes.size() + 1] = "help";
    return names;
}();

const Shape& shape_of(Command command) {
    return *std::ranges::find(shapes, command, &Shape::command);
}

/// The places where the parser leaves what it read.
struct Raw {
    std::string format;
    double timeout = 0;
    std::string socket;
};

void add_options(CLI::App& app, const Shape& shape, Arguments& arguments, Raw& raw) {
    app.set_help_flag();
    if (shape.is_client) {
        app.add_option("--socket", raw.socket);
        app.add_option("--timeout", raw.timeout);
    }
    if (shape.has_format) {
        app.add_option("-o,--output", raw.format);
    }
    if (shape.has_no_wait) {
        app.add_flag("--no-wait", arguments.no_wait);
    }
    if (shape.has_cascade) {
        app.add_flag("--cascade", arguments.cascade);
    }
    if (shape.max_words > 0) {
        app.add_option("words", arguments.words);
    }
}

Result<void> take_raw(const CLI::App& app, const Shape& shape, const Raw& raw, Arguments& arguments) {
    if (shape.is_client && app.count("--socket") > 0) {
        if (raw.socket.empty()) {
            return failure("--socket needs a path, or @NAME for an abstract socket");
        }
        arguments.socket = raw.socket;
    }
    if (shape.is_client && app.count("--timeout") > 0) {
        if (!std::isfinite(raw.timeout) || raw.timeout <= 0 || raw.timeout > max_timeout_seconds) {
            return failure("--timeout needs a number of seconds above 0");
        }
        arguments.timeout = from_seconds(raw.timeout);
    }
    if (shape.has_format && app.count("--output") > 0) {
        if (raw.format != "table" && raw.format != "json") {
            return failure("-o: there are table and json, not \"" + raw.format + "\"");
        }
        arguments.format = raw.format == "json" ? Format::json : Format::table;
    }
    return {};
}

Result<void> check_words(const Shape& shape, const std::vector<std::string>& words) {
    if (words.size() < shape.min_words) {
        return failure("name " + std::string{shape.words});
    }
    if (words.size() > shape.max_words) {
        return failure("unexpected \"" + words[shape.max_words] + "\"");
    }
    if (model::contains(words, "")) {
        return failure("an empty name");
    }
    return {};
}

} // namespace

std::string_view to_string(Command command) {
    return shape_of(command).name;
}

std::optional<Command> command_from_name(std::string_view name) {
    const auto* found = std::ranges::find(shapes, name, &Shape::name);
    return found == shapes.end() ? std::nullopt : std::optional{found->command};
}

std::span<const std::string_view> command_names() {
    return all_names;
}

Result<Arguments> parse_arguments(Command command, std::span<const char* const> rest) {
    const Shape& shape = shape_of(command);
    Arguments arguments{.command = command};
    Raw raw;
    CLI::App app;
    add_options(app, shape, arguments, raw);
    // CLI11 takes the words from the back.
    std::vector<std::string> reversed{rest.rbegin(), rest.rend()};
    try {
        app.parse(std::move(reversed));
    } catch (const CLI::ParseError& error) {
        return failure(error.what());
    }
    if (const auto taken = take_raw(app, shape, raw, arguments); !taken) {
        return std::unexpected{taken.error()};
    }
    if (const auto checked = check_words(shape, arguments.words); !checked) {
        return std::unexpected{checked.error()};
    }
    return arguments;
}

bool asks_for_help(std::span<const char* const> rest) {
    for (const std::string_view word : rest) {
        if (word == "--") {
            return false;
        }
        if (word == "--help" || word == "-h") {
            return true;
        }
    }
    return false;
}

} // namespace davit::cli
