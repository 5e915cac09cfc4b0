// SPDX-License-Identifier: Apache-2.0
// The text of an envFile.
#include "config/env_file.h"

#include "target.h"

#include <algorithm>

namespace davit::fuzz {

namespace {

struct Parsed {
    std::vector<model::EnvVariable> variables;
    std::vector<config::Problem> problems;
};

Parsed parse(std::string_view text) {
    config::Problems problems;
    const std::uint32_t file = problems.add_file("a.env");
    std::vector<model::EnvVariable> variables = config::parse_env_file(text, file, problems);
    return {std::move(variables), problems.take()};
}

/// As a line of such a file; nothing of it is special in double quotes.
std::string line_of(const model::EnvVariable& variable) {
    std::string line = variable.name + "=\"";
    for (const char letter : variable.value.value) {
        line += letter == '"' || letter == '\\' || letter == '$' || letter == '`' ? "\\" : "";
        line += letter;
    }
    return line + "\"\n";
}

} // namespace

void run(std::string_view input) {
    const Parsed parsed = parse(input);
    const auto lines = static_cast<std::size_t>(std::ranges::count(input, '\n')) + 1;
    for (const config::Problem& problem : parsed.problems) {
        demand(problem.line >= 1 && problem.line <= lines, "a problem's line is in the file");
    }
    demand(parsed.variables.size() <= lines, "a line is at most one variable");
    std::string written;
    for (const model::EnvVariable& variable : parsed.variables) {
        demand(!variable.name.empty() && !variable.name.contains('='), "a variable has a name");
        demand(!variable.value.value.contains('\n'), "a value is part of a line");
        written += line_of(variable);
    }
    const Parsed again = parse(written);
    demand(again.variables == parsed.variables && again.problems.empty(), "what is written back reads the same");
}

} // namespace davit::fuzz
