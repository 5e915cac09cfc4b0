// SPDX-License-Identifier: Apache-2.0
// The comparison, one function a row of the table in pod_agreement.h.
#include "config/pod_agreement.h"

#include "config/concat.h"
#include "config/number_text.h"
#include "config/yaml_document.h"
#include "model/contains.h"
#include "model/exit_status.h"
#include "model/ip_address.h"
#include "model/process_identity.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <optional>
#include <string_view>

namespace davit::config {

namespace {

/// What the kubelet takes where the Pod says nothing.
constexpr double default_grace = 30;
/// `davit probe` without --timeout.
constexpr double default_probe_timeout = 0.9;
/// runAsNonRoot without a number: the image's user, whoever that is.
constexpr std::uint32_t some_user = 65'534;

/// What container runtimes give where the manifest says nothing.
struct KnownCapability {
    std::string_view name;
    model::Capability capability;
    bool is_default;
};
constexpr std::array<KnownCapability, 5> capabilities = {{{"SETUID", model::Capability::setuid, true},
                                                          {"SETGID", model::Capability::setgid, true},
                                                          {"KILL", model::Capability::kill, true},
                                                          {"SYS_NICE", model::Capability::sys_nice, false},
                                                          {"SYS_RESOURCE", model::Capability::sys_resource, false}}};

double seconds(Duration length) {
    return std::chrono::duration<double>{length}.count();
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) {
        text += concat(text.empty() ? "" : " ", word);
    }
    return text;
}

std::string_view base_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

/// The words of a command, also those of a line that it gives to a shell.
std::vector<std::string_view> words_in(const std::vector<std::string>& command) {
    constexpr std::string_view between = " \t\n;&|()\"'";
    std::vector<std::string_view> words;
    for (const std::string_view text : command) {
        for (std::size_t begin = text.find_first_not_of(between); begin != std::string_view::npos;) {
            const std::size_t end = text.find_first_of(between, begin);
            words.push_back(text.substr(begin, end - begin));
            begin = end == std::string_view::npos ? end : text.find_first_not_of(between, end);
        }
    }
    return words;
}

/// A call of davit in a command: `davit prestop --timeout 20`, also as the thin hook program `.../prestop`.
struct Call {
    std::string_view verb; // empty: davit alone
    std::string_view what; // of `probe`: startup, ready, live
    std::optional<double> timeout;
};

std::optional<Call> call_in(const std::vector<std::string>& command) {
    const std::vector<std::string_view> words = words_in(command);
    auto word = std::ranges::find_if(words, [](std::string_view one) {
        const std::string_view name = base_name(one);
        return name == "davit" || name == "poststart" || name == "prestop";
    });
    if (word == words.end()) {
        return std::nullopt;
    }
    Call call;
    std::vector<std::string_view> plain;
    if (base_name(*word) != "davit") {
        plain.push_back(base_name(*word));
    }
    for (++word; word != words.end() && *word != "--"; ++word) {
        const bool takes_value = *word == "--timeout" || *word == "--socket";
        if (word->starts_with("--timeout=")) {
            call.timeout = parse_number(word->substr(word->find('=') + 1));
        } else if (takes_value && word + 1 != words.end()) {
            call.timeout = *word == "--timeout" ? parse_number(word[1]) : call.timeout;
            ++word;
        } else if (!word->starts_with('-')) {
            plain.push_back(*word);
        }
    }
    call.verb = plain.empty() ? std::string_view{} : plain[0];
    call.what = plain.size() < 2 ? std::string_view{} : plain[1];
    return call;
}

class Agreement {
public:
    Agreement(const model::PodSpec& pod, const ManifestPod& manifest, Problems& problems)
        : pod_(pod), manifest_(manifest), problems_(problems) {}

    void check() {
        check_grace();
        const ManifestContainer* container = davits_container();
        if (container == nullptr) {
            return;
        }
        check_command(*container);
        check_hooks(*container);
        check_stop_signal(*container);
        check_status_port(*container);
        check_probes(*container);
        check_rights(*container);
    }

private:
    void tell(const auto& at, std::string text, Severity severity = Severity::error) {
        problems_.add(at.place, at.path, std::move(text), severity);
    }

