// SPDX-License-Identifier: Apache-2.0
// From the tree to a WrittenPod. See spec_reader.h.
#include "config/spec_reader.h"

#include "config/concat.h"
#include "config/keys.h"
#include "config/leaf_reader.h"
#include "config/value_check.h"
#include "model/suggestion.h"

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

namespace davit::config {

namespace {

// The choices of keys.h are turned into enums by their order.
static_assert(std::to_underlying(model::RestartPolicy::always) == 0 &&
              std::to_underlying(model::RestartPolicy::never) == 2);
static_assert(std::to_underlying(model::CpuRounding::ceil) == 0);
static_assert(std::to_underlying(model::JavaSetting::automatic) == 0);
static_assert(std::to_underlying(model::ShimSetting::automatic) == 0 &&
              std::to_underlying(model::ShimSetting::off) == 2);
static_assert(std::to_underlying(model::LogMode::raw) == 0 && std::to_underlying(model::LogMode::discard) == 4);
static_assert(std::to_underlying(model::LogFormat::text) == 0 && std::to_underlying(model::LogFormat::json) == 1);
static_assert(std::to_underlying(model::Condition::started) == 0 &&
              std::to_underlying(model::Condition::completed) == 2);
static_assert(std::to_underlying(model::OnTimeout::detach) == 0 && std::to_underlying(model::OnTimeout::fail) == 1);
static_assert(std::to_underlying(model::GoOnline::automatic) == 0 && std::to_underlying(model::GoOnline::manual) == 1);
static_assert(std::to_underlying(model::OnFailure::shutdown) == 0 && std::to_underlying(model::OnFailure::hold) == 1);

constexpr std::string_view command_key = "command";

bool is_name_character(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || character == '.' || character == '_' || character == '-';
}

class PodReader {
public:
    PodReader(const Node& root, MainsCommand mains_command, Problems& problems)
        : root_(root), services_(root.find("services")), mains_command_(mains_command), problems_(problems) {}

    model::WrittenPod read() {
        model::WrittenPod pod;
        if (std::optional<model::Text> app = read_text(root_, "app")) {
            pod.app = std::move(app->value);
        }
        pod.grace = read_seconds(root_, "terminationGracePeriodSeconds");
        pod.cpus = cpus_ = read_cpus(root_, {});
        read_isolation(pod);
        if (const std::optional<int> port = read_integer(root_, "statusPort")) {
            pod.status_port = static_cast<std::uint16_t>(*port);
        }
        if (const Node* address = good_child(root_, "statusAddress")) {
            pod.status_address = address->text();
        }
        if (const Node* logs = good_child(root_, "logs")) {
            pod.log_format = read_choice<model::LogFormat>(*logs, "format").value_or(pod.log_format);
        }
        if (services_ != nullptr && services_->kind == Node::Kind::map) {
            pod.services.reserve(services_->children.size());
            for (const Node& service : services_->children) {
                names_.insert(service.key);
            }
            for (const Node& service : services_->children) {
                check_name(service);
                pod.services.push_back(read_service(service));
            }
            check_single_main();
        }
        if (const Node* lifecycle = root_.find("lifecycle")) {
            read_lifecycle(*lifecycle, pod);
        }
        return pod;
    }

private:
    static std::string path_of(const Node& service, std::string_view key) {
        return concat("services.", service.key, ".", key);
    }

    void check_name(const Node& service) {
        if (service.key.empty() || !std::ranges::all_of(service.key, is_name_character)) {
            problems_.add(
                service.key_place, "services",
                concat("a service's name has letters, digits, \".\", \"_\" and \"-\", found ", quoted(service.key)));
        } else if (std::ranges::find(reserved_service_names, service.key) != reserved_service_names.end()) {
            std::string_view reason = service.key == "all" ? "it stands for all services" : "it is the name of a phase";
            problems_.add(service.key_place, "services",
                          concat("a service cannot be named ", quoted(service.key), ": ", reason));
        }
    }

