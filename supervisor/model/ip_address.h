// SPDX-License-Identifier: Apache-2.0
// Whether a text is the number of an address, and of which IP version. Names are not resolved and zones
// (`fe80::1%eth0`) not taken: what passes here the kernel's inet_pton(3) takes as well.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace davit::model {

enum class IpVersion : std::uint8_t { v4, v6 };

/// `127.0.0.1`, `::1`, `2001:db8::10`, `::ffff:10.0.0.1`. nullopt: it is something else.
std::optional<IpVersion> ip_version_of(std::string_view text);

/// It reaches only this network namespace: 127.0.0.0/8 or ::1. `text` is an address.
bool is_loopback(std::string_view text);

} // namespace davit::model
