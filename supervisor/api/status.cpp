// SPDX-License-Identifier: Apache-2.0
#include "api/status.h"

#include "api/json_writer.h"
#include "model/contains.h"
#include "model/why.h"

#include <algorithm>
#include <optional>
#include <ranges>

namespace davit::api {
namespace {

constexpr std::size_t output_lines_shown = 10;
constexpr std::size_t max_probe_line = 1023;

using model::Service;
using model::ServiceIndex;
using model::ServiceState;

bool is_end_of_process(const runtime::JournalEntry& entry) {
    const bool had_process = entry.from == "starting" || entry.from == "running" || entry.from == "stopping";
    return had_process && entry.to != "running" && entry.to != "stopping";
}

std::optional<TimePoint> last_end_in_journal(const runtime::Journal& journal, const std::string& name) {
    for (const auto& entry : std::views::reverse(journal.entries())) {
        if (entry.service == name && is_end_of_process(entry)) {
            return entry.at;
        }
    }
    return std::nullopt;
}

/// When its last process ended; of one that runs again, as far as the journal remembers.
std::optional<TimePoint> last_end(const View& view, ServiceIndex index) {
    const Service& service = view.pod.services[index];
    switch (service.state) {
    case ServiceState::stopped:
    case ServiceState::completed:
    case ServiceState::failed:
    case ServiceState::held:
    case ServiceState::backoff: return service.since;
    case ServiceState::inactive:
    case ServiceState::blocked:
    case ServiceState::starting:
    case ServiceState::running:
    case ServiceState::stopping: break;
    }
    return last_end_in_journal(view.journal, view.spec.services[index].name);
}

void write_last_exit(JsonWriter& json, const View& view, ServiceIndex index) {
    const Service& service = view.pod.services[index];
    json.key("lastExit");
    if (!service.last_exit) {
        json.null();
        return;
    }
    json.begin_object();
    if (service.last_exit->signal != 0) {
        json.key("signal").string(model::signal_name(service.last_exit->signal));
        json.key("oom").boolean(service.last_exit->out_of_memory);
    } else {
        json.key("code").number(service.last_exit->code);
    }
    const auto at = last_end(view, index);
    json.key("at");
    at ? json.string(view.wall_clock(*at)) : json.null();
    json.end_object();
}

bool has_process(const Service& service) {
    return service.process == model::Process::alive && service.pid > 0;
}

void write_process(JsonWriter& json, const View& view, const Service& service) {
    if (has_process(service)) {
        json.key("pid").number(service.pid);
        json.key("uptimeSeconds").seconds(to_seconds(view.now - service.launched_at.value_or(view.now)));
    } else {
        json.key("pid").null().key("uptimeSeconds").null();
    }
}

void write_last_output(JsonWriter& json, const View& view, ServiceIndex index) {
    json.key("lastOutput").begin_array();
    for (const std::string& line : view.last_output(index, output_lines_shown)) {
        json.string(line);
    }
    json.end_array();
}

void write_service(JsonWriter& json, const View& view, ServiceIndex index, Detail detail) {
    const model::ServiceSpec& spec = view.spec.services[index];
    const Service& service = view.pod.services[index];
    json.begin_object();
    json.key("name").string(spec.name);
    json.key("main").boolean(spec.main);
    json.key("state").string(to_string(service.state));
    json.key("ready").boolean(model::is_ready(spec, service));
    write_process(json, view, service);
    json.key("restarts").number(service.restarts);
    write_last_exit(json, view, index);
    json.key("why").string(model::why(view.spec, view.pod, index, view.now));
    if (service.state == ServiceState::held || service.state == ServiceState::failed) {
        write_last_output(json, view, index);
    }
    if (detail == Detail::explained) {
        json.key("advice").string(model::what_to_do(view.spec, view.pod, index));
    }
    json.end_object();
}

void write_pod(JsonWriter& json, const View& view, Detail detail) {
    json.key("app").string(view.spec.app);
    json.key("mode").string(view.spec.mode == model::Mode::debug ? "debug" : "normal");
    json.key("phase").string(to_string(view.pod.lifecycle.phase));
    json.key("ready").boolean(model::is_ready(view.spec, view.pod));
    json.key("live").boolean(true);
    json.key("isolated").boolean(view.pod.lifecycle.isolated);
    json.key("since").string(view.wall_clock(view.pod.lifecycle.since));
    json.key("cpus").number(view.cpus);
    if (detail == Detail::explained) {
        json.key("why").string(model::pod_why(view.spec, view.pod, view.now));
        json.key("advice").string(model::pod_what_to_do(view.spec, view.pod));
    }
}

/// One line that fits into a kubelet's event.
std::string as_probe_line(std::string text) {
    std::ranges::replace(text, '\n', ' ');
    if (text.size() > max_probe_line) {
        constexpr std::string_view cut = " ...";
        text.resize(max_probe_line - cut.size());
        text += cut;
    }
    return text;
}

std::string phase_text(const View& view) {
    return std::string{to_string(view.pod.lifecycle.phase)} + " for " +
           model::describe(view.now - view.pod.lifecycle.since);
}

ProbeAnswer answer_startup(const View& view) {
    if (model::is_started_up(view.spec, view.pod)) {
        return {true, "started: " + phase_text(view)};
    }
    return {false, "not started: " + model::pod_why(view.spec, view.pod, view.now)};
}

ProbeAnswer answer_ready(const View& view) {
    if (model::is_ready(view.spec, view.pod)) {
        return {true, "ready: " + phase_text(view)};
    }
    const bool is_online = view.pod.lifecycle.phase == model::Phase::online;
    return {false, "not ready: " + (is_online ? model::gate_missing(view.spec, view.pod)
                                              : model::pod_why(view.spec, view.pod, view.now))};
}

} // namespace

std::string status_json(const View& view, const std::vector<ServiceIndex>& services, Detail detail) {
    JsonWriter json;
    json.begin_object();
    write_pod(json, view, detail);
    json.key("services").begin_array();
    for (ServiceIndex index = 0; index < view.spec.services.size(); ++index) {
        const bool is_asked_for = services.empty() || model::contains(services, index);
        if (is_asked_for && !view.spec.services[index].removed) {
            write_service(json, view, index, detail);
        }
    }
    json.end_array().end_object();
    return json.take() + "\n";
}

std::string event_json(const View& view, const runtime::JournalEntry& entry) {
    JsonWriter json;
    json.begin_object();
    json.key("number").number(static_cast<std::int64_t>(entry.number));
    json.key("time").string(view.wall_clock(entry.at));
    json.key("service");
    entry.service.empty() ? json.null() : json.string(entry.service);
    json.key("from").string(entry.from);
    json.key("to").string(entry.to);
    json.key("reason").string(entry.reason);
    json.end_object();
    return json.take();
}

std::string events_json(const View& view) {
    std::string lines;
    for (const runtime::JournalEntry& entry : view.journal.entries()) {
        lines += event_json(view, entry) + "\n";
    }
    return lines;
}

ProbeAnswer answer_probe(const View& view, ProbeQuestion question) {
    ProbeAnswer answer;
    switch (question) {
    case ProbeQuestion::startup: answer = answer_startup(view); break;
    case ProbeQuestion::ready: answer = answer_ready(view); break;
    case ProbeQuestion::live: answer = {true, "live: davit answers"}; break;
    }
    answer.line = as_probe_line(std::move(answer.line));
    return answer;
}

} // namespace davit::api
