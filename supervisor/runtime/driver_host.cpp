// SPDX-License-Identifier: Apache-2.0
#include "runtime/driver_host.h"

#include "os/own_process.h"

#include <algorithm>
#include <unistd.h>

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

ServiceSurroundings DriverHost::surroundings_of(const model::ServiceSpec& service) {
    const model::OwnProcess& from = own_process();
    return {.environment = environment_of(service),
            .identity = model::identity_of(service.identity, from.identity),
            .directory = service.working_dir ? service.working_dir->value : from.directory};
}

os::Reach reach_of(const model::ServiceSpec& service) {
    const bool is_own_user = !service.identity.user || service.identity.user->id == ::geteuid();
    return is_own_user ? os::Reach::own_user : os::Reach::everybody;
}

} // namespace davit::runtime
