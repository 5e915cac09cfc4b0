// SPDX-License-Identifier: Apache-2.0
#include "runtime/environment.h"

#include <algorithm>

namespace davit::runtime {
namespace {

bool is_named(std::string_view variable, std::string_view name) {
    return variable.size() > name.size() && variable[name.size()] == '=' && variable.starts_with(name);
}

/// What login(1) sets, where the system knows the user.
void set_user_variables(Variables& variables, const model::Identity& identity) {
    if (!identity.home.empty()) {
        set_variable(variables, "HOME", identity.home);
    }
    if (!identity.user_name.empty()) {
        set_variable(variables, "USER", identity.user_name);
        set_variable(variables, "LOGNAME", identity.user_name);
    }
}

} // namespace

void set_variable(Variables& variables, std::string_view name, std::string_view value) {
    std::string text;
    text.reserve(name.size() + 1 + value.size());
    text.append(name).append("=").append(value);
    const auto found =
        std::ranges::find_if(variables, [&](const std::string& variable) { return is_named(variable, name); });
    if (found == variables.end()) {
        variables.push_back(std::move(text));
    } else {
        *found = std::move(text);
    }
}

Variables service_environment(const Variables& inherited, const model::ServiceSpec& spec, const DavitVariables& davit) {
    Variables variables;
    variables.reserve(inherited.size() + spec.env_from_files.size() + spec.env.size() + 6);
    variables = inherited;
    set_user_variables(variables, spec.identity);
    for (const auto* written : {&spec.env_from_files, &spec.env}) {
        for (const model::EnvVariable& variable : *written) {
            set_variable(variables, variable.name, variable.value.value);
        }
    }
    set_variable(variables, "DAVIT_SERVICE", davit.service);
    if (!davit.socket.empty()) {
        set_variable(variables, "DAVIT_SOCKET", davit.socket);
    }
    return variables;
}

void set_variables(Variables& variables, const std::vector<model::NamedValue>& values) {
    for (const model::NamedValue& value : values) {
        set_variable(variables, value.name, value.value);
    }
}

std::vector<std::string> values_of(const std::vector<model::Text>& command) {
    std::vector<std::string> values;
    values.reserve(command.size());
    std::ranges::transform(command, std::back_inserter(values), &model::Text::value);
    return values;
}

std::string as_written(std::string error, const std::vector<model::Text>& command,
                       const std::optional<model::Text>& directory) {
    for (const model::Text& subject : {directory.value_or(model::Text{}), command.front()}) {
        if (!subject.value.empty() && error.starts_with(subject.value + ": ")) {
            return error.replace(0, subject.value.size(), subject.written);
        }
    }
    return error;
}

} // namespace davit::runtime
