// SPDX-License-Identifier: Apache-2.0
// What the server in PID 1 and the clients agree on, and nothing else of either: routes, names of verbs,
// exit codes, default timeouts, and the lines of a streamed answer. Both sides include this file, so a
// name that changes here changes on both.
//
//   POST /v1/lifecycle/prestop            newline-delimited JSON, one object a line:
//     {"timeoutSeconds": 28}              first, at once: how long the client should wait
//     {"progress": "phase draining ..."}  any number
//     {"result": "done", "message": ".."} last; result: done | failed | timed_out
//   A verb that is refused at once is 409 with {"error": "..."}; a reload of a bad configuration has "problems" too.
#pragma once

#include <chrono>
#include <string_view>

namespace davit::api {

/// Exit codes of clients (contract, section 2).
enum class ClientExit : int {
    done = 0,
    negative = 1, // asked and refused, failed or negative, unknown service
    usage = 2,
    unreachable = 3,
    timed_out = 4,
};

inline constexpr std::chrono::milliseconds default_probe_timeout{900};
inline constexpr std::chrono::seconds default_client_timeout{60};
/// When PID 1 never said what its grace period is.
inline constexpr std::chrono::seconds default_prestop_timeout{28};
/// How long clients but poststart (until its timeout) and probe (once) try to connect.
inline constexpr std::chrono::seconds default_connect_patience{2};

inline constexpr std::string_view status_path = "/v1/status";
inline constexpr std::string_view events_path = "/v1/events";
inline constexpr std::string_view logs_path = "/v1/logs"; // ?service=a,b&n=N|all&follow=true
inline constexpr std::string_view services_prefix = "/v1/services/";
inline constexpr std::string_view env_word = "env"; // below a service
inline constexpr std::string_view lifecycle_prefix = "/v1/lifecycle/";
inline constexpr std::string_view wait_path = "/v1/wait";
inline constexpr std::string_view plan_path = "/v1/plan";     // ?format=json|yaml
inline constexpr std::string_view graph_path = "/v1/graph";   // ?format=text|ascii|dot
inline constexpr std::string_view reload_path = "/v1/reload"; // {"main": true, "dryRun": true, "noWait": true}
inline constexpr std::string_view timeline_path = "/v1/timeline";
inline constexpr std::string_view cpus_path = "/v1/cpus";
inline constexpr std::string_view live_path = "/livez";
inline constexpr std::string_view ready_path = "/readyz";
inline constexpr std::string_view startup_path = "/startupz";
inline constexpr std::string_view metrics_path = "/metrics";

inline constexpr std::string_view stream_content_type = "application/x-ndjson";

} // namespace davit::api
