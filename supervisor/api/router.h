// SPDX-License-Identifier: Apache-2.0
// From the words of an HTTP request to what is asked of davit, or to the error that the client gets.
// Pure: no socket, no supervisor. Every route of the API stands in one table in router.cpp.
#pragma once

#include "api/service_env.h"
#include "api/status.h"
#include "model/pod_machine.h"
#include "model/spec.h"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace davit::api {

struct StatusCall {
    std::vector<model::ServiceIndex> services; // empty: all
    Detail detail = Detail::plain;
};
struct EventsCall {
    bool follows = false; // the stream goes on with what happens
};
struct LogsCall {
    std::vector<model::ServiceIndex> services;
    std::optional<std::size_t> newest; // lines; nullopt: all that is kept
    bool follows = false;
};
struct CpusCall {};
struct EnvCall {
    model::ServiceIndex service = 0;
    EnvValues values = EnvValues::masked;
};
enum class PlanFormat : std::uint8_t { json, yaml };
struct PlanCall {
    PlanFormat format = PlanFormat::json;
};
enum class GraphFormat : std::uint8_t { text, ascii, dot };
struct GraphCall {
    GraphFormat format = GraphFormat::text;
};
struct ReloadCall {
    model::Request request;
    bool dry_run = false;
};
struct ProbeCall {
    ProbeQuestion question = ProbeQuestion::live;
};
struct MetricsCall {};
struct VerbCall {
    model::Request request; // without id
    /// poststart and prestop: how long the client should wait, told in the first line.
    std::optional<Duration> told_timeout;
    bool is_hook = false; // poststart and prestop have places of their own
};
/// The request is not served: 400, 404, 405 or 503, with the text of {"error": ...}.
struct Refusal {
    unsigned status = 400;
    std::string error;
    std::string allow; // 405: the methods that the route has
};

/// What the last way up took.
struct TimelineCall {};

using Call = std::variant<StatusCall, EventsCall, LogsCall, TimelineCall, CpusCall, EnvCall, PlanCall, GraphCall,
                          ProbeCall, MetricsCall, VerbCall, ReloadCall, Refusal>;

struct HttpRequest {
    std::string_view method;
    std::string_view target; // path and query as they came
    std::string_view body;
};

Call route(const model::PodSpec& spec, const HttpRequest& request);

/// What the status port answers: the probe addresses and the metrics, by GET and HEAD, and nothing else of the API.
Call route_on_status_port(const HttpRequest& request);

struct RouteText {
    std::string_view path;    // "/v1/services/{service}/env"
    std::string_view methods; // "GET, HEAD"
};
/// The whole table, for who holds a description against it.
std::vector<RouteText> all_routes();

/// How long a prestop client waits: the grace period less 2 s, at least 1 s (contract, section 2).
Duration prestop_timeout(const model::PodSpec& spec);

} // namespace davit::api
