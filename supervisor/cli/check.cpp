// SPDX-License-Identifier: Apache-2.0
// The words of check around the loader, which does all the checking. See check.h.
#include "cli/check.h"

#include "api/protocol.h"
#include "cli/output.h"
#include "cli/system_sources.h"
#include "config/pod_agreement.h"
#include "config/schema.h"
#include "os/files.h"

#include <boost/json.hpp>

#include <algorithm>

namespace davit::cli {
namespace {

namespace json = boost::json;
using config::FileKind;
using config::Purpose;

/// For output to a reader that stopped.
constexpr std::chrono::seconds output_patience{60};
/// What `-` is called in problems.
constexpr std::string_view standard_input = "<stdin>";

/// The system, with one more file: what standard input gives, which can be read once.
config::Sources sources_with_standard_input() {
    config::Sources system = system_sources();
    config::Sources sources = system;
    sources.kind_of = [system](const std::string& path) {
        return path == standard_input ? FileKind::file : system.kind_of(path);
    };
    sources.read_file = [system](const std::string& path, std::size_t limit) {
        return path == standard_input ? os::read_stream(0, limit + 1, TimePoint::max()) : system.read_file(path, limit);
    };
    return sources;
}

std::string path_of(const std::string& word) {
    return word == "-" ? std::string{standard_input} : word;
}

config::LoadRequest request_of(const Arguments& arguments) {
    config::LoadRequest request{.path = arguments.config, .command = arguments.program, .purpose = Purpose::check};
    for (const std::string& word : arguments.words) {
        request.more_paths.push_back(path_of(word));
    }
    if (arguments.app) {
        request.app_file = path_of(*arguments.app);
    }
    return request;
}

json::object problem_json(const config::Problem& problem) {
    const bool has_place = problem.line != 0;
    return {{"file", problem.file.empty() ? json::value() : json::value(problem.file)},
            {"line", has_place ? json::value(problem.line) : json::value()},
            {"column", has_place ? json::value(problem.column) : json::value()},
            {"path", problem.path},
            {"severity", config::is_error(problem, Purpose::check) ? "error" : "warning"},
            {"message", problem.text}};
}

std::ptrdiff_t uses_of_standard_input(const Arguments& arguments) {
    return std::ranges::count(arguments.words, "-") + std::ranges::count(arguments.manifests, "-") +
           (arguments.app == "-" ? 1 : 0);
}

/// What was not understood is not compared: it would tell of differences that are none.
void compare_with_manifests(config::LoadResult& result, const std::vector<std::string>& manifests,
                            const config::Sources& sources) {
    if (config::has_error(result, Purpose::check)) {
        for (const std::string& manifest : manifests) {
            result.problems.push_back({.file = path_of(manifest),
                                       .text = "not compared with a configuration that has errors",
                                       .severity = config::Severity::warning});
        }
        return;
    }
    std::vector<std::string> paths;
    std::ranges::transform(manifests, std::back_inserter(paths), path_of);
    std::ranges::move(config::compare_with_manifests(result.pod, paths, sources), std::back_inserter(result.problems));
}

} // namespace

std::vector<std::string> check_lines(const config::LoadResult& result) {
    std::vector<std::string> lines;
    for (const config::Problem& problem : result.problems) {
        lines.push_back(config::describe(problem, Purpose::check));
    }
    return lines;
}

std::string ok_line(const config::LoadResult& result) {
    const std::size_t count = result.pod.services.size();
    std::string line = "ok: " + std::to_string(count) + (count == 1 ? " service" : " services");
    if (result.pod.plain_init) {
        line = "ok: no configuration, davit would be a plain init of " +
               result.pod.services.front().command.front().written;
    } else if (const auto main = result.pod.main()) {
        line += ", main is " + result.pod.services[*main].name;
    }
    std::string files;
    for (const std::string& file : result.files) {
        files += (files.empty() ? " (" : ", ") + file;
    }
    return files.empty() ? line : line + files + ")";
}

std::string check_json(const config::LoadResult& result) {
    json::array services;
    for (const model::ServiceSpec& service : result.pod.services) {
        services.emplace_back(service.name);
    }
    json::array problems;
    for (const config::Problem& problem : result.problems) {
        problems.emplace_back(problem_json(problem));
    }
    const auto main = result.pod.main();
    const json::object whole{{"ok", !config::has_error(result, Purpose::check)},
                             {"files", json::value_from(result.files)},
                             {"services", std::move(services)},
                             {"main", main ? json::value(result.pod.services[*main].name) : json::value()},
                             {"problems", std::move(problems)}};
    return json::serialize(whole);
}

int check(const Arguments& arguments) {
    Output output{"check", std::chrono::steady_clock::now() + output_patience};
    if (arguments.schema) {
        output.text(config::json_schema());
        return static_cast<int>(api::ClientExit::done);
    }
    if (uses_of_standard_input(arguments) > 1) {
        output.error("- is standard input, which can be read once; see `davit check --help`");
        return static_cast<int>(api::ClientExit::usage);
    }
    const config::Sources sources = sources_with_standard_input();
    config::LoadResult result = config::load(sources, request_of(arguments));
    compare_with_manifests(result, arguments.manifests, sources);
    const bool ok = !config::has_error(result, Purpose::check);
    // Reading standard input may have taken a person's time.
    output.set_deadline(std::chrono::steady_clock::now() + output_patience);
    if (arguments.format == Format::json) {
        output.line(check_json(result));
    } else {
        for (const std::string& line : check_lines(result)) {
            output.error_line(line);
        }
        if (ok) {
            output.line(ok_line(result));
        }
    }
    return static_cast<int>(ok ? api::ClientExit::done : api::ClientExit::negative);
}

} // namespace davit::cli
