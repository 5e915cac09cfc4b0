// SPDX-License-Identifier: Apache-2.0
// From what was written to what is meant: the defaults that hang on other keys (who is main, what main
// waits for, the condition of a dependency, restart policy and log mode by kind, drain times). The plain
// defaults stand in spec.h. Config fills a `WrittenPod`, this makes the `PodSpec`.
#pragma once

#include "model/spec.h"

#include <optional>
#include <string>
#include <vector>

namespace davit::model {

struct WrittenDependency {
    std::string service;
    std::optional<Condition> condition;
    bool required = true;
    friend bool operator==(const WrittenDependency&, const WrittenDependency&) = default;
};

struct WrittenService {
    std::string name;
    std::vector<Text> command; // with `args`
    std::optional<bool> main;
    bool oneshot = false;
    bool enabled = true;
    bool critical = false;
    std::optional<std::vector<WrittenDependency>> depends_on;
    std::vector<EnvVariable> env;
    std::vector<Text> env_files;
    std::vector<EnvVariable> env_from_files;
    std::optional<Text> working_dir;
    Identity identity;
    std::optional<ProbeSpec> startup_probe;
    std::optional<ProbeSpec> readiness_probe;
    std::optional<ProbeSpec> liveness_probe;
    std::optional<RestartPolicy> restart_policy;
    BackoffSpec backoff;
    std::vector<int> success_exit_codes = {0};
    int stop_signal = SIGTERM;
    std::vector<Text> stop_command;
    std::optional<Duration> grace;
    std::optional<LogMode> log_mode;
    LogFileSpec log_file;
    CpusSpec cpus; // of the pod, where it says nothing itself
};

struct WrittenDrain {
    std::optional<Duration> min;
    std::optional<Duration> max;
    std::vector<std::uint16_t> ports;
};

struct WrittenPod {
    std::optional<std::string> app;
    std::optional<Duration> grace;
    std::vector<WrittenService> services;
    LifecycleSpec lifecycle; // without `drain`
    WrittenDrain drain;
    CpusSpec cpus;
    Text isolate_file;
    std::string isolate_key;
    Text state_dir;
    std::optional<std::uint16_t> status_port;
    std::string status_address;
    LogFormat log_format = LogFormat::text;
    std::vector<WrittenValue> written_values;
};

/// A condition that can never be met.
struct ImpossibleCondition {
    std::string service;
    std::string dependency;
    std::string text; // "mesh has neither a startup nor a readiness probe"
};

/// CMD: replaces the command of the service that says `main: true`; if none does it is a new service `main`.
void apply_command(WrittenPod& pod, std::vector<Text> command);

/// `host_name`: the app's name when none is written. Dependencies on unknown services are left out (config
/// has told them). The result has no main if none is written and not exactly one service is no oneshot.
PodSpec resolve_defaults(const WrittenPod& written, const std::string& host_name);

/// In the order of the configuration. What is not enabled is as if it were not there.
std::vector<ImpossibleCondition> find_impossible_conditions(const PodSpec& pod);

} // namespace davit::model
