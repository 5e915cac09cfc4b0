// SPDX-License-Identifier: Apache-2.0
#include "api/router.h"

#include "api/protocol.h"
#include "config/number_text.h"
#include "model/contains.h"
#include "model/exit_status.h"
#include "model/result.h"
#include "model/suggestion.h"
#include "model/text_parts.h"
#include "model/why.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <span>

namespace davit::api {
namespace {

using model::PodSpec;
using model::ServiceIndex;
using model::Verb;

/// Longer times than this are a slip of the pen.
constexpr double max_timeout_seconds = 1e6;

// ---- words of a request --------------------------------------------------------------------------------

struct Parameter {
    std::string name;
    std::string value;
};

struct Target {
    std::string path;
    std::vector<Parameter> query;
};

std::optional<int> hex_digit(char character) {
    int digit = 0;
    const auto parsed = std::from_chars(&character, &character + 1, digit, 16);
    return parsed.ec == std::errc{} ? std::optional{digit} : std::nullopt;
}

/// nullopt: a `%` without two hexadecimal digits, or a NUL.
std::optional<std::string> percent_decoded(std::string_view text) {
    std::string decoded;
    for (std::size_t index = 0; index < text.size(); ++index) {
        if (text[index] != '%') {
            decoded += text[index];
            continue;
        }
        const auto high = index + 2 < text.size() ? hex_digit(text[index + 1]) : std::nullopt;
        const auto low = index + 2 < text.size() ? hex_digit(text[index + 2]) : std::nullopt;
        if (!high || !low || (*high == 0 && *low == 0)) {
            return std::nullopt;
        }
        decoded += static_cast<char>(*high * 16 + *low);
        index += 2;
    }
    return decoded;
}

std::optional<Target> parse_target(std::string_view text) {
    const auto mark = text.find('?');
    const auto path = percent_decoded(text.substr(0, mark));
    if (!path) {
        return std::nullopt;
    }
    Target target{.path = *path, .query = {}};
    if (mark == std::string_view::npos || mark + 1 == text.size()) {
        return target;
    }
    for (const std::string_view part : model::split(text.substr(mark + 1), '&')) {
        const auto equals = part.find('=');
        const auto name = percent_decoded(part.substr(0, equals));
        const auto value = percent_decoded(equals == std::string_view::npos ? "" : part.substr(equals + 1));
        if (!name || !value) {
            return std::nullopt;
        }
        target.query.push_back({*name, *value});
    }
    return target;
}

Refusal bad_request(std::string error) {
    return Refusal{.status = 400, .error = std::move(error), .allow = {}};
}

Refusal not_found(std::string error) {
    return Refusal{.status = 404, .error = std::move(error), .allow = {}};
}

std::string did_you_mean(std::string_view unknown, std::span<const std::string_view> known) {
    const auto near = model::suggestion(unknown, known);
    return near ? " (did you mean \"" + std::string{*near} + "\"?)" : "";
}

// ---- services ------------------------------------------------------------------------------------------

Result<ServiceIndex> find_service(const PodSpec& spec, std::string_view name) {
    if (const auto index = spec.find(name)) {
        return *index;
    }
    std::vector<std::string_view> names;
    names.reserve(spec.services.size());
    for (const auto& service : spec.services) {
        if (!service.removed) {
            names.emplace_back(service.name);
        }
    }
    return failure("unknown service \"" + std::string{name} + "\"" + did_you_mean(name, names));
}

/// One name, several with commas between, or `all`.
Result<std::vector<ServiceIndex>> find_services(const PodSpec& spec, std::string_view names) {
    std::vector<ServiceIndex> found;
    if (names == "all") {
        for (ServiceIndex index = 0; index < spec.services.size(); ++index) {
            if (spec.services[index].enabled) {
                found.push_back(index);
            }
        }
        return found;
    }
    for (const std::string_view name : model::split(names, ',')) {
        const auto index = find_service(spec, name);
        if (!index) {
            return std::unexpected{index.error()};
        }
        if (!model::contains(found, *index)) {
            found.push_back(*index);
        }
    }
    return found;
}

// ---- what a verb may be told ------------------------------------------------------------------------------

/// The members of the body and of the query together; what is not in `known` is an error.
struct Options {
    std::optional<int> signal;
    bool cascade = false;
    bool no_wait = false;
    std::optional<Duration> timeout;
    std::optional<Duration> waited;
    std::optional<model::Phase> phase;
    std::optional<std::string> service;
    std::optional<std::string> reason;
    bool main = false;
    bool dry_run = false;
};

std::optional<bool> as_flag(const boost::json::value& value) {
    if (const bool* flag = value.if_bool()) {
        return *flag;
    }
    const boost::json::string* text = value.if_string();
    if (text != nullptr && (*text == "" || *text == "true" || *text == "1")) {
        return true;
    }
    return text != nullptr && (*text == "false" || *text == "0") ? std::optional{false} : std::nullopt;
}

std::optional<double> as_number(const boost::json::value& value) {
    if (value.is_number()) {
        return value.to_number<double>();
    }
    const boost::json::string* text = value.if_string();
    return text == nullptr ? std::nullopt : config::parse_number({text->data(), text->size()});
}

std::optional<Duration> as_duration(const boost::json::value& value) {
    const auto seconds = as_number(value);
    if (!seconds || !std::isfinite(*seconds) || *seconds < 0 || *seconds > max_timeout_seconds) {
        return std::nullopt;
    }
    return from_seconds(*seconds);
}

std::optional<int> as_signal(const boost::json::value& value) {
    const boost::json::string* text = value.if_string();
    if (value.is_int64() && value.get_int64() > 0 && value.get_int64() < 65) {
        return static_cast<int>(value.get_int64());
    }
    return text != nullptr ? model::signal_from_name(*text) : std::nullopt;
}

std::optional<model::Phase> as_phase(const boost::json::value& value) {
    const boost::json::string* text = value.if_string();
    return text != nullptr ? model::phase_from_name(*text) : std::nullopt;
}

std::optional<std::string> as_text(const boost::json::value& value) {
    const boost::json::string* text = value.if_string();
    return text != nullptr ? std::optional<std::string>{std::in_place, text->data(), text->size()} : std::nullopt;
}

template <typename Value>
bool take(std::optional<Value>& member, const std::optional<Value>& read) {
    member = read;
    return read.has_value();
}

bool take(bool& member, std::optional<bool> read) {
    member = read.value_or(false);
    return read.has_value();
}

bool take_option(Options& options, std::string_view name, const boost::json::value& value) {
    if (name == "signal") {
        return take(options.signal, as_signal(value));
    }
    if (name == "cascade") {
        return take(options.cascade, as_flag(value));
    }
    if (name == "noWait") {
        return take(options.no_wait, as_flag(value));
    }
    if (name == "timeoutSeconds") {
        return take(options.timeout, as_duration(value));
    }
    if (name == "waitedSeconds") {
        return take(options.waited, as_duration(value));
    }
    if (name == "main") {
        return take(options.main, as_flag(value));
    }
    if (name == "dryRun") {
        return take(options.dry_run, as_flag(value));
    }
    if (name == "reason") {
        return take(options.reason, as_text(value));
    }
    if (name == "phase") {
        return take(options.phase, as_phase(value));
    }
    return take(options.service, as_text(value));
}

Result<Options> read_options(const Target& target, std::string_view body, std::span<const std::string_view> known) {
    boost::json::object members;
    if (!body.empty()) {
        boost::system::error_code error;
        boost::json::value value = boost::json::parse(body, error);
        if (error || !value.is_object()) {
            return failure("the body must be a JSON object");
        }
        members = std::move(value.get_object());
    }
    for (const Parameter& parameter : target.query) {
        members[parameter.name] = parameter.value;
    }
    Options options;
    for (const auto& [key, value] : members) {
        const std::string_view name{key.data(), key.size()};
        if (!model::contains(known, name)) {
            return failure("unknown member \"" + std::string{name} + "\"" + did_you_mean(name, known));
        }
        if (!take_option(options, name, value)) {
            return failure(std::string{name} + ": cannot use the value " + boost::json::serialize(value));
        }
    }
    return options;
}

// ---- routes ----------------------------------------------------------------------------------------------

Call route_status(const PodSpec& spec, const Target& target) {
    StatusCall call;
    for (const Parameter& parameter : target.query) {
        if (parameter.name == "explain") {
            call.detail = Detail::explained;
            continue;
        }
        if (parameter.name != "service") {
            return bad_request("unknown parameter \"" + parameter.name + "\"; there are service and explain");
        }
        const auto index = find_service(spec, parameter.value);
        if (!index) {
            return not_found(index.error().text);
        }
        call.services.push_back(*index);
    }
    return call;
}

/// What somebody gave as a reason, fit for a line of the log.
std::string one_line(std::string text) {
    constexpr std::size_t longest = 200;
    if (text.size() > longest) {
        constexpr auto is_inside = [](char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; };
        std::size_t end = longest;
        while (end > 0 && is_inside(text[end])) {
            --end;
        }
        text.resize(end);
    }
    constexpr unsigned char delete_character = 0x7F;
    std::ranges::replace_if(
        text,
        [](char byte) {
            return static_cast<unsigned char>(byte) < ' ' || static_cast<unsigned char>(byte) == delete_character;
        },
        ' ');
    return text;
}

/// PID 1 answers when what is left of the time since the client began is used up.
Duration less(Duration whole, std::optional<Duration> waited) {
    return std::max(whole - waited.value_or(Duration::zero()), Duration::zero());
}

Call route_lifecycle(const PodSpec& spec, Verb verb, const Target& target, std::string_view body) {
    constexpr std::array<std::string_view, 4> known{"timeoutSeconds", "waitedSeconds", "noWait", "reason"};
    const std::size_t takes = verb == Verb::isolate ? known.size() : known.size() - 1;
    const auto options = read_options(target, body, std::span{known}.first(takes));
    if (!options) {
        return bad_request(options.error().text);
    }
    VerbCall call;
    call.request.verb = verb;
    call.request.no_wait = options->no_wait;
    call.request.reason = one_line(options->reason.value_or(""));
    if (verb == Verb::poststart) {
        const Duration whole = options->timeout.value_or(spec.lifecycle.post_start_timeout);
        call.told_timeout = whole;
        call.request.timeout = less(whole, options->waited);
    } else if (verb == Verb::prestop) {
        call.told_timeout = options->timeout.value_or(prestop_timeout(spec));
    }
    call.is_hook = call.told_timeout.has_value();
    return call;
}

/// What one verb of services takes beside their names.
struct ServiceVerb {
    Verb verb;
    std::array<std::string_view, 2> options;
};

Call route_service(const PodSpec& spec, const ServiceVerb& asked, std::string_view names, const Target& target,
                   std::string_view body) {
    const auto services = find_services(spec, names);
    if (!services) {
        return not_found(services.error().text);
    }
    const auto options = read_options(target, body, asked.options);
    if (!options) {
        return bad_request(options.error().text);
    }
    if (asked.verb == Verb::signal && !options->signal) {
        return bad_request("signal: name one, as {\"signal\": \"HUP\"}");
    }
    VerbCall call;
    call.request.verb = asked.verb;
    call.request.services = *services;
    call.request.signal = options->signal.value_or(0);
    call.request.cascade = options->cascade;
    call.request.no_wait = options->no_wait;
    return call;
}

/// Values are shown only to those who ask for them in so many words.
Call route_env(const PodSpec& spec, std::string_view name, const Target& target) {
    const auto index = find_service(spec, name);
    if (!index) {
        return not_found(index.error().text);
    }
    if (!spec.services[*index].enabled) {
        return not_found(std::string{name} + " is not enabled");
    }
    EnvCall call{.service = *index};
    for (const Parameter& parameter : target.query) {
        if (parameter.name != "reveal") {
            return bad_request("unknown parameter \"" + parameter.name + "\"; there is reveal");
        }
        const auto reveal = as_flag(boost::json::value(parameter.value));
        if (!reveal) {
            return bad_request("reveal: expected 1 or 0, found \"" + parameter.value + "\"");
        }
        call.values = *reveal ? EnvValues::revealed : EnvValues::masked;
    }
    return call;
}

Call route_wait(const PodSpec& spec, const Target& target, std::string_view body) {
    constexpr std::array<std::string_view, 2> known{"phase", "service"};
    const auto options = read_options(target, body, known);
    if (!options) {
        return bad_request(options.error().text);
    }
    if (options->phase.has_value() == options->service.has_value()) {
        return bad_request("wait: name one phase or one service, as {\"phase\": \"online\"} or {\"service\": \"web\"}");
    }
    VerbCall call;
    if (options->phase) {
        call.request.verb = Verb::wait_phase;
        call.request.phase = *options->phase;
        return call;
    }
    const auto index = find_service(spec, *options->service);
    if (!index) {
        return not_found(index.error().text);
    }
    call.request.verb = Verb::wait_service;
    call.request.services = {*index};
    return call;
}

Call route_reload(const Target& target, std::string_view body) {
    constexpr std::array<std::string_view, 3> known{"main", "dryRun", "noWait"};
    const auto options = read_options(target, body, known);
    if (!options) {
        return bad_request(options.error().text);
    }
    ReloadCall call{.request = {.verb = Verb::reload}, .dry_run = options->dry_run};
    call.request.no_wait = options->no_wait;
    call.request.main_restart = options->main ? model::MainRestart::allowed : model::MainRestart::forbidden;
    return call;
}

/// The place of the format in `names`; the first without a query.
Result<std::size_t> find_format(const Target& target, std::span<const std::string_view> names) {
    std::size_t format = 0;
    for (const Parameter& parameter : target.query) {
        const auto found = std::ranges::find(names, parameter.value);
        if (parameter.name != "format" || found == names.end()) {
            std::string known;
            for (const std::string_view name : names) {
                known += (known.empty() ? "" : ", ") + std::string{name};
            }
            return failure("there is the parameter format with one of " + known);
        }
        format = static_cast<std::size_t>(found - names.begin());
    }
    return format;
}

Call route_plan(const Target& target) {
    constexpr std::array<std::string_view, 2> plan_formats{"json", "yaml"};
    constexpr std::array<std::string_view, 3> graph_formats{"text", "ascii", "dot"};
    const bool is_plan = target.path == plan_path;
    const auto format = is_plan ? find_format(target, plan_formats) : find_format(target, graph_formats);
    if (!format) {
        return bad_request(format.error().text);
    }
    if (is_plan) {
        return PlanCall{static_cast<PlanFormat>(*format)};
    }
    return GraphCall{static_cast<GraphFormat>(*format)};
}

Call route_events(const Target& target) {
    EventsCall call;
    for (const Parameter& parameter : target.query) {
        const bool is_known = parameter.name == "follow" && (parameter.value == "true" || parameter.value == "false");
        if (!is_known) {
            return bad_request("there is the parameter follow, which is true or false");
        }
        call.follows = parameter.value == "true";
    }
    return call;
}

/// Sets what one parameter says; the error is for the client.
Result<void> read_logs_parameter(const Parameter& parameter, LogsCall& call) {
    if (parameter.name == "follow" && (parameter.value == "true" || parameter.value == "false")) {
        call.follows = parameter.value == "true";
        return {};
    }
    if (parameter.name == "n") {
        constexpr double most_lines = 1e9;
        const auto lines = config::parse_whole_number(parameter.value);
        if (parameter.value != "all" && (!lines || *lines < 0 || *lines > most_lines)) {
            return failure("n: expected a number of lines or all, found \"" + parameter.value + "\"");
        }
        call.newest = lines ? std::optional{static_cast<std::size_t>(*lines)} : std::nullopt;
        return {};
    }
    return failure("there are the parameters service, n (a number or all) and follow (true or false)");
}

/// Without `service`: all that davit keeps output of. One that is named is said to have none.
Call route_logs(const PodSpec& spec, const Target& target) {
    LogsCall call;
    std::string names;
    for (const Parameter& parameter : target.query) {
        if (parameter.name == "service") {
            names += (names.empty() ? "" : ",") + parameter.value;
        } else if (const auto read = read_logs_parameter(parameter, call); !read) {
            return bad_request(read.error().text);
        }
    }
    const auto services = find_services(spec, names.empty() ? "all" : names);
    if (!services) {
        return not_found(services.error().text);
    }
    const auto is_kept = [&](ServiceIndex index) { return spec.keeps_output_of(spec.services[index]); };
    std::ranges::copy_if(*services, std::back_inserter(call.services),
                         [&](ServiceIndex index) { return !names.empty() || is_kept(index); });
    if (std::ranges::none_of(*services, is_kept)) {
        const bool one = services->size() == 1;
        return Refusal{.status = 409,
                       .error = one ? model::why_no_output(spec, services->front())
                                    : "no service here has its output kept (logs: raw or discard): see kubectl logs",
                       .allow = {}};
    }
    return call;
}

// ---- the table -------------------------------------------------------------------------------------------

/// As the Allow header says them.
namespace methods {
constexpr std::string_view get = "GET";
constexpr std::string_view post = "POST";
constexpr std::string_view both = "GET, POST";
constexpr std::string_view looking = "GET, HEAD";
} // namespace methods

/// A request whose route is known.
struct Asked {
    const PodSpec& spec;
    const Target& target;
    std::string_view body;
    std::string_view names; // what stands in the path's braces
};

struct Route {
    std::string_view path; // one part of it may stand in braces: whatever is there, slashes too
    std::string_view methods;
    Call (*call)(const Asked&);
};

/// What kubelet and Prometheus ask; parameters that they add mean nothing here.
template <ProbeQuestion question>
Call look(const Asked&) {
    return ProbeCall{question};
}

template <Verb verb>
Call move_pod(const Asked& asked) {
    return route_lifecycle(asked.spec, verb, asked.target, asked.body);
}

constexpr ServiceVerb start_verb{Verb::start, {"noWait", "noWait"}};
constexpr ServiceVerb stop_verb{Verb::stop, {"noWait", "cascade"}};
constexpr ServiceVerb restart_verb{Verb::restart, {"noWait", "noWait"}};
constexpr ServiceVerb signal_verb{Verb::signal, {"signal", "signal"}};

template <const ServiceVerb& verb>
Call move_services(const Asked& asked) {
    return route_service(asked.spec, verb, asked.names, asked.target, asked.body);
}

/// packaging/openapi.yaml describes each; a test compares.
constexpr std::array routes{
    Route{live_path, methods::looking, look<ProbeQuestion::live>},
    Route{ready_path, methods::looking, look<ProbeQuestion::ready>},
    Route{startup_path, methods::looking, look<ProbeQuestion::startup>},
    Route{metrics_path, methods::looking, [](const Asked&) -> Call { return MetricsCall{}; }},
    Route{status_path, methods::get, [](const Asked& asked) { return route_status(asked.spec, asked.target); }},
    Route{events_path, methods::get, [](const Asked& asked) { return route_events(asked.target); }},
    Route{timeline_path, methods::get, [](const Asked&) -> Call { return TimelineCall{}; }},
    Route{logs_path, methods::get, [](const Asked& asked) { return route_logs(asked.spec, asked.target); }},
    Route{cpus_path, methods::get, [](const Asked&) -> Call { return CpusCall{}; }},
    Route{plan_path, methods::get, [](const Asked& asked) { return route_plan(asked.target); }},
    Route{graph_path, methods::get, [](const Asked& asked) { return route_plan(asked.target); }},
    Route{reload_path, methods::post, [](const Asked& asked) { return route_reload(asked.target, asked.body); }},
    Route{wait_path, methods::both,
          [](const Asked& asked) { return route_wait(asked.spec, asked.target, asked.body); }},
    Route{"/v1/lifecycle/poststart", methods::post, move_pod<Verb::poststart>},
    Route{"/v1/lifecycle/prestop", methods::post, move_pod<Verb::prestop>},
    Route{"/v1/lifecycle/online", methods::post, move_pod<Verb::online>},
    Route{"/v1/lifecycle/offline", methods::post, move_pod<Verb::offline>},
    Route{"/v1/lifecycle/isolate", methods::post, move_pod<Verb::isolate>},
    Route{"/v1/lifecycle/rejoin", methods::post, move_pod<Verb::rejoin>},
    Route{"/v1/services/{services}/start", methods::post, move_services<start_verb>},
    Route{"/v1/services/{services}/stop", methods::post, move_services<stop_verb>},
    Route{"/v1/services/{services}/restart", methods::post, move_services<restart_verb>},
    Route{"/v1/services/{services}/signal", methods::post, move_services<signal_verb>},
    Route{"/v1/services/{service}/env", methods::get,
          [](const Asked& asked) { return route_env(asked.spec, asked.names, asked.target); }},
};

/// What stands in the braces of `pattern`, empty without braces; nullopt: `path` is another one.
std::optional<std::string_view> names_in(std::string_view path, std::string_view pattern) {
    const auto open = pattern.find('{');
    if (open == std::string_view::npos) {
        return path == pattern ? std::optional{std::string_view{}} : std::nullopt;
    }
    const std::string_view before = pattern.substr(0, open);
    const std::string_view after = pattern.substr(pattern.find('}') + 1);
    if (path.size() < before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after)) {
        return std::nullopt;
    }
    return path.substr(before.size(), path.size() - before.size() - after.size());
}

std::optional<Refusal> wrong_method(std::string_view method, std::string_view allowed) {
    for (const std::string_view one : model::split(allowed, ',')) {
        if (model::trimmed(one) == method) {
            return std::nullopt;
        }
    }
    return Refusal{.status = 405,
                   .error = "wrong method " + std::string{method} + ", this route takes " + std::string{allowed},
                   .allow = std::string{allowed}};
}

} // namespace

