// SPDX-License-Identifier: Apache-2.0
#include "runtime/log.h"

#include "os/wall_clock.h"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

namespace davit::runtime {
namespace {

std::string_view name_of(LogLevel level) {
    switch (level) {
    case LogLevel::info: return "info";
    case LogLevel::warn: return "warn";
    case LogLevel::error: return "error";
    }
    std::unreachable();
}

} // namespace

void Log::write(LogLevel level, std::string_view text) const noexcept {
    try {
        std::string line = os::utc_now();
        line.append(" davit ").append(name_of(level)).append(" ").append(text);
        std::ranges::replace_if(line, [](unsigned char character) { return character < ' ' || character == 127; }, ' ');
        line += '\n';
        write_(line);
    } catch (const std::exception&) {
        // Out of memory for one line: davit goes on without it.
    }
}

} // namespace davit::runtime
