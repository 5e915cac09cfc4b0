// SPDX-License-Identifier: Apache-2.0
// The texts that say who a service is: an env file, and /etc/passwd and /etc/group of the image, which anybody may have
// written.
#include "config/env_file.h"
#include "model/accounts.h"

#include "target.h"

#include <algorithm>

namespace davit::fuzz {

namespace {

void check_env_file(std::string_view text) {
    config::Problems problems;
    const std::uint32_t file = problems.add_file("f");
    const auto variables = config::parse_env_file(text, file, problems);
    const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
    demand(variables.size() + (problems.has_errors() ? 1 : 0) <= lines, "a line is at most one variable");
    for (const model::EnvVariable& variable : variables) {
        demand(!variable.name.empty() && !variable.name.contains('='), "a variable has a name");
        demand(text.contains(variable.name), "a name stands in the text");
        demand(!variable.value.value.contains('\n') && !variable.value.value.contains('\0'), "a value is one line");
        demand(variable.value.value.size() <= text.size(), "nothing is put into a value");
        demand(std::ranges::count(variables, variable.name, &model::EnvVariable::name) == 1, "a name stands once");
    }
    for (const config::Problem& problem : problems.take()) {
        demand(problem.line >= 1 && problem.line <= lines, "a problem's line is in its file");
        demand_readable(problem.text);
    }
}

void check_accounts(std::string_view passwd, std::string_view group) {
    const model::Accounts accounts = model::parse_accounts(passwd, group);
    for (const model::UserAccount& user : accounts.users) {
        demand(!user.name.empty() && user.id != ~0U && user.primary_group != ~0U, "a user has a name and an id");
        demand(accounts.find_user(user.name)->name == user.name, "a user is found by its name");
        demand(accounts.find_user(user.id)->id == user.id, "a user is found by its id");
        const auto groups = accounts.groups_of(user.name);
        demand(groups.size() <= accounts.groups.size(), "a user is in no more groups than there are");
    }
    std::uint32_t id = 0;
    if (model::parse_id(passwd, id)) {
        demand(std::to_string(id) == passwd, "an id is written in one way");
    }
}

} // namespace

void run(std::string_view input) {
    check_env_file(input);
    const auto half = std::min(input.find('\1'), input.size());
    check_accounts(input.substr(0, half), input.substr(std::min(half + 1, input.size())));
}

} // namespace davit::fuzz
