// SPDX-License-Identifier: Apache-2.0
// `davit cpus`: the number of CPUs that this container may keep busy, how it comes about, and what a given JVM makes of
// it. Counts by itself: it works without a supervisor, and in any container that has the binary.
#pragma once

#include "cli/arguments.h"
#include "model/cpu_count.h"
#include "os/jvm_library.h"

#include <optional>
#include <string>
#include <vector>

namespace davit::cli {

/// What `--java` was told of: the JVM with what is to be done, or why it is none.
struct JavaView {
    std::optional<os::JvmLibrary> library;
    model::JvmPlan plan;
    std::string problem;
};

/// A line for the number, with `--explain` one for each source, then the notes.
std::vector<std::string> cpus_lines(const model::CpuCount& count, bool explained);
std::vector<std::string> java_lines(const JavaView& java, const model::CpuCount& count);
/// {"cpus", "quota", "quotaFrom", "cpuset", "affinity", "round", "notes"}, and "java" where it was asked for.
std::string cpus_json(const model::CpuCount& count, const std::optional<JavaView>& java);

int cpus(const Arguments& arguments);

} // namespace davit::cli
