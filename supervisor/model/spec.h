// SPDX-License-Identifier: Apache-2.0
// What the user asked for, as plain values: the configuration after layers, defaults and `${...}` are
// resolved. Every default of the contract stands here and nowhere else; what depends on other keys
// (a dependency's condition, main's grace period) is filled in by `resolve_defaults` in spec_defaults.h.
// Strings that may hold secrets exist twice: the value that is used, and the text as it was written,
// which is what a person is shown.
#pragma once

#include "model/cpus_spec.h"
#include "model/time.h"

#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace davit::model {

using namespace std::chrono_literals;

/// Index of a service in `PodSpec::services`. Order there is the order of the configuration.
using ServiceIndex = std::size_t;

/// A string from the configuration: `value` is used, `written` (with its `${...}`) is shown.
struct Text {
    std::string value;
    std::string written;

    Text() = default;
    Text(std::string same) : value(same), written(std::move(same)) {}
    Text(const char* same) : value(same), written(same) {}
    Text(std::string value_used, std::string as_written)
        : value(std::move(value_used)), written(std::move(as_written)) {}

    friend bool operator==(const Text&, const Text&) = default;
};

struct EnvVariable {
    std::string name;
    Text value;
    friend bool operator==(const EnvVariable&, const EnvVariable&) = default;
};

struct HttpHeader {
    std::string name;
    Text value;
    friend bool operator==(const HttpHeader&, const HttpHeader&) = default;
};

// ---- probes ------------------------------------------------------------------------------------

struct ExecCheck {
    std::vector<Text> command;
    friend bool operator==(const ExecCheck&, const ExecCheck&) = default;
};

/// `httpGet` as in a Pod: good is 200..399. An empty host is localhost (127.0.0.1, then ::1).
struct HttpCheck {
    Text host;
    std::uint16_t port = 0;
    Text path = "/";
    std::string scheme = "http"; // http or https; certificates are not verified, as the kubelet does not
    std::vector<HttpHeader> headers;
    friend bool operator==(const HttpCheck&, const HttpCheck&) = default;
};

struct TcpCheck {
    Text host;
    std::uint16_t port = 0;
    friend bool operator==(const TcpCheck&, const TcpCheck&) = default;
};

/// `grpc` as in a Pod: grpc.health.v1.Health/Check over HTTP/2 without TLS. Good: SERVING.
struct GrpcCheck {
    Text host;
    std::uint16_t port = 0;
    Text service; // of the request; empty: the server as a whole
    friend bool operator==(const GrpcCheck&, const GrpcCheck&) = default;
};

/// Good: there is something at that path.
struct FileCheck {
    Text path;
    friend bool operator==(const FileCheck&, const FileCheck&) = default;
};

/// Good once a line of the service's output matched (POSIX extended regular expression).
struct LogCheck {
    Text pattern;
    friend bool operator==(const LogCheck&, const LogCheck&) = default;
};

/// sd_notify(3): the service says itself how it is.
struct NotifyCheck {
    friend bool operator==(const NotifyCheck&, const NotifyCheck&) = default;
};

using Check = std::variant<ExecCheck, HttpCheck, TcpCheck, GrpcCheck, FileCheck, LogCheck, NotifyCheck>;

struct ProbeSpec {
    Check check;
    Duration initial_delay = 0s;
    Duration period = 10s;
    Duration timeout = 1s;
    int success_threshold = 1;
    int failure_threshold = 3;
    friend bool operator==(const ProbeSpec&, const ProbeSpec&) = default;
};

enum class ProbeKind : std::uint8_t { startup, readiness, liveness };

// ---- services ----------------------------------------------------------------------------------

enum class Condition : std::uint8_t { started, ready, completed };

struct Dependency {
    ServiceIndex service = 0;
    Condition condition = Condition::started;
    bool required = true;
    friend bool operator==(const Dependency&, const Dependency&) = default;
};

enum class RestartPolicy : std::uint8_t { always, on_failure, never };

struct BackoffSpec {
    Duration initial = 500ms;
    double factor = 2;
    Duration max = 30s;
    Duration reset_after = 30s;
    int limit = 0; // restarts; 0 = no limit
    friend bool operator==(const BackoffSpec&, const BackoffSpec&) = default;
};

