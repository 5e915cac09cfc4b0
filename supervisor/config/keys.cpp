// SPDX-License-Identifier: Apache-2.0
// The tables of keys. See keys.h. The defaults stand in model/spec.h.
#include "config/keys.h"

#include <algorithm>
#include <array>

namespace davit::config {

namespace {

using enum ValueType;
using Names = std::string_view;

// A length times a count stays far below what 64 bits of nanoseconds hold.
constexpr double longest = 1'000'000;
constexpr double most_tries = 5'000;
constexpr double many = 1'000'000;

constexpr Range any_time{.min = 0, .max = longest};
constexpr Range some_time{.min = 0.01, .max = longest};
constexpr Range port_range{.min = 1, .max = 65'535};
constexpr Range at_least_one{.min = 1, .max = most_tries};

constexpr std::array<Names, 3> restart_policies = {"Always", "OnFailure", "Never"};
constexpr std::array<Names, 5> log_modes = {"raw", "prefix", "plain", "json", "discard"};
constexpr std::array<Names, 2> log_formats = {"text", "json"};
constexpr std::array<Names, 2> schemes = {"HTTP", "HTTPS"};
constexpr std::array<Names, 7> methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
constexpr std::array<Names, 3> conditions = {"started", "ready", "completed"};
constexpr std::array<Names, 2> on_timeout = {"detach", "fail"};
constexpr std::array<Names, 2> go_online = {"auto", "manual"};
constexpr std::array<Names, 2> on_failure = {"shutdown", "hold"};
constexpr std::array<Names, 1> no_limit = {"unlimited"};
constexpr std::array<Names, 1> computed = {"compute"};
constexpr std::array<Names, 2> roundings = {"ceil", "floor"};
constexpr std::array<Names, 2> java_settings = {"auto", "never"};
constexpr std::array<Names, 3> shim_settings = {"auto", "on", "off"};
constexpr std::array<Names, 1> on_change_choices = {"none"};

// ---- checks ------------------------------------------------------------------------------------

constexpr std::array exec_table = {
    Key{.name = "command", .type = command, .meaning = "program and arguments; no shell is run", .required = true},
};
constexpr KeySet exec_keys{.noun = "exec", .keys = exec_table};

constexpr std::array http_get_table = {
    Key{.name = "path", .type = text, .meaning = "path of the address"},
    Key{.name = "port", .type = port, .meaning = "port number", .range = port_range, .required = true},
    Key{.name = "host", .type = text, .meaning = "name or address; localhost if it is left out"},
    Key{.name = "scheme", .type = choice, .meaning = "HTTP or HTTPS", .choices = schemes},
    Key{.name = "httpHeaders", .type = text_map, .meaning = "headers of the request", .secret = true},
};
constexpr KeySet http_get_keys{.noun = "httpGet", .keys = http_get_table};

constexpr std::array tcp_table = {
    Key{.name = "port", .type = port, .meaning = "port number", .range = port_range, .required = true},
    Key{.name = "host", .type = text, .meaning = "name or address; localhost if it is left out"},
};
constexpr KeySet tcp_keys{.noun = "tcpSocket", .keys = tcp_table};

constexpr std::array grpc_table = {
    Key{.name = "port", .type = port, .meaning = "port number", .range = port_range, .required = true},
    Key{.name = "host", .type = text, .meaning = "name or address; localhost if it is left out"},
    Key{.name = "service",
        .type = text,
        .meaning = "name that is asked for; the server as a whole if it is left out",
        .may_be_empty = true},
};
constexpr KeySet grpc_keys{.noun = "grpc", .keys = grpc_table};

constexpr std::array file_table = {
    Key{.name = "path", .type = absolute_path, .meaning = "what must be there", .required = true},
};
constexpr KeySet file_keys{.noun = "file", .keys = file_table};

constexpr std::array log_table = {
    Key{.name = "pattern",
        .type = pattern,
        .meaning = "extended regular expression for a line of the output",
        .required = true},
};
constexpr KeySet log_keys{.noun = "log", .keys = log_table};

constexpr KeySet notify_keys{.noun = "notify", .keys = {}};

constexpr std::array probe_table = {
    Key{.name = "exec", .type = fields, .meaning = "good if the command ends with 0", .fields = &exec_keys},
    Key{.name = "httpGet", .type = fields, .meaning = "good if the answer is 200 to 399", .fields = &http_get_keys},
    Key{.name = "tcpSocket", .type = fields, .meaning = "good if a connection opens", .fields = &tcp_keys},
    Key{.name = "grpc",
        .type = fields,
        .meaning = "good if the server says SERVING (gRPC health checking protocol)",
        .fields = &grpc_keys},
    Key{.name = "file", .type = fields, .meaning = "good if the path exists", .fields = &file_keys},
    Key{.name = "log",
        .type = fields,
        .meaning = "good once a line of the output matched; as livenessProbe, while lines go on to match",
        .fields = &log_keys},
    Key{.name = "notify",
        .type = fields,
        .meaning = "good when the service says READY=1 (sd_notify); as livenessProbe, while it says WATCHDOG=1",
        .fields = &notify_keys},
    Key{.name = "initialDelaySeconds",
        .type = seconds,
        .meaning = "from the start to the first try",
        .range = any_time},
    Key{.name = "periodSeconds", .type = seconds, .meaning = "from try to try", .range = some_time},
    Key{.name = "timeoutSeconds", .type = seconds, .meaning = "of one try", .range = some_time},
    Key{.name = "successThreshold",
        .type = integer,
        .meaning = "good tries in a row that count",
        .range = at_least_one},
    Key{.name = "failureThreshold", .type = integer, .meaning = "bad tries in a row that count", .range = at_least_one},
};

// ---- services ----------------------------------------------------------------------------------

constexpr std::array dependency_table = {
    Key{.name = "condition", .type = choice, .meaning = "what is waited for", .choices = conditions},
    Key{.name = "required",
        .type = boolean,
        .meaning = "false: go on when it is failed, stopped or in its first backoff"},
};

constexpr std::array backoff_table = {
    Key{.name = "initialSeconds", .type = seconds, .meaning = "before the first restart", .range = any_time},
    Key{.name = "factor",
        .type = number,
        .meaning = "growth from restart to restart",
        .range = {.min = 1, .max = 1000}},
    Key{.name = "maxSeconds", .type = seconds, .meaning = "the longest wait", .range = any_time},
    Key{.name = "resetAfterSeconds", .type = seconds, .meaning = "a run this long starts anew", .range = any_time},
    Key{.name = "limit",
        .type = integer,
        .meaning = "restarts until failed; 0: no limit",
        .range = {.min = 0, .max = many}},
};
constexpr KeySet backoff_keys{.noun = "backoff", .keys = backoff_table};

// A limit is a count of 64 bits; what is larger than a double can tell apart is unlimited in all but name.
constexpr Range any_limit{.min = 0, .max = 9'007'199'254'740'991};
constexpr Range any_id{.min = 0, .max = 4'294'967'294}; // one more means "no id" to the kernel

constexpr std::array limit_table = {
    Key{.name = "soft",
        .type = number_or_word,
        .meaning = "what counts",
        .range = any_limit,
        .choices = no_limit,
        .required = true},
    Key{.name = "hard",
        .type = number_or_word,
        .meaning = "up to here it may raise the soft one",
        .range = any_limit,
        .choices = no_limit,
        .required = true},
};
constexpr KeySet limit_keys{.noun = "a limit", .keys = limit_table};

// model::resource_names
constexpr std::array rlimits_table = {
    Key{.name = "as",
        .type = limit,
        .meaning = "bytes of address space",
        .range = any_limit,
        .choices = no_limit,
        .fields = &limit_keys},
    Key{.name = "core",
        .type = limit,
        .meaning = "bytes of a core file",
        .range = any_limit,
        .choices = no_limit,
        .fields = &limit_keys},
    Key{.name = "cpu",
        .type = limit,
        .meaning = "seconds of CPU time",
        .range = any_limit,
        .choices = no_limit,
        .fields = &limit_keys},
    Key{.name = "data",
        .type = limit,
        .meaning = "bytes of data",
        .range = any_limit,
        .choices = no_limit,
        .fields = &limit_keys},
    Key{.name = "fsize",
        .type = limit,
        .meaning = "bytes of a file it writes",
        .range = any_limit,
        .choices = no_limit,
        .fields = &limit_keys},
    Key{.name = "memlock",
        .type = limit,
        .meaning = "bytes locked in memory",
        .range = any_limit,
        .choices = no_limit,
        .fields = &limit_keys},
    Key{.name = "msgqueue",
        .type = limit,
        .meaning = "bytes in POSIX message queues",
        .range = any_limit,
        .choices = no_limit,
        .fields = &limit_keys},
    Key{.name = "nice",
        .type = limit,
        .meaning = "20 less the lowest nice",
        .range = any_limit,
        .choices = no_limit,
        .fields = &limit_keys},
    Key{.name = "nofile",
        .type = limit,
        .meaning = "one above its highest descriptor",
        .range = any_limit,
        .choices = no_limit,
        .fields = &limit_keys},
    Key{.name = "nproc",
        .type = limit,
        .meaning = "processes of its user",
        .range = any_limit,
        .choices = no_limit,
        .fields = &limit_keys},
    Key{.name = "rtprio",
        .type = limit,
        .meaning = "real-time priority",
        .range = any_limit,
        .choices = no_limit,
        .fields = &limit_keys},
    Key{.name = "rttime",
        .type = limit,
        .meaning = "microseconds of real-time CPU without a pause",
        .range = any_limit,
        .choices = no_limit,
        .fields = &limit_keys},
    Key{.name = "sigpending",
        .type = limit,
        .meaning = "signals that wait",
        .range = any_limit,
        .choices = no_limit,
        .fields = &limit_keys},
    Key{.name = "stack",
        .type = limit,
        .meaning = "bytes of stack",
        .range = any_limit,
        .choices = no_limit,
        .fields = &limit_keys},
};
constexpr KeySet rlimits_keys{.noun = "rlimits", .keys = rlimits_table};

// ---- CPU count -----------------------------------------------------------------------------------

constexpr std::array on_change_table = {
    Key{.name = "signal", .type = signal, .meaning = "that its main process gets", .required = true},
};
constexpr KeySet on_change_keys{.noun = "onChange", .keys = on_change_table};

constexpr std::array cpus_table = {
    Key{.name = "count",
        .type = number_or_word,
        .meaning = "a fixed number instead of the computed one",
        .range = {.min = 1, .max = 65536},
        .choices = computed},
    Key{.name = "round", .type = choice, .meaning = "how a quota becomes a whole number", .choices = roundings},
    Key{.name = "java",
        .type = choice,
        .meaning = "whether JVMs that count wrong are corrected",
        .choices = java_settings},
    Key{.name = "env",
        .type = variable_names,
        .meaning = "variables that are set to the count where the user has not set them"},
    Key{.name = "shim",
        .type = choice,
        .meaning = "who gets the preload library: JVMs that know no flag, every process, nobody",
        .choices = shim_settings},
    Key{.name = "watchSeconds",
        .type = seconds,
        .meaning = "how often a resize is looked for where somebody needs to know",
        .range = {.min = 0.1, .max = longest}},
    Key{.name = "onChange",
        .type = choice_or_fields,
        .meaning = "what a resize does to a running service",
        .choices = on_change_choices,
        .fields = &on_change_keys},
};
constexpr KeySet cpus_keys{.noun = "cpus", .keys = cpus_table};

// ---- logs --------------------------------------------------------------------------------------

constexpr std::array log_file_table = {
    Key{.name = "path", .type = absolute_path, .meaning = "of the file that is written", .required = true},
    Key{.name = "maxBytes",
        .type = size,
        .meaning = "of each file; a number of bytes, or a quantity such as 10Mi",
        .range = {.min = 4096, .max = 1e15}},
    Key{.name = "maxFiles",
        .type = integer,
        .meaning = "how many files there are at most: path, path.1, path.2, ...",
        .range = {.min = 2, .max = 1000}},
};
constexpr KeySet log_file_keys{.noun = "a log file", .keys = log_file_table};

constexpr std::array log_target_table = {
    Key{.name = "file",
        .type = fields,
        .meaning = "a file that is rotated by size",
        .fields = &log_file_keys,
        .required = true},
};
constexpr KeySet log_target_keys{.noun = "a log target", .keys = log_target_table};

constexpr std::array own_logs_table = {
    Key{.name = "format", .type = choice, .meaning = "of the lines of davit itself", .choices = log_formats},
};
constexpr KeySet own_logs_keys{.noun = "logs", .keys = own_logs_table};

// ---- the service itself --------------------------------------------------------------------------

constexpr std::array service_table = {
    Key{.name = "command", .type = command, .meaning = "program and arguments; no shell is run"},
    Key{.name = "args", .type = command, .meaning = "more arguments"},
    Key{.name = "main", .type = boolean, .meaning = "its exit ends the container"},
    Key{.name = "oneshot", .type = boolean, .meaning = "runs to completion"},
    Key{.name = "dependsOn",
        .type = dependencies,
        .meaning = "what must be there before it starts",
        .fields = &dependency_keys},
    Key{.name = "env", .type = text_map, .meaning = "added to the environment of PID 1", .secret = true},
    Key{.name = "envFile",
        .type = absolute_paths,
        .meaning = "files of NAME=value lines, added to the environment of PID 1; env wins"},
    Key{.name = "workingDir", .type = absolute_path, .meaning = "where it starts"},
    Key{.name = "user", .type = principal, .meaning = "name or number; with its groups", .range = any_id},
    Key{.name = "group", .type = principal, .meaning = "name or number, instead of the user's own", .range = any_id},
    Key{.name = "umask", .type = file_mode, .meaning = "octal, with a leading 0"},
    Key{.name = "rlimits", .type = fields, .meaning = "limits of each of its processes", .fields = &rlimits_keys},
    Key{.name = "nice", .type = integer, .meaning = "-20 (first) to 19 (last)", .range = {.min = -20, .max = 19}},
    Key{.name = "oomScoreAdj",
        .type = integer,
        .meaning = "-1000 (never killed for memory) to 1000 (first)",
        .range = {.min = -1000, .max = 1000}},
    Key{.name = "noNewPrivileges", .type = boolean, .meaning = "no setuid program gives it more"},
    Key{.name = "startupProbe",
        .type = fields,
        .meaning = "until it is good nothing else is probed",
        .fields = &probe_keys,
        .merging = Merging::whole},
    Key{.name = "readinessProbe",
        .type = fields,
        .meaning = "whether it can serve",
        .fields = &probe_keys,
        .merging = Merging::whole},
    Key{.name = "livenessProbe",
        .type = fields,
        .meaning = "whether it must be restarted",
        .fields = &probe_keys,
        .merging = Merging::whole},
    Key{.name = "restartPolicy", .type = choice, .meaning = "what follows its end", .choices = restart_policies},
    Key{.name = "backoff", .type = fields, .meaning = "waits between restarts", .fields = &backoff_keys},
    Key{.name = "critical", .type = boolean, .meaning = "its failure ends the container"},
    Key{.name = "successExitCodes",
        .type = integers,
        .meaning = "exit codes that are a success",
        .range = {.min = 0, .max = 255}},
    Key{.name = "stopSignal", .type = signal, .meaning = "asks it to end"},
    Key{.name = "stopCommand", .type = command, .meaning = "asks it to end, instead of a signal"},
    Key{.name = "terminationGracePeriodSeconds", .type = seconds, .meaning = "from asking to KILL", .range = any_time},
    Key{.name = "logs",
        .type = choice_or_fields,
        .meaning = "where its output goes: how to the container's log, nowhere, or to a file",
        .choices = log_modes,
        .fields = &log_target_keys,
        .merging = Merging::whole},
    Key{.name = "cpus",
        .type = fields,
        .meaning = "its CPU count, where it differs from the pod's",
        .fields = &cpus_keys},
    Key{.name = "enabled",
        .type = boolean,
        .meaning = "false: as if it were not there, and met for those that depend on it"},
};

// ---- life cycle --------------------------------------------------------------------------------

constexpr std::array http_step_table = {
    Key{.name = "method", .type = choice, .meaning = "of the request", .choices = methods},
    Key{.name = "url", .type = url, .meaning = "http:// or https:// address", .required = true},
    Key{.name = "headers", .type = text_map, .meaning = "headers of the request", .secret = true},
    Key{.name = "body", .type = text, .meaning = "what is sent", .secret = true},
    Key{.name = "expectStatus",
        .type = integers,
        .meaning = "good answers; any of 200 to 299 if it is left out",
        .range = {.min = 100, .max = 599}},
};
constexpr KeySet http_step_keys{.noun = "http", .keys = http_step_table};

constexpr std::array sleep_table = {
    Key{.name = "seconds", .type = seconds, .meaning = "how long", .range = any_time, .required = true},
};
constexpr KeySet sleep_keys{.noun = "sleep", .keys = sleep_table};

constexpr std::array step_table = {
    Key{.name = "exec", .type = fields, .meaning = "run a command", .fields = &exec_keys},
    Key{.name = "http", .type = fields, .meaning = "send a request", .fields = &http_step_keys},
    Key{.name = "tcpSocket", .type = fields, .meaning = "open a connection", .fields = &tcp_keys},
    Key{.name = "sleep", .type = fields, .meaning = "wait", .fields = &sleep_keys},
    Key{.name = "timeoutSeconds", .type = seconds, .meaning = "of each attempt", .range = some_time},
    Key{.name = "attempts", .type = integer, .meaning = "tries until it counts as failed", .range = at_least_one},
    Key{.name = "periodSeconds", .type = seconds, .meaning = "between attempts", .range = any_time},
};

constexpr std::array drain_table = {
    Key{.name = "minSeconds", .type = seconds, .meaning = "wait at least", .range = any_time},
    Key{.name = "maxSeconds", .type = seconds, .meaning = "wait at most, minSeconds included", .range = any_time},
    Key{.name = "ports", .type = ports, .meaning = "own ports whose connections must have ended", .range = port_range},
};
constexpr KeySet drain_keys{.noun = "drain", .keys = drain_table};

constexpr std::array post_start_table = {
    Key{.name = "timeoutSeconds", .type = seconds, .meaning = "how long the hook waits", .range = some_time},
    Key{.name = "onTimeout", .type = choice, .meaning = "what the hook then says", .choices = on_timeout},
};
constexpr KeySet post_start_keys{.noun = "postStart", .keys = post_start_table};

constexpr std::array lifecycle_table = {
    Key{.name = "preload", .type = steps, .meaning = "once main runs", .fields = &step_keys, .merging = Merging::whole},
    Key{.name = "online", .type = steps, .meaning = "takes traffic", .fields = &step_keys, .merging = Merging::whole},
    Key{.name = "offline",
        .type = steps,
        .meaning = "gives traffic back",
        .fields = &step_keys,
        .merging = Merging::whole},
    Key{.name = "stop",
        .type = steps,
        .meaning = "before main is stopped",
        .fields = &step_keys,
        .merging = Merging::whole},
    Key{.name = "scriptsDir",
        .type = absolute_path,
        .meaning = "directory with executables preload, online, offline and stop"},
    Key{.name = "readyTimeoutSeconds",
        .type = seconds,
        .meaning = "until the ready gate must be good",
        .range = some_time},
    Key{.name = "drain", .type = fields, .meaning = "waits after offline for traffic to end", .fields = &drain_keys},
    Key{.name = "postStart", .type = fields, .meaning = "the kubelet's postStart hook", .fields = &post_start_keys},
    Key{.name = "goOnline", .type = choice, .meaning = "manual waits for davit online", .choices = go_online},
    Key{.name = "onFailure", .type = choice, .meaning = "what a failed start does", .choices = on_failure},
};
constexpr KeySet lifecycle_keys{.noun = "lifecycle", .keys = lifecycle_table};

constexpr std::array pod_table = {
    Key{.name = "app", .type = text, .meaning = "name in logs and metrics"},
    Key{.name = "terminationGracePeriodSeconds",
        .type = seconds,
        .meaning = "the Pod's: budget of the whole stop",
        .range = {.min = 1, .max = longest}},
    Key{.name = "services", .type = named_fields, .meaning = "services by name", .fields = &service_keys},
    Key{.name = "lifecycle",
        .type = fields,
        .meaning = "how the pod goes online and offline",
        .fields = &lifecycle_keys},
    Key{.name = "cpus", .type = fields, .meaning = "the CPU count that services see", .fields = &cpus_keys},
    Key{.name = "logs",
        .type = fields,
        .meaning = "the log of davit itself",
        .fields = &own_logs_keys,
        .merging = Merging::whole},
    Key{.name = "isolateFile",
        .type = absolute_path,
        .meaning = "downward-API file of labels or annotations; while isolateKey is in it, the pod is isolated"},
    Key{.name = "isolateKey", .type = text, .meaning = "label or annotation that isolates"},
    Key{.name = "stateDir",
        .type = absolute_path,
        .meaning = "directory on a local volume that outlives the container: a start after a crash first runs offline"},
    Key{.name = "statusPort",
        .type = port,
        .meaning = "HTTP for probes and metrics: /livez /readyz /startupz /metrics",
        .range = port_range},
    Key{.name = "statusAddress",
        .type = ip_address,
        .meaning = "of the statusPort; all of IPv6 and IPv4 if it is left out"},
};

// ---- app.yaml ----------------------------------------------------------------------------------

constexpr std::array app_file_table = {
    Key{.name = "stack", .type = text, .meaning = "what the application is built on"},
    Key{.name = "runtime", .type = text, .meaning = "what runs it"},
    Key{.name = "entrypoint", .type = command, .meaning = "taken as if it were CMD", .required = true},
};

constexpr std::array<Names, 12> reserved_names = {"all",          "starting", "preloading",    "checking",
                                                  "going-online", "online",   "going-offline", "draining",
                                                  "offline",      "stopping", "stopped",       "failed"};

} // namespace

constexpr std::span<const std::string_view> reserved_service_names = reserved_names;

constexpr KeySet probe_keys{.noun = "a probe", .keys = probe_table, .alternatives = 7};
constexpr KeySet step_keys{.noun = "a step", .keys = step_table, .alternatives = 4};
constexpr KeySet dependency_keys{.noun = "a dependency", .keys = dependency_table};
constexpr KeySet service_keys{.noun = "a service", .keys = service_table};
constexpr KeySet pod_keys{.noun = "the configuration", .keys = pod_table};
constexpr KeySet app_file_keys{.noun = "an app.yaml", .keys = app_file_table};

const Key* KeySet::find(std::string_view name) const {
    auto found = std::ranges::find(keys, name, &Key::name);
    return found == keys.end() ? nullptr : &*found;
}

std::string KeySet::names(std::string_view last_word) const {
    std::string text;
    for (const Key& key : keys) {
        text += &key == &keys.front() ? "" : &key == &keys.back() ? last_word : ", ";
        text += key.name;
    }
    return text;
}

} // namespace davit::config
