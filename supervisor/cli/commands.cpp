// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.h"

#include "api/protocol.h"
#include "cli/client.h"
#include "cli/fetch.h"
#include "cli/json_members.h"
#include "cli/log_text.h"
#include "cli/output.h"
#include "cli/release_lines.h"
#include "cli/status_text.h"
#include "cli/terminal.h"
#include "model/contains.h"
#include "model/exit_status.h"
#include "model/lifecycle_machine.h"
#include "model/why.h"
#include "os/client_io.h"
#include "os/sockets.h"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <utility>

namespace davit::cli {
namespace {

namespace json = boost::json;
using api::ClientExit;

/// poststart's timeout is PID 1's to answer; a client that hears nothing by then waits this much longer.
constexpr std::chrono::milliseconds answer_margin{500};

TimePoint now() {
    return std::chrono::steady_clock::now();
}

int as_code(ClientExit exit) {
    return static_cast<int>(exit);
}

// ---- verbs -------------------------------------------------------------------------------------------------

Duration default_timeout(Command command) {
    return command == Command::prestop ? api::default_prestop_timeout : api::default_client_timeout;
}

std::string joined(std::span<const std::string> names) {
    std::string text;
    for (const std::string& name : names) {
        text += (text.empty() ? "" : ",") + query_escaped(name);
    }
    return text;
}

std::string body_of(const json::object& members) {
    return members.empty() ? std::string{} : json::serialize(members);
}

ApiRequest lifecycle_request(const Arguments& arguments, TimePoint began) {
    json::object members;
    if (arguments.command == Command::poststart) {
        members["waitedSeconds"] = to_seconds(now() - began);
    }
    if (!arguments.reason.empty()) {
        members["reason"] = arguments.reason;
    }
    if (arguments.no_wait) {
        members["noWait"] = true;
    }
    const bool is_hook = arguments.command == Command::poststart || arguments.command == Command::prestop;
    if (is_hook && arguments.timeout) {
        members["timeoutSeconds"] = to_seconds(*arguments.timeout);
    }
    return {.method = "POST",
            .target = std::string{api::lifecycle_prefix} + std::string{to_string(arguments.command)},
            .body = body_of(members)};
}

ApiRequest services_request(const Arguments& arguments) {
    json::object members;
    std::span<const std::string> names = arguments.words;
    if (arguments.command == Command::signal) {
        members["signal"] = names.front();
        names = names.subspan(1);
    }
    if (arguments.no_wait) {
        members["noWait"] = true;
    }
    if (arguments.cascade) {
        members["cascade"] = true;
    }
    const bool all = model::contains(names, "all");
    return {.method = "POST",
            .target = std::string{api::services_prefix} + (all ? "all" : joined(names)) + "/" +
                      std::string{to_string(arguments.command)},
            .body = body_of(members)};
}

ApiRequest wait_request(const Arguments& arguments) {
    const std::string& word = arguments.words.front();
    const bool is_phase = model::phase_from_name(word).has_value();
    json::object members;
    members[is_phase ? "phase" : "service"] = word;
    return {.method = "POST", .target = std::string{api::wait_path}, .body = body_of(members)};
}

ApiRequest reload_request(const Arguments& arguments) {
    json::object members;
    if (arguments.main) {
        members["main"] = true;
    }
    if (arguments.dry_run) {
        members["dryRun"] = true;
    }
    if (arguments.no_wait) {
        members["noWait"] = true;
    }
    return {.method = "POST", .target = std::string{api::reload_path}, .body = body_of(members)};
}

ApiRequest verb_request(const Arguments& arguments, TimePoint began) {
    switch (arguments.command) {
    case Command::poststart:
    case Command::prestop:
    case Command::online:
    case Command::offline:
    case Command::isolate:
    case Command::rejoin: return lifecycle_request(arguments, began);
    case Command::wait: return wait_request(arguments);
    case Command::reload: return reload_request(arguments);
    case Command::start:
    case Command::stop:
    case Command::restart:
    case Command::signal:
    case Command::status:
    case Command::why:
    case Command::events:
    case Command::timeline:
    case Command::logs:
    case Command::probe:
    case Command::exec:
    case Command::shell:
    case Command::env:
    case Command::check:
    case Command::cpus:
    case Command::plan:
    case Command::graph:
    case Command::install:
    case Command::version: break;
    }
    return services_request(arguments);
}

/// Listens to the stream of one verb.
class VerbStream {
public:
    VerbStream(const Arguments& arguments, Client& client, Output& output, TimePoint began)
        : arguments_(arguments), client_(client), output_(output), began_(began) {}

