// SPDX-License-Identifier: Apache-2.0
// davit's own TCP port: listening on it, and who has it where somebody else does.
#pragma once

#include "model/result.h"
#include "os/fd.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::os {

/// Listens on `port` at `address`, a number of IPv4 or IPv6; empty: all of both, of IPv4 alone where there is no IPv6.
/// The socket does not block, and its connections have small buffers. It may look at all processes, so it is for the
/// start only. Error: "cannot listen on port 9100: java (pid 41) listens there".
Result<Fd> listen_on_tcp(const std::string& address, std::uint16_t port);

/// The inodes of the sockets that listen on `port`, of a text of /proc/net/tcp or tcp6.
std::vector<std::uint64_t> listeners_in(std::string_view text, std::uint16_t port);

} // namespace davit::os