    model::WrittenService read_service(const Node& node) {
        model::WrittenService service;
        service.name = node.key;
        service.main = read_boolean(node, "main");
        service.command = read_words(node, "command");
        check_command(node, service);
        std::ranges::move(read_words(node, "args"), std::back_inserter(service.command));
        service.oneshot = read_boolean(node, "oneshot").value_or(false);
        check_kind(node, service);
        service.enabled = read_boolean(node, "enabled").value_or(true);
        service.critical = read_boolean(node, "critical").value_or(false);
        service.depends_on = read_dependencies(node);
        service.env = read_env(node);
        service.working_dir = read_text(node, "workingDir");
        service.restart_policy = read_choice<model::RestartPolicy>(node, "restartPolicy");
        service.backoff = read_backoff(node);
        service.grace = read_seconds(node, "terminationGracePeriodSeconds");
        read_logs(node, service);
        service.cpus = read_cpus(node, cpus_);
        read_probes(node, service);
        read_exit(node, service);
        return service;
    }

    void read_probes(const Node& node, model::WrittenService& service) {
        service.startup_probe = read_probe(node, "startupProbe");
        service.readiness_probe = read_probe(node, "readinessProbe");
        service.liveness_probe = read_probe(node, "livenessProbe");
        check_success_threshold(node, "startupProbe");
        check_success_threshold(node, "livenessProbe");
    }

    static void read_logs(const Node& node, model::WrittenService& service) {
        const Node* logs = good_child(node, "logs");
        if (logs == nullptr) {
            return;
        }
        const Node* file = logs->find("file");
        if (file == nullptr) {
            service.log_mode = static_cast<model::LogMode>(logs->number);
            return;
        }
        service.log_mode = model::LogMode::file;
        service.log_file.path = read_text(*file, "path").value_or(model::Text{});
        if (const Node* size = good_child(*file, "maxBytes")) {
            service.log_file.max_bytes = static_cast<std::uint64_t>(size->number);
        }
        service.log_file.max_files = read_integer(*file, "maxFiles").value_or(service.log_file.max_files);
    }

    static void read_exit(const Node& node, model::WrittenService& service) {
        if (const Node* codes = good_child(node, "successExitCodes")) {
            service.success_exit_codes = read_integers(*codes);
        }
        service.stop_signal = read_integer(node, "stopSignal").value_or(service.stop_signal);
        service.stop_command = read_words(node, "stopCommand");
    }

    void check_command(const Node& node, const model::WrittenService& service) {
        const bool brought_by_cmd = mains_command_ == MainsCommand::from_cmd && service.main == true;
        const bool has_it = node.find("command") != nullptr || has_slip_of(node, service_keys, std::array{command_key});
        if (node.kind != Node::Kind::map || has_it || brought_by_cmd) {
            return;
        }
        problems_.add(node.key_place, concat("services.", node.key),
                      node.find("args") == nullptr ? "has no command" : "has args, but no command");
    }

    void check_kind(const Node& node, const model::WrittenService& service) {
        if (service.oneshot && service.main == true) {
            problems_.add(node.find("oneshot")->place, path_of(node, "oneshot"),
                          "the main service cannot be a oneshot: its end is the end of the container anyway");
        }
    }

    void check_success_threshold(const Node& service, std::string_view name) {
        const Node* probe = good_child(service, name);
        const Node* threshold = probe == nullptr ? nullptr : probe->find("successThreshold");
        if (threshold != nullptr && threshold->number != 1) {
            problems_.add(threshold->place, concat(path_of(service, name), ".successThreshold"),
                          concat("must be 1 for a ", name, ", as in a Pod, found ", threshold->written));
        }
    }

    std::optional<std::vector<model::WrittenDependency>> read_dependencies(const Node& service) {
        const Node* node = service.find("dependsOn");
        if (node == nullptr || node->kind != Node::Kind::map) {
            return std::nullopt;
        }
        std::vector<model::WrittenDependency> dependencies;
        for (const Node& entry : node->children) {
            if (entry.bad || !is_known(service, entry)) {
                continue;
            }
            if (is_listed(dependencies, entry.key)) {
                problems_.add(entry.key_place, path_of(service, "dependsOn"), concat(entry.key, " is listed twice"));
                continue;
            }
            dependencies.push_back({.service = entry.key,
                                    .condition = read_choice<model::Condition>(entry, "condition"),
                                    .required = read_boolean(entry, "required").value_or(true)});
        }
        return dependencies;
    }

