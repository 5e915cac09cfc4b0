// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.h"

#include "os/terminal.h"

namespace davit::cli {

TableStyle terminal_style(Environment environment) {
    const std::size_t width = os::terminal_size(standard_output).columns;
    const bool is_plain = width == 0 || !environment("NO_COLOR").empty() || environment("TERM") == "dumb";
    return {.width = width, .in_colour = !is_plain};
}

} // namespace davit::cli
