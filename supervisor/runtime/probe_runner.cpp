// SPDX-License-Identifier: Apache-2.0
#include "runtime/probe_runner.h"

#include "model/overloaded.h"
#include "model/words.h"
#include "os/files.h"

#include <chrono>
#include <csignal>

namespace davit::runtime {
namespace {

std::string name_of(const model::ExecCheck& check) {
    const std::string& path = check.command.front().written;
    return path.substr(path.rfind('/') + 1);
}

ShownRequest request_of(const model::HttpCheck& check, std::string_view host, std::string_view shown_host) {
    ShownRequest request;
    request.request.url = url_of(check.scheme, host, check.port, check.path.value);
    request.request.trust = os::TlsTrust::any;
    request.request.kept_body = 0;
    for (const model::HttpHeader& header : check.headers) {
        request.request.headers.push_back(header.name + ": " + header.value.value);
    }
    request.shown = "GET " + url_of(check.scheme, shown_host, check.port, check.path.written);
    return request;
}

} // namespace

void ProbeRunner::run(model::ServiceIndex service, unsigned attempt, model::ProbeKind kind) {
    const model::ProbeSpec* probe = model::probe_spec(host_.spec.services[service], kind);
    if (probe == nullptr) {
        return;
    }
    const Key key{service, kind};
    Running running;
    running.attempt = attempt;
    running.deadline = std::chrono::steady_clock::now() + probe->timeout;
    running_.insert_or_assign(key, std::move(running));
    std::visit(model::Overloaded{
                   [&](const model::ExecCheck& check) { run_exec(key, check, probe->timeout); },
                   [&](const model::HttpCheck& check) { run_http(key, check, probe->timeout); },
                   [&](const model::TcpCheck& check) { run_tcp(key, check, probe->timeout); },
                   [&](const model::GrpcCheck& check) { run_grpc(key, check, probe->timeout); },
                   [&](const model::FileCheck& check) { run_file(key, check); },
                   // Nobody tries these: the machine waits to be told, and never orders such a check.
                   [&](const model::LogCheck&) { running_.erase(key); },
                   [&](const model::NotifyCheck&) { running_.erase(key); },
               },
               probe->check);
}

void ProbeRunner::cancel(model::ServiceIndex service) {
    std::erase_if(running_, [&](const auto& entry) { return entry.first.first == service; });
}

void ProbeRunner::run_exec(Key key, const model::ExecCheck& check, Duration) {
    const model::ServiceSpec& spec = host_.spec.services[key.first];
    Running& running = running_.at(key);
    running.task =
        std::make_unique<Task>(host_, KeepFirstLine{}, [this, key](const TaskEnd& end) { take_exec_end(key, end); });
    const auto started = running.task->start({.argv = values_of(check.command),
                                              .environment = host_.environment_of(key.first),
                                              .directory = spec.working_dir ? spec.working_dir->value : std::string{},
                                              .identity = host_.identity_of(spec)});
    if (!started) {
        return finish(key,
                      {model::CheckOutcome::bad, as_written(started.error().message, check.command, spec.working_dir)});
    }
    arm_timeout(key);
}

void ProbeRunner::arm_timeout(Key key) {
    Running& running = running_.at(key);
    running.timer = std::make_unique<boost::asio::steady_timer>(host_.loop, running.deadline);
    running.timer->async_wait([this, key](const boost::system::error_code& error) {
        const auto found = running_.find(key);
        if (!error && found != running_.end()) {
            found->second.timed_out = true;
            found->second.task->signal(SIGKILL);
        }
    });
}

void ProbeRunner::take_exec_end(Key key, const TaskEnd& end) {
    const Running& running = running_.at(key);
    const model::ProbeSpec& probe = *model::probe_spec(host_.spec.services[key.first], key.second);
    const std::string name = name_of(std::get<model::ExecCheck>(probe.check));
    const std::string line = end.first_line.empty() ? std::string{} : ": " + end.first_line;
    if (running.timed_out) {
        return finish(key, {model::CheckOutcome::timed_out,
                            name + " timed out after " + model::seconds_text(probe.timeout) + line});
    }
    const bool good = model::container_code(end.status) == 0;
    finish(key, {good ? model::CheckOutcome::good : model::CheckOutcome::bad,
                 name + " " + model::describe(end.status) + line});
}

void ProbeRunner::run_http(Key key, const model::HttpCheck& check, Duration timeout) {
    HttpTry what{
        .requests = {}, .timeout = timeout, .is_good = [](int status) { return status >= 200 && status < 400; }};
    if (check.host.value.empty()) {
        what.requests = {request_of(check, "127.0.0.1", "127.0.0.1"), request_of(check, "::1", "::1")};
    } else {
        what.requests = {request_of(check, check.host.value, check.host.written)};
    }
    running_.at(key).network = std::make_unique<NetworkTry>(host_.loop, client_, std::move(what),
                                                            [this, key](TryEnd end) { finish(key, std::move(end)); });
}

void ProbeRunner::run_tcp(Key key, const model::TcpCheck& check, Duration timeout) {
    running_.at(key).network = std::make_unique<NetworkTry>(
        host_.loop,
        TcpTry{.host = check.host.value, .shown_host = check.host.written, .port = check.port, .timeout = timeout},
        [this, key](TryEnd end) { finish(key, std::move(end)); });
}

void ProbeRunner::run_grpc(Key key, const model::GrpcCheck& check, Duration timeout) {
    GrpcTry what{
        .question = {.host = check.host.value, .port = check.port, .service = check.service.value, .timeout = timeout},
        .shown_host = check.host.written,
        .shown_service = check.service.written};
    running_.at(key).network = std::make_unique<NetworkTry>(host_.loop, std::move(what),
                                                            [this, key](TryEnd end) { finish(key, std::move(end)); });
}

/// At once: a path of this machine is looked up without waiting.
void ProbeRunner::run_file(Key key, const model::FileCheck& check) {
    const auto found = os::find_path(check.path.value);
    finish(key, {found ? model::CheckOutcome::good : model::CheckOutcome::bad,
                 "file " + check.path.written + (found ? " is there" : " " + found.error().text)});
}

void ProbeRunner::finish(Key key, TryEnd end) {
    const auto ended = running_.extract(key);
    if (!ended) {
        return;
    }
    const Duration late = std::chrono::steady_clock::now() - ended.mapped().deadline;
    if (end.outcome == model::CheckOutcome::timed_out && late > stall_threshold) {
        host_.stalled(late);
    }
    host_.post(model::ServiceFact{
        key.first, model::CheckFinished{ended.mapped().attempt, key.second, end.outcome, std::move(end.message)}});
}

} // namespace davit::runtime
