// SPDX-License-Identifier: Apache-2.0
// What a child finds in its environment: PID 1's own variables, its user's, the service's files, the service's own
// and davit's, the later ones winning over the earlier. Pure text work; one list of `NAME=value` in, one out.
#pragma once

#include "model/service_cpus.h"
#include "model/spec.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::runtime {

using Variables = std::vector<std::string>; // NAME=value

/// Replaces the variable of that name, or appends it.
void set_variable(Variables& variables, std::string_view name, std::string_view value);

/// What davit tells every service.
struct DavitVariables {
    std::string_view service;
    std::string_view socket; // empty: none
};

/// The environment of a service's own processes: leader, stop command, exec checks, and steps (as main's); without what
/// the CPU count brings (model/service_cpus.h).
Variables service_environment(const Variables& inherited, const model::ServiceSpec& spec, const DavitVariables& davit);

void set_variables(Variables& variables, const std::vector<model::NamedValue>& values);

/// The values of a command as they are used.
std::vector<std::string> values_of(const std::vector<model::Text>& command);

/// The error of a launch, which begins with the program or directory that it is about ("/opt/x: permission denied"),
/// with that as it was written: what `${...}` gives is not shown.
std::string as_written(std::string error, const std::vector<model::Text>& command,
                       const std::optional<model::Text>& directory);

} // namespace davit::runtime
