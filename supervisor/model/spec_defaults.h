// SPDX-License-Identifier: Apache-2.0
// From what the user wrote to what davit does: every default that hangs on other keys is decided here (who
// is main, what main depends on, a dependency's condition, restart policies, grace periods, the drain).
// The input keeps "not written" and "written" apart, so `dependsOn: []` is not the same as no key.
// Pure: names, layers, `${...}` and the places of errors are the business of config/.
#pragma once

#include "model/spec.h"

#include <optional>
#include <string>
#include <vector>

namespace davit::model {

/// One entry of `dependsOn`. `service` is a name: unknown ones are told by config and left out here.
struct WrittenDependency {
    std::string service;
    std::optional<Condition> condition;
    std::optional<bool> required;
    friend bool operator==(const WrittenDependency&, const WrittenDependency&) = default;
};

/// A service as its keys were written. What has a default that hangs on nothing else (probes, backoff)
/// has it already; nullopt: the key was not written.
struct WrittenService {
    std::string name;
    std::optional<bool> main;
    std::optional<bool> oneshot;
    std::optional<bool> enabled;
    std::optional<bool> critical;
    std::vector<Text> command; // `command` and `args` together
    std::vector<EnvVariable> env;
    std::optional<Text> working_dir;
    std::optional<std::vector<WrittenDependency>> depends_on;
    std::optional<ProbeSpec> startup_probe;
    std::optional<ProbeSpec> readiness_probe;
    std::optional<ProbeSpec> liveness_probe;
    std::optional<RestartPolicy> restart_policy;
    BackoffSpec backoff;
    std::optional<std::vector<int>> success_exit_codes;
    std::optional<int> stop_signal;
    std::vector<Text> stop_command;
    std::optional<Duration> grace;
    std::optional<LogMode> log_mode;
    friend bool operator==(const WrittenService&, const WrittenService&) = default;
};

struct WrittenDrain {
    std::optional<Duration> min;
    std::optional<Duration> max;
    std::vector<std::uint16_t> ports;
    friend bool operator==(const WrittenDrain&, const WrittenDrain&) = default;
};

struct WrittenPod {
    std::string app; // its default needs the environment: config fills it in
    std::optional<Duration> grace;
    std::vector<WrittenService> services; // in the order of the configuration
    LifecycleSpec lifecycle;              // but for the drain, which stands below
    WrittenDrain drain;
    friend bool operator==(const WrittenPod&, const WrittenPod&) = default;
};

/// The name of the service that CMD becomes where no service says `main: true`.
inline constexpr std::string_view command_service_name = "main";

/// Contract 3.3: CMD replaces the command of the service that says `main: true`; if none says so, it is a new
/// service `main` (or the command of the service that has this name already). An empty CMD changes nothing.
void apply_command(WrittenPod& pod, const std::vector<std::string>& command);

/// Fills in every default. Call `apply_command` first. Without a main the result has none (`PodSpec::main`).
/// Total: unknown names in `dependsOn` are left out, two mains stay two, cycles stay cycles.
PodSpec resolve(const WrittenPod& written);

/// A condition that can never be met: it would block the service for ever.
struct ImpossibleCondition {
    ServiceIndex service = 0;    // whose dependsOn
    ServiceIndex dependency = 0; // the entry in it
    std::string what;            // "db can never be ready: it has neither a startupProbe nor a readinessProbe"
    friend bool operator==(const ImpossibleCondition&, const ImpossibleCondition&) = default;
};

/// `ready` of a service without a startup or readiness probe, `completed` of one that is restarted for ever.
/// Services that are not enabled are as if they were not there. In the order of the configuration.
std::vector<ImpossibleCondition> impossible_conditions(const PodSpec& spec);

} // namespace davit::model
