// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.h"

#include "config/number_text.h"
#include "model/contains.h"
#include "model/suggestion.h"

#include <algorithm>
#include <array>
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
    std::string_view words;               // as the usage line calls them
    bool is_client = true;                // --socket and --timeout
    std::span<const Format> formats = {}; // of -o; the first is the default
    bool has_no_wait = false;
    bool has_cascade = false;
    bool is_reload = false;  // --dry-run and --main
    bool has_config = false; // -c
    bool has_app = false;    // --app
    bool has_pod = false;    // --pod
    bool has_schema = false; // --schema
    bool has_cpus = false;   // --explain and --java
    bool has_watch = false;
    bool has_program = false; // what follows `--` is a CMD
    bool has_reveal = false;
    bool has_reason = false;
    bool has_follow = false;
    bool has_lines = false; // -n
    bool needs_program = false;
};

constexpr std::array table_formats{Format::table, Format::json};
constexpr std::array plan_formats{Format::yaml, Format::json};
constexpr std::array graph_formats{Format::text, Format::dot};
constexpr std::array text_formats{Format::text, Format::json};
constexpr std::array cpus_formats{Format::text, Format::json, Format::env};

constexpr std::size_t any_number = std::numeric_limits<std::size_t>::max();

constexpr std::array shapes{
    Shape{Command::poststart, "poststart", 0, 0, ""},
    Shape{Command::prestop, "prestop", 0, 0, ""},
    Shape{Command::online, "online", 0, 0, ""},
    Shape{Command::offline, "offline", 0, 0, ""},
    Shape{.command = Command::isolate,
          .name = "isolate",
          .min_words = 0,
          .max_words = 0,
          .words = "",
          .has_no_wait = true,
          .has_reason = true},
    Shape{Command::rejoin, "rejoin", 0, 0, ""},
    Shape{.command = Command::status,
          .name = "status",
          .min_words = 0,
          .max_words = any_number,
          .words = "SERVICE",
          .formats = table_formats,
          .has_watch = true},
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
    Shape{.command = Command::events,
          .name = "events",
          .min_words = 0,
          .max_words = 0,
          .words = "",
          .formats = text_formats,
          .has_follow = true},
    Shape{.command = Command::timeline,
          .name = "timeline",
          .min_words = 0,
          .max_words = 0,
          .words = "",
          .formats = text_formats},
    Shape{.command = Command::logs,
          .name = "logs",
          .min_words = 0,
          .max_words = any_number,
          .words = "SERVICE",
          .formats = text_formats,
          .has_follow = true,
          .has_lines = true},
    Shape{Command::probe, "probe", 1, 1, "startup, ready or live"},
    Shape{.command = Command::exec,
          .name = "exec",
          .min_words = 1,
          .max_words = 1,
          .words = "SERVICE",
          .has_program = true,
          .needs_program = true},
    Shape{Command::shell, "shell", 0, 1, "SERVICE"},
    Shape{.command = Command::env,
          .name = "env",
          .min_words = 1,
          .max_words = 1,
          .words = "SERVICE",
          .formats = text_formats,
          .has_reveal = true},
    Shape{.command = Command::reload,
          .name = "reload",
          .min_words = 0,
          .max_words = 0,
          .words = "",
          .has_no_wait = true,
          .is_reload = true},
    Shape{.command = Command::plan,
          .name = "plan",
          .min_words = 0,
          .max_words = 0,
          .words = "",
          .formats = plan_formats,
          .has_config = true},
    Shape{.command = Command::graph,
          .name = "graph",
          .min_words = 0,
          .max_words = 0,
          .words = "",
          .formats = graph_formats,
          .has_config = true},
    Shape{.command = Command::check,
          .name = "check",
          .min_words = 0,
          .max_words = any_number,
          .words = "PATH",
          .is_client = false,
          .formats = text_formats,
          .has_config = true,
          .has_app = true,
          .has_pod = true,
          .has_schema = true,
          .has_program = true},
    Shape{.command = Command::cpus,
          .name = "cpus",
          .min_words = 0,
          .max_words = 0,
          .words = "",
          .formats = cpus_formats,
          .has_cpus = true,
          .has_watch = true},
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

enum class Option : std::uint8_t {
    socket,
    timeout,
    format,
    no_wait,
    cascade,
    config,
    app,
    pod,
    schema,
    explain,
    watch,
    java,
    reveal,
    reason,
    follow,
    lines,
    dry_run,
    main,
};

struct OptionName {
    std::string_view name;
    Option option;
    bool has_value;
};

constexpr std::array option_names{
    OptionName{"--socket", Option::socket, true},    OptionName{"--timeout", Option::timeout, true},
    OptionName{"--output", Option::format, true},    OptionName{"-o", Option::format, true},
    OptionName{"--no-wait", Option::no_wait, false}, OptionName{"--cascade", Option::cascade, false},
    OptionName{"--config", Option::config, true},    OptionName{"-c", Option::config, true},
    OptionName{"--app", Option::app, true},          OptionName{"--pod", Option::pod, true},
    OptionName{"--schema", Option::schema, false},   OptionName{"--explain", Option::explain, false},
    OptionName{"--watch", Option::watch, false},     OptionName{"--java", Option::java, true},
    OptionName{"--reveal", Option::reveal, false},   OptionName{"--dry-run", Option::dry_run, false},
    OptionName{"--main", Option::main, false},       OptionName{"--reason", Option::reason, true},
    OptionName{"--follow", Option::follow, false},   OptionName{"-f", Option::follow, false},
    OptionName{"--lines", Option::lines, true},      OptionName{"-n", Option::lines, true},
};

bool has_option(const Shape& shape, Option option) {
    switch (option) {
    case Option::socket:
    case Option::timeout: return shape.is_client;
    case Option::format: return !shape.formats.empty();
    case Option::no_wait: return shape.has_no_wait;
    case Option::cascade: return shape.has_cascade;
    case Option::config: return shape.has_config;
    case Option::dry_run:
    case Option::main: return shape.is_reload;
    case Option::app: return shape.has_app;
    case Option::pod: return shape.has_pod;
    case Option::schema: return shape.has_schema;
    case Option::watch: return shape.has_watch;
    case Option::explain:
    case Option::java: return shape.has_cpus;
    case Option::reveal: return shape.has_reveal;
    case Option::reason: return shape.has_reason;
    case Option::lines: return shape.has_lines;
    case Option::follow: break;
    }
    return shape.has_follow;
}

/// An option as it was typed: `--timeout 3`, `--timeout=3`, `-o json`, `-ojson`.
struct Typed {
    std::string_view name;
    std::optional<std::string_view> value;
};

Typed split_option(std::string_view word) {
    if (!word.starts_with("--") && word.size() > 2) {
        return {word.substr(0, 2), word.substr(word[2] == '=' ? 3 : 2)};
    }
    const auto equals = word.find('=');
    return equals == std::string_view::npos ? Typed{word, std::nullopt}
                                            : Typed{word.substr(0, equals), word.substr(equals + 1)};
}

Result<OptionName> find_option(const Shape& shape, std::string_view name) {
    std::vector<std::string_view> known;
    for (const OptionName& candidate : option_names) {
        if (!has_option(shape, candidate.option)) {
            continue;
        }
        if (candidate.name == name) {
            return candidate;
        }
        known.push_back(candidate.name);
    }
    const auto near = model::suggestion(name, known);
    return failure("unknown option " + std::string{name} + (near ? " (did you mean " + std::string{*near} + "?)" : ""));
}

Result<Duration> timeout_of(std::string_view text) {
    const auto seconds = config::parse_number(text);
    if (!seconds || *seconds <= 0 || *seconds > max_timeout_seconds) {
        return failure("--timeout needs a number of seconds above 0");
    }
    return from_seconds(*seconds);
}

Result<Format> format_of(const Shape& shape, std::string_view value) {
    std::string known;
    for (const Format format : shape.formats) {
        if (to_string(format) == value) {
            return format;
        }
        known += (known.empty()                    ? ""
                  : format == shape.formats.back() ? " and "
                                                   : ", ") +
                 std::string{to_string(format)};
    }
    return failure("-o: there are " + known + ", not \"" + std::string{value} + "\"");
}

Result<void> set_path(std::optional<std::string>& path, std::string_view name, std::string_view value) {
    if (value.empty()) {
        return failure(std::string{name} + " needs a path");
    }
    path = value;
    return {};
}

Result<void> set_option(const Shape& shape, Arguments& arguments, Option option, std::string_view value) {
    switch (option) {
    case Option::socket:
        if (value.empty()) {
            return failure("--socket needs a path, or @NAME for an abstract socket");
        }
        arguments.socket = value;
        return {};
    case Option::timeout: {
        const auto timeout = timeout_of(value);
        if (!timeout) {
            return std::unexpected{timeout.error()};
        }
        arguments.timeout = *timeout;
        return {};
    }
    case Option::format: {
        const auto format = format_of(shape, value);
        if (!format) {
            return std::unexpected{format.error()};
        }
        arguments.format = *format;
        return {};
    }
    case Option::dry_run: arguments.dry_run = true; return {};
    case Option::main: arguments.main = true; return {};
    case Option::no_wait: arguments.no_wait = true; return {};
    case Option::cascade: arguments.cascade = true; return {};
    case Option::schema: arguments.schema = true; return {};
    case Option::config: return set_path(arguments.config, "-c", value);
    case Option::app: return set_path(arguments.app, "--app", value);
    case Option::explain: arguments.explain = true; return {};
    case Option::watch: arguments.watch = true; return {};
    case Option::java: return set_path(arguments.java, "--java", value);
    case Option::pod:
        if (value.empty()) {
            return failure("--pod needs a path");
        }
        arguments.manifests.emplace_back(value);
        return {};
    case Option::reveal: arguments.reveal = true; return {};
    case Option::reason: arguments.reason = value; return {};
    case Option::follow: arguments.follow = true; return {};
    case Option::lines: {
        const auto count = config::parse_whole_number(value);
        if (value != "all" && (!count || *count < 0)) {
            return failure("-n needs a number of lines, or all");
        }
        arguments.lines = value;
        return {};
    }
    }
    return {};
}

/// Takes the option at the start of `rest`, with its value.
Result<void> take_option(const Shape& shape, std::span<const char* const>& rest, Arguments& arguments) {
    Typed typed = split_option(rest.front());
    rest = rest.subspan(1);
    const auto option = find_option(shape, typed.name);
    if (!option) {
        return std::unexpected{option.error()};
    }
    if (!option->has_value && typed.value) {
        return failure(std::string{typed.name} + " takes no value");
    }
    if (option->has_value && !typed.value) {
        if (rest.empty()) {
            return failure(std::string{typed.name} + " needs a value");
        }
        typed.value = rest.front();
        rest = rest.subspan(1);
    }
    return set_option(shape, arguments, option->option, typed.value.value_or(""));
}

Result<void> check_words(const Shape& shape, const std::vector<std::string>& words) {
    if (words.size() < shape.min_words) {
        return failure("name " + std::string{shape.words});
    }
    if (words.size() > shape.max_words) {
        return failure("unexpected \"" + words[shape.max_words] + "\"" +
                       (shape.needs_program ? ": the command stands after --" : ""));
    }
    if (model::contains(words, "")) {
        return failure("an empty name");
    }
    return {};
}

} // namespace

std::string_view to_string(Format format) {
    switch (format) {
    case Format::table: return "table";
    case Format::text: return "text";
    case Format::json: return "json";
    case Format::yaml: return "yaml";
    case Format::dot: return "dot";
    case Format::env: break;
    }
    return "env";
}

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
    if (!shape.formats.empty()) {
        arguments.format = shape.formats.front();
    }
    bool options_are_over = false;
    while (!rest.empty()) {
        const std::string_view word = rest.front();
        if (options_are_over && shape.has_program) {
            arguments.program.assign(rest.begin(), rest.end());
            break;
        }
        if (options_are_over || word == "-" || !word.starts_with('-')) {
            arguments.words.emplace_back(word);
            rest = rest.subspan(1);
        } else if (word == "--") {
            options_are_over = true;
            rest = rest.subspan(1);
        } else if (const auto taken = take_option(shape, rest, arguments); !taken) {
            return std::unexpected{taken.error()};
        }
    }
    if (const auto checked = check_words(shape, arguments.words); !checked) {
        return std::unexpected{checked.error()};
    }
    if (shape.needs_program && (arguments.program.empty() || arguments.program.front().empty())) {
        return failure("no command: write it after --");
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
