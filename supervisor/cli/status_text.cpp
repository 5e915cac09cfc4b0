// SPDX-License-Identifier: Apache-2.0
#include "cli/status_text.h"

#include "cli/columns.h"
#include "cli/json_members.h"
#include "model/contains.h"
#include "model/time.h"
#include "model/why.h"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace davit::cli {
namespace {

namespace json = boost::json;

// ---- reading the answer ----------------------------------------------------------------------------------

struct ServiceRow {
    std::string name;
    std::string state;
    bool main = false;
    bool ready = false;
    std::optional<std::int64_t> pid;
    std::optional<double> uptime;
    std::int64_t restarts = 0;
    std::string last_exit;
    std::string why;
    std::string advice;
    std::vector<std::string> last_output;
};

struct PodRow {
    std::string app;
    std::string mode;
    std::string phase;
    std::string since;
    bool ready = false;
    bool isolated = false;
    std::int64_t cpus = 0;
    std::string why;
    std::string advice;
    std::vector<ServiceRow> services;
};

std::string exit_text(const json::object& service) {
    const json::value* value = service.if_contains("lastExit");
    const json::object* end = value != nullptr ? value->if_object() : nullptr;
    if (end == nullptr) {
        return "";
    }
    const std::string signal = text_in(*end, "signal");
    std::string text =
        signal.empty() ? "exit code " + std::to_string(integer_in(*end, "code").value_or(0)) : "SIG" + signal;
    text += flag_in(*end, "oom") ? ", out of memory" : "";
    const std::string at = text_in(*end, "at");
    return at.empty() ? text : text + ", at " + at;
}

std::vector<std::string> output_lines(const json::object& service) {
    std::vector<std::string> lines;
    const json::array* array = array_in(service, "lastOutput");
    for (const json::value& line : array != nullptr ? *array : json::array{}) {
        if (const json::string* text = line.if_string()) {
            lines.emplace_back(text->data(), text->size());
        }
    }
    return lines;
}

ServiceRow read_service(const json::object& object) {
    return {.name = text_in(object, "name"),
            .state = text_in(object, "state"),
            .main = flag_in(object, "main"),
            .ready = flag_in(object, "ready"),
            .pid = integer_in(object, "pid"),
            .uptime = number_in(object, "uptimeSeconds"),
            .restarts = integer_in(object, "restarts").value_or(0),
            .last_exit = exit_text(object),
            .why = text_in(object, "why"),
            .advice = text_in(object, "advice"),
            .last_output = output_lines(object)};
}

std::optional<PodRow> read_status(std::string_view status) {
    const auto object = parse_object(status);
    if (!object) {
        return std::nullopt;
    }
    PodRow pod{.app = text_in(*object, "app"),
               .mode = text_in(*object, "mode"),
               .phase = text_in(*object, "phase"),
               .since = text_in(*object, "since"),
               .ready = flag_in(*object, "ready"),
               .isolated = flag_in(*object, "isolated"),
               .cpus = integer_in(*object, "cpus").value_or(0),
               .why = text_in(*object, "why"),
               .advice = text_in(*object, "advice"),
               .services = {}};
    const json::array* services = array_in(*object, "services");
    for (const json::value& service : services != nullptr ? *services : json::array{}) {
        if (const json::object* row = service.if_object()) {
            pod.services.push_back(read_service(*row));
        }
    }
    return pod;
}

// ---- words and columns -----------------------------------------------------------------------------------

constexpr const char* two_spaces = "  ";

/// The state has its own column: "blocked: waits ..." becomes "waits ...".
std::string_view without_state(std::string_view why, std::string_view state) {
    if (why.starts_with(state) && why.substr(state.size()).starts_with(": ")) {
        return why.substr(state.size() + 2);
    }
    return why;
}

enum class Mood : std::uint8_t { good, waiting, bad, plain };

Mood mood_of(std::string_view state) {
    constexpr std::array<std::string_view, 3> good{"running", "completed", "online"};
    constexpr std::array<std::string_view, 2> bad{"failed", "backoff"};
    constexpr std::array<std::string_view, 4> plain{"inactive", "stopped", "held", "offline"};
    if (model::contains(good, state)) {
        return Mood::good;
    }
    if (model::contains(bad, state)) {
        return Mood::bad;
    }
    return model::contains(plain, state) ? Mood::plain : Mood::waiting;
}

std::string coloured(std::string_view text, Mood mood, const TableStyle& style) {
    if (!style.in_colour || mood == Mood::plain) {
        return std::string{text};
    }
    const std::string_view colour = mood == Mood::good ? "\x1b[32m" : mood == Mood::bad ? "\x1b[31m" : "\x1b[33m";
    return std::string{colour} + std::string{text} + "\x1b[0m";
}

// ---- the table -------------------------------------------------------------------------------------------

constexpr std::size_t state_width = 9;
constexpr std::size_t ready_width = 5;
constexpr std::size_t restarts_width = 8;
constexpr std::size_t uptime_width = 6;

/// Columns whose width depends on what stands in them.
struct Widths {
    std::size_t name = std::string_view{"SERVICE"}.size();
    std::size_t pid = std::string_view{"PID"}.size();
};

std::string pid_text(const ServiceRow& service) {
    return service.pid ? std::to_string(*service.pid) : "-";
}

/// A name may take a third of the terminal; the column of reasons needs room as well.
std::size_t widest_name(const TableStyle& style) {
    constexpr std::size_t least = 12;
    constexpr std::size_t part = 3;
    return style.width == 0 ? std::string::npos : std::max(least, style.width / part);
}

std::string shown_name(const ServiceRow& service, const TableStyle& style) {
    const std::string_view mark = service.main ? " *" : "";
    const std::string name = printable(service.name);
    return style.width == 0 ? name + std::string{mark}
                            : cut_in_the_middle(name, widest_name(style) - mark.size()) + std::string{mark};
}

Widths widths_of(const PodRow& pod, const TableStyle& style) {
    Widths widths;
    for (const ServiceRow& service : pod.services) {
        widths.name = std::max(widths.name, columns(shown_name(service, style)));
        widths.pid = std::max(widths.pid, pid_text(service).size());
    }
    return widths;
}

std::string head_line(const PodRow& pod, const TableStyle& style) {
    const std::string ready = pod.phase == "online" ? (pod.ready ? ", ready" : ", not ready") : "";
    const Mood mood = pod.phase == "online" && !pod.ready ? Mood::waiting : mood_of(pod.phase);
    const std::string phase = pod.phase + ready;
    const std::string rest =
        "  since " + pod.since + two_spaces + std::to_string(pod.cpus) + (pod.cpus == 1 ? " cpu" : " cpus");
    std::string app = printable(pod.app);
    const std::size_t others = columns(phase) + rest.size() + 2;
    if (style.width > others) {
        app = cut_in_the_middle(app, style.width - others);
    }
    return app + two_spaces + coloured(phase, mood, style) + rest + "\n";
}

/// What makes this container other than usual, before anything else.
std::string unusual_line(const PodRow& pod, const TableStyle& style) {
    std::string text = pod.mode == "debug" ? "DEBUG MODE" : "";
    const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
    if (pod.isolated) {
        add("ISOLATED");
    }
    std::string held;
    for (const ServiceRow& service : pod.services) {
        if (service.state == "held") {
            held += (held.empty() ? "" : " ") + printable(service.name);
        }
    }
    if (!held.empty()) {
        add("HELD: " + held);
    }
    if (text.empty()) {
        return "";
    }
    return coloured(style.width == 0 ? text : cut(text, style.width), Mood::waiting, style) + "\n";
}

bool is_as_wanted(const ServiceRow& service) {
    return service.state == "completed" || (service.state == "running" && service.ready);
}

std::string row_start(const ServiceRow& service, const Widths& widths, const TableStyle& style) {
    const Mood mood = service.state == "running" && !service.ready ? Mood::waiting : mood_of(service.state);
    std::string row = left(shown_name(service, style), widths.name) + two_spaces;
    row += coloured(left(service.state, state_width), mood, style) + two_spaces;
    row += left(service.ready ? "yes" : "no", ready_width) + two_spaces;
    row += right(pid_text(service), widths.pid) + two_spaces;
    row += right(std::to_string(service.restarts), restarts_width) + two_spaces;
    row += right(service.uptime ? model::describe(from_seconds(*service.uptime)) : "-", uptime_width);
    return row + two_spaces;
}

/// The columns STATE and READY say the beginning of it.
std::string why_in_table(const ServiceRow& service) {
    std::string_view why = without_state(service.why, service.state);
    why = without_state(why, service.ready ? "ready" : "not ready");
    return printable(why);
}

/// `why` stands at the end of the row. Where it does not fit on the terminal it is cut, or, if something
/// is not as it should be, stands below in full.
std::string service_row(const ServiceRow& service, const Widths& widths, const TableStyle& style) {
    const std::string why = why_in_table(service);
    const std::size_t start = columns(row_start(service, widths, {.width = style.width}));
    const std::string row = row_start(service, widths, style);
    if (style.width == 0 || start + columns(why) <= style.width) {
        return row + why + "\n";
    }
    constexpr std::size_t least = 4;
    if (is_as_wanted(service) && start + least <= style.width) {
        return row + cut(why, style.width - start) + "\n";
    }
    return row.substr(0, row.size() - 2) + "\n" + wrapped(why, style.width, "    ");
}

std::string table_head(const Widths& widths) {
    return left("SERVICE", widths.name) + two_spaces + left("STATE", state_width) + two_spaces +
           left("READY", ready_width) + two_spaces + right("PID", widths.pid) + two_spaces +
           right("RESTARTS", restarts_width) + two_spaces + right("UPTIME", uptime_width) + "  WHY\n";
}

// ---- paragraphs ------------------------------------------------------------------------------------------

constexpr std::size_t paragraph_width = 78;

std::string labelled(std::string_view label, std::string_view text) {
    if (text.empty()) {
        return "";
    }
    return "  " + std::string{label} + ":\n" + wrapped(printable(text), paragraph_width, "    ");
}

bool needs_a_word(const ServiceRow& service) {
    return service.state == "running" || service.state == "starting" ? !service.ready : service.state != "completed";
}

std::string paragraph(const ServiceRow& service) {
    std::string text = service.name + (service.main ? " (main): " : ": ") + service.state;
    text += service.pid ? ", pid " + std::to_string(*service.pid) : "";
    text += service.uptime ? ", for " + model::describe(from_seconds(*service.uptime)) : "";
    text += service.restarts > 0 ? ", restarts " + std::to_string(service.restarts) : "";
    text += "\n" + labelled("why", without_state(service.why, service.state)) + labelled("what to do", service.advice);
    text += labelled("last exit", service.last_exit);
    if (!service.last_output.empty()) {
        text += "  last output:\n";
        for (const std::string& line : service.last_output) {
            text += "    " + printable(line) + "\n";
        }
    }
    return text;
}

} // namespace

