// SPDX-License-Identifier: Apache-2.0
#include "runtime/driver_host.h"

#include "os/own_process.h"

#include <algorithm>
#include <unistd.h>
#include <utility>

namespace davit::runtime {

const model::OwnProcess& DriverHost::own_process() {
    if (!own) {
        own = os::read_own_process();
        // davit has raised this one for itself; its children have what it was.
        const auto descriptors = std::ranges::find(own->identity.limits, "nofile", &model::ResourceLimit::name);
        if (descriptors != own->identity.limits.end()) {
            descriptors->soft = options.open_descriptors.value_or(descriptors->soft);
        }
    }
    return *own;
}

model::IdentityChange DriverHost::identity_of(const model::ServiceSpec& service) {
    if (service.identity == model::Identity{}) {
        return {};
    }
    const model::ProcessIdentity& from = own_process().identity;
    return model::change_between(from, model::identity_of(service.identity, from));
}

/// A service that was never launched: what it would get for certain.
model::ServiceCpus DriverHost::cpus_of(model::ServiceIndex service) {
    if (const auto last = last_cpus.find(service); last != last_cpus.end()) {
        return last->second;
    }
    const std::vector<std::string> argv = values_of(spec.services[service].command);
    const Variables environment = base_environment_of(spec.services[service]);
    model::CpusSpec settings = spec.services[service].cpus;
    settings.java = model::JavaSetting::never;
    settings.shim = model::ShimSetting::off;
    return model::cpus_of_service({.settings = settings, .argv = argv, .environment = environment}, cpu_count(), {},
                                  {});
}

Variables DriverHost::environment_of(model::ServiceIndex service) {
    Variables variables = base_environment_of(spec.services[service]);
    set_variables(variables, cpus_of(service).variables);
    return variables;
}

ServiceSurroundings DriverHost::surroundings_of(model::ServiceIndex index) {
    const model::ServiceSpec& service = spec.services[index];
    const model::OwnProcess& from = own_process();
    Variables environment = environment_of(index);
    set_variables(environment, cpus_of(index).leader_variables);
    return {.environment = std::move(environment),
            .identity = model::identity_of(service.identity, from.identity),
            .directory = service.working_dir ? service.working_dir->value : from.directory};
}

os::Reach reach_of(const model::ServiceSpec& service) {
    const bool is_own_user = !service.identity.user || service.identity.user->id == ::geteuid();
    return is_own_user ? os::Reach::own_user : os::Reach::everybody;
}

} // namespace davit::runtime
