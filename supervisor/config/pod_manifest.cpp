// SPDX-License-Identifier: Apache-2.0
// From the tree to the few values. See pod_manifest.h. Keys that are not asked for are not looked at.
#include "config/pod_manifest.h"

#include "config/concat.h"
#include "config/number_text.h"
#include "config/yaml_document.h"

#include <algorithm>
#include <array>

namespace davit::config {

namespace {

constexpr std::array<std::string_view, 5> handlers = {"exec", "httpGet", "tcpSocket", "grpc", "sleep"};
constexpr std::string_view merge_key = "<<";
constexpr std::size_t deepest_merge = 8;

/// The entry of a map, or of a map that it merges in (`<<: *name`).
const Node* entry_of(const Node& map, std::string_view name, std::size_t depth = 0) {
    if (const Node* found = map.find(name)) {
        return found->kind == Node::Kind::null ? nullptr : found;
    }
    const Node* merged = map.find(merge_key);
    if (merged == nullptr || depth >= deepest_merge) {
        return nullptr;
    }
    if (merged->kind == Node::Kind::map) {
        return entry_of(*merged, name, depth + 1);
    }
    for (const Node& one : merged->children) {
        if (const Node* found = entry_of(one, name, depth + 1)) {
            return found;
        }
    }
    return nullptr;
}

/// A node with the way to it.
struct At {
    const Node* node = nullptr;
    std::string path;

    explicit operator bool() const { return node != nullptr; }
    const Node& operator*() const { return *node; }
    const Node* operator->() const { return node; }

    /// Empty: there is no such entry.
    At operator[](std::string_view name) const {
        const Node* entry = node == nullptr ? nullptr : entry_of(*node, name);
        return {entry, entry == nullptr ? std::string{} : join(name)};
    }
    At operator[](std::size_t index) const { return {&node->children[index], concat(path, "[", index, "]")}; }

private:
    std::string join(std::string_view name) const { return path.empty() ? std::string{name} : concat(path, ".", name); }
};

std::string capability_name(std::string_view text) {
    std::string name;
    std::ranges::transform(text, std::back_inserter(name), [](char letter) {
        return letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
    });
    return name.starts_with("CAP_") ? name.substr(4) : name;
}

class ManifestReader {
public:
    explicit ManifestReader(Problems& problems) : problems_(problems), problems_before_(problems.count()) {}

    void read(const Node& document) { read_object({&document, ""}); }

    std::vector<ManifestPod> take(std::uint32_t file) {
        if (pods_.empty() && problems_.count() == problems_before_) {
            std::string kinds;
            for (const std::string& kind : others_) {
                kinds += concat(kinds.empty() ? ", found " : " and ", kind);
            }
            problems_.add({.file = file}, "", concat("no Pod or workload is in it", kinds));
        }
        return std::move(pods_);
    }

private:
    void read_object(const At& object) {
        if (object->kind != Node::Kind::map) {
            return tell(object, "expected a manifest of Kubernetes, found no map");
        }
        const std::string kind = text_of(object["kind"]);
        if (kind.ends_with("List")) {
            const At items = list_of(object["items"]);
            for (std::size_t index = 0; items && index < items->children.size(); ++index) {
                read_object(items[index]);
            }
            return;
        }
        const At specification = pod_specification(object);
        if (!specification) {
            others_.push_back(kind.empty() ? "something without a kind" : kind);
            return;
        }
        pods_.push_back(read_pod(specification, concat(kind, " ", text_of(object["metadata"]["name"]))));
    }

    /// A Pod's own, or that of a workload's template. Any kind that has one counts: there are workloads of many makers.
    static At pod_specification(const At& object) {
        const At spec = object["spec"];
        const At direct = spec["containers"] ? spec : At{};
        const At of_template = spec["template"]["spec"];
        const At of_job_template = spec["jobTemplate"]["spec"]["template"]["spec"];
        return direct ? direct : of_template ? of_template : of_job_template;
    }

    ManifestPod read_pod(const At& spec, std::string title) {
        ManifestPod pod{.title = std::move(title), .place = spec->key_place, .path = spec.path};
        pod.grace = number_of(spec["terminationGracePeriodSeconds"]);
        const At containers = list_of(spec["containers"]);
        for (std::size_t index = 0; containers && index < containers->children.size(); ++index) {
            pod.containers.push_back(read_container(containers[index], spec));
        }
        return pod;
    }

    ManifestContainer read_container(const At& node, const At& pod) {
        ManifestContainer container{.name = text_of(node["name"]), .place = node->place, .path = node.path};
        if (const At command = node["command"]) {
            container.command = Found{words_of(command), command->place, command.path};
        }
        container.args = words_of(node["args"]);
        container.ports = ports_of(node["ports"]);
        const At lifecycle = node["lifecycle"];
        container.post_start = hook_of(lifecycle["postStart"]);
        container.pre_stop = hook_of(lifecycle["preStop"]);
        if (const At signal = lifecycle["stopSignal"]) {
            container.stop_signal = Found{text_of(signal), signal->place, signal.path};
        }
        container.startup = probe_of(node["startupProbe"]);
        container.readiness = probe_of(node["readinessProbe"]);
        container.liveness = probe_of(node["livenessProbe"]);
        read_security(pod["securityContext"], container.security);
        read_security(node["securityContext"], container.security);
        return container;
    }

