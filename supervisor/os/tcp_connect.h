// SPDX-License-Identifier: Apache-2.0
// TCP connections of checks and steps: whether somebody accepts them at a host and port (tcpSocket), and the
// connection itself for what speaks on it.
#pragma once

#include "model/result.h"
#include "model/time.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace davit::os {

/// Connects to the first address of `host` that accepts, and hangs up. An empty host is localhost. May be
/// cancelled. Error: "cannot connect to db:5432: connection refused", "cannot resolve db: no such host".
boost::asio::awaitable<Result<void>> try_connect(std::string host, std::uint16_t port, Duration timeout);

/// A connection to the first of these addresses that accepts. May be cancelled. Error: only the reason, of the first
/// address, which is the one that the user means ("connection refused", "no answer in time", "cancelled").
boost::asio::awaitable<Result<boost::asio::ip::tcp::socket>>
connect_to_first(std::vector<boost::asio::ip::address> addresses, std::uint16_t port, TimePoint deadline);

} // namespace davit::os
