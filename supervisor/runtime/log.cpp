// SPDX-License-Identifier: Apache-2.0
#include "runtime/log.h"

#include "model/json_text.h"
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

std::string text_line(LogLevel level, std::string_view text) {
    std::string line = os::utc_now();
    line.append(" davit ").append(name_of(level)).append(" ").append(text);
    std::ranges::replace_if(line, [](unsigned char character) { return character < ' ' || character == 127; }, ' ');
    return line + '\n';
}

std::string json_line(LogLevel level, std::string_view text) {
    std::string line = "{\"time\":\"" + os::utc_now() + "\",\"level\":\"";
    line.append(name_of(level)).append("\",\"source\":\"davit\",\"message\":");
    model::append_json_string(line, text);
    return line + "}\n";
}

} // namespace

void Log::write(LogLevel level, std::string_view text) const noexcept {
    try {
        write_(format_() == model::LogFormat::json ? json_line(level, text) : text_line(level, text));
    } catch (const std::exception&) {
        // Out of memory for one line: davit goes on without it.
    }
}

} // namespace davit::runtime
