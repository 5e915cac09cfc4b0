// SPDX-License-Identifier: Apache-2.0
// Finds the JVM behind a `java` program and reads what it knows (model/jvm.h) from its libjvm.so. Takes tens of
// milliseconds for a library that is not in memory yet: for clients, and for PID 1 before a service starts.
#pragma once

#include "model/jvm.h"
#include "model/result.h"

#include <optional>
#include <string>

namespace davit::os {

struct JvmLibrary {
    std::string java;    // the real path of the program
    std::string library; // its libjvm.so
    std::optional<int> version;
    model::JvmFacts facts;
};

/// `program` with a slash is a path, else it is looked for in `search_path` (as PATH is written). Error: what it is
/// instead of a JVM's launcher: "/opt/java.sh: a script: what it starts is not known".
Result<JvmLibrary> find_jvm(const std::string& program, const std::string& search_path);

} // namespace davit::os
