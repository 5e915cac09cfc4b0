// SPDX-License-Identifier: Apache-2.0
// Who must be able to use a path that davit makes or hands out. A service under another user cannot pass a directory
// that only davit may enter, however open the file in it is.
#pragma once

#include <cstdint>
#include <string>

namespace davit::os {

enum class Reach : std::uint8_t {
    own_user,  // davit's user, or davit is root and so is the service
    everybody, // the service runs under another uid
};

/// Every directory on the way to `path` may be entered by everybody.
bool everybody_may_enter(const std::string& path);

} // namespace davit::os
