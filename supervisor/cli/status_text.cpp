// SPDX-License-Identifier: Apache-2.0
#include "cli/status_text.h"

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
    std::string phase;
    std::string since;
    bool ready = false;
    std::int64_t cpus = 0;
    std::string why;
    std::string advice;
    std::vector<ServiceRow> services;
};

std::string as_text(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    const json::string* text = value != nullptr ? value->if_string() : nullptr;
    return text != nullptr ? std::string{text->data(), text->size()} : std::string{};
}

bool as_flag(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    const bool* flag = value != nullptr ? value->if_bool() : nullptr;
    return flag != nullptr && *flag;
}

std::optional<std::int64_t> as_integer(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    const std::int64_t* number = value != nullptr ? value->if_int64() : nullptr;
    return number != nullptr ? std::optional{*number} : std::nullopt;
}

std::optional<double> as_number(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    return value != nullptr && value->is_number() ? std::optional{value->to_number<double>()} : std::nullopt;
}

std::string exit_text(const json::object& service) {
    const json::value* value = service.if_contains("lastExit");
    const json::object* end = value != nullptr ? value->if_object() : nullptr;
    if (end == nullptr) {
        return "";
    }
    const std::string signal = as_text(*end, "signal");
    std::string text =
        signal.empty() ? "exit code " + std::to_string(as_integer(*end, "code").value_or(0)) : "SIG" + signal;
    text += as_flag(*end, "oom") ? ", out of memory" : "";
    const std::string at = as_text(*end, "at");
    return at.empty() ? text : text + ", at " + at;
}

std::vector<std::string> output_lines(const json::object& service) {
    std::vector<std::string> lines;
    const json::value* value = service.if_contains("lastOutput");
    if (value != nullptr && value->is_array()) {
        for (const json::value& line : value->get_array()) {
            if (const json::string* text = line.if_string()) {
                lines.emplace_back(text->data(), text->size());
            }
        }
    }
    return lines;
}

ServiceRow read_service(const json::object& object) {
    return {.name = as_text(object, "name"),
            .state = as_text(object, "state"),
            .main = as_flag(object, "main"),
            .ready = as_flag(object, "ready"),
            .pid = as_integer(object, "pid"),
            .uptime = as_number(object, "uptimeSeconds"),
            .restarts = as_integer(object, "restarts").value_or(0),
            .last_exit = exit_text(object),
            .why = as_text(object, "why"),
            .advice = as_text(object, "advice"),
            .last_output = output_lines(object)};
}

std::optional<PodRow> read_status(std::string_view status) {
    boost::system::error_code error;
    const json::value value = json::parse(status, error);
    if (error || !value.is_object()) {
        return std::nullopt;
    }
    const json::object& object = value.get_object();
    PodRow pod{.app = as_text(object, "app"),
               .phase = as_text(object, "phase"),
               .since = as_text(object, "since"),
               .ready = as_flag(object, "ready"),
               .cpus = as_integer(object, "cpus").value_or(0),
               .why = as_text(object, "why"),
               .advice = as_text(object, "advice"),
               .services = {}};
    const json::value* services = object.if_contains("services");
    if (services != nullptr && services->is_array()) {
        for (const json::value& service : services->get_array()) {
            if (const json::object* row = service.if_object()) {
                pod.services.push_back(read_service(*row));
            }
        }
    }
    return pod;
}

// ---- words and columns -----------------------------------------------------------------------------------

constexpr const char* two_spaces = "  ";

/// What a child or a file wrote may hold bytes that move a terminal's cursor.
std::string printable(std::string_view text) {
    std::string clean{text};
    std::ranges::replace_if(clean, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
    return clean;
}

/// Characters, not bytes: continuation bytes of UTF-8 do not count.
std::size_t columns(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// Never ends in the middle of a character.
std::string first_columns(std::string_view text, std::size_t count) {
    std::size_t end = 0;
    for (std::size_t used = 0; end < text.size(); ++end) {
        const bool begins_character = (static_cast<unsigned char>(text[end]) & 0xC0U) != 0x80U;
        used += begins_character ? 1 : 0;
        if (used > count) {
            break;
        }
    }
    return std::string{text.substr(0, end)};
}

std::string left(std::string_view text, std::size_t width) {
    const std::size_t used = columns(text);
    return std::string{text} + std::string(used < width ? width - used : 0, ' ');
}

std::string right(std::string_view text, std::size_t width) {
    const std::size_t used = columns(text);
    return std::string(used < width ? width - used : 0, ' ') + std::string{text};
}

/// The state has its own column: "blocked: waits ..." becomes "waits ...".
std::string_view without_state(std::string_view why, std::string_view state) {
    if (why.starts_with(state) && why.substr(state.size()).starts_with(": ")) {
        return why.substr(state.size() + 2);
    }
    return why;
}

/// Breaks `text` at blanks into lines of at most `width`, each after `indent`.
std::string wrapped(std::string_view text, std::size_t width, std::string_view indent) {
    std::string result;
    std::string line;
    const auto flush = [&] {
        if (!line.empty()) {
            result += std::string{indent} + line + "\n";
            line.clear();
        }
    };
    while (!text.empty()) {
        const auto blank = std::min(text.find(' '), text.size());
        const std::string_view word = text.substr(0, blank);
        text.remove_prefix(std::min(blank + 1, text.size()));
        if (!line.empty() && indent.size() + columns(line) + 1 + columns(word) > width) {
            flush();
        }
        line += line.empty() ? std::string{word} : " " + std::string{word};
    }
    flush();
    return result;
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

Widths widths_of(const PodRow& pod) {
    Widths widths;
    for (const ServiceRow& service : pod.services) {
        widths.name = std::max(widths.name, columns(service.name) + (service.main ? 2 : 0));
        widths.pid = std::max(widths.pid, pid_text(service).size());
    }
    return widths;
}

std::string head_line(const PodRow& pod, const TableStyle& style) {
    const std::string ready = pod.phase == "online" ? (pod.ready ? ", ready" : ", not ready") : "";
    const Mood mood = pod.phase == "online" && !pod.ready ? Mood::waiting : mood_of(pod.phase);
    return pod.app + two_spaces + coloured(pod.phase + ready, mood, style) + "  since " + pod.since + two_spaces +
           std::to_string(pod.cpus) + (pod.cpus == 1 ? " cpu" : " cpus") + "\n";
}

bool is_as_wanted(const ServiceRow& service) {
    return service.state == "completed" || (service.state == "running" && service.ready);
}

std::string row_start(const ServiceRow& service, const Widths& widths, const TableStyle& style) {
    const Mood mood = service.state == "running" && !service.ready ? Mood::waiting : mood_of(service.state);
    std::string row = left(service.name + (service.main ? " *" : ""), widths.name) + two_spaces;
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
    const std::size_t start = columns(row_start(service, widths, {}));
    const std::string row = row_start(service, widths, style);
    if (style.width == 0 || start + columns(why) <= style.width) {
        return row + why + "\n";
    }
    constexpr std::string_view cut = "...";
    if (is_as_wanted(service) && start + cut.size() < style.width) {
        return row + first_columns(why, style.width - start - cut.size()) + std::string{cut} + "\n";
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
    const Widths widths = widths_of(*pod);
    std::string table = head_line(*pod, style);
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