std::string status_table(std::string_view status, const TableStyle& style) {
    const auto pod = read_status(status);
    if (!pod) {
        return std::string{status};
    }
    const Widths widths = widths_of(*pod, style);
    std::string table = head_line(*pod, style) + unusual_line(*pod, style);
    if (!pod->ready && !pod->why.empty()) {
        const std::string why = printable(without_state(pod->why, pod->phase));
        table += style.width == 0 ? why + "\n" : wrapped(why, style.width, "");
    }
    table += "\n" + table_head(widths);
    for (const ServiceRow& service : pod->services) {
        table += service_row(service, widths, style);
    }
    return table;
}

std::string pod_paragraph(std::string_view status) {
    const auto pod = read_status(status);
    if (!pod) {
        return std::string{status};
    }
    std::string text = pod->app + ": " + pod->phase + (pod->ready ? ", ready" : ", not ready") + ", since " +
                       pod->since + "\n" + labelled("why", without_state(pod->why, pod->phase)) +
                       labelled("what to do", pod->advice);
    std::string others;
    for (const ServiceRow& service : pod->services) {
        if (needs_a_word(service)) {
            others += wrapped(printable(service.name + " " + service.why), paragraph_width, "    ");
        }
    }
    return others.empty() ? text : text + "  not as they should be:\n" + others;
}

std::string service_paragraph(std::string_view status) {
    const auto pod = read_status(status);
    if (!pod) {
        return std::string{status};
    }
    std::string text;
    for (const ServiceRow& service : pod->services) {
        text += paragraph(service);
    }
    return text;
}

std::string main_service(std::string_view status) {
    const auto pod = read_status(status);
    if (!pod) {
        return {};
    }
    const auto main = std::ranges::find(pod->services, true, &ServiceRow::main);
    return main == pod->services.end() ? std::string{} : main->name;
}

std::string query_escaped(std::string_view text) {
    constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-~";
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string escaped;
    for (const char character : text) {
        if (plain.contains(character)) {
            escaped += character;
            continue;
        }
        const auto byte = static_cast<unsigned char>(character);
        escaped += '%';
        escaped += digits[byte >> 4U];
        escaped += digits[byte & 0xFU];
    }
    return escaped;
}

} // namespace davit::cli
