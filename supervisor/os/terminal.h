// SPDX-License-Identifier: Apache-2.0
// The terminal of a client that redraws it in place: its size, and a cursor that is hidden meanwhile and comes back
// whatever ends the client (a signal that stops or ends it too).
#pragma once

#include "os/client_io.h"

#include <cstddef>

namespace davit::os {

struct TerminalSize {
    std::size_t columns = 0; // 0: it is no terminal
    std::size_t rows = 0;
};
/// 80 by 24 where the terminal does not know itself.
TerminalSize terminal_size(int descriptor);

/// While it lives INT, TERM, HUP, QUIT and TSTP show the cursor of standard output before they do what they do, and a
/// resize ends `wait_for_news`. One at a time. What is drawn hides the cursor itself, so that it is hidden again after
/// a stop.
class CursorGuard {
public:
    CursorGuard();
    ~CursorGuard();
    CursorGuard(const CursorGuard&) = delete;
    CursorGuard& operator=(const CursorGuard&) = delete;
};

enum class News : std::uint8_t {
    there,       // `source` can be read, or has ended
    output_gone, // nobody reads `output` any more, or its terminal is closed
    none,        // it is `moment`, or a signal came
};
/// `source` -1: none.
News wait_for_news(int source, int output, TimePoint moment);

} // namespace davit::os
