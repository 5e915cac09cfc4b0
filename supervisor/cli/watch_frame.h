// SPDX-License-Identifier: Apache-2.0
// What `status --watch` writes: a frame that is drawn over the last one, and what makes two answers different for who
// reads them from a pipe. Pure: text in, text out.
#pragma once

#include "cli/timeline_text.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace davit::cli {

/// Before the first frame: an empty screen. What was there stays in the terminal's memory.
inline constexpr std::string_view clear_screen = "\x1b[2J";

/// `table` and, if there is one, `note` below it, from the top left corner on, over what stands there. Nothing is
/// erased before it is written, so nothing flickers. What does not fit into `rows` is cut and counted.
std::string frame_of(std::string_view table, std::string_view note, std::size_t rows, Charset charset);

/// What a change is, of an answer to `status`: phase, states, readiness, pids and restarts; not times and messages.
std::string fingerprint(std::string_view status);

} // namespace davit::cli