    // ---- the Pod -------------------------------------------------------------------------------

    void check_grace() {
        if (pod_.plain_init) {
            return; // it has no plan of its own
        }
        const double here = manifest_.grace ? manifest_.grace->value : default_grace;
        const double davits = seconds(pod_.grace);
        if (here == davits) {
            return;
        }
        const std::string both =
            concat(number_text(davits), " in davit's configuration: write the same number in both");
        if (manifest_.grace) {
            tell(*manifest_.grace, concat("is ", number_text(here), " here, and ", both));
        } else {
            tell(manifest_,
                 concat("has no terminationGracePeriodSeconds, so it is ", number_text(here), " here, and ", both));
        }
    }

    bool names_davit(const ManifestContainer& container) const {
        const auto calls = [](const std::vector<std::string>& command) { return call_in(command).has_value(); };
        const auto hook_calls = [&](const auto& hook) { return hook && calls(hook->value.command); };
        const auto probe_calls = [&](const auto& probe) {
            return probe && (calls(probe->value.handler.command) || asks_status_port(probe->value.handler, container));
        };
        return (container.command && calls(container.command->value)) || calls(container.args) ||
               hook_calls(container.post_start) || hook_calls(container.pre_stop) || probe_calls(container.startup) ||
               probe_calls(container.readiness) || probe_calls(container.liveness);
    }

    const ManifestContainer* davits_container() {
        std::vector<const ManifestContainer*> candidates;
        for (const ManifestContainer& container : manifest_.containers) {
            if (names_davit(container)) {
                candidates.push_back(&container);
            }
        }
        if (candidates.empty() && manifest_.containers.size() == 1) {
            return &manifest_.containers.front();
        }
        if (candidates.size() == 1) {
            return candidates.front();
        }
        const std::string which =
            candidates.empty() ? "none of its containers names davit" : "several of its containers name davit";
        tell(manifest_,
             concat(which, " in its command, hooks or probes: cannot tell which one this configuration is for"));
        return nullptr;
    }

    void check_command(const ManifestContainer& container) {
        if (!container.command || container.command->value.empty()) {
            return; // the image's ENTRYPOINT
        }
        const auto call = call_in(container.command->value);
        if (!call || (call->verb != "run" && !call->verb.empty())) {
            tell(*container.command,
                 concat("replaces the image's ENTRYPOINT by ", quoted(joined(container.command->value)),
                        ", which does not say `davit run`"),
                 Severity::warning);
        }
    }

    // ---- hooks ---------------------------------------------------------------------------------

    void check_hooks(const ManifestContainer& container) {
        if (container.post_start) {
            check_hook(*container.post_start, "poststart");
        }
        if (container.pre_stop) {
            check_hook(*container.pre_stop, "prestop");
            return;
        }
        tell(container,
             "has no lifecycle.preStop, so the pod goes offline only when SIGTERM comes: write preStop: {exec: "
             "{command: "
             "[davit, prestop]}}",
             Severity::warning);
    }

    void check_hook(const Found<ManifestHandler>& hook, std::string_view verb) {
        if (hook.value.kind != "exec") {
            const std::string found = hook.value.kind.empty() ? "nothing that can be done" : hook.value.kind;
            return tell(hook, concat("must be exec with davit ", verb, ", found ", found,
                                     ": the kubelet waits for no other hook's outcome"));
        }
        const auto call = call_in(hook.value.command);
        if (!call || call->verb != verb) {
            tell(hook, concat("must call davit ", verb, ", found ", quoted(joined(hook.value.command))));
        }
    }

    void check_stop_signal(const ManifestContainer& container) {
        if (!container.stop_signal) {
            return;
        }
        const auto signal = model::signal_from_name(container.stop_signal->value);
        const std::array stopping = {SIGTERM, SIGINT, SIGQUIT, SIGRTMIN + 3};
        if (!signal || std::ranges::find(stopping, *signal) == stopping.end()) {
            tell(*container.stop_signal,
                 concat("must be one of SIGTERM, SIGINT, SIGQUIT and SIGRTMIN+3, which stop davit, found ",
                        quoted(container.stop_signal->value)));
        }
    }