    static bool is_listed(const std::vector<model::WrittenDependency>& dependencies, std::string_view name) {
        return std::ranges::find(dependencies, name, &model::WrittenDependency::service) != dependencies.end();
    }

    bool is_known(const Node& service, const Node& entry) {
        if (names_.contains(entry.key)) {
            return true;
        }
        std::vector<std::string_view> names;
        for (const Node& other : services_->children) {
            if (&other != &service) {
                names.push_back(other.key);
            }
        }
        std::optional<std::string_view> nearest;
        if (!entry.value) {
            nearest = model::suggestion(entry.key, names);
        }
        problems_.add(entry.key_place, path_of(service, "dependsOn"),
                      concat("unknown service ", quoted(entry.value ? entry.written : entry.key),
                             nearest ? concat(" (did you mean ", quoted(*nearest), "?)") : std::string{}));
        return false;
    }

    void check_single_main() {
        const Node* first = nullptr;
        for (const Node& service : services_->children) {
            const Node* main = good_child(service, "main");
            if (main == nullptr || main->number == 0) {
                continue;
            }
            if (first == nullptr) {
                first = &service;
                continue;
            }
            tell_second_main(*first, service);
        }
    }

    void tell_second_main(const Node& one, const Node& other) {
        const bool in_order = one.find("main")->place < other.find("main")->place;
        const Node& first = in_order ? one : other;
        const Node& second = in_order ? other : one;
        problems_.add(second.find("main")->place, path_of(second, "main"),
                      concat(quoted(first.key), " is main already (", problems_.name_of(first.find("main")->place),
                             "): only one service can be, set main: false in one of them"));
    }

    static std::vector<model::StepSpec> steps_of(const Node& lifecycle, std::string_view name) {
        const Node* list = lifecycle.find(name);
        return list == nullptr ? std::vector<model::StepSpec>{} : read_steps(*list);
    }

    void read_isolation(model::WrittenPod& pod) {
        pod.state_dir = read_text(root_, "stateDir").value_or(model::Text{});
        pod.isolate_file = read_text(root_, "isolateFile").value_or(model::Text{});
        pod.isolate_key = read_text(root_, "isolateKey").value_or(model::Text{}).value;
        const Node* file = root_.find("isolateFile");
        const Node* key = root_.find("isolateKey");
        if ((file == nullptr) != (key == nullptr)) {
            const Node& one = file == nullptr ? *key : *file;
            problems_.add(one.key_place, one.key,
                          concat("has no meaning without ", file == nullptr ? "isolateFile" : "isolateKey"));
        }
    }

    static void read_lifecycle(const Node& node, model::WrittenPod& pod) {
        model::LifecycleSpec& lifecycle = pod.lifecycle;
        lifecycle.preload = steps_of(node, "preload");
        lifecycle.online = steps_of(node, "online");
        lifecycle.offline = steps_of(node, "offline");
        lifecycle.stop = steps_of(node, "stop");
        lifecycle.ready_timeout = read_seconds(node, "readyTimeoutSeconds").value_or(lifecycle.ready_timeout);
        lifecycle.go_online = read_choice<model::GoOnline>(node, "goOnline").value_or(lifecycle.go_online);
        lifecycle.on_failure = read_choice<model::OnFailure>(node, "onFailure").value_or(lifecycle.on_failure);
        if (const Node* hook = node.find("postStart")) {
            lifecycle.post_start_timeout = read_seconds(*hook, "timeoutSeconds").value_or(lifecycle.post_start_timeout);
            lifecycle.post_start_on_timeout =
                read_choice<model::OnTimeout>(*hook, "onTimeout").value_or(lifecycle.post_start_on_timeout);
        }
        if (const Node* drain = node.find("drain")) {
            pod.drain.min = read_seconds(*drain, "minSeconds");
            pod.drain.max = read_seconds(*drain, "maxSeconds");
            pod.drain.ports = read_ports(*drain);
        }
    }

    const Node& root_;
    const Node* services_;
    std::unordered_set<std::string_view> names_; // of the services
    model::CpusSpec cpus_;                       // of the pod
    MainsCommand mains_command_;
    Problems& problems_;
};

} // namespace

model::WrittenPod read_pod(const Node& root, MainsCommand mains_command, Problems& problems) {
    return PodReader{root, mains_command, problems}.read();
}

} // namespace davit::config
