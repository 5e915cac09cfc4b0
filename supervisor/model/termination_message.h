// SPDX-License-Identifier: Apache-2.0
// The text of the termination log, which `kubectl describe pod` shows: best line first, at most 4096 bytes
// (the kubelet cuts there, see terminationMessagePath), valid UTF-8 whatever the services printed.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace davit::model {

inline constexpr std::size_t termination_message_limit = 4096;

/// Joins `lines`, best first: the reason, the last ends, the last output. Empty lines and repeated ones are left
/// out, bytes that are no UTF-8 and control characters are shown as U+FFFD, what does not fit is cut at the end
/// of a character. Each line ends with a newline.
std::string termination_message(std::span<const std::string> lines);

} // namespace davit::model