/// Where what a service writes to its stdout and stderr goes (contract, section 8).
enum class LogMode : std::uint8_t {
    raw,     // davit's own stdout and stderr are the service's
    prefix,  // `[name] line`
    plain,   // the line as it is
    json,    // an object a line
    discard, // nowhere
    file,    // LogFileSpec
};

/// A file that is rotated by size: PATH is written, PATH.1 is the newest of the older ones.
struct LogFileSpec {
    Text path;
    std::uint64_t max_bytes = std::uint64_t{10} * 1024 * 1024; // of each file
    int max_files = 5;                                         // PATH included, as the kubelet's containerLogMaxFiles
    friend bool operator==(const LogFileSpec&, const LogFileSpec&) = default;
};

/// Of davit's own lines.
enum class LogFormat : std::uint8_t { text, json };

inline constexpr std::uint64_t unlimited = ~std::uint64_t{0}; // RLIM_INFINITY

/// setrlimit(2). The name as docker compose and limits.conf(5) write it: "nofile".
struct ResourceLimit {
    std::string name;
    std::uint64_t soft = unlimited;
    std::uint64_t hard = unlimited;
    friend bool operator==(const ResourceLimit&, const ResourceLimit&) = default;
};

/// A user or group as written, a name or a number, and what it is on this machine.
struct Principal {
    Text written;
    std::uint32_t id = 0;
    friend bool operator==(const Principal&, const Principal&) = default;
};

/// Who the processes of a service are and what they may take. What is not set stays as PID 1 has it.
struct Identity {
    std::optional<Principal> user;
    std::optional<Principal> group;
    /// What goes with `user` in the system's files; a number that is not there has none of it.
    std::string user_name; // USER and LOGNAME; empty: they stay
    std::string home;      // HOME; empty: it stays
    std::optional<std::uint32_t> primary_group;
    std::vector<std::uint32_t> supplementary_groups;
    std::optional<std::uint32_t> umask;
    std::vector<ResourceLimit> limits;
    std::optional<int> nice;
    std::optional<int> oom_score_adj;
    bool no_new_privileges = false;
    friend bool operator==(const Identity&, const Identity&) = default;
};

struct ServiceSpec {
    std::string name;
    bool main = false;
    bool oneshot = false;
    bool enabled = true;
    bool critical = false;
    std::vector<Text> command; // argv: `command` and `args` together
    std::vector<EnvVariable> env;
    std::vector<Text> env_files;
    std::vector<EnvVariable> env_from_files; // what they held; `env` wins
    std::optional<Text> working_dir;
    Identity identity;
    std::vector<Dependency> depends_on;
    std::optional<ProbeSpec> startup_probe;
    std::optional<ProbeSpec> readiness_probe;
    std::optional<ProbeSpec> liveness_probe;
    RestartPolicy restart_policy = RestartPolicy::always;
    BackoffSpec backoff;
    std::vector<int> success_exit_codes = {0};
    int stop_signal = SIGTERM;
    std::vector<Text> stop_command; // empty: none
    std::optional<Duration> grace;  // nullopt only for main: what the budget leaves
    LogMode log_mode = LogMode::prefix;
    LogFileSpec log_file; // for LogMode::file
    CpusSpec cpus;
    /// A reload took it out of the configuration (and disabled it): only its place is left, so that the others
    /// keep theirs.
    bool removed = false;
    friend bool operator==(const ServiceSpec&, const ServiceSpec&) = default;
};

inline constexpr Duration default_helper_grace = 10s;
/// Between TERM and KILL for what a plain init's command leaves behind.
inline constexpr Duration plain_init_grace = 2s;

// ---- life cycle --------------------------------------------------------------------------------

struct ExecStep {
    std::vector<Text> command;
    friend bool operator==(const ExecStep&, const ExecStep&) = default;
};

struct HttpStep {
    std::string method = "GET";
    Text url;
    std::vector<HttpHeader> headers;
    Text body;
    std::vector<int> expect_status; // empty: any of 200..299
    friend bool operator==(const HttpStep&, const HttpStep&) = default;
};

struct TcpStep {
    Text host;
    std::uint16_t port = 0;
    friend bool operator==(const TcpStep&, const TcpStep&) = default;
};

struct SleepStep {
    Duration length = 0s;
    friend bool operator==(const SleepStep&, const SleepStep&) = default;
};

