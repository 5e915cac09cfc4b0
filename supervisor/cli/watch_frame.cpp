// SPDX-License-Identifier: Apache-2.0
#include "cli/watch_frame.h"

#include "cli/json_members.h"
#include "model/text_parts.h"

#include <array>
#include <vector>

namespace davit::cli {
namespace {

namespace json = boost::json;

constexpr std::string_view home = "\x1b[?25l\x1b[H"; // the cursor is hidden
constexpr std::string_view rest_of_line = "\x1b[K";
constexpr std::string_view rest_of_screen = "\x1b[J";

void add_members(std::string& text, const json::object& object, const auto& names) {
    for (const std::string_view name : names) {
        const json::value* value = object.if_contains(name);
        text += value != nullptr ? json::serialize(*value) + " " : "- ";
    }
}

} // namespace

std::string frame_of(std::string_view table, std::string_view note, std::size_t rows, Charset charset) {
    std::vector<std::string_view> lines;
    while (!table.empty()) {
        lines.push_back(model::next_line(table));
    }
    const std::size_t below = (note.empty() ? 0 : 1) + 1; // the cursor has the last row
    const std::size_t room = rows > below ? rows - below : 1;
    std::string frame{home};
    const auto add = [&](std::string_view line) {
        frame += line;
        frame += rest_of_line;
        frame += "\n";
    };
    const bool all_fit = lines.size() <= room;
    const std::size_t shown = all_fit ? lines.size() : room - 1;
    for (std::size_t index = 0; index < shown; ++index) {
        add(lines[index]);
    }
    if (!all_fit) {
        add((charset == Charset::utf8 ? "… " : "... ") + std::to_string(lines.size() - shown) + " more");
    }
    if (!note.empty()) {
        add(note);
    }
    return frame.append(rest_of_screen);
}

std::string fingerprint(std::string_view status) {
    const auto object = parse_object(status);
    if (!object) {
        return std::string{status};
    }
    constexpr std::array<std::string_view, 6> of_pod{"app", "mode", "phase", "ready", "isolated", "cpus"};
    constexpr std::array<std::string_view, 5> of_service{"name", "state", "ready", "pid", "restarts"};
    std::string text;
    add_members(text, *object, of_pod);
    const json::array* services = array_in(*object, "services");
    for (const json::value& service : services != nullptr ? *services : json::array{}) {
        if (const json::object* members = service.if_object()) {
            add_members(text, *members, of_service);
        }
    }
    return text;
}

} // namespace davit::cli
