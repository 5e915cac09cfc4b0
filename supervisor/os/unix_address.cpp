// SPDX-License-Identifier: Apache-2.0
#include "os/unix_address.h"

#include <cstddef>
#include <cstring>

namespace davit::os {

bool is_abstract_place(std::string_view place) {
    return place.starts_with('@');
}

std::optional<UnixAddress> unix_address_of(std::string_view place) {
    UnixAddress made;
    made.address.sun_family = AF_UNIX;
    if (place.empty() || place.size() >= sizeof made.address.sun_path) {
        return std::nullopt;
    }
    std::memcpy(made.address.sun_path, place.data(), place.size());
    if (is_abstract_place(place)) {
        made.address.sun_path[0] = '\0';
        made.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + place.size());
    } else {
        made.size = sizeof made.address;
    }
    return made;
}

} // namespace davit::os