struct StepSpec {
    std::variant<ExecStep, HttpStep, TcpStep, SleepStep> action;
    std::optional<Duration> timeout; // of each attempt; nullopt: preload and online 60 s, else what the budget leaves
    int attempts = 1;
    Duration period = 1s;
    friend bool operator==(const StepSpec&, const StepSpec&) = default;
};

inline constexpr Duration default_start_step_timeout = 60s;

enum class StepKind : std::uint8_t { preload, online, offline, stop };

struct DrainSpec {
    Duration min = 0s;
    Duration max = 0s;
    std::vector<std::uint16_t> ports;
    friend bool operator==(const DrainSpec&, const DrainSpec&) = default;
};

inline constexpr Duration default_drain_min_with_ports = 5s;
inline constexpr Duration default_drain_max_with_ports = 15s;
/// Traffic has ended when no connection was seen for this long.
inline constexpr Duration drain_quiet = 1s;

enum class OnTimeout : std::uint8_t { detach, fail };
enum class GoOnline : std::uint8_t { automatic, manual };
enum class OnFailure : std::uint8_t { shutdown, hold };

struct LifecycleSpec {
    std::vector<StepSpec> preload;
    std::vector<StepSpec> online;
    std::vector<StepSpec> offline;
    std::vector<StepSpec> stop;
    Duration ready_timeout = 600s;
    DrainSpec drain;
    Duration post_start_timeout = 60s;
    OnTimeout post_start_on_timeout = OnTimeout::detach;
    GoOnline go_online = GoOnline::automatic;
    OnFailure on_failure = OnFailure::shutdown;

    const std::vector<StepSpec>& steps(StepKind kind) const {
        switch (kind) {
        case StepKind::preload: return preload;
        case StepKind::online: return online;
        case StepKind::offline: return offline;
        case StepKind::stop: break;
        }
        return stop;
    }
    friend bool operator==(const LifecycleSpec&, const LifecycleSpec&) = default;
};

// ---- the pod -----------------------------------------------------------------------------------

/// How davit was started (`--mode`, DAVIT_MODE); no key of the configuration.
enum class Mode : std::uint8_t {
    normal,
    debug, // services start; nothing is gated, restarted or taken online, so that somebody can look
};

/// A value that is no text (a number, a choice) and was written with `${...}`: it is shown as written.
struct WrittenValue {
    std::string path; // "services.web.enabled"
    std::string text;
    friend bool operator==(const WrittenValue&, const WrittenValue&) = default;
};

struct PodSpec {
    std::string app;
    Duration grace = 30s; // terminationGracePeriodSeconds of the Pod
    std::vector<ServiceSpec> services;
    LifecycleSpec lifecycle;
    CpusSpec cpus;
    /// Of the read-only HTTP for probes and metrics; nullopt: off.
    std::optional<std::uint16_t> status_port;
    std::string status_address; // a number of IPv4 or IPv6; empty: all of both
    /// A downward-API file of labels or annotations: while it holds the key, the pod is isolated. Empty: none.
    Text isolate_file;
    std::string isolate_key;
    /// A directory where a start after a crash finds what the run before was at (pod_record.h); empty: none.
    Text state_dir;
    Mode mode = Mode::normal;
    LogFormat log_format = LogFormat::text;
    std::vector<WrittenValue> written_values;
    /// No configuration, only CMD (contract 3.3): signals are passed on, nothing is timed, online at once.
    bool plain_init = false;
    /// Plain init: signals go to main's whole process group (`-g`).
    bool signal_group = false;

    /// The newest output is kept; in debug mode also that of a raw or discarded service.
    bool keeps_output_of(const ServiceSpec& service) const {
        const bool is_kept = service.log_mode != LogMode::raw && service.log_mode != LogMode::discard;
        return is_kept || mode == Mode::debug;
    }

    /// Index of the main service; nullopt: the configuration has none (an error in `run`).
    std::optional<ServiceIndex> main() const {
        for (ServiceIndex index = 0; index < services.size(); ++index) {
            if (services[index].main) {
                return index;
            }
        }
        return std::nullopt;
    }
    std::optional<ServiceIndex> find(std::string_view name) const {
        for (ServiceIndex index = 0; index < services.size(); ++index) {
            if (services[index].name == name && !services[index].removed) {
                return index;
            }
        }
        return std::nullopt;
    }
    friend bool operator==(const PodSpec&, const PodSpec&) = default;
};

} // namespace davit::model
