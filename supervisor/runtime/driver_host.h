// SPDX-License-Identifier: Apache-2.0
// What every driver works with: the loop, the reaper, the logs, the configuration, and the way to report a
// fact. Made by the supervisor, which outlives its drivers.
#pragma once

#include "model/pod_machine.h"
#include "model/spec.h"
#include "os/child_reaper.h"
#include "os/log_output.h"
#include "os/reach.h"
#include "runtime/cpu_counter.h"
#include "runtime/environment.h"
#include "runtime/log.h"
#include "runtime/supervisor.h"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <map>
#include <optional>
#include <sys/types.h>
#include <vector>

namespace davit::runtime {

struct DriverHost {
    boost::asio::io_context& loop;
    const model::PodSpec& spec;
    const SupervisorOptions& options;
    os::ChildReaper& reaper;
    os::LogOutput& output; // the container's log: descriptors 1 and 2
    os::LogOutput& error;
    Log& log;
    /// Hands a fact to the pod machine, at once or after the one that is being handled.
    std::function<void(model::PodEvent)> post;
    /// By when a service that is stopping has to be gone, as it stands now; nullopt: it is not stopping.
    std::function<std::optional<TimePoint>(model::ServiceIndex service)> stop_deadline_of;
    /// Something noticed that the loop stood still for `length`.
    std::function<void(Duration length)> stalled;
    /// Leaders of running steps, checks and stop commands: never part of a service.
    std::vector<pid_t> task_leaders;
    /// davit itself, once somebody had to know.
    std::optional<model::OwnProcess> own;

    CpuCounter cpu_counter;
    /// What each service was given at its last launch so that it counts its CPUs right.
    std::map<model::ServiceIndex, model::ServiceCpus> last_cpus;

    /// Of the container, at this moment. Stays valid until the next call.
    const model::CpuCount& cpu_count() { return cpu_counter.now(spec.cpus.rounding); }

    /// What every process of this service has, without what the CPU count brings.
    Variables base_environment_of(const model::ServiceSpec& service) const {
        return service_environment(options.environment, service, {.service = service.name, .socket = options.socket});
    }
    /// The environment of a check, a step or a stop command of this service: with the count of its last launch, but not
    /// with what only its leader gets.
    Variables environment_of(model::ServiceIndex service);

    /// Who a process of this service becomes.
    model::IdentityChange identity_of(const model::ServiceSpec& service);
    /// As its leader has them.
    ServiceSurroundings surroundings_of(model::ServiceIndex service);

private:
    model::ServiceCpus cpus_of(model::ServiceIndex service);
    const model::OwnProcess& own_process();
};

/// Of what davit makes for the processes of this service.
os::Reach reach_of(const model::ServiceSpec& service);

/// A deadline that was met this much too late means that the loop stood still.
inline constexpr Duration stall_threshold = std::chrono::seconds{2};

} // namespace davit::runtime
