// SPDX-License-Identifier: Apache-2.0
// The rules between keys. See pod_rules.h.
#include "config/pod_rules.h"

#include "config/concat.h"
#include "config/leaf_reader.h"
#include "config/number_text.h"
#include "model/dependency_graph.h"
#include "model/ip_address.h"
#include "model/spec_defaults.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <variant>

namespace davit::config {

namespace {

using model::PodSpec;

/// davit is gone 1 s before the grace period ends, and main and its helpers need a moment of it as well.
constexpr double kept_for_the_end = 3;

const Node* find_service(const Node& root, std::string_view name) {
    const Node* services = root.find("services");
    return services == nullptr ? nullptr : services->find(name);
}

// ---- dependencies ------------------------------------------------------------------------------

/// Where the dependency is written; nullptr: it is a default.
const Node* find_entry(const Node& root, std::string_view service, std::string_view dependency) {
    const Node* node = find_service(root, service);
    const Node* dependencies = node == nullptr ? nullptr : node->find("dependsOn");
    return dependencies == nullptr ? nullptr : dependencies->find(dependency);
}

/// A dependency that is disabled counts as met; of a bad one (its probe, say) nobody knows.
bool proves_nothing(const PodSpec& pod, const Node& root, std::string_view dependency) {
    const Node* node = find_service(root, dependency);
    return node == nullptr || node->bad || !pod.services[*pod.find(dependency)].enabled;
}

void check_conditions(const PodSpec& pod, const Node& root, Problems& problems) {
    for (const model::ImpossibleCondition& impossible : model::find_impossible_conditions(pod)) {
        if (proves_nothing(pod, root, impossible.dependency)) {
            continue;
        }
        const std::string path = concat("services.", impossible.service, ".dependsOn");
        const Node* entry = find_entry(root, impossible.service, impossible.dependency);
        const Node* condition = entry == nullptr ? nullptr : good_child(*entry, "condition");
        if (condition != nullptr) {
            problems.add(condition->place, concat(path, ".", impossible.dependency, ".condition"),
                         concat(condition->written, " is impossible: ", impossible.text));
        } else if (entry != nullptr) {
            problems.add(entry->key_place, path, concat("can never be met: ", impossible.text));
        } else {
            problems.add(find_service(root, impossible.dependency)->key_place,
                         concat("services.", impossible.dependency),
                         concat(impossible.service, " depends on it, which can never be met: ", impossible.text));
        }
    }
}

void check_cycles(const PodSpec& pod, const Node& root, Problems& problems) {
    for (const std::vector<model::ServiceIndex>& cycle : model::find_cycles(pod)) {
        std::string names;
        for (model::ServiceIndex index : cycle) {
            names += concat(names.empty() ? "" : " → ", pod.services[index].name);
        }
        const std::string& first = pod.services[cycle.front()].name;
        const Node* entry = find_entry(root, first, pod.services[cycle[1]].name);
        problems.add(entry == nullptr ? root.place : entry->key_place, concat("services.", first, ".dependsOn"),
                     concat("a cycle, each waits for the next: ", names));
    }
}

// ---- times of the stop -------------------------------------------------------------------------

/// Seconds that the written times of a step allow it to take; 0: nothing is written.
double written_length(const model::StepSpec& step) {
    const auto* sleep = std::get_if<model::SleepStep>(&step.action);
    Duration attempt = step.timeout.value_or(sleep == nullptr ? Duration{} : sleep->length);
    if (sleep != nullptr) {
        attempt = std::min(attempt, sleep->length);
    }
    if (attempt == Duration{}) {
        return 0;
    }
    return to_seconds(attempt) * step.attempts + to_seconds(step.period) * (step.attempts - 1);
}

double written_length(const std::vector<model::StepSpec>& steps) {
    double sum = 0;
    for (const model::StepSpec& step : steps) {
        sum += written_length(step);
    }
    return sum;
}

/// A drain of which nothing is written has no written time, whatever its default.
double written_drain(const model::DrainSpec& drain, const Node& lifecycle) {
    const Node* node = lifecycle.find("drain");
    if (node == nullptr || node->bad) {
        return {};
    }
    if (node->find("maxSeconds") != nullptr) {
        return to_seconds(drain.max);
    }
    return node->find("minSeconds") != nullptr ? to_seconds(drain.min) : 0;
}

std::string seconds_text(double seconds) {
    return concat(number_text(std::round(seconds * 1000) / 1000), " s");
}

void check_stop_times(const PodSpec& pod, const Node& root, Problems& problems) {
    const Node* lifecycle = root.find("lifecycle");
    if (lifecycle == nullptr) {
        return;
    }
    const double offline = written_length(pod.lifecycle.offline);
    const double drain = written_drain(pod.lifecycle.drain, *lifecycle);
    const double stop = written_length(pod.lifecycle.stop);
    const double sum = offline + drain + stop;
    const double allowed = std::max(to_seconds(pod.grace) - kept_for_the_end, 0.0);
    if (sum <= allowed) {
        return;
    }
    const Node* grace = root.find("terminationGracePeriodSeconds");
    if (grace != nullptr && grace->bad) {
        return;
    }
    problems.add(grace == nullptr ? lifecycle->key_place : grace->place,
                 grace == nullptr ? "lifecycle" : "terminationGracePeriodSeconds",
                 concat("the written times of the stop are longer than the grace period of ",
                        seconds_text(to_seconds(pod.grace)), grace == nullptr ? " (the default)" : "",
                        " allows: offline ", seconds_text(offline), " + drain ", seconds_text(drain), " + stop ",
                        seconds_text(stop), " = ", seconds_text(sum), ", at most ", seconds_text(allowed),
                        " (3 s are kept for main and the helpers)"));
}

void check_drain(const PodSpec& pod, const Node& root, Problems& problems) {
    const Node* lifecycle = root.find("lifecycle");
    const Node* drain = lifecycle == nullptr ? nullptr : lifecycle->find("drain");
    const Node* max = drain == nullptr ? nullptr : good_child(*drain, "maxSeconds");
    const Node* min = drain == nullptr ? nullptr : good_child(*drain, "minSeconds");
    if (max != nullptr && min != nullptr && pod.lifecycle.drain.max < pod.lifecycle.drain.min) {
        problems.add(max->place, "lifecycle.drain.maxSeconds",
                     concat(max->written, " is below minSeconds, which is ", min->written));
    }
}

// ---- probes ------------------------------------------------------------------------------------

constexpr std::string_view probe_names[] = {"startupProbe", "readinessProbe", "livenessProbe"};

std::span<const Node> services_of(const Node& root) {
    const Node* services = root.find("services");
    if (services == nullptr || services->kind != Node::Kind::map) {
        return {};
    }
    return services->children;
}

bool is_raw(const PodSpec& pod, std::string_view service) {
    const std::optional<model::ServiceIndex> index = pod.find(service);
    return index && pod.services[*index].log_mode == model::LogMode::raw;
}

/// The output of a raw service never passes davit. That of a discarded one does, if it has such a probe.
void check_log_probes(const PodSpec& pod, const Node& root, Problems& problems) {
    for (const Node& service : services_of(root)) {
        for (const std::string_view name : probe_names) {
            const Node* probe = good_child(service, name);
            const Node* log = probe == nullptr ? nullptr : probe->find("log");
            if (log != nullptr && is_raw(pod, service.key)) {
                problems.add(log->key_place, concat("services.", service.key, ".", name, ".log"),
                             concat("davit does not see the output of ", service.key, ", its logs are raw",
                                    service.find("logs") == nullptr ? " (the default of main)" : "",
                                    ": say logs: prefix there, or use another probe"));
            }
        }
    }
}

/// Nobody asks, so there is nothing to count.
void check_told_probes(const Node& root, Problems& problems) {
    for (const Node& service : services_of(root)) {
        for (const std::string_view name : probe_names) {
            const Node* probe = good_child(service, name);
            const bool is_told =
                probe != nullptr && (probe->find("log") != nullptr || probe->find("notify") != nullptr);
            const Node* threshold = is_told ? probe->find("successThreshold") : nullptr;
            if (threshold != nullptr && threshold->number != 1 && name == "readinessProbe") {
                problems.add(threshold->place, concat("services.", service.key, ".", name, ".successThreshold"),
                             concat("must be 1 with log or notify, which are told once, found ", threshold->written));
            }
        }
    }
}

// ---- the status port ---------------------------------------------------------------------------

bool is_this_container(const std::string& host) {
    return host.empty() || host == "localhost" || (model::ip_version_of(host) && model::is_loopback(host));
}

/// The port here that a check asks, with the key of the check; nullptr: none, or elsewhere.
const Node* port_asked_by(const Node& probe) {
    for (const std::string_view kind : {"httpGet", "tcpSocket", "grpc"}) {
        const Node* check = good_child(probe, kind);
        const Node* host = check == nullptr ? nullptr : good_child(*check, "host");
        if (check != nullptr && is_this_container(host == nullptr ? std::string{} : host->text())) {
            return good_child(*check, "port");
        }
    }
    return nullptr;
}

/// davit listens there itself: no service can, and what asks there learns nothing of one.
void check_status_port(const PodSpec& pod, const Node& root, Problems& problems) {
    const Node* address = good_child(root, "statusAddress");
    if (address != nullptr && root.find("statusPort") == nullptr) {
        problems.add(address->place, "statusAddress", "has no meaning without statusPort", Severity::warning);
    }
    if (!pod.status_port) {
        return;
    }
    for (const Node& service : services_of(root)) {
        for (const std::string_view name : probe_names) {
            const Node* probe = good_child(service, name);
            const Node* port = probe == nullptr ? nullptr : port_asked_by(*probe);
            if (port != nullptr && port->number == *pod.status_port) {
                problems.add(port->place, concat("services.", service.key, ".", name),
                             concat(port->written, " is the statusPort: it would ask davit, not ", service.key),
                             Severity::warning);
            }
        }
    }
    const Node* lifecycle = root.find("lifecycle");
    const Node* drain = lifecycle == nullptr ? nullptr : good_child(*lifecycle, "drain");
    const Node* ports = drain == nullptr ? nullptr : good_child(*drain, "ports");
    for (std::size_t index = 0; ports != nullptr && index < ports->children.size(); ++index) {
        const Node& port = ports->children[index];
        if (port.number == *pod.status_port) {
            problems.add(
                port.place, "lifecycle.drain.ports",
                concat(port.written, " is the statusPort: probes and scrapes go on there while the pod drains"),
                Severity::warning);
        }
    }
}

// ---- logs --------------------------------------------------------------------------------------

/// PATH, PATH.1, ... PATH.N of one service.
bool is_file_of(const model::LogFileSpec& file, std::string_view path) {
    const std::string& own = file.path.value;
    if (!path.starts_with(own)) {
        return false;
    }
    path.remove_prefix(own.size());
    if (path.empty()) {
        return true;
    }
    const auto number = path.starts_with('.') ? parse_whole_number(path.substr(1)) : std::nullopt;
    return number && *number >= 1 && *number < file.max_files;
}

/// Two services that rotate one file would lose each other's lines.
void check_log_files(const PodSpec& pod, const Node& root, Problems& problems) {
    for (const model::ServiceSpec& service : pod.services) {
        if (service.log_mode != model::LogMode::file) {
            continue;
        }
        const auto other = std::ranges::find_if(pod.services, [&](const model::ServiceSpec& candidate) {
            const bool comes_first = &candidate < &service;
            return candidate.log_mode == model::LogMode::file && &candidate != &service &&
                   is_file_of(candidate.log_file, service.log_file.path.value) &&
                   (comes_first || candidate.log_file.path.value != service.log_file.path.value);
        });
        const Node* services = other == pod.services.end() ? nullptr : root.find("services");
        const Node* node = services == nullptr ? nullptr : services->find(service.name);
        const Node* path = node == nullptr ? nullptr : node->find("logs")->find("file")->find("path");
        if (path != nullptr) {
            problems.add(path->place, concat("services.", service.name, ".logs.file.path"),
                         concat(other->name, " writes ", path->written, " already",
                                other->log_file.path.value == service.log_file.path.value ? "" : " when it rotates",
                                ": each service needs a file of its own"));
        }
    }
}

} // namespace

void check_rules(const PodSpec& pod, const Node& root, Problems& problems) {
    check_cycles(pod, root, problems);
    check_conditions(pod, root, problems);
    check_stop_times(pod, root, problems);
    check_drain(pod, root, problems);
    check_log_probes(pod, root, problems);
    check_told_probes(root, problems);
    check_status_port(pod, root, problems);
    check_log_files(pod, root, problems);
}

} // namespace davit::config
