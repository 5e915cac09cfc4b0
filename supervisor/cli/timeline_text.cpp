// SPDX-License-Identifier: Apache-2.0
#include "cli/timeline_text.h"

#include "cli/columns.h"
#include "cli/json_members.h"
#include "model/time.h"
#include "model/why.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

namespace davit::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t usual_width = 80;
constexpr std::size_t time_width = 6;
constexpr std::size_t least_bar = 10;
constexpr std::string_view gap = "  ";

struct Row {
    std::string name;
    bool critical = false;
    double wanted = 0;
    std::optional<double> started;
    std::optional<double> done;
    std::string state;
    std::string waited_for;
    std::int64_t starts = 1;
};

struct Picture {
    double length = 0;
    std::vector<Row> rows;
};

/// Widths of the columns, so that all together fit.
struct Layout {
    std::size_t name = 4;
    std::size_t bar = least_bar;
    std::size_t remark = 0;
};

std::string seconds(double value) {
    return model::describe(from_seconds(value));
}

Row read_row(const json::object& object) {
    return {.name = printable(text_in(object, "name")) + (flag_in(object, "main") ? " (main)" : ""),
            .critical = flag_in(object, "critical"),
            .wanted = number_in(object, "wantedSeconds").value_or(0),
            .started = number_in(object, "startedSeconds"),
            .done = number_in(object, "doneSeconds"),
            .state = text_in(object, "state"),
            .waited_for = printable(text_in(object, "waitedFor")),
            .starts = integer_in(object, "starts").value_or(1)};
}

Picture read_picture(const json::object& object) {
    Picture picture{.length = number_in(object, "seconds").value_or(0), .rows = {}};
    const json::array* rows = array_in(object, "rows");
    for (const json::value& row : rows != nullptr ? *rows : json::array{}) {
        if (const json::object* members = row.if_object()) {
            picture.rows.push_back(read_row(*members));
            // What is up after the end of the way up is drawn as well.
            picture.length = std::max(picture.length, picture.rows.back().done.value_or(0));
        }
    }
    return picture;
}

/// "log-agent 1.2s", "not ready, mesh 3.0s, 3 starts".
std::string remark_of(const Row& row) {
    constexpr double worth_saying = 0.05;
    std::string text;
    const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
    const bool is_usual = row.state == "ready" || row.state == "completed" || row.state == "done";
    if (!is_usual) {
        add(row.state);
    }
    if (!row.waited_for.empty()) {
        const double waited = row.started ? *row.started - row.wanted : 0;
        add(row.waited_for + (waited >= worth_saying ? " " + seconds(waited) : ""));
    }
    if (row.starts > 1) {
        add(std::to_string(row.starts) + " starts");
    }
    return text;
}

Layout layout_of(const Picture& picture, std::size_t width) {
    Layout layout;
    for (const Row& row : picture.rows) {
        layout.name = std::max(layout.name, columns(row.name));
        layout.remark = std::max(layout.remark, columns(remark_of(row)));
    }
    constexpr std::size_t quarter = 4;
    layout.name = std::min(layout.name, std::max<std::size_t>(width / quarter, least_bar));
    layout.remark = std::clamp<std::size_t>(layout.remark, std::string_view{"WAITED FOR"}.size(), width / quarter);
    const std::size_t fixed = 2 + layout.name + 3 * gap.size() + 2 * time_width + gap.size() + layout.remark;
    layout.bar = width > fixed + least_bar ? width - fixed : least_bar;
    return layout;
}

std::string repeated(std::string_view sign, std::size_t count) {
    std::string text;
    for (std::size_t index = 0; index < count; ++index) {
        text += sign;
    }
    return text;
}

/// At least one cell for what took any time at all, so that nothing is invisible.
std::string bar_of(const Row& row, double length, std::size_t width, Charset charset) {
    const std::string_view waits = charset == Charset::utf8 ? "·" : ".";
    const std::string_view works = charset == Charset::utf8 ? "█" : "#";
    const auto cell = [&](double moment) {
        const double part = length > 0 ? moment / length : 0;
        return std::min(width, static_cast<std::size_t>(std::llround(part * static_cast<double>(width))));
    };
    const std::size_t begin = std::min(cell(row.wanted), width - 1);
    const std::size_t start = std::clamp(cell(row.started.value_or(length)), begin, width);
    std::string bar = repeated(" ", begin) + repeated(waits, std::min(start, width - 1) - begin);
    if (!row.started) {
        return bar + std::string{waits};
    }
    const std::size_t from = std::min(start, width - 1);
    const std::size_t end = std::clamp(cell(row.done.value_or(length)), from + 1, width);
    return bar + repeated(works, end - from);
}

std::string coloured(const std::string& text, const Row& row, const TableStyle& style) {
    const bool has_failed = row.state == "failed" || row.state == "ended";
    if (!style.in_colour || (!row.critical && !has_failed)) {
        return text;
    }
    return (has_failed ? "\x1b[31m" : "\x1b[33m") + text + "\x1b[0m";
}

std::string line_of(const Row& row, const Picture& picture, const Layout& layout, const TableStyle& style,
                    Charset charset) {
    const std::string took = row.started ? seconds(row.done.value_or(picture.length) - *row.started) : "-";
    std::string line = row.critical ? "* " : "  ";
    line += left(cut_in_the_middle(row.name, layout.name), layout.name);
    line += gap;
    line += coloured(left(bar_of(row, picture.length, layout.bar, charset), layout.bar), row, style);
    line += gap;
    line += right(row.started ? seconds(*row.started) : "-", time_width);
    line += gap;
    line += right(took, time_width);
    const std::string remark = cut(remark_of(row), layout.remark);
    return remark.empty() ? line + "\n" : line + std::string{gap} + remark + "\n";
}

std::string head_of(const Picture& picture, const Layout& layout) {
    const std::string end = seconds(picture.length);
    const std::size_t room = layout.bar > end.size() ? layout.bar - end.size() : 0;
    std::string line = std::string(2 + layout.name, ' ');
    line += gap;
    line += left("0s", room) + end;
    line += gap;
    line += right("AT", time_width);
    line += gap;
    return line + right("TOOK", time_width) + "  WAITED FOR\n";
}

} // namespace

std::string timeline_text(std::string_view timeline, const TableStyle& style, Charset charset) {
    const auto object = parse_object(timeline);
    if (!object) {
        return std::string{timeline};
    }
    const std::size_t width = style.width == 0 ? usual_width : style.width;
    std::string text = wrapped(printable(text_in(*object, "app") + ": " + text_in(*object, "sentence")), width, "");
    const Picture picture = read_picture(*object);
    if (picture.rows.empty()) {
        return text;
    }
    const Layout layout = layout_of(picture, width);
    text += "\n" + head_of(picture, layout);
    bool any_critical = false;
    for (const Row& row : picture.rows) {
        text += line_of(row, picture, layout, style, charset);
        any_critical = any_critical || row.critical;
    }
    return any_critical ? text + "\n* the critical chain: only a faster one of these makes the start faster\n" : text;
}

} // namespace davit::cli
