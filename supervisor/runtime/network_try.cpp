// SPDX-License-Identifier: Apache-2.0
// The coroutines of runtime/.
#include "runtime/network_try.h"

#include "os/tcp_connect.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <chrono>
#include <exception>

namespace davit::runtime {
namespace {

namespace asio = boost::asio;

using Flow = asio::awaitable<TryEnd>;

TimePoint now() {
    return std::chrono::steady_clock::now();
}

/// A try that used up its time is said to have timed out, whatever the last error was.
TryEnd failed(std::string message, TimePoint deadline) {
    const bool out_of_time = now() >= deadline;
    return {out_of_time ? model::CheckOutcome::timed_out : model::CheckOutcome::bad, std::move(message)};
}

/// The library's text begins with the address as it is used; the shown one takes its place.
std::string shown_error(const ShownRequest& request, std::string_view text) {
    const std::string used = request.request.method + " " + request.request.url + ": ";
    if (text.starts_with(used)) {
        text.remove_prefix(used.size());
    }
    constexpr std::string_view unresolved = "cannot resolve ";
    const bool is_as_written = request.shown.ends_with(request.request.url);
    if (text.starts_with(unresolved) && !is_as_written) { // it goes on with the host as it is used
        return request.shown + " cannot resolve its host" +
               std::string{text.substr(std::min(text.find(": ", unresolved.size()), text.size()))};
    }
    return request.shown + " " + std::string{text};
}

Flow run_http(os::HttpClient& client, HttpTry what) {
    const TimePoint deadline = now() + what.timeout;
    TryEnd first_failure;
    for (ShownRequest& request : what.requests) {
        request.request.timeout = deadline - now();
        if (request.request.timeout <= Duration::zero()) {
            break;
        }
        const Result<os::HttpResponse> response = co_await client.send(request.request);
        if (response) {
            const auto outcome = what.is_good(response->status) ? model::CheckOutcome::good : model::CheckOutcome::bad;
            co_return TryEnd{outcome, request.shown + " " + std::to_string(response->status)};
        }
        if (first_failure.message.empty()) {
            first_failure = failed(shown_error(request, response.error().text), deadline);
        }
    }
    if (now() >= deadline) {
        first_failure.outcome = model::CheckOutcome::timed_out;
    }
    co_return first_failure;
}

/// The error of a connection names the host that was used; the shown one takes its place.
std::string shown_error(const TcpTry& what, std::string text) {
    for (const std::string_view beginning : {"cannot connect to ", "cannot resolve "}) {
        const std::string used = std::string{beginning} + what.host + ":";
        if (!what.host.empty() && text.starts_with(used)) {
            return text.replace(beginning.size(), what.host.size(), what.shown_host);
        }
    }
    return text;
}

Flow run_tcp(TcpTry what) {
    const TimePoint deadline = now() + what.timeout;
    const Result<void> connected = co_await os::try_connect(what.host, what.port, what.timeout);
    if (!connected) {
        co_return failed(shown_error(what, connected.error().text), deadline);
    }
    co_return TryEnd{model::CheckOutcome::good, "connected to " + (what.host.empty() ? "localhost" : what.shown_host) +
                                                    ":" + std::to_string(what.port)};
}

std::string with_port(std::string_view host, std::uint16_t port) {
    const bool is_ipv6 = host.find(':') != std::string_view::npos && !host.starts_with('[');
    return (is_ipv6 ? "[" : "") + std::string{host} + (is_ipv6 ? "]:" : ":") + std::to_string(port);
}

/// "grpc 127.0.0.1:9090 NOT_SERVING", with the name of the service that was asked for, if any.
std::string shown_answer(const GrpcTry& what, const os::GrpcAnswer& answer) {
    const std::string_view localhost = answer.answered_by.empty() ? "127.0.0.1" : std::string_view{answer.answered_by};
    const std::string_view host = what.shown_host.empty() ? localhost : std::string_view{what.shown_host};
    const std::string& service = what.shown_service;
    return "grpc " + with_port(host, what.question.port) + " " + (service.empty() ? "" : service + " ") +
           answer.health.text;
}

Flow run_grpc(GrpcTry what) {
    const TimePoint deadline = now() + what.question.timeout;
    const os::GrpcAnswer answer = co_await os::ask_grpc_health(what.question);
    if (!answer.health.serving) {
        co_return failed(shown_answer(what, answer), deadline);
    }
    co_return TryEnd{model::CheckOutcome::good, shown_answer(what, answer)};
}

} // namespace

struct NetworkTry::State {
    asio::cancellation_signal cancel;
    OnEnd on_end; // empty: nobody wants to know

    void finish(const std::exception_ptr& error, TryEnd end) {
        if (error) {
            end = {model::CheckOutcome::bad, "the check broke off"};
        }
        if (const auto call = std::move(on_end)) {
            call(std::move(end));
        }
    }

    static void spawn(asio::io_context& loop, const std::shared_ptr<State>& state, Flow flow) {
        auto handler = [state](const std::exception_ptr& error, TryEnd end) { state->finish(error, std::move(end)); };
        asio::co_spawn(loop, std::move(flow), asio::bind_cancellation_slot(state->cancel.slot(), std::move(handler)));
    }
};

std::string url_of(std::string_view scheme, std::string_view host, std::uint16_t port, std::string_view path) {
    std::string url{scheme};
    url.append("://").append(with_port(host, port)).append(path.starts_with('/') ? "" : "/").append(path);
    return url;
}

NetworkTry::NetworkTry(asio::io_context& loop, os::HttpClient& client, HttpTry what, OnEnd on_end)
    : state_(std::make_shared<State>()) {
    state_->on_end = std::move(on_end);
    State::spawn(loop, state_, run_http(client, std::move(what)));
}

NetworkTry::NetworkTry(asio::io_context& loop, TcpTry what, OnEnd on_end) : state_(std::make_shared<State>()) {
    state_->on_end = std::move(on_end);
    State::spawn(loop, state_, run_tcp(std::move(what)));
}

NetworkTry::NetworkTry(asio::io_context& loop, GrpcTry what, OnEnd on_end) : state_(std::make_shared<State>()) {
    state_->on_end = std::move(on_end);
    State::spawn(loop, state_, run_grpc(std::move(what)));
}

NetworkTry::~NetworkTry() {
    state_->on_end = nullptr;
    state_->cancel.emit(asio::cancellation_type::terminal);
}

} // namespace davit::runtime