    void take(std::string_view line) {
        const auto object = parse_object(line);
        if (!object) {
            return;
        }
        if (const json::value* timeout = object->if_contains("timeoutSeconds");
            timeout != nullptr && timeout->is_number()) {
            take_timeout(timeout->to_number<double>());
        }
        if (object->contains("progress")) {
            heard_ = text_in(*object, "progress");
            output_.line(heard_);
        }
        if (object->contains("result")) {
            result_ = text_in(*object, "result");
            message_ = text_in(*object, "message");
        }
    }

    /// The last line of progress; empty: none came.
    const std::string& heard() const { return heard_; }

    /// Tells the result; the exit code of the client.
    ClientExit conclude(const Reply& reply) {
        if (reply.status != 200) {
            tell_problems(reply);
            output_.error(error_text(reply));
            return reply.status == 400 ? ClientExit::usage : ClientExit::negative;
        }
        if (result_ == "done") {
            if (!message_.empty()) {
                output_.line(message_);
            }
            return ClientExit::done;
        }
        output_.error(result_.empty() ? "davit ended before it answered" : message_);
        return result_ == "timed_out" ? ClientExit::timed_out : ClientExit::negative;
    }

private:
    /// Of a configuration that a reload refused: each names its place itself.
    void tell_problems(const Reply& reply) {
        const auto object = parse_object(reply.body);
        const json::array* problems = object ? array_in(*object, "problems") : nullptr;
        for (const json::value& problem : problems != nullptr ? *problems : json::array{}) {
            if (const json::string* text = problem.if_string()) {
                output_.error_line({text->data(), text->size()});
            }
        }
    }

    void take_timeout(double seconds) {
        const bool is_poststart = arguments_.command == Command::poststart;
        if (arguments_.timeout && !is_poststart) {
            return; // The user's own counts.
        }
        client_.set_deadline(began_ + from_seconds(seconds) + (is_poststart ? answer_margin : Duration::zero()));
        output_.set_deadline(client_.deadline());
    }

