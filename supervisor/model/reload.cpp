// SPDX-License-Identifier: Apache-2.0
// Comparing two specifications. See reload.h.
#include "model/reload.h"

#include "model/pod_machine.h"
#include "model/words.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

namespace davit::model {
namespace {

using Places = std::vector<ServiceIndex>; // of the loaded services in the next specification

ServiceSpec empty_place(const std::string& name) {
    ServiceSpec place;
    place.name = name;
    place.enabled = false;
    place.removed = true;
    return place;
}

FixedKeys fixed_keys_of(const PodSpec& spec) {
    return {.status_port = spec.status_port, .status_address = spec.status_address, .state_dir = spec.state_dir};
}

/// With what was written for them.
void keep_fixed_keys(const PodSpec& present, PodSpec& next) {
    next.status_port = present.status_port;
    next.status_address = present.status_address;
    next.state_dir = present.state_dir;
    const auto is_of_them = [](const WrittenValue& written) {
        return written.path == "statusPort" || written.path == "statusAddress";
    };
    std::erase_if(next.written_values, is_of_them);
    std::ranges::copy_if(present.written_values, std::back_inserter(next.written_values), is_of_them);
}

std::string stays_text(const FixedKeys& present, const FixedKeys& other) {
    const bool port = present.status_port != other.status_port || present.status_address != other.status_address;
    const bool state = present.state_dir != other.state_dir;
    if (port && state) {
        return "statusPort, statusAddress and stateDir stay as they are: start the container anew for others";
    }
    return port ? "statusPort and statusAddress stay as they are: start the container anew for others"
                : "stateDir stays as it is: start the container anew for another";
}

/// A service that is still there keeps its place.
PodSpec with_places(const PodSpec& present, const PodSpec& loaded) {
    PodSpec next = loaded;
    next.signal_group = present.signal_group;
    next.mode = present.mode;
    keep_fixed_keys(present, next);
    next.services.clear();
    std::map<std::string_view, ServiceIndex> place_of;
    for (const ServiceSpec& service : present.services) {
        if (!service.removed) {
            place_of[service.name] = next.services.size();
        }
        next.services.push_back(empty_place(service.name));
    }
    Places places;
    for (const ServiceSpec& service : loaded.services) {
        const auto [found, is_new] = place_of.try_emplace(service.name, next.services.size());
        if (is_new) {
            next.services.push_back(service);
        } else {
            next.services[found->second] = service;
        }
        places.push_back(found->second);
    }
    for (const ServiceIndex place : places) {
        std::vector<Dependency>& dependencies = next.services[place].depends_on;
        for (Dependency& dependency : dependencies) {
            dependency.service = places[dependency.service];
        }
        std::ranges::sort(dependencies, {}, &Dependency::service);
    }
    return next;
}

std::vector<std::string_view> values_of(const std::vector<Text>& texts) {
    std::vector<std::string_view> values;
    std::ranges::transform(texts, std::back_inserter(values),
                           [](const Text& text) { return std::string_view{text.value}; });
    return values;
}

std::map<std::string_view, std::string_view> environment_of(const ServiceSpec& service) {
    std::map<std::string_view, std::string_view> variables;
    for (const auto* list : {&service.env_from_files, &service.env}) {
        for (const EnvVariable& variable : *list) {
            variables[variable.name] = variable.value.value;
        }
    }
    return variables;
}

/// What of a probe is built into the process: notify gives it a socket and a watchdog's time, log needs a relay
/// that knows the pattern.
std::array<std::optional<ProbeSpec>, 3> probes_in_process(const ServiceSpec& service) {
    std::array probes{service.startup_probe, service.readiness_probe, service.liveness_probe};
    for (std::optional<ProbeSpec>& probe : probes) {
        const bool built_in = probe && (std::holds_alternative<NotifyCheck>(probe->check) ||
                                        std::holds_alternative<LogCheck>(probe->check));
        if (!built_in) {
            probe.reset();
        }
    }
    return probes;
}

/// That main waits for what is new, and no more for what is gone, is told there.
void forget_dependencies_on_new_and_gone(ServiceSpec& main, const PodSpec& present, const PodSpec& next) {
    std::erase_if(main.depends_on, [&](const Dependency& dependency) {
        const ServiceIndex target = dependency.service;
        const bool is_there = target < present.services.size() && present.services[target].enabled;
        return !is_there || !next.services[target].enabled;
    });
}

bool gives_other_cpus(const CpusSpec& before, CpusSpec after) {
    after.watch = before.watch; // these two are for davit, not for the process
    after.on_change = before.on_change;
    return before != after;
}

bool differs(const PodSpec& present, const PodSpec& next, ServiceIndex index) {
    ServiceSpec before = present.services[index];
    ServiceSpec after = next.services[index];
    for (ServiceSpec* service : {&before, &after}) {
        std::ranges::sort(service->depends_on, {}, &Dependency::service);
        if (after.main) {
            forget_dependencies_on_new_and_gone(*service, present, next);
        }
    }
    return !(before == after);
}

Fate fate_of_main(const ServiceSpec& before, const ServiceSpec& after, const Service& main, MainRestart restart) {
    if (!process_differs(before, after) || main.process == Process::none) {
        return Fate::adjusted;
    }
    return restart == MainRestart::allowed ? Fate::restarted : Fate::kept;
}

Fate fate_of_helper(const ServiceSpec& before, const ServiceSpec& after, const Pod& pod, ServiceIndex index) {
    switch (pod.services[index].state) {
    case ServiceState::failed: return Fate::started;
    case ServiceState::completed: return process_differs(before, after) ? Fate::started : Fate::adjusted;
    case ServiceState::inactive:
    case ServiceState::stopped:
    case ServiceState::held: return Fate::adjusted;
    case ServiceState::blocked:
    case ServiceState::starting:
    case ServiceState::running:
    case ServiceState::backoff:
    case ServiceState::stopping: break;
    }
    const bool stops_by_hand = pod.pending[index] == Pending::stop;
    return process_differs(before, after) && !stops_by_hand ? Fate::restarted : Fate::adjusted;
}

Fate fate_of(const PodSpec& present, const PodSpec& next, const Pod& pod, ServiceIndex index, MainRestart restart) {
    const ServiceSpec& after = next.services[index];
    if (index >= present.services.size()) {
        return after.enabled ? Fate::added : Fate::adjusted;
    }
    const ServiceSpec& before = present.services[index];
    if (before.removed) {
        return Fate::unchanged;
    }
    if (after.removed) {
        return Fate::removed;
    }
    if (before.enabled != after.enabled) {
        return after.enabled ? Fate::added : Fate::disabled;
    }
    if (!differs(present, next, index)) {
        return Fate::unchanged;
    }
    if (!after.enabled) {
        return Fate::adjusted;
    }
    return after.main ? fate_of_main(before, after, pod.services[index], restart)
                      : fate_of_helper(before, after, pod, index);
}

ServiceReload reload_of(const PodSpec& present, const PodSpec& next, const Pod& pod, ServiceIndex index,
                        MainRestart restart) {
    ServiceReload reload{.fate = fate_of(present, next, pod, index, restart)};
    if (reload.fate == Fate::adjusted && index < present.services.size()) {
        const ServiceSpec& before = present.services[index];
        const ServiceSpec& after = next.services[index];
        reload.startup_changed = before.startup_probe != after.startup_probe;
        reload.readiness_changed = before.readiness_probe != after.readiness_probe;
        reload.liveness_changed = before.liveness_probe != after.liveness_probe;
    }
    return reload;
}

/// Main is what the container is for; another one is another container.
Result<void> check_main(const PodSpec& present, const PodSpec& loaded) {
    const auto before = present.main();
    const auto after = loaded.main();
    if (loaded.plain_init) {
        return failure("there is no configuration any more; nothing was changed");
    }
    if (!before || !after) {
        return failure("no service is main; nothing was changed");
    }
    const std::string& old_name = present.services[*before].name;
    const std::string& new_name = loaded.services[*after].name;
    if (old_name != new_name) {
        return failure("main is " + old_name + " and would be " + new_name +
                       ": only a new container can have another main; nothing was changed");
    }
    return {};
}

} // namespace

bool process_differs(const ServiceSpec& before, const ServiceSpec& after) {
    const auto directory = [](const ServiceSpec& service) {
        return service.working_dir ? service.working_dir->value : std::string{};
    };
    return values_of(before.command) != values_of(after.command) || environment_of(before) != environment_of(after) ||
           directory(before) != directory(after) || before.identity != after.identity ||
           gives_other_cpus(before.cpus, after.cpus) || before.log_mode != after.log_mode ||
           before.log_file != after.log_file || before.oneshot != after.oneshot ||
           probes_in_process(before) != probes_in_process(after);
}

bool ReloadPlan::changes_nothing() const {
    return !pod_changed && !lifecycle_changed && !other_fixed_keys &&
           std::ranges::all_of(services, [](const ServiceReload& service) { return service.fate == Fate::unchanged; });
}

Result<ReloadPlan> plan_reload(const PodSpec& present, const Pod& pod, const PodSpec& loaded, MainRestart main) {
    if (const auto checked = check_main(present, loaded); !checked) {
        return std::unexpected{checked.error()};
    }
    ReloadPlan plan{.next = with_places(present, loaded), .services = {}};
    const auto removed = static_cast<std::size_t>(std::ranges::count(plan.next.services, true, &ServiceSpec::removed));
    if (removed > most_removed_services) {
        return failure(counted(static_cast<unsigned>(removed), "service") +
                       " would have been removed since davit started, more than it keeps places for: start the "
                       "container anew; nothing was changed");
    }
    for (ServiceIndex index = 0; index < plan.next.services.size(); ++index) {
        plan.services.push_back(reload_of(present, plan.next, pod, index, main));
    }
    const auto of_the_pod = [](const PodSpec& spec) {
        return std::tie(spec.cpus, spec.isolate_file, spec.isolate_key, spec.log_format);
    };
    const auto of_its_lifecycle = [](const PodSpec& spec) { return std::tie(spec.app, spec.grace, spec.lifecycle); };
    plan.pod_changed = of_the_pod(present) != of_the_pod(loaded);
    plan.lifecycle_changed = of_its_lifecycle(present) != of_its_lifecycle(loaded);
    if (fixed_keys_of(present) != fixed_keys_of(loaded)) {
        plan.other_fixed_keys = fixed_keys_of(loaded);
    }
    return plan;
}

std::string_view to_string(Fate fate) {
    switch (fate) {
    case Fate::unchanged: return "unchanged";
    case Fate::adjusted: return "changes without a restart";
    case Fate::restarted: return "restarts";
    case Fate::started: return "starts again";
    case Fate::kept: return "stays as it is: restart it with --main";
    case Fate::added: return "starts";
    case Fate::disabled: return "stops, it is disabled";
    case Fate::removed: break;
    }
    return "stops, it is removed";
}

std::string summary_of(const ReloadPlan& plan) {
    if (plan.changes_nothing()) {
        return "nothing changed";
    }
    constexpr std::array<std::pair<Fate, std::string_view>, 6> words{{{Fate::restarted, " restarted"},
                                                                      {Fate::started, " started again"},
                                                                      {Fate::added, " added"},
                                                                      {Fate::disabled, " disabled"},
                                                                      {Fate::removed, " removed"},
                                                                      {Fate::adjusted, " changed without a restart"}}};
    std::string text = "reloaded";
    std::string separator = ": ";
    for (const auto& [fate, word] : words) {
        const auto count = std::ranges::count(plan.services, fate, &ServiceReload::fate);
        if (count > 0) {
            text += separator + std::to_string(count) + std::string{word};
            separator = ", ";
        }
    }
    if (plan.pod_changed || plan.lifecycle_changed) {
        text += separator + "pod and life cycle changed";
    }
    if (plan.other_fixed_keys) {
        text += "; " + stays_text(fixed_keys_of(plan.next), *plan.other_fixed_keys);
    }
    for (ServiceIndex index = 0; index < plan.services.size(); ++index) {
        if (plan.services[index].fate == Fate::kept) {
            text += "; main changed (" + plan.next.services[index].name + "): restart it with --main";
        }
    }
    return text;
}

} // namespace davit::model
