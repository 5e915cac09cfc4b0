// SPDX-License-Identifier: Apache-2.0
// The address of a unix socket. A place is a path, or `@NAME` in the abstract namespace (unix(7)).
#pragma once

#include <optional>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>

namespace davit::os {

struct UnixAddress {
    sockaddr_un address{};
    socklen_t size = 0;

    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

bool is_abstract_place(std::string_view place);

/// nullopt: a place has 1 to 107 bytes.
std::optional<UnixAddress> unix_address_of(std::string_view place);

} // namespace davit::os
