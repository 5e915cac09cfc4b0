// SPDX-License-Identifier: Apache-2.0
#include "runtime/step_runner.h"

#include "model/contains.h"
#include "model/json_text.h"
#include "model/overloaded.h"
#include "model/termination_message.h"
#include "model/words.h"

#include <algorithm>
#include <chrono>

namespace davit::runtime {
namespace {

/// The machine ends a try in time; the network must not come first and call it something else.
constexpr Duration after_the_machine = std::chrono::seconds{1};

std::string prefix_of(const model::RunStep& order) {
    return "[" + std::string{model::to_string(order.kind)} + "] ";
}

std::string whole_seconds(Duration length) {
    return std::to_string(std::max<long long>(0, std::chrono::duration_cast<std::chrono::seconds>(length).count()));
}

bool is_expected(const model::HttpStep& step, int status) {
    return step.expect_status.empty() ? status >= 200 && status < 300 : model::contains(step.expect_status, status);
}

} // namespace

void StepRunner::run(const model::RunStep& order) {
    const model::StepSpec& step = host_.spec.lifecycle.steps(order.kind).at(order.index);
    running_.emplace(order.run, Running{});
    std::visit(model::Overloaded{
                   [&](const model::ExecStep& exec) { run_exec(order, exec); },
                   [&](const model::HttpStep& http) { run_http(order, http); },
                   [&](const model::TcpStep& tcp) { run_tcp(order, tcp); },
                   [&](const model::SleepStep& sleep) { run_sleep(order, sleep); },
               },
               step.action);
}

void StepRunner::end(const model::EndStep& order) {
    const auto found = running_.find(order.run);
    if (found == running_.end()) {
        return;
    }
    if (found->second.task) {
        return found->second.task->signal(order.signal);
    }
    finish(order.run, model::StepOutcome::cancelled, "ended early");
}

void StepRunner::run_exec(const model::RunStep& order, const model::ExecStep& step) {
    const std::string prefix = prefix_of(order);
    last_output_.at(static_cast<std::size_t>(order.kind)).clear();
    const auto tell = [this, prefix, kind = order.kind](std::string_view line) {
        keep(kind, line);
        outside_.tell(prefix + std::string{line});
    };
    Running& running = running_.at(order.run);
    running.task = std::make_unique<Task>(
        host_,
        ToLog{
            .prefix = prefix, .json_label = model::json_member("step", model::to_string(order.kind)), .on_line = tell},
        [this, run = order.run](const TaskEnd& end) {
            const bool good = model::container_code(end.status) == 0;
            finish(run, good ? model::StepOutcome::succeeded : model::StepOutcome::failed, model::describe(end.status));
        });
    if (const auto started = running.task->start(command_of(order, step)); !started) {
        const auto main = host_.spec.main();
        const auto directory = main ? host_.spec.services[*main].working_dir : std::nullopt;
        finish(order.run, model::StepOutcome::failed, as_written(started.error().message, step.command, directory));
    }
}

TaskCommand StepRunner::command_of(const model::RunStep& order, const model::ExecStep& step) const {
    TaskCommand command{
        .argv = values_of(step.command), .environment = host_.options.environment, .directory = {}, .identity = {}};
    if (const auto main = host_.spec.main()) {
        const model::ServiceSpec& spec = host_.spec.services[*main];
        command.environment = host_.environment_of(*main);
        command.directory = spec.working_dir ? spec.working_dir->value : std::string{};
        command.identity = host_.identity_of(spec);
    }
    set_variable(command.environment, "DAVIT_STEP", model::to_string(order.kind));
    set_variable(command.environment, "DAVIT_REASON", model::to_string(order.reason));
    set_variable(command.environment, "DAVIT_ATTEMPT", std::to_string(order.attempt));
    set_variable(command.environment, "DAVIT_REMAINING_SECONDS", whole_seconds(order.remaining));
    if (const int pid = outside_.main_pid(); pid != 0) {
        set_variable(command.environment, "DAVIT_MAIN_PID", std::to_string(pid));
    }
    return command;
}

void StepRunner::run_http(const model::RunStep& order, const model::HttpStep& step) {
    ShownRequest request;
    request.request.method = step.method;
    request.request.url = step.url.value;
    request.request.body = step.body.value;
    for (const model::HttpHeader& header : step.headers) {
        request.request.headers.push_back(header.name + ": " + header.value.value);
    }
    request.shown = step.method + " " + step.url.written;
    HttpTry what{.requests = {std::move(request)},
                 .timeout = order.remaining + after_the_machine,
                 .is_good = [step](int status) { return is_expected(step, status); }};
    running_.at(order.run).network =
        std::make_unique<NetworkTry>(host_.loop, client_, std::move(what),
                                     [this, run = order.run](TryEnd end) { finish_network(run, std::move(end)); });
}

void StepRunner::run_tcp(const model::RunStep& order, const model::TcpStep& step) {
    TcpTry what{.host = step.host.value,
                .shown_host = step.host.written,
                .port = step.port,
                .timeout = order.remaining + after_the_machine};
    running_.at(order.run).network = std::make_unique<NetworkTry>(
        host_.loop, std::move(what), [this, run = order.run](TryEnd end) { finish_network(run, std::move(end)); });
}

void StepRunner::run_sleep(const model::RunStep& order, const model::SleepStep& step) {
    auto timer = std::make_unique<boost::asio::steady_timer>(host_.loop, step.length);
    timer->async_wait([this, run = order.run, length = step.length](const boost::system::error_code& error) {
        if (!error) {
            finish(run, model::StepOutcome::succeeded, "slept " + model::seconds_text(length));
        }
    });
    running_.at(order.run).sleep = std::move(timer);
}

void StepRunner::keep(model::StepKind kind, std::string_view line) {
    constexpr std::size_t most_lines = 10;
    constexpr std::size_t longest = 1024;
    auto& lines = last_output_.at(static_cast<std::size_t>(kind));
    if (lines.size() >= most_lines) {
        lines.pop_front();
    }
    lines.emplace_back(model::cut_at_character(line, longest));
}

void StepRunner::finish_network(unsigned run, TryEnd end) {
    switch (end.outcome) {
    case model::CheckOutcome::good: return finish(run, model::StepOutcome::succeeded, std::move(end.message));
    case model::CheckOutcome::bad: return finish(run, model::StepOutcome::failed, std::move(end.message));
    case model::CheckOutcome::timed_out: return finish(run, model::StepOutcome::timed_out, std::move(end.message));
    }
}

void StepRunner::finish(unsigned run, model::StepOutcome outcome, std::string message) {
    // The try goes last: this may be called from inside it.
    const auto ended = running_.extract(run);
    if (ended) {
        host_.post(model::StepFinished{run, outcome, std::move(message)});
    }
}

} // namespace davit::runtime
