// SPDX-License-Identifier: Apache-2.0
// How many TCP connections are established on given local ports, in davit's own network namespace: what a drain
// waits for. The kernel is asked through sock_diag(7), which filters; where a sandbox forbids that, the
// text of /proc/net/tcp and tcp6 is read.
#pragma once

#include "model/result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace davit::os {

/// Established connections whose local port is one of `ports`, IPv4 and IPv6 together.
Result<std::size_t> count_established(std::span<const std::uint16_t> ports);

/// The same in the text of /proc/net/tcp or /proc/net/tcp6 (proc_net_tcp in the kernel's documents; state 01).
/// Lines that are not understood do not count.
std::size_t count_established_in(std::string_view text, std::span<const std::uint16_t> ports);

} // namespace davit::os
