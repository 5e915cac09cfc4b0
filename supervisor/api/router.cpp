// SPDX-License-Identifier: Apache-2.0
#include "api/router.h"

#include "api/protocol.h"
#include "config/number_text.h"
#include "model/contains.h"
#include "model/exit_status.h"
#include "model/result.h"
#include "model/suggestion.h"
#include "model/text_parts.h"

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
            return Refusal{.status = 404, .error = index.error().text, .allow = {}};
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

struct LifecycleRoute {
    std::string_view name;
    Verb verb;
};
constexpr std::array lifecycle_routes{
    LifecycleRoute{"poststart", Verb::poststart}, LifecycleRoute{"prestop", Verb::prestop},
    LifecycleRoute{"online", Verb::online},       LifecycleRoute{"offline", Verb::offline},
    LifecycleRoute{"isolate", Verb::isolate},     LifecycleRoute{"rejoin", Verb::rejoin},
};

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

struct ServiceRoute {
    std::string_view name;
    Verb verb;
    std::array<std::string_view, 2> options;
};
constexpr std::array service_routes{
    ServiceRoute{"start", Verb::start, {"noWait", "noWait"}},
    ServiceRoute{"stop", Verb::stop, {"noWait", "cascade"}},
    ServiceRoute{"restart", Verb::restart, {"noWait", "noWait"}},
    ServiceRoute{"signal", Verb::signal, {"signal", "signal"}},
};

Call route_service(const PodSpec& spec, const ServiceRoute& route, std::string_view names, const Target& target,
                   std::string_view body) {
    const auto services = find_services(spec, names);
    if (!services) {
        return Refusal{.status = 404, .error = services.error().text, .allow = {}};
    }
    const auto options = read_options(target, body, route.options);
    if (!options) {
        return bad_request(options.error().text);
    }
    if (route.verb == Verb::signal && !options->signal) {
        return bad_request("signal: name one, as {\"signal\": \"HUP\"}");
    }
    VerbCall call;
    call.request.verb = route.verb;
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
        return Refusal{.status = 404, .error = index.error().text, .allow = {}};
    }
    if (!spec.services[*index].enabled) {
        return Refusal{.status = 404, .error = std::string{name} + " is not enabled", .allow = {}};
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
        return Refusal{.status = 404, .error = index.error().text, .allow = {}};
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

/// As the Allow header says them.
namespace methods {
constexpr std::string_view get = "GET";
constexpr std::string_view post = "POST";
constexpr std::string_view both = "GET, POST";
constexpr std::string_view looking = "GET, HEAD";
} // namespace methods

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

Refusal not_found(std::string_view path) {
    return Refusal{.status = 404, .error = "unknown route " + std::string{path}, .allow = {}};
}

Call route_reading(const PodSpec& spec, const Target& target, std::string_view method) {
    if (auto refusal = wrong_method(method, methods::get)) {
        return *refusal;
    }
    if (target.path == status_path) {
        return route_status(spec, target);
    }
    if (target.path == events_path) {
        return route_events(target);
    }
    if (target.path == cpus_path) {
        return CpusCall{};
    }
    return route_plan(target);
}

/// What kubelet and Prometheus ask; parameters that they add mean nothing here.
Call route_looking(std::string_view path, std::string_view method) {
    if (auto refusal = wrong_method(method, methods::looking)) {
        return *refusal;
    }
    if (path == metrics_path) {
        return MetricsCall{};
    }
    return ProbeCall{path == live_path    ? ProbeQuestion::live
                     : path == ready_path ? ProbeQuestion::ready
                                          : ProbeQuestion::startup};
}

constexpr std::array looking_paths{live_path, ready_path, startup_path, metrics_path};

Call route_below_lifecycle(const PodSpec& spec, const Target& target, const HttpRequest& request) {
    const std::string_view name = std::string_view{target.path}.substr(lifecycle_prefix.size());
    const auto found = std::ranges::find(lifecycle_routes, name, &LifecycleRoute::name);
    if (found == lifecycle_routes.end()) {
        return not_found(target.path);
    }
    if (auto refusal = wrong_method(request.method, methods::post)) {
        return *refusal;
    }
    return route_lifecycle(spec, found->verb, target, request.body);
}

Call route_below_services(const PodSpec& spec, const Target& target, const HttpRequest& request) {
    const std::string_view rest = std::string_view{target.path}.substr(services_prefix.size());
    const auto slash = rest.rfind('/');
    const std::string_view verb = slash == std::string_view::npos ? "" : rest.substr(slash + 1);
    if (verb == env_word) {
        if (auto refusal = wrong_method(request.method, methods::get)) {
            return *refusal;
        }
        return route_env(spec, rest.substr(0, slash), target);
    }
    const auto found = std::ranges::find(service_routes, verb, &ServiceRoute::name);
    if (found == service_routes.end()) {
        return not_found(target.path);
    }
    if (auto refusal = wrong_method(request.method, methods::post)) {
        return *refusal;
    }
    return route_service(spec, *found, rest.substr(0, slash), target, request.body);
}

} // namespace

Call route(const PodSpec& spec, const HttpRequest& request) {
    const auto target = parse_target(request.target);
    if (!target) {
        return bad_request("the address cannot be read");
    }
    if (model::contains(looking_paths, target->path)) {
        return route_looking(target->path, request.method);
    }
    constexpr std::array reading{status_path, events_path, cpus_path, plan_path, graph_path};
    if (model::contains(reading, target->path)) {
        return route_reading(spec, *target, request.method);
    }
    if (target->path == reload_path) {
        if (auto refusal = wrong_method(request.method, methods::post)) {
            return *refusal;
        }
        return route_reload(*target, request.body);
    }
    if (target->path == wait_path) {
        if (auto refusal = wrong_method(request.method, methods::both)) {
            return *refusal;
        }
        return route_wait(spec, *target, request.body);
    }
    if (target->path.starts_with(lifecycle_prefix)) {
        return route_below_lifecycle(spec, *target, request);
    }
    if (target->path.starts_with(services_prefix)) {
        return route_below_services(spec, *target, request);
    }
    return not_found(target->path);
}

Call route_on_status_port(const HttpRequest& request) {
    const auto target = parse_target(request.target);
    if (!target) {
        return bad_request("the address cannot be read");
    }
    if (!model::contains(looking_paths, target->path)) {
        return Refusal{.status = 404, .error = "there are /livez, /readyz, /startupz and /metrics", .allow = {}};
    }
    return route_looking(target->path, request.method);
}

Duration prestop_timeout(const PodSpec& spec) {
    return std::max<Duration>(spec.grace - std::chrono::seconds{2}, std::chrono::seconds{1});
}

} // namespace davit::api