    // ---- the status port -----------------------------------------------------------------------

    void check_status_port(const ManifestContainer& container) {
        const auto is_it = [this](const ManifestPort& port) { return port.number == *pod_.status_port; };
        if (!pod_.status_port || std::ranges::any_of(container.ports, is_it)) {
            return;
        }
        tell(container, concat("declares no port ", *pod_.status_port,
                               ", which is davit's statusPort: write ports: [{name: status, containerPort: ",
                               *pod_.status_port, "}]"));
    }

    /// httpGet, from the outside, on the port where davit answers.
    bool asks_status_port(const ManifestHandler& handler, const ManifestContainer& container) const {
        if (handler.kind != "httpGet" || !handler.host.empty() || !pod_.status_port) {
            return false;
        }
        const auto named = std::ranges::find(container.ports, handler.port, &ManifestPort::name);
        const auto number = named != container.ports.end() && !handler.port.empty() ? std::optional{named->number}
                                                                                    : parse_whole_number(handler.port);
        return number == *pod_.status_port;
    }

    /// `what` as `davit probe` calls it.
    void check_status_request(const Found<ManifestProbe>& probe, std::string_view what) {
        const ManifestHandler& handler = probe.value.handler;
        if (handler.scheme != "HTTP") {
            tell(probe, concat("asks by ", handler.scheme, ", and davit's statusPort speaks HTTP alone"));
        }
        if (!pod_.status_address.empty() && model::is_loopback(pod_.status_address)) {
            tell(probe, concat("comes from outside of the Pod, and davit's statusAddress is ", pod_.status_address,
                               ": leave statusAddress out"));
        }
        const std::string_view path = std::string_view{handler.path}.substr(0, handler.path.find('?'));
        const std::string wanted = concat("/", what, "z");
        if (path == wanted) {
            return;
        }
        constexpr std::array<std::string_view, 3> answers = {"/startupz", "/readyz", "/livez"};
        if (model::contains(answers, path)) {
            return tell(probe, concat("must ask for ", wanted, ", found ", quoted(path)));
        }
        const std::string_view answer = path == "/metrics" ? "always good" : "404";
        tell(probe, concat("asks davit for ", quoted(path), ", and the answer is ", answer, ": ask for ", wanted),
             Severity::warning);
    }

    // ---- probes --------------------------------------------------------------------------------

    void check_probes(const ManifestContainer& container) {
        if (container.startup && check_probe(container, *container.startup, "startup")) {
            check_startup_window(*container.startup);
        }
        if (!container.readiness) {
            tell(container,
                 "has no readinessProbe, so it gets traffic also when it is not online: write readinessProbe: {exec: "
                 "{command: [davit, probe, ready]}}",
                 Severity::warning);
        } else if (!check_probe(container, *container.readiness, "ready")) {
            tell(*container.readiness,
                 "does not ask davit, so it gets traffic also when it is not online: use davit probe ready",
                 Severity::warning);
        }
        if (container.liveness) {
            check_liveness(container, *container.liveness);
        }
    }

    /// False: it does not ask davit.
    bool check_probe(const ManifestContainer& container, const Found<ManifestProbe>& probe, std::string_view what) {
        if (asks_status_port(probe.value.handler, container)) {
            check_status_request(probe, what);
            return true;
        }
        const auto call = call_in(probe.value.handler.command);
        if (!call) {
            return false;
        }
        if (call->verb != "probe" || call->what != what) {
            tell(probe,
                 concat("must call davit probe ", what, ", found ", quoted(joined(probe.value.handler.command))));
            return true;
        }
        const double longest = call->timeout.value_or(default_probe_timeout);
        if (longest >= probe.value.timeout) {
            tell(probe, concat("timeoutSeconds is ", number_text(probe.value.timeout), ", and davit probe may take ",
                               number_text(longest), ": the kubelet cuts it off before it says why"));
        }
        return true;
    }

