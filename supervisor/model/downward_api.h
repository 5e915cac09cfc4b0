// SPDX-License-Identifier: Apache-2.0
// Reads what the kubelet writes into a downward-API volume for a pod's labels or annotations: one line a key,
// KEY="VALUE", the value quoted as a string of Go.
#pragma once

#include <string_view>

namespace davit::model {

/// A line of `text` is about `key`, whatever its value.
bool has_key(std::string_view text, std::string_view key);

} // namespace davit::model
