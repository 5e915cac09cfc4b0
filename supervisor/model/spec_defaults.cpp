// SPDX-License-Identifier: Apache-2.0
// The body of spec_defaults.h, in the order in which defaults hang on each other: who is main, each service, what they
// depend on, what main depends on.
#include "model/spec_defaults.h"

#include "model/contains.h"
#include "model/dependency_graph.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace davit::model {
namespace {

/// The service that is main: the one that says so, else the only enabled one that is no oneshot.
std::optional<ServiceIndex> find_main(const WrittenPod& pod) {
    std::vector<ServiceIndex> candidates;
    for (ServiceIndex index = 0; index < pod.services.size(); ++index) {
        const WrittenService& service = pod.services[index];
        if (service.main == true) {
            return index;
        }
        if (!service.oneshot && service.enabled && service.main != false) {
            candidates.push_back(index);
        }
    }
    return candidates.size() == 1 ? std::optional{candidates.front()} : std::nullopt;
}

Condition default_condition(const ServiceSpec& dependency) {
    if (dependency.startup_probe || dependency.readiness_probe) {
        return Condition::ready;
    }
    return dependency.oneshot ? Condition::completed : Condition::started;
}

ServiceSpec resolve_service(const WrittenService& written, bool main) {
    ServiceSpec service;
    service.name = written.name;
    service.main = main;
    service.oneshot = written.oneshot;
    service.enabled = written.enabled;
    service.critical = written.critical || main;
    service.command = written.command;
    service.env = written.env;
    service.env_files = written.env_files;
    service.env_from_files = written.env_from_files;
    service.identity = written.identity;
    service.working_dir = written.working_dir;
    service.startup_probe = written.startup_probe;
    service.readiness_probe = written.readiness_probe;
    service.liveness_probe = written.liveness_probe;
    service.restart_policy =
        written.restart_policy.value_or(main || written.oneshot ? RestartPolicy::never : RestartPolicy::always);
    service.backoff = written.backoff;
    service.success_exit_codes = written.success_exit_codes;
    service.stop_signal = written.stop_signal;
    service.stop_command = written.stop_command;
    service.grace = written.grace;
    if (!service.grace && !main) {
        service.grace = default_helper_grace;
    }
    service.log_mode = written.log_mode.value_or(main ? LogMode::raw : LogMode::prefix);
    service.log_file = written.log_file;
    service.cpus = written.cpus;
    return service;
}

void resolve_written_dependencies(const WrittenPod& written, PodSpec& pod) {
    std::unordered_map<std::string_view, ServiceIndex> by_name;
    for (ServiceIndex index = 0; index < pod.services.size(); ++index) {
        by_name.emplace(pod.services[index].name, index);
    }
    for (ServiceIndex index = 0; index < pod.services.size(); ++index) {
        if (!written.services[index].depends_on) {
            continue;
        }
        for (const WrittenDependency& dependency : *written.services[index].depends_on) {
            if (const auto target = by_name.find(dependency.service); target != by_name.end()) {
                pod.services[index].depends_on.push_back(Dependency{
                    .service = target->second,
                    .condition = dependency.condition.value_or(default_condition(pod.services[target->second])),
                    .required = dependency.required});
            }
        }
    }
}

/// main waits for everything that does not wait for main.
void resolve_mains_dependencies(const WrittenPod& written, PodSpec& pod, ServiceIndex main) {
    if (written.services[main].depends_on) {
        return;
    }
    const std::vector<ServiceIndex> after_main = find_transitive_dependents(pod, main);
    for (ServiceIndex index = 0; index < pod.services.size(); ++index) {
        if (index != main && pod.services[index].enabled && !contains(after_main, index)) {
            pod.services[main].depends_on.push_back(
                Dependency{.service = index, .condition = default_condition(pod.services[index])});
        }
    }
}

DrainSpec resolve_drain(const WrittenDrain& written) {
    DrainSpec drain{.ports = written.ports};
    const bool ports = !written.ports.empty();
    // A default never contradicts what is written: a short written maximum shortens the default minimum.
    const Duration default_min = ports ? default_drain_min_with_ports : Duration::zero();
    drain.min = written.min.value_or(written.max ? std::min(default_min, *written.max) : default_min);
    drain.max = written.max.value_or(ports ? std::max(default_drain_max_with_ports, drain.min) : drain.min);
    return drain;
}

} // namespace

void apply_command(WrittenPod& pod, std::vector<Text> command) {
    auto main = std::ranges::find(pod.services, std::optional{true}, &WrittenService::main);
    if (main == pod.services.end()) {
        WrittenService service;
        service.name = "main";
        service.main = true;
        service.cpus = pod.cpus;
        main = pod.services.insert(pod.services.end(), std::move(service));
    }
    main->command = std::move(command);
}

PodSpec resolve_defaults(const WrittenPod& written, const std::string& host_name) {
    PodSpec pod;
    pod.app = written.app.value_or(host_name);
    pod.grace = written.grace.value_or(pod.grace);
    pod.lifecycle = written.lifecycle;
    pod.lifecycle.drain = resolve_drain(written.drain);
    pod.cpus = written.cpus;
    pod.isolate_file = written.isolate_file;
    pod.isolate_key = written.isolate_key;
    pod.state_dir = written.state_dir;
    pod.status_port = written.status_port;
    pod.status_address = written.status_address;
    pod.log_format = written.log_format;
    pod.written_values = written.written_values;
    const std::optional<ServiceIndex> main = find_main(written);
    pod.services.reserve(written.services.size());
    for (ServiceIndex index = 0; index < written.services.size(); ++index) {
        pod.services.push_back(resolve_service(written.services[index], index == main));
    }
    resolve_written_dependencies(written, pod);
    if (main) {
        resolve_mains_dependencies(written, pod, *main);
    }
    return pod;
}

std::vector<ImpossibleCondition> find_impossible_conditions(const PodSpec& pod) {
    std::vector<ImpossibleCondition> found;
    for (const ServiceSpec& service : pod.services) {
        for (const Dependency& dependency : service.depends_on) {
            const ServiceSpec& target = pod.services[dependency.service];
            if (!service.enabled || !target.enabled) {
                continue;
            }
            const bool never_ready =
                dependency.condition == Condition::ready && !target.startup_probe && !target.readiness_probe;
            const bool never_completes =
                dependency.condition == Condition::completed && target.restart_policy == RestartPolicy::always;
            if (never_ready) {
                found.push_back(
                    {service.name, target.name, target.name + " has neither a startup nor a readiness probe"});
            }
            if (never_completes) {
                found.push_back({service.name, target.name, target.name + " restarts for ever (restartPolicy Always)"});
            }
        }
    }
    return found;
}

} // namespace davit::model
