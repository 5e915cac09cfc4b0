// SPDX-License-Identifier: Apache-2.0
#include "cli/log_text.h"

#include <boost/json/value.hpp>

#include <string_view>
#include <utility>

namespace davit::cli {
namespace {

namespace json = boost::json;

std::string text_of(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    const json::string* text = value != nullptr ? value->if_string() : nullptr;
    return text != nullptr ? std::string{text->data(), text->size()} : std::string{};
}

} // namespace

LogText::Part LogText::take(const json::object& object) {
    const std::string service = text_of(object, "service");
    if (object.contains("note")) {
        return {.output = {}, .note = text_of(object, "note")};
    }
    if (const json::value* lost = object.if_contains("lost"); lost != nullptr && lost->is_int64()) {
        return {.output = {},
                .note = service + ": " + std::to_string(lost->get_int64()) + " lines were not read in time"};
    }
    const std::string line = service + " " + text_of(object, "stream");
    const bool is_partial = object.contains("partial");
    Part part;
    const std::string open_line = std::exchange(open_line_, is_partial ? line : std::string{});
    if (!open_line.empty() && open_line != line) {
        part.output = "\n";
    }
    if (names_ == LogNames::shown && open_line != line) {
        part.output += "[" + service + "] ";
    }
    part.output += text_of(object, "message") + (is_partial ? "" : "\n");
    return part;
}

} // namespace davit::cli
