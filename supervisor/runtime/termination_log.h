// SPDX-License-Identifier: Apache-2.0
// The file that Kubernetes reads when a container has ended, for the reason in words.
#pragma once

#include "model/result.h"

#include <string>
#include <string_view>

namespace davit::runtime {

/// Writes to the file that was asked for (made if it is not there), else to the kubelet's, which is only
/// written if it exists: outside of Kubernetes nobody wants a file in /dev.
Result<void> write_termination_log(const std::string& asked_for, std::string_view text);

} // namespace davit::runtime
