// SPDX-License-Identifier: Apache-2.0
// Reads the JSON of GET /v1/services/NAME/env (its shape stands in api/service_env.h) and shows it to people.
#pragma once

#include "model/process_identity.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::cli {

struct ServiceEnv {
    std::string service;
    std::string directory;
    model::ProcessIdentity identity;
    std::vector<std::string> variables; // NAME=value
};

/// nullopt: it is not what davit sends.
std::optional<ServiceEnv> parse_service_env(std::string_view json);

/// A comment line that says who the service is, then NAME=value lines.
std::string env_text(const ServiceEnv& env);

/// The value of a variable; empty: there is none.
std::string_view variable_of(const std::vector<std::string>& variables, std::string_view name);

} // namespace davit::cli
