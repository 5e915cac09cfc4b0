// SPDX-License-Identifier: Apache-2.0
// Draws the JSON of `timeline` as a waterfall: a line each service, step and gate, a bar from its start to the moment
// that it was ready, and a mark at what made the start slow. Pure: text in, text out.
//
//   shop  online after 12.3s; 9.8s of it mesh (readiness probe)
//
//                  0s                      12.3s      AT    TOOK  WAITED FOR
//   * log-agent    ████                             0.0s    1.2s
//   * mesh         ····█████████████████████        1.2s    9.8s  log-agent 1.2s
#pragma once

#include "cli/status_text.h"

#include <string>
#include <string_view>

namespace davit::cli {

enum class Charset : bool { ascii, utf8 };

/// `style.width` 0: 80 columns. What does not parse is given back as it is.
std::string timeline_text(std::string_view timeline, const TableStyle& style, Charset charset);

} // namespace davit::cli