    const Arguments& arguments_;
    Client& client_;
    Output& output_;
    TimePoint began_;
    std::string heard_;
    std::string result_;
    std::string message_;
};

std::string late_text(const Failure& failure, const std::string& heard, TimePoint began) {
    if (failure.exit != ClientExit::timed_out) {
        return failure.text;
    }
    return failure.text + " (after " + model::describe(now() - began) + ")" +
           (heard.empty() ? "" : "; last heard: " + heard) + "; what was asked for may still go on, see `davit status`";
}

bool is_debug_hook(const Arguments& arguments, Environment environment) {
    const bool is_hook = arguments.command == Command::poststart || arguments.command == Command::prestop;
    return is_hook && environment("DAVIT_MODE") == "debug";
}

/// The status object; an error is told and its exit code is the failure.
std::expected<std::string, ClientExit> fetch_status(const Arguments& arguments, Environment environment, Output& output,
                                                    std::string_view first_parameter) {
    return fetch_body(arguments, environment, output, status_target(arguments, first_parameter));
}

/// "2026-11-23T07:00:00.123Z mesh: starting -> running (pid 17)".
std::string event_line(const json::object& event) {
    if (const json::value* lost = event.if_contains("lost"); lost != nullptr && lost->is_int64()) {
        return "... " + std::to_string(lost->get_int64()) + " events were not read in time";
    }
    const std::string service = text_in(event, "service");
    const std::string reason = text_in(event, "reason");
    return text_in(event, "time") + " " + (service.empty() ? "pod" : service) + ": " + text_in(event, "from") + " -> " +
           text_in(event, "to") + (reason.empty() ? "" : " (" + reason + ")");
}

/// The configuration as davit runs it says which key isolates.
void tell_how_to_release(const Arguments& arguments, Environment environment, Output& output) {
    IsolationKey key;
    const auto plan = fetch(arguments, environment, std::string{api::plan_path} + "?format=json", Duration::zero());
    if (const auto object = plan ? parse_object(plan->body) : std::nullopt) {
        key = {.file = text_in(*object, "isolateFile"), .key = text_in(*object, "isolateKey")};
    }
    for (const std::string& line : release_lines(this_pod(environment), key)) {
        output.line(line);
    }
}

} // namespace

std::string process_environment(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr ? value : "";
}

int ask_verb(const Arguments& arguments, Environment environment) {
    const TimePoint began = now();
    const TimePoint deadline = began + arguments.timeout.value_or(default_timeout(arguments.command));
    const bool is_poststart = arguments.command == Command::poststart;
    Output output{to_string(arguments.command), deadline};
    if (is_debug_hook(arguments, environment)) {
        output.line("debug mode: nothing to do");
        return as_code(ClientExit::done);
    }
    if (arguments.command == Command::signal && !model::signal_from_name(arguments.words.front())) {
        output.error("unknown signal \"" + arguments.words.front() + "\"");
        return as_code(ClientExit::usage);
    }
    Client client{is_poststart ? deadline + answer_margin : deadline};
    const TimePoint patience = is_poststart ? deadline : began + api::default_connect_patience;
    if (const auto connected = client.connect(places(arguments, environment), patience); !connected) {
        output.error(connected.error().text);
        return as_code(connected.error().exit);
    }
    VerbStream stream{arguments, client, output, began};
    const auto reply = client.call(verb_request(arguments, began), [&](std::string_view line) { stream.take(line); });
    if (!reply) {
        output.error(late_text(reply.error(), stream.heard(), began));
        return as_code(reply.error().exit);
    }
    const ClientExit exit = stream.conclude(*reply);
    if (exit == ClientExit::done && arguments.command == Command::isolate) {
        tell_how_to_release(arguments, environment, output);
    }
    return as_code(exit);
}

int show_status(const Arguments& arguments, Environment environment) {
    Output output{"status", now() + arguments.timeout.value_or(api::default_client_timeout)};
    const bool as_json = arguments.format == Format::json;
    const auto body = fetch_status(arguments, environment, output, as_json ? "" : "explain");
    if (!body) {
        return as_code(body.error());
    }
    if (as_json) {
        output.text(*body);
        return as_code(ClientExit::done);
    }
    output.text(status_table(*body, terminal_style(environment)));
    return as_code(ClientExit::done);
}

int explain(const Arguments& arguments, Environment environment) {
    Output output{"why", now() + arguments.timeout.value_or(api::default_client_timeout)};
    const auto body = fetch_status(arguments, environment, output, "explain");
    if (!body) {
        return as_code(body.error());
    }
    output.text(arguments.words.empty() ? pod_paragraph(*body) : service_paragraph(*body));
    return as_code(ClientExit::done);
}

/// Reads a stream of lines until it ends; with -f as long as it lasts.
int read_stream(const Arguments& arguments, Environment environment, const std::string& target, Output& output,
                const std::function<void(std::string_view line)>& on_line) {
    constexpr std::chrono::hours as_long_as_it_lasts{24 * 365};
    const Duration patience = arguments.follow ? Duration{as_long_as_it_lasts} : api::default_client_timeout;
    const TimePoint deadline = now() + arguments.timeout.value_or(patience);
    output.set_deadline(deadline);
    Client client{deadline};
    const auto connected = client.connect(places(arguments, environment), now() + api::default_connect_patience);
    if (!connected) {
        output.error(connected.error().text);
        return as_code(connected.error().exit);
    }
    const auto reply = client.call({.method = "GET", .target = target, .body = {}}, on_line);
    if (!reply) {
        output.error(reply.error().text);
        return as_code(reply.error().exit);
    }
    if (reply->status != 200) {
        output.error(error_text(*reply));
        return as_code(ClientExit::negative);
    }
    return as_code(ClientExit::done);
}

int show_events(const Arguments& arguments, Environment environment) {
    Output output{"events", now()};
    const std::string target = std::string{api::events_path} + (arguments.follow ? "?follow=true" : "");
    return read_stream(arguments, environment, target, output, [&](std::string_view line) {
        const auto event = arguments.format == Format::json ? std::nullopt : parse_object(line);
        output.line(event ? event_line(*event) : line);
    });
}

int show_logs(const Arguments& arguments, Environment environment) {
    Output output{"logs", now()};
    std::string target = std::string{api::logs_path} + "?follow=" + (arguments.follow ? "true" : "false");
    target += arguments.lines.empty() ? "" : "&n=" + query_escaped(arguments.lines);
    target += arguments.words.empty() ? "" : "&service=" + query_escaped(joined(arguments.words));
    LogText text{arguments.words.size() == 1 ? LogNames::hidden : LogNames::shown};
    return read_stream(arguments, environment, target, output, [&](std::string_view line) {
        const auto object = arguments.format == Format::json ? std::nullopt : parse_object(line);
        if (!object) {
            return output.line(line);
        }
        const LogText::Part part = text.take(*object);
        output.text(part.output);
        if (!part.note.empty()) {
            output.error(part.note);
        }
    });
}

int ask_probe(const Arguments& arguments, Environment environment) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 3> questions{
        {{"startup", api::startup_path}, {"ready", api::ready_path}, {"live", api::live_path}}};
    Arguments asked = arguments;
    asked.timeout = arguments.timeout.value_or(api::default_probe_timeout);
    Output output{"probe", now() + *asked.timeout};
    const auto* question =
        std::ranges::find(questions, arguments.words.front(), [](const auto& entry) { return entry.first; });
    if (question == questions.end()) {
        output.error("there are startup, ready and live, not \"" + arguments.words.front() + "\"");
        return as_code(ClientExit::usage);
    }
    const auto reply = fetch(asked, environment, std::string{question->second}, Duration::zero());
    if (!reply) {
        output.error(reply.error().text);
        return as_code(reply.error().exit);
    }
    output.text(reply->body);
    return as_code(reply->status == 200 ? ClientExit::done : ClientExit::negative);
}

} // namespace davit::cli
