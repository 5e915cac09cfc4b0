// SPDX-License-Identifier: Apache-2.0
// One try over the network for a probe or a step: an HTTP request, a TCP connection or a question for health by gRPC.
// It is a coroutine that ends with one outcome; who cancels it hears nothing any more.
#pragma once

#include "model/service_machine.h"
#include "os/grpc_client.h"
#include "os/http_client.h"

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace davit::runtime {

struct TryEnd {
    model::CheckOutcome outcome = model::CheckOutcome::bad;
    std::string message; // "GET http://127.0.0.1:15021/ready 200"
};

/// A request, and how it is shown: secrets of its address stay as they were written.
struct ShownRequest {
    os::HttpRequest request;
    std::string shown; // "GET http://127.0.0.1:15021/ready"
};

struct HttpTry {
    /// Tried one after the other until one gets an answer (localhost: 127.0.0.1, then ::1).
    std::vector<ShownRequest> requests;
    Duration timeout; // of all together
    std::function<bool(int status)> is_good;
};

struct GrpcTry {
    os::GrpcQuestion question;
    std::string shown_host;    // as it was written; empty: localhost, shown as the address that answers
    std::string shown_service; // as it was written
};

struct TcpTry {
    std::string host;       // empty: localhost
    std::string shown_host; // as it was written
    std::uint16_t port = 0;
    Duration timeout;
};

/// `http://host:port/path`; brackets around an IPv6 address, a missing slash before the path is added.
std::string url_of(std::string_view scheme, std::string_view host, std::uint16_t port, std::string_view path);

/// Owns one try in flight; its destruction cancels it.
class NetworkTry {
public:
    using OnEnd = std::function<void(TryEnd)>;

    NetworkTry(boost::asio::io_context& loop, os::HttpClient& client, HttpTry what, OnEnd on_end);
    NetworkTry(boost::asio::io_context& loop, TcpTry what, OnEnd on_end);
    NetworkTry(boost::asio::io_context& loop, GrpcTry what, OnEnd on_end);
    ~NetworkTry();
    NetworkTry(const NetworkTry&) = delete;
    NetworkTry& operator=(const NetworkTry&) = delete;

private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace davit::runtime