    std::optional<Found<ManifestHandler>> hook_of(const At& node) {
        if (!node) {
            return std::nullopt;
        }
        return Found{handler_of(node), node->key_place, node.path};
    }

    ManifestHandler handler_of(const At& node) {
        ManifestHandler handler;
        for (const std::string_view kind : handlers) {
            if (node[kind]) {
                handler.kind = kind;
            }
        }
        handler.command = words_of(node["exec"]["command"]);
        if (handler.kind.empty()) {
            return handler;
        }
        const At details = node[handler.kind];
        set(handler.port, details["port"]);
        set(handler.path, details["path"]);
        if (!handler.path.starts_with('/')) {
            handler.path.insert(0, "/"); // as Kubernetes does
        }
        set(handler.host, details["host"]);
        set(handler.scheme, details["scheme"]);
        return handler;
    }

    std::vector<ManifestPort> ports_of(const At& node) {
        std::vector<ManifestPort> ports;
        const At list = list_of(node);
        for (std::size_t index = 0; list && index < list->children.size(); ++index) {
            const At port = list[index];
            const std::string protocol = text_of(port["protocol"]);
            const auto number = number_of(port["containerPort"]);
            if (number && (protocol.empty() || protocol == "TCP")) {
                ports.push_back({.name = text_of(port["name"]), .number = number->value});
            }
        }
        return ports;
    }

    std::optional<Found<ManifestProbe>> probe_of(const At& node) {
        if (!node) {
            return std::nullopt;
        }
        ManifestProbe probe{.handler = handler_of(node)};
        set(probe.initial_delay, node["initialDelaySeconds"]);
        set(probe.period, node["periodSeconds"]);
        set(probe.timeout, node["timeoutSeconds"]);
        set(probe.failure_threshold, node["failureThreshold"]);
        probe.grace = number_of(node["terminationGracePeriodSeconds"]);
        return Found{std::move(probe), node->key_place, node.path};
    }

    void read_security(const At& node, ManifestSecurity& security) {
        if (const auto user = number_of(node["runAsUser"])) {
            security.run_as_user = user;
        }
        if (const At non_root = node["runAsNonRoot"]) {
            security.run_as_non_root = text_of(non_root) == "true";
        }
        const At drop = node["capabilities"]["drop"];
        const At add = node["capabilities"]["add"];
        for (const std::string& name : words_of(add)) {
            security.added_capabilities.push_back(capability_name(name));
        }
        for (const std::string& name : words_of(drop)) {
            security.dropped_capabilities.push_back(capability_name(name));
        }
        if (drop) {
            security.dropped = Found{true, drop->place, drop.path};
        }
    }

    // ---- leaves ----------------------------------------------------------------------------------

    void tell(const At& at, std::string text) { problems_.add(at->place, at.path, std::move(text)); }

    std::string text_of(const At& at) {
        if (!at) {
            return {};
        }
        if (at->kind != Node::Kind::scalar) {
            tell(at, "expected a text");
            return {};
        }
        return at->written;
    }

    At list_of(const At& at) {
        if (at && at->kind != Node::Kind::list) {
            tell(at, "expected a list");
            return {};
        }
        return at;
    }

    std::vector<std::string> words_of(const At& at) {
        std::vector<std::string> words;
        const At list = list_of(at);
        for (std::size_t index = 0; list && index < list->children.size(); ++index) {
            words.push_back(text_of(list[index]));
        }
        return words;
    }

    std::optional<Found<double>> number_of(const At& at) {
        if (!at) {
            return std::nullopt;
        }
        const auto number =
            at->kind == Node::Kind::scalar && !at->in_quotes ? parse_whole_number(at->written) : std::nullopt;
        if (!number || *number < 0) {
            tell(at, concat("expected a whole number",
                            at->kind == Node::Kind::scalar ? concat(", found ", quoted(at->written)) : std::string{}));
            return std::nullopt;
        }
        return Found{*number, at->place, at.path};
    }

    void set(std::string& target, const At& at) {
        if (at) {
            target = text_of(at);
        }
    }

    void set(double& target, const At& at) {
        if (const auto number = number_of(at)) {
            target = number->value;
        }
    }

    Problems& problems_;
    std::size_t problems_before_;
    std::vector<ManifestPod> pods_;
    std::vector<std::string> others_; // kinds that have no Pod
};

} // namespace

std::vector<ManifestPod> read_manifest(std::string_view text, std::uint32_t file, Problems& problems) {
    const std::size_t problems_before = problems.count();
    ManifestReader reader{problems};
    for (const Node& document : parse_manifest(text, file, problems)) {
        reader.read(document);
    }
    std::vector<ManifestPod> pods = reader.take(file);
    if (problems.count() > problems_before && text.contains("{{")) {
        problems.add({.file = file}, "", "looks like a template: give what `helm template` makes of it");
    }
    return pods;
}

} // namespace davit::config
