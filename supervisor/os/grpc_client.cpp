// SPDX-License-Identifier: Apache-2.0
#include "os/grpc_client.h"

#include "model/words.h"
#include "os/dns.h"
#include "os/errno_text.h"
#include "os/tcp_connect.h"
#include "os/wake_up.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <memory>

namespace davit::os {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

/// The talk on one connection. Kept alive by its own completions: the coroutine may be gone by then.
struct Talk : std::enable_shared_from_this<Talk> {
    Talk(tcp::socket connection, const std::string& authority, const std::string& service)
        : socket(std::move(connection)), wake_up(socket.get_executor()), call(authority, service) {}

    void send() {
        sending = call.take_output();
        if (sending.empty()) {
            return receive();
        }
        asio::async_write(socket, asio::buffer(sending),
                          [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
                              // A server that hangs up may have said why.
                              static_cast<void>(error);
                              self->receive();
                          });
    }

    void receive() {
        socket.async_read_some(asio::buffer(buffer),
                               [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
                                   if (error) {
                                       self->call.take_end();
                                   } else {
                                       self->call.take_input({self->buffer.data(), size});
                                   }
                                   self->call.answer() ? self->wake_up.wake() : self->send();
                               });
    }

    tcp::socket socket;
    WakeUp wake_up;
    GrpcHealthCall call;
    std::string sending;
    std::array<char, 4096> buffer{};
};

GrpcHealth unhealthy(std::string text) {
    return {.serving = false, .text = std::move(text)};
}

std::string address_of(const tcp::socket& socket) {
    boost::system::error_code error;
    const tcp::endpoint remote = socket.remote_endpoint(error);
    return error ? std::string{} : remote.address().to_string();
}

std::string authority_of(const std::string& host, std::uint16_t port) {
    const bool needs_brackets = host.contains(':') && !host.starts_with('[');
    return (needs_brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

} // namespace

asio::awaitable<GrpcAnswer> ask_grpc_health(GrpcQuestion question) {
    const TimePoint deadline = std::chrono::steady_clock::now() + question.timeout;
    const std::string host = question.host.empty() ? "localhost" : question.host;
    GrpcAnswer answer{.health = unhealthy("no answer within " + model::seconds_text(question.timeout))};
    if (question.service.size() > GrpcHealthCall::longest_service) {
        answer.health =
            unhealthy("its name is longer than " + std::to_string(GrpcHealthCall::longest_service) + " bytes");
        co_return answer;
    }
    auto addresses = co_await resolve(host, question.timeout);
    if (!addresses) {
        // The name is the asker's to show.
        const std::string used = "cannot resolve " + host;
        const std::string& reason = addresses.error().text;
        answer.health =
            unhealthy(reason.starts_with(used) ? "cannot resolve its host" + reason.substr(used.size()) : reason);
        co_return answer;
    }
    auto connected = co_await connect_to_first(std::move(*addresses), question.port, deadline);
    if (!connected) {
        if (std::chrono::steady_clock::now() < deadline) {
            answer.health = unhealthy(connected.error().text);
        }
        co_return answer;
    }
    answer.answered_by = address_of(*connected);
    const auto talk =
        std::make_shared<Talk>(std::move(*connected), authority_of(host, question.port), question.service);
    talk->send();
    co_await talk->wake_up.sleep_until(deadline);
    if (talk->call.answer()) {
        answer.health = *talk->call.answer();
    }
    boost::system::error_code ignored;
    talk->socket.close(ignored);
    co_return answer;
}

} // namespace davit::os
