// SPDX-License-Identifier: Apache-2.0
// `davit cpus`: the number of CPUs that this container may keep busy, how it comes about, and what a given JVM makes of
// it. Counts by itself: it works without a supervisor, and in any container that has the binary. A davit that runs is
// asked for the settings of its configuration, and for what it has given to its services.
#pragma once

#include "cli/arguments.h"
#include "cli/fetch.h"
#include "model/cpu_count.h"
#include "os/jvm_library.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::cli {

/// What `--java` was told of: the JVM with what is to be done, or why it is none.
struct JavaView {
    std::optional<os::JvmLibrary> library;
    model::JvmPlan plan;
    std::string problem;
};

/// What a service was given at its last start.
struct GivenToService {
    std::string name;
    std::optional<int> pid; // nullopt: it does not run
    int cpus = 1;
    bool has_library = false;
    std::vector<std::string> reasons;
};

/// What a running davit says (GET /v1/cpus).
struct Running {
    model::CpusSpec settings; // of the pod: count, round and env
    std::vector<GivenToService> services;
};

/// nullopt: the text is something else.
std::optional<Running> parse_running(std::string_view json);

/// A line for the number, with `--explain` one for each source, then the notes.
std::vector<std::string> cpus_lines(const model::CpuCount& count, bool explained);
std::vector<std::string> java_lines(const JavaView& java, const model::CpuCount& count);
/// {"cpus", "quota", "quotaFrom", "cpuset", "affinity", "round", "notes"}, and "java" where it was asked for.
std::string cpus_json(const model::CpuCount& count, const std::optional<JavaView>& java);

/// What each service was given. `why_not_loaded` says of a process why the preload library is not in it; empty: it is.
std::vector<std::string> service_lines(const Running& running,
                                       const std::function<std::string(int pid)>& why_not_loaded);
/// DAVIT_CPUS and the names of `env` that `environment` does not have, each as NAME=N.
std::vector<std::string> env_lines(const model::CpuCount& count, const model::CpusSpec& settings,
                                   Environment environment);

int cpus(const Arguments& arguments, Environment environment);

} // namespace davit::cli
