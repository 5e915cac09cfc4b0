// SPDX-License-Identifier: Apache-2.0
#include "cli/plan.h"

#include "api/protocol.h"
#include "cli/check.h"
#include "cli/output.h"
#include "cli/system_sources.h"
#include "config/graph.h"
#include "config/load.h"
#include "config/plan.h"
#include "config/yaml_document.h"

#include <optional>
#include <string>

namespace davit::cli {
namespace {

using api::ClientExit;

std::string target_of(const Arguments& arguments, Environment environment) {
    const bool is_plan = arguments.command == Command::plan;
    std::string target{is_plan ? api::plan_path : api::graph_path};
    const bool plain = arguments.format == Format::text && !speaks_utf8(environment);
    return target + "?format=" + (plain ? "ascii" : std::string{to_string(arguments.format)});
}

/// A comment is no part of the plan: JSON and the picture have none.
std::string head_line(const Arguments& arguments, const std::string& origin) {
    return arguments.format == Format::yaml ? "# of " + origin + "\n" : std::string{};
}

std::string text_of(const model::PodSpec& pod, Format format, Environment environment) {
    switch (format) {
    case Format::yaml: return config::yaml_text(config::plan_of(pod));
    case Format::json: return config::json_text(config::plan_of(pod));
    case Format::dot: return config::graph_dot(pod);
    case Format::table:
    case Format::env:
    case Format::text: break;
    }
    return config::graph_text(pod, speaks_utf8(environment) ? config::Charset::utf8 : config::Charset::ascii);
}

/// One file may hold less than all layers together, and a plan writes out every default.
void warn_if_too_much(const Arguments& arguments, const std::string& plan, Output& output) {
    if (arguments.format != Format::yaml) {
        return;
    }
    config::Problems problems;
    config::parse_yaml(plan, problems.add_file("plan"), problems);
    for (const config::Problem& problem : problems.take()) {
        output.error_line("davit plan: as one file this would be refused: " + problem.text +
                          "; keep the files it was made of");
    }
}

ClientExit show_files(const Arguments& arguments, Environment environment, Output& output) {
    const config::LoadResult loaded =
        config::load(system_sources(), {.path = arguments.config, .purpose = config::Purpose::plan});
    for (const std::string& line : check_lines(loaded)) {
        output.error_line(line);
    }
    if (config::has_error(loaded, config::Purpose::plan)) {
        return ClientExit::negative;
    }
    std::string files;
    for (const std::string& file : loaded.files) {
        files += (files.empty() ? "" : ", ") + file;
    }
    const std::string text = text_of(loaded.pod, arguments.format, environment);
    output.text(head_line(arguments, files) + text);
    warn_if_too_much(arguments, text, output);
    return ClientExit::done;
}

/// nullopt: no davit runs here.
std::optional<ClientExit> show_running(const Arguments& arguments, Environment environment, Output& output) {
    const auto reply = fetch(arguments, environment, target_of(arguments, environment), Duration::zero());
    if (!reply) {
        if (reply.error().exit == ClientExit::unreachable && !arguments.socket) {
            return std::nullopt;
        }
        output.error(reply.error().text);
        return reply.error().exit;
    }
    if (reply->status != 200) {
        output.error(error_text(*reply));
        return ClientExit::negative;
    }
    output.text(head_line(arguments, "the running davit") + reply->body);
    warn_if_too_much(arguments, reply->body, output);
    return ClientExit::done;
}

} // namespace

bool speaks_utf8(Environment environment) {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const std::string locale = environment(name);
        if (!locale.empty()) {
            return locale.contains("UTF-8") || locale.contains("utf8");
        }
    }
    return false;
}

int show_plan(const Arguments& arguments, Environment environment) {
    Output output{to_string(arguments.command),
                  std::chrono::steady_clock::now() + arguments.timeout.value_or(api::default_client_timeout)};
    std::optional<ClientExit> exit;
    if (!arguments.config) {
        exit = show_running(arguments, environment, output);
    }
    return static_cast<int>(exit ? *exit : show_files(arguments, environment, output));
}

} // namespace davit::cli
