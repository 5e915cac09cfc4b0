// SPDX-License-Identifier: Apache-2.0
// Whether somebody accepts TCP connections at a host and port: the tcpSocket check of probes and steps.
#pragma once

#include "model/result.h"
#include "model/time.h"

#include <boost/asio/awaitable.hpp>

#include <cstdint>
#include <string>

namespace davit::os {

/// Connects to the first address of `host` that accepts, and hangs up. An empty host is localhost. May be
/// cancelled. Error: "cannot connect to db:5432: connection refused", "cannot resolve db: no such host".
boost::asio::awaitable<Result<void>> try_connect(std::string host, std::uint16_t port, Duration timeout);

} // namespace davit::os
