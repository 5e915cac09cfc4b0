// SPDX-License-Identifier: Apache-2.0
// Host names to addresses without ever holding up the loop: c-ares on Asio, never getaddrinfo (which blocks, and
// in a static binary loads modules of a foreign libc).
#pragma once

#include "model/result.h"
#include "model/time.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>

#include <optional>
#include <string>
#include <vector>

namespace davit::os {

/// What needs no question: numeric addresses (IPv6 also in brackets), and localhost as 127.0.0.1, then ::1.
std::optional<std::vector<boost::asio::ip::address>> addresses_without_asking(const std::string& host);

/// Addresses of `host` in the order to be tried. Reads /etc/hosts, then asks the servers of /etc/resolv.conf.
/// May be cancelled. Error: "cannot resolve db: no such host", or "...: no answer within 1s".
boost::asio::awaitable<Result<std::vector<boost::asio::ip::address>>> resolve(std::string host, Duration timeout);

} // namespace davit::os
