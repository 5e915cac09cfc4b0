// SPDX-License-Identifier: Apache-2.0
// Runs the stop commands of services: as the service itself (its environment, its directory), beside it, ended
// at the stop's deadline (the extended one, where the service asks for more time) or when the service is killed. Their
// output goes to the container's log.
#pragma once

#include "model/pod_machine.h"
#include "runtime/driver_host.h"
#include "runtime/task.h"

#include <boost/asio/steady_timer.hpp>

#include <map>
#include <memory>

namespace davit::runtime {

class StopCommands {
public:
    explicit StopCommands(DriverHost& host) : host_(host) {}

    void run(model::ServiceIndex service, unsigned attempt, TimePoint deadline);
    void kill(model::ServiceIndex service);
    void kill_all() { running_.clear(); }

private:
    struct Running {
        std::unique_ptr<Task> task;
        std::unique_ptr<boost::asio::steady_timer> deadline;
    };
    void arm(model::ServiceIndex service, Running& running, TimePoint deadline);
    void end_unless_extended(model::ServiceIndex service);
    void report(model::ServiceIndex service, unsigned attempt, model::ExitStatus status, std::string message);

    DriverHost& host_;
    std::map<model::ServiceIndex, Running> running_;
};

} // namespace davit::runtime
