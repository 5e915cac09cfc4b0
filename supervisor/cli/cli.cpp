// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"

#include "api/protocol.h"
#include "cli/arguments.h"
#include "cli/check.h"
#include "cli/commands.h"
#include "cli/cpus.h"
#include "cli/exec.h"
#include "cli/help.h"
#include "cli/install.h"
#include "cli/output.h"
#include "cli/plan.h"
#include "cli/timeline.h"
#include "cli/watch.h"
#include "model/suggestion.h"

#include <exception>
#include <span>
#include <string>

namespace davit::cli {
namespace {

using api::ClientExit;

constexpr std::chrono::seconds output_patience{60};

int as_code(ClientExit exit) {
    return static_cast<int>(exit);
}

Output output_of(std::string_view command) {
    return {command, std::chrono::steady_clock::now() + output_patience};
}

int print(std::string_view text) {
    output_of("help").text(text);
    return as_code(ClientExit::done);
}

int refuse_usage(std::string_view text) {
    Output output = output_of("");
    output.error_line(text);
    return as_code(ClientExit::usage);
}

int unknown_command(std::string_view name) {
    const auto near = model::suggestion(name, command_names());
    std::string text = "davit: unknown command \"" + std::string{name} + "\"";
    text += near ? " (did you mean \"" + std::string{*near} + "\"?)" : "";
    return refuse_usage(text + "; `davit --help` lists them");
}

int help(std::span<const char* const> rest) {
    if (rest.empty()) {
        return print(top_help());
    }
    const std::string_view text = command_help(rest.front());
    return text.empty() ? unknown_command(rest.front()) : print(text);
}

int install_here(const Arguments& arguments) {
    Output output = output_of("install");
    const auto copy = install("/proc/self/exe", arguments.words.front());
    if (!copy) {
        output.error(copy.error().text);
        return as_code(ClientExit::negative);
    }
    output.line(copy->program);
    if (!copy->has_library) {
        output.error_line(
            "davit install: libdavit-cpus.so does not lie beside this program: cpus.shim will not work there");
    }
    return as_code(ClientExit::done);
}

int run_command(const Arguments& arguments) {
    switch (arguments.command) {
    case Command::poststart:
    case Command::prestop:
    case Command::online:
    case Command::offline:
    case Command::isolate:
    case Command::rejoin:
    case Command::start:
    case Command::stop:
    case Command::restart:
    case Command::signal:
    case Command::wait:
    case Command::reload: return ask_verb(arguments, process_environment);
    case Command::status:
        return arguments.watch ? watch_status(arguments, process_environment)
                               : show_status(arguments, process_environment);
    case Command::why: return explain(arguments, process_environment);
    case Command::events: return show_events(arguments, process_environment);
    case Command::timeline: return show_timeline(arguments, process_environment);
    case Command::logs: return show_logs(arguments, process_environment);
    case Command::probe: return ask_probe(arguments, process_environment);
    case Command::exec: return exec_in_service(arguments, process_environment);
    case Command::shell: return open_shell(arguments, process_environment);
    case Command::env: return show_env(arguments, process_environment);
    case Command::check: return check(arguments);
    case Command::cpus: return cpus(arguments, process_environment);
    case Command::plan:
    case Command::graph: return show_plan(arguments, process_environment);
    case Command::install: return install_here(arguments);
    case Command::version: break;
    }
    return print("davit " DAVIT_VERSION "\n");
}

int dispatch(std::span<const char* const> words) {
    if (words.empty()) {
        return refuse_usage(top_help());
    }
    const std::string_view name = words.front();
    const auto rest = words.subspan(1);
    if (name == "--help" || name == "-h" || name == "help") {
        return help(rest);
    }
    if (name == "--version" || name == "-V") {
        return run_command({.command = Command::version});
    }
    if (asks_for_help(rest) && !command_help(name).empty()) {
        return print(command_help(name));
    }
    const auto command = command_from_name(name);
    if (!command) {
        return unknown_command(name);
    }
    const auto arguments = parse_arguments(*command, rest);
    if (!arguments) {
        return refuse_usage("davit " + std::string{name} + ": " + arguments.error().text + "; see `davit " +
                            std::string{name} + " --help`");
    }
    return run_command(*arguments);
}

} // namespace

int run_client(int argc, char** argv) {
    const std::span<const char* const> words{argv, static_cast<std::size_t>(argc)};
    try {
        return dispatch(words.empty() ? words : words.subspan(1));
    } catch (const std::exception& error) {
        Output output = output_of(argc > 1 ? argv[1] : "");
        output.error(error.what());
        return as_code(ClientExit::negative);
    }
}

} // namespace davit::cli
