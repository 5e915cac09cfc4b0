// SPDX-License-Identifier: Apache-2.0
#include "cli/check.h"

#include "api/protocol.h"
#include "cli/output.h"
#include "cli/system_sources.h"

namespace davit::cli {
namespace {

/// For output to a reader that stopped.
constexpr std::chrono::seconds output_patience{60};

} // namespace

std::vector<std::string> check_lines(const config::LoadResult& result) {
    std::vector<std::string> lines;
    for (config::Problem problem : result.problems) {
        if (!config::is_error(problem, config::Purpose::check)) {
            problem.text = "warning: " + problem.text;
        }
        lines.push_back(config::describe(problem));
    }
    return lines;
}

std::string ok_line(const config::LoadResult& result) {
    const std::size_t count = result.pod.services.size();
    std::string line = "ok: " + std::to_string(count) + (count == 1 ? " service" : " services");
    if (const auto main = result.pod.main()) {
        line += ", main is " + result.pod.services[*main].name;
    }
    std::string files;
    for (const std::string& file : result.files) {
        files += (files.empty() ? " (" : ", ") + file;
    }
    return files.empty() ? line : line + files + ")";
}

int check(const Arguments& arguments) {
    Output output{"check", std::chrono::steady_clock::now() + output_patience};
    config::LoadRequest request{.purpose = config::Purpose::check};
    if (!arguments.words.empty()) {
        request.path = arguments.words.front();
    }
    const config::LoadResult result = config::load(system_sources(), request);
    for (const std::string& line : check_lines(result)) {
        output.error_line(line);
    }
    if (config::has_error(result, config::Purpose::check)) {
        return static_cast<int>(api::ClientExit::negative);
    }
    output.line(ok_line(result));
    return static_cast<int>(api::ClientExit::done);
}

} // namespace davit::cli
