// SPDX-License-Identifier: Apache-2.0
#include "runtime/task.h"

#include "os/session_scan.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <csignal>

namespace davit::runtime {

Task::Task(DriverHost& host, TaskOutput output, std::function<void(TaskEnd)> on_end)
    : host_(host), output_(std::move(output)), on_end_(std::move(on_end)) {}

Task::~Task() {
    if (leader_ != 0 && !status_) {
        os::signal_group(leader_, SIGKILL);
        host_.reaper.forget(leader_);
        remove_leader();
    }
}

std::expected<void, TaskRefusal> Task::start(TaskCommand command) {
    auto ends = open_output();
    if (!ends) {
        return std::unexpected{TaskRefusal{os::SpawnFailureKind::no_resources, ends.error().text}};
    }
    const int error = ends->error ? ends->error.get() : ends->output.get();
    const os::SpawnRequest request{
        .argv = std::move(command.argv),
        .environment = std::move(command.environment),
        .directory = std::move(command.directory),
        .streams = {os::NullStream{}, os::GivenStream{ends->output.get()}, os::GivenStream{error}},
        .open_descriptors = host_.options.open_descriptors,
        .identity = std::move(command.identity),
    };
    if (request.identity.user) {
        os::give_to_user(ends->output.get(), *request.identity.user);
        os::give_to_user(error, *request.identity.user);
    }
    const auto leader = os::spawn(request);
    if (!leader) {
        return std::unexpected{TaskRefusal{os::kind_of(leader.error()), os::describe(leader.error(), request)}};
    }
    leader_ = *leader;
    host_.task_leaders.push_back(leader_);
    host_.reaper.watch(leader_, [this](model::ExitStatus status) { take_exit(status); });
    return {};
}

void Task::signal(int number) {
    if (leader_ != 0 && !status_) {
        os::signal_group(leader_, number);
    }
}

Result<Task::Ends> Task::open_output() {
    if (std::holds_alternative<KeepFirstLine>(output_)) {
        return open_first_line();
    }
    return open_relay(std::get<ToLog>(output_));
}

Result<Task::Ends> Task::open_first_line() {
    first_line_ = std::make_unique<FirstLine>(host_.loop);
    output_ended_ = true;
    auto end = first_line_->open();
    if (!end) {
        return std::unexpected{std::move(end.error())};
    }
    return Ends{.output = std::move(*end), .error = os::Fd{}};
}

Result<Task::Ends> Task::open_relay(ToLog& to_log) {
    const auto ended = [this, alive = std::weak_ptr{alive_}] {
        if (!alive.expired()) {
            output_ended_ = true;
            finish();
        }
    };
    // Posted: the relay must not be destroyed from inside its own call.
    const auto tell_end = [&loop = host_.loop, ended] { boost::asio::post(loop, ended); };
    const bool is_json = host_.spec.log_format == model::LogFormat::json;
    relay_ = std::make_unique<os::LogRelay>(host_.loop, host_.output, host_.error,
                                            os::LogRelayOptions{.prefix = std::move(to_log.prefix),
                                                                .json_label = is_json ? to_log.json_label : "",
                                                                .loss = os::LogLoss::when_stuck,
                                                                .on_line = std::move(to_log.on_line),
                                                                .on_end = tell_end});
    auto ends = relay_->open();
    if (!ends) {
        return std::unexpected{std::move(ends.error())};
    }
    return Ends{.output = std::move(ends->output), .error = std::move(ends->error)};
}

void Task::take_exit(model::ExitStatus status) {
    status_ = status;
    os::signal_group(leader_, SIGKILL);
    remove_leader();
    if (relay_) {
        relay_->release();
    }
    finish();
}

void Task::finish() {
    if (!status_ || !output_ended_ || !on_end_) {
        return;
    }
    TaskEnd end{.status = *status_, .first_line = first_line_ ? first_line_->take() : std::string{}};
    const auto on_end = std::move(on_end_);
    on_end_ = nullptr;
    on_end(std::move(end)); // may destroy this task
}

void Task::remove_leader() {
    std::erase(host_.task_leaders, leader_);
}

} // namespace davit::runtime
