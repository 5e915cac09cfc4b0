// SPDX-License-Identifier: Apache-2.0
// Asks a server over TCP for its health by gRPC: the `grpc` check. What is said is in grpc_health.h; here is the
// connection, one for each question, and the time it may take.
#pragma once

#include "model/time.h"
#include "os/grpc_health.h"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <string>

namespace davit::os {

struct GrpcQuestion {
    std::string host; // empty: localhost
    std::uint16_t port = 0;
    std::string service; // empty: the server as a whole
    Duration timeout = std::chrono::seconds{1};
};

struct GrpcAnswer {
    GrpcHealth health;       // also why there is none: "connection refused", "no answer within 1 s"
    std::string answered_by; // the address that took the connection; empty: none did
};

/// May be cancelled.
boost::asio::awaitable<GrpcAnswer> ask_grpc_health(GrpcQuestion question);

} // namespace davit::os