    void check_startup_window(const Found<ManifestProbe>& probe) {
        const double window = probe.value.initial_delay + probe.value.failure_threshold * probe.value.period;
        const double gate = seconds(pod_.lifecycle.ready_timeout);
        if (window < gate && !pod_.plain_init) {
            tell(probe, concat("gives up after ", number_text(window),
                               " s (initialDelaySeconds + failureThreshold × "
                               "periodSeconds), and davit's lifecycle.readyTimeoutSeconds is ",
                               number_text(gate), ": make it at least as long"));
        }
    }

    void check_liveness(const ManifestContainer& container, const Found<ManifestProbe>& probe) {
        if (!check_probe(container, probe, "live")) {
            tell(probe,
                 "does not ask davit, so the kubelet ends the whole container, its helpers and what there is to see: "
                 "use davit "
                 "probe live, and a livenessProbe of the service in davit's configuration",
                 Severity::warning);
        }
        if (probe.value.grace && probe.value.grace->value != seconds(pod_.grace)) {
            tell(*probe.value.grace,
                 concat("is ", number_text(probe.value.grace->value),
                        " for a container that this probe ends, and davit plans with ",
                        number_text(seconds(pod_.grace))),
                 Severity::warning);
        }
    }

    // ---- users ---------------------------------------------------------------------------------

    void check_rights(const ManifestContainer& container) {
        const ManifestSecurity& security = container.security;
        const model::OwnProcess davit = process_in(security);
        for (const model::ServiceSpec& service : pod_.services) {
            if (!service.enabled) {
                continue;
            }
            for (const model::MissingRight& right : model::find_missing_rights(service.identity, davit)) {
                const std::string text =
                    concat("davit's configuration has services.", service.name, ".", right.key, ", which ", right.text);
                if (security.run_as_user && security.run_as_user->value != 0) {
                    tell(*security.run_as_user, text);
                } else if (security.dropped) {
                    tell(*security.dropped, text);
                } else {
                    tell(container, text);
                }
            }
        }
    }

    /// davit as this container would start it. What a manifest does not say (limits, the oom score) is as good as can
    /// be.
    static model::OwnProcess process_in(const ManifestSecurity& security) {
        model::OwnProcess davit;
        for (const std::string_view name : model::resource_names) {
            const std::uint64_t limit = name == "nice" ? 0 : model::unlimited; // nobody raises this one
            davit.identity.limits.push_back({.name = std::string{name}, .soft = limit, .hard = limit});
        }
        davit.identity.oom_score_adj = 0;
        davit.identity.user = security.run_as_user       ? static_cast<std::uint32_t>(security.run_as_user->value)
                              : security.run_as_non_root ? some_user
                                                         : 0;
        davit.identity.group = davit.identity.user;
        for (const auto& [name, capability, is_default] : capabilities) {
            const bool is_dropped =
                has(security.dropped_capabilities, name) || has(security.dropped_capabilities, "ALL");
            const bool is_added = has(security.added_capabilities, name) || has(security.added_capabilities, "ALL");
            // Whoever is not root starts without any.
            if (davit.identity.user == 0 && (is_added || (is_default && !is_dropped))) {
                davit.capabilities |= std::uint64_t{1} << static_cast<unsigned>(capability);
            }
        }
        return davit;
    }

    static bool has(const std::vector<std::string>& names, std::string_view name) {
        return std::ranges::find(names, name) != names.end();
    }

    const model::PodSpec& pod_;
    const ManifestPod& manifest_;
    Problems& problems_;
};

} // namespace

void check_agreement(const model::PodSpec& pod, const ManifestPod& manifest, Problems& problems) {
    Agreement{pod, manifest, problems}.check();
}

std::vector<Problem> compare_with_manifests(const model::PodSpec& pod, const std::vector<std::string>& paths,
                                            const Sources& sources) {
    Problems problems;
    for (const std::string& path : paths) {
        const std::uint32_t file = problems.add_file(path);
        const Result<std::string> text = sources.read_file(path, manifest_rules.largest);
        if (!text) {
            problems.add({.file = file}, "", concat("cannot read it: ", text.error().text));
            continue;
        }
        for (const ManifestPod& manifest : read_manifest(*text, file, problems)) {
            check_agreement(pod, manifest, problems);
        }
    }
    return problems.take();
}

} // namespace davit::config
