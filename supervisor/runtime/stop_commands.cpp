// SPDX-License-Identifier: Apache-2.0
#include "runtime/stop_commands.h"

#include "model/json_text.h"

#include <csignal>

namespace davit::runtime {

void StopCommands::run(model::ServiceIndex service, unsigned attempt, TimePoint deadline) {
    const model::ServiceSpec& spec = host_.spec.services[service];
    Running running;
    running.task = std::make_unique<Task>(
        host_,
        ToLog{.prefix = "[" + spec.name + "] ", .json_label = model::json_member("service", spec.name), .on_line = {}},
        [this, service, attempt](const TaskEnd& end) {
            running_.erase(service);
            report(service, attempt, end.status, {});
        });
    const auto started = running.task->start({.argv = values_of(spec.stop_command),
                                              .environment = host_.environment_of(service),
                                              .directory = spec.working_dir ? spec.working_dir->value : std::string{},
                                              .identity = host_.identity_of(spec)});
    if (!started) {
        const int code = started.error().kind == os::SpawnFailureKind::not_found ? 127 : 126;
        const std::string reason = as_written(started.error().message, spec.stop_command, spec.working_dir);
        host_.log.write(LogLevel::warn, "cannot run the stop command of " + spec.name + ": " + reason);
        return report(service, attempt, model::exited_with(code), reason);
    }
    arm(service, running, deadline);
    running_.insert_or_assign(service, std::move(running));
}

void StopCommands::arm(model::ServiceIndex service, Running& running, TimePoint deadline) {
    running.deadline = std::make_unique<boost::asio::steady_timer>(host_.loop, deadline);
    running.deadline->async_wait([this, service](const boost::system::error_code& error) {
        if (!error) {
            end_unless_extended(service);
        }
    });
}

/// The service may have asked for more time since.
void StopCommands::end_unless_extended(model::ServiceIndex service) {
    const auto found = running_.find(service);
    if (found == running_.end()) {
        return;
    }
    const std::optional<TimePoint> deadline = host_.stop_deadline_of(service);
    if (deadline && *deadline > std::chrono::steady_clock::now()) {
        return arm(service, found->second, *deadline);
    }
    kill(service);
}

void StopCommands::kill(model::ServiceIndex service) {
    if (const auto found = running_.find(service); found != running_.end()) {
        found->second.task->signal(SIGKILL);
    }
}

void StopCommands::report(model::ServiceIndex service, unsigned attempt, model::ExitStatus status,
                          std::string message) {
    host_.post(model::ServiceFact{service, model::StopCommandFinished{attempt, status, std::move(message)}});
}

} // namespace davit::runtime
