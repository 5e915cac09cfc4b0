// SPDX-License-Identifier: Apache-2.0
// The text of the container's termination log, which Kubernetes shows as the reason of the last end: best
// line first, at most 4096 bytes, never cut inside a character.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace davit::model {

/// The kubelet keeps this much (TerminationMessagePath in its API).
inline constexpr std::size_t termination_message_limit = 4096;

/// `text` with U+FFFD for every byte that is no part of a UTF-8 character: services print what they like, the API
/// server takes only UTF-8 (RFC 3629: no surrogates, no overlong forms).
std::string valid_utf8(std::string_view text);

/// `reasons`, best first, one a line; then what fits of `last_output`, its newest lines, oldest first.
/// Valid UTF-8 whatever comes in.
std::string termination_message(const std::vector<std::string>& reasons, const std::vector<std::string>& last_output);

/// The longest beginning of `text` of at most `limit` bytes that does not end inside a UTF-8 sequence.
std::string_view cut_at_character(std::string_view text, std::size_t limit);

} // namespace davit::model
