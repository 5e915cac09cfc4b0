// SPDX-License-Identifier: Apache-2.0
#include "loading.h"

#include "target.h"

#include <algorithm>
#include <set>

namespace davit::fuzz {

namespace {

/// Odd enough never to be written by chance (libFuzzer may still learn it).
constexpr std::string_view secret = "hunter2-s3cr3t";

std::optional<std::string> variable(const std::string& name) {
    static const std::map<std::string, std::string> set = {
        {"A", "shop"}, {"B", std::string{secret}}, {"N", "8080"}, {"T", "true"}, {"E", ""},
        {"P", "/srv"}, {"Q", "a 'b' \n"}};
    const auto found = set.find(name);
    return found == set.end() ? std::nullopt : std::optional{found->second};
}

config::Sources sources_of(const Files& files) {
    return {.read_file = [&files](const std::string& path, std::size_t limit) -> Result<std::string> {
                const auto found = files.find(path);
                if (path == "/secret") {
                    return std::string{secret} + "\n";
                }
                return found == files.end() ? failure("no such file or directory")
                                            : Result<std::string>{found->second.substr(0, limit + 1)};
            },
            .list_directory = [&files](const std::string&) -> Result<std::vector<std::string>> {
                std::vector<std::string> names;
                for (const auto& [path, text] : files) {
                    names.push_back(path.substr(path.rfind('/') + 1));
                }
                return names;
            },
            .kind_of =
                [&files](const std::string& path) {
                    return path == "/c"           ? config::FileKind::directory
                           : files.contains(path) ? config::FileKind::file
                                                  : config::FileKind::missing;
                },
            .environment = variable,
            .host_name = [] { return std::string{"pod-7"}; }};
}

std::size_t characters_in(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }));
}

void demand_place_inside(const config::Problem& problem, const std::string& text) {
    std::string_view rest = text;
    rest.remove_prefix(rest.starts_with("\xEF\xBB\xBF") ? 3 : 0);
    for (std::uint32_t line = 1; line < problem.line; ++line) {
        const std::size_t end = rest.find('\n');
        demand(end != std::string_view::npos, "a problem's line is in its file");
        rest.remove_prefix(end + 1);
    }
    // Behind the last character of a line stands what is missing there.
    demand(problem.column >= 1 && problem.column <= characters_in(rest.substr(0, rest.find('\n'))) + 1,
           "a problem's column is in its line");
}

void demand_good_problem(const config::Problem& problem, const Files& files) {
    demand_readable(config::describe(problem));
    const bool is_written = std::ranges::any_of(files, [](const auto& file) { return file.second.contains(secret); });
    demand(is_written || !config::describe(problem).contains(secret),
           "a problem shows no value of the environment or a file");
    demand((problem.line == 0) == (problem.column == 0), "a place is a line and a column, or neither");
    if (problem.line == 0) {
        return;
    }
    const auto file = files.find(problem.file);
    demand(file != files.end(), "a place is in a file that was read");
    demand_place_inside(problem, file->second);
}

void demand_sound(const model::PodSpec& pod) {
    demand(pod.main().has_value(), "what can be run has a main");
    std::set<std::string> names;
    for (const model::ServiceSpec& service : pod.services) {
        demand(names.insert(service.name).second, "names of services are unique");
        demand(!service.command.empty(), "a service has a command");
        demand(service.main || service.grace.has_value(), "a helper has a grace period");
        for (const model::Dependency& dependency : service.depends_on) {
            demand(dependency.service < pod.services.size(), "a dependency is a service");
        }
    }
    demand(pod.lifecycle.drain.min <= pod.lifecycle.drain.max, "a drain ends");
}

} // namespace

config::LoadResult load(const Files& files) {
    config::LoadResult result = config::load(sources_of(files), {.path = "/c"});
    for (const config::Problem& problem : result.problems) {
        demand_good_problem(problem, files);
    }
    if (!config::has_error(result, config::Purpose::run)) {
        demand_sound(result.pod);
    }
    return result;
}

config::LoadResult load_twice(const Files& files) {
    config::LoadResult result = load(files);
    const config::LoadResult again = config::load(sources_of(files), {.path = "/c"});
    demand(again.problems == result.problems, "loading twice tells the same problems");
    demand(again.pod == result.pod, "loading twice gives the same specification");
    return result;
}

} // namespace davit::fuzz
