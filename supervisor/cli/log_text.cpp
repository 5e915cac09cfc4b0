// SPDX-License-Identifier: Apache-2.0
#include "cli/log_text.h"

#include "cli/json_members.h"

#include <utility>

namespace davit::cli {

namespace json = boost::json;

LogText::Part LogText::take(const json::object& object) {
    const std::string service = text_in(object, "service");
    if (object.contains("note")) {
        return {.output = {}, .note = text_in(object, "note")};
    }
    if (const auto lost = integer_in(object, "lost")) {
        return {.output = {}, .note = service + ": " + std::to_string(*lost) + " lines were not read in time"};
    }
    const std::string line = service + " " + text_in(object, "stream");
    const bool is_partial = object.contains("partial");
    Part part;
    const std::string open_line = std::exchange(open_line_, is_partial ? line : std::string{});
    if (!open_line.empty() && open_line != line) {
        part.output = "\n";
    }
    if (names_ == LogNames::shown && open_line != line) {
        part.output += "[" + service + "] ";
    }
    part.output += text_in(object, "message") + (is_partial ? "" : "\n");
    return part;
}

} // namespace davit::cli