Call route(const PodSpec& spec, const HttpRequest& request) {
    const auto target = parse_target(request.target);
    if (!target) {
        return bad_request("the address cannot be read");
    }
    for (const Route& one : routes) {
        const auto names = names_in(target->path, one.path);
        if (!names) {
            continue;
        }
        if (auto refusal = wrong_method(request.method, one.methods)) {
            return *refusal;
        }
        return one.call({.spec = spec, .target = *target, .body = request.body, .names = *names});
    }
    return not_found("unknown route " + target->path);
}

Call route_on_status_port(const HttpRequest& request) {
    constexpr std::array paths{live_path, ready_path, startup_path, metrics_path};
    const auto target = parse_target(request.target);
    if (!target) {
        return bad_request("the address cannot be read");
    }
    if (!model::contains(paths, target->path)) {
        return not_found("there are /livez, /readyz, /startupz and /metrics");
    }
    return route(PodSpec{}, request);
}

std::vector<RouteText> all_routes() {
    std::vector<RouteText> texts;
    for (const Route& one : routes) {
        texts.push_back({one.path, one.methods});
    }
    return texts;
}

Duration prestop_timeout(const PodSpec& spec) {
    return std::max<Duration>(spec.grace - std::chrono::seconds{2}, std::chrono::seconds{1});
}

} // namespace davit::api
