// SPDX-License-Identifier: Apache-2.0
// Who davit's own process is and what it may do, read from the kernel, and the texts of /etc/passwd and /etc/group.
#pragma once

#include "model/accounts.h"
#include "model/process_identity.h"

#include <optional>
#include <string_view>

namespace davit::os {

/// Looks at everything once, a dozen system calls. The limits are those of this moment.
model::OwnProcess read_own_process();

/// Number of a resource of setrlimit(2) by its name in model::resource_names; nullopt: no such name.
std::optional<int> resource_of(std::string_view name);

/// From /etc/passwd and /etc/group; a file that is not there holds nobody.
model::Accounts read_accounts();

} // namespace davit::os
