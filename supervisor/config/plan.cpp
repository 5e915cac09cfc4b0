// SPDX-License-Identifier: Apache-2.0
// From the specification back to the shape of the configuration, one function a map. See plan.h.
#include "config/plan.h"

#include "config/concat.h"
#include "config/number_text.h"
#include "model/exit_status.h"
#include "model/overloaded.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace davit::config {

namespace {

using Kind = PlanNode::Kind;
using model::Text;

PlanNode text_node(std::string_view key, const Text& text) {
    PlanNode node{.kind = Kind::text, .key = std::string{key}, .shown = text.written};
    if (node.shown != text.value) {
        node.value = text.value;
    }
    return node;
}

PlanNode secret_node(std::string_view key, const std::string& value) {
    // Never empty, so that an empty secret differs from none.
    return {.kind = Kind::text, .key = std::string{key}, .shown = std::string{masked}, .value = "=" + value};
}

/// A map that is being filled. It knows its path, for what was written with `${...}`.
class Map {
public:
    Map(const model::PodSpec& pod, std::string_view key, std::string path) : pod_(pod), path_(std::move(path)) {
        node_.key = key;
    }

    Map below(std::string_view key) const {
        return {pod_, key, path_.empty() ? std::string{key} : concat(path_, ".", key)};
    }
    Map item(std::string_view list, std::size_t index) const {
        return {pod_, "", concat(path_, ".", list, "[", index, "]")};
    }

    void put(PlanNode node) { node_.children.push_back(std::move(node)); }
    void put(Map&& map) { put(std::move(map.node_)); }

    /// Nothing is shown of an empty text: it stands for a key that is not there.
    void text(std::string_view key, const Text& text) {
        if (!text.written.empty()) {
            put(text_node(key, text));
        }
    }
    void text(std::string_view key, const std::optional<Text>& value) {
        if (value) {
            text(key, *value);
        }
    }

    /// A number, a boolean or a choice.
    void word(std::string_view key, std::string value, Kind kind = Kind::text) {
        put(word_node(key, path_.empty() ? std::string{key} : concat(path_, ".", key), std::move(value), kind));
    }
    void boolean(std::string_view key, bool value) { word(key, value ? "true" : "false", Kind::bare); }
    void number(std::string_view key, double value) { word(key, number_text(value), Kind::bare); }
    void seconds(std::string_view key, Duration length) { number(key, to_seconds(length)); }

    void words(std::string_view key, const std::vector<Text>& words) {
        if (words.empty()) {
            return;
        }
        PlanNode list{.kind = Kind::list, .key = std::string{key}};
        for (const Text& word : words) {
            list.children.push_back(text_node("", word));
        }
        put(std::move(list));
    }

    template <typename Number>
    void numbers(std::string_view key, const std::vector<Number>& numbers) {
        PlanNode list{.kind = Kind::list, .key = std::string{key}};
        for (std::size_t index = 0; index < numbers.size(); ++index) {
            list.children.push_back(word_node("", concat(path_, ".", key, "[", index, "]"),
                                              number_text(static_cast<double>(numbers[index])), Kind::bare));
        }
        put(std::move(list));
    }

    /// A header may come twice: then it is a list of pairs, as in a Pod.
    template <typename Pair>
    void secrets(std::string_view key, const std::vector<Pair>& pairs) {
        if (pairs.empty()) {
            return;
        }
        const bool twice = std::ranges::any_of(
            pairs, [&](const Pair& pair) { return std::ranges::count(pairs, pair.name, &Pair::name) > 1; });
        PlanNode all{.kind = twice ? Kind::list : Kind::map, .key = std::string{key}};
        for (const Pair& pair : pairs) {
            if (twice) {
                PlanNode item;
                item.children.push_back(text_node("name", pair.name));
                item.children.push_back(secret_node("value", pair.value.value));
                all.children.push_back(std::move(item));
            } else {
                all.children.push_back(secret_node(pair.name, pair.value.value));
            }
        }
        put(std::move(all));
    }

    PlanNode take() { return std::move(node_); }

private:
    PlanNode word_node(std::string_view key, const std::string& path, std::string value, Kind kind) const {
        PlanNode node{.kind = kind, .key = std::string{key}, .shown = std::move(value)};
        if (const std::string* written = find_written(path)) {
            node.kind = Kind::text;
            node.value = std::exchange(node.shown, *written);
        }
        return node;
    }

    const std::string* find_written(std::string_view path) const {
        const auto found = std::ranges::find(pod_.written_values, path, &model::WrittenValue::path);
        if (found != pod_.written_values.end()) {
            return &found->text;
        }
        // One value where a list is allowed is written without its place in the list.
        const auto place = path.rfind("[0]");
        if (place == std::string_view::npos) {
            return nullptr;
        }
        std::string whole{path};
        return find_written(whole.erase(place, 3));
    }

    const model::PodSpec& pod_;
    std::string path_;
    PlanNode node_;
};

// ---- checks ------------------------------------------------------------------------------------

void fill(Map& map, const model::ExecCheck& exec) {
    map.words("command", exec.command);
}

void fill(Map& map, const model::HttpCheck& http) {
    map.text("path", http.path);
    map.number("port", http.port);
    map.text("host", http.host);
    map.word("scheme", http.scheme == "https" ? "HTTPS" : "HTTP");
    map.secrets("httpHeaders", http.headers);
}

void fill(Map& map, const model::TcpCheck& tcp) {
    map.number("port", tcp.port);
    map.text("host", tcp.host);
}

void fill(Map& map, const model::GrpcCheck& grpc) {
    map.number("port", grpc.port);
    map.text("host", grpc.host);
    map.text("service", grpc.service);
}

void fill(Map& map, const model::FileCheck& file) {
    map.text("path", file.path);
}

void fill(Map& map, const model::LogCheck& log) {
    map.text("pattern", log.pattern);
}

void fill(Map&, const model::NotifyCheck&) {}

std::string_view key_of(const model::Check& check) {
    return std::visit(model::Overloaded{
                          [](const model::ExecCheck&) { return "exec"; },
                          [](const model::HttpCheck&) { return "httpGet"; },
                          [](const model::TcpCheck&) { return "tcpSocket"; },
                          [](const model::GrpcCheck&) { return "grpc"; },
                          [](const model::FileCheck&) { return "file"; },
                          [](const model::LogCheck&) { return "log"; },
                          [](const model::NotifyCheck&) { return "notify"; },
                      },
                      check);
}

/// A check or what a step does: a map below the key that says which.
template <typename Variant>
void put_kind(Map& map, std::string_view key, const Variant& kind) {
    Map below = map.below(key);
    std::visit([&](const auto& one) { fill(below, one); }, kind);
    map.put(std::move(below));
}

void put_probe(Map& service, std::string_view key, const std::optional<model::ProbeSpec>& probe) {
    if (!probe) {
        return;
    }
    Map map = service.below(key);
    put_kind(map, key_of(probe->check), probe->check);
    map.seconds("initialDelaySeconds", probe->initial_delay);
    map.seconds("periodSeconds", probe->period);
    map.seconds("timeoutSeconds", probe->timeout);
    map.number("successThreshold", probe->success_threshold);
    map.number("failureThreshold", probe->failure_threshold);
    service.put(std::move(map));
}

// ---- services ----------------------------------------------------------------------------------

std::string_view name_of(model::Condition condition) {
    switch (condition) {
    case model::Condition::started: return "started";
    case model::Condition::ready: return "ready";
    case model::Condition::completed: break;
    }
    return "completed";
}

std::string_view name_of(model::RestartPolicy policy) {
    switch (policy) {
    case model::RestartPolicy::always: return "Always";
    case model::RestartPolicy::on_failure: return "OnFailure";
    case model::RestartPolicy::never: break;
    }
    return "Never";
}

void put_dependencies(Map& map, const model::PodSpec& pod, const model::ServiceSpec& service) {
    Map all = map.below("dependsOn");
    for (const model::Dependency& dependency : service.depends_on) {
        const model::ServiceSpec& target = pod.services[dependency.service];
        if (!target.removed) {
            Map one = all.below(target.name);
            one.word("condition", std::string{name_of(dependency.condition)});
            one.boolean("required", dependency.required);
            all.put(std::move(one));
        }
    }
    map.put(std::move(all));
}

/// A name, or a number as such.
void put_principal(Map& map, std::string_view key, const std::optional<model::Principal>& principal) {
    if (!principal) {
        return;
    }
    PlanNode node = text_node(key, principal->written);
    node.kind = parse_whole_number(node.shown) ? Kind::bare : Kind::text;
    map.put(std::move(node));
}

std::string octal(std::uint32_t mode) {
    std::string digits = "0";
    for (const unsigned shift : {6U, 3U, 0U}) {
        digits += static_cast<char>('0' + ((mode >> shift) & 7U));
    }
    return digits;
}

void put_limit(Map& map, std::string_view key, std::uint64_t limit) {
    if (limit == model::unlimited) {
        map.word(key, "unlimited");
    } else {
        map.word(key, std::to_string(limit), Kind::bare);
    }
}

void put_limits(Map& map, const std::vector<model::ResourceLimit>& limits) {
    if (limits.empty()) {
        return;
    }
    Map all = map.below("rlimits");
    for (const model::ResourceLimit& limit : limits) {
        if (limit.soft == limit.hard) {
            put_limit(all, limit.name, limit.soft);
            continue;
        }
        Map both = all.below(limit.name);
        put_limit(both, "soft", limit.soft);
        put_limit(both, "hard", limit.hard);
        all.put(std::move(both));
    }
    map.put(std::move(all));
}

void put_identity(Map& map, const model::Identity& identity) {
    put_principal(map, "user", identity.user);
    put_principal(map, "group", identity.group);
    if (identity.umask) {
        map.word("umask", octal(*identity.umask));
    }
    put_limits(map, identity.limits);
    if (identity.nice) {
        map.number("nice", *identity.nice);
    }
    if (identity.oom_score_adj) {
        map.number("oomScoreAdj", *identity.oom_score_adj);
    }
    map.boolean("noNewPrivileges", identity.no_new_privileges);
}

void put_backoff(Map& service, const model::BackoffSpec& backoff) {
    Map map = service.below("backoff");
    map.seconds("initialSeconds", backoff.initial);
    map.number("factor", backoff.factor);
    map.seconds("maxSeconds", backoff.max);
    map.seconds("resetAfterSeconds", backoff.reset_after);
    map.number("limit", backoff.limit);
    service.put(std::move(map));
}

void put_end(Map& map, const model::ServiceSpec& service) {
    map.word("restartPolicy", std::string{name_of(service.restart_policy)});
    put_backoff(map, service.backoff);
    map.boolean("critical", service.critical);
    map.numbers("successExitCodes", service.success_exit_codes);
    map.word("stopSignal", model::signal_name(service.stop_signal));
    map.words("stopCommand", service.stop_command);
    if (service.grace) {
        map.seconds("terminationGracePeriodSeconds", *service.grace);
    }
}

std::string_view name_of(model::ShimSetting shim) {
    switch (shim) {
    case model::ShimSetting::automatic: return "auto";
    case model::ShimSetting::on: return "on";
    case model::ShimSetting::off: break;
    }
    return "off";
}

PlanNode names_node(std::string_view key, const std::vector<std::string>& names) {
    PlanNode list{.kind = Kind::list, .key = std::string{key}};
    std::ranges::transform(names, std::back_inserter(list.children),
                           [](const std::string& name) { return PlanNode{.kind = Kind::text, .shown = name}; });
    return list;
}

void put_on_change(Map& cpus, const std::optional<int>& signal) {
    if (!signal) {
        return cpus.word("onChange", "none");
    }
    Map change = cpus.below("onChange");
    change.word("signal", model::signal_name(*signal));
    cpus.put(std::move(change));
}

/// All of it for the pod (`inherited` is null), of a service what differs from the pod.
void put_cpus(Map& map, const model::CpusSpec& cpus, const model::CpusSpec* inherited) {
    const auto differs = [&](auto member) { return inherited == nullptr || cpus.*member != inherited->*member; };
    Map all = map.below("cpus");
    if (differs(&model::CpusSpec::count)) {
        all.word("count", cpus.count ? std::to_string(*cpus.count) : "compute", cpus.count ? Kind::bare : Kind::text);
    }
    if (differs(&model::CpusSpec::rounding)) {
        all.word("round", std::string{model::to_string(cpus.rounding)});
    }
    if (differs(&model::CpusSpec::java)) {
        all.word("java", cpus.java == model::JavaSetting::never ? "never" : "auto");
    }
    if (differs(&model::CpusSpec::env)) {
        all.put(names_node("env", cpus.env));
    }
    if (differs(&model::CpusSpec::shim)) {
        all.word("shim", std::string{name_of(cpus.shim)});
    }
    if (differs(&model::CpusSpec::watch)) {
        all.seconds("watchSeconds", cpus.watch);
    }
    if (differs(&model::CpusSpec::on_change)) {
        put_on_change(all, cpus.on_change);
    }
    if (inherited == nullptr || cpus != *inherited) {
        map.put(std::move(all));
    }
}

/// Their names are shown; a change of what they hold is noticed as well.
void put_env_files(Map& map, const model::ServiceSpec& service) {
    if (service.env_files.empty()) {
        return;
    }
    PlanNode list{.kind = Kind::list, .key = "envFile"};
    std::ranges::transform(service.env_files, std::back_inserter(list.children),
                           [](const Text& file) { return text_node("", file); });
    PlanNode& last = list.children.back();
    last.value = service.env_files.back().value;
    for (const model::EnvVariable& variable : service.env_from_files) {
        last.value.append(1, '\0').append(variable.name).append(1, '=').append(variable.value.value);
    }
    map.put(std::move(list));
}

std::string_view name_of(model::LogMode mode) {
    switch (mode) {
    case model::LogMode::raw: return "raw";
    case model::LogMode::prefix: return "prefix";
    case model::LogMode::plain: return "plain";
    case model::LogMode::json: return "json";
    case model::LogMode::discard: return "discard";
    case model::LogMode::file: break;
    }
    return "file";
}

void put_logs(Map& map, const model::ServiceSpec& service) {
    if (service.log_mode != model::LogMode::file) {
        return map.word("logs", std::string{name_of(service.log_mode)});
    }
    Map logs = map.below("logs");
    Map file = logs.below("file");
    file.text("path", service.log_file.path);
    file.number("maxBytes", static_cast<double>(service.log_file.max_bytes));
    file.number("maxFiles", service.log_file.max_files);
    logs.put(std::move(file));
    map.put(std::move(logs));
}

PlanNode service_node(const model::PodSpec& pod, const model::ServiceSpec& service) {
    Map map{pod, service.name, concat("services.", service.name)};
    map.words("command", service.command);
    map.boolean("main", service.main);
    map.boolean("oneshot", service.oneshot);
    put_dependencies(map, pod, service);
    map.secrets("env", service.env);
    put_env_files(map, service);
    map.text("workingDir", service.working_dir);
    put_identity(map, service.identity);
    put_probe(map, "startupProbe", service.startup_probe);
    put_probe(map, "readinessProbe", service.readiness_probe);
    put_probe(map, "livenessProbe", service.liveness_probe);
    put_end(map, service);
    put_logs(map, service);
    put_cpus(map, service.cpus, &pod.cpus);
    map.boolean("enabled", service.enabled);
    return map.take();
}

// ---- life cycle --------------------------------------------------------------------------------

void fill(Map& map, const model::ExecStep& exec) {
    map.words("command", exec.command);
}

void fill(Map& map, const model::HttpStep& http) {
    map.word("method", http.method);
    map.text("url", http.url);
    map.secrets("headers", http.headers);
    if (!http.body.written.empty()) {
        map.put(secret_node("body", http.body.value));
    }
    if (!http.expect_status.empty()) {
        map.numbers("expectStatus", http.expect_status);
    }
}

void fill(Map& map, const model::TcpStep& tcp) {
    map.number("port", tcp.port);
    map.text("host", tcp.host);
}

void fill(Map& map, const model::SleepStep& sleep) {
    map.seconds("seconds", sleep.length);
}

std::string_view key_of(const decltype(model::StepSpec::action)& action) {
    return std::visit(model::Overloaded{
                          [](const model::ExecStep&) { return "exec"; },
                          [](const model::HttpStep&) { return "http"; },
                          [](const model::TcpStep&) { return "tcpSocket"; },
                          [](const model::SleepStep&) { return "sleep"; },
                      },
                      action);
}

void put_steps(Map& lifecycle, std::string_view key, model::StepKind kind, const std::vector<model::StepSpec>& steps) {
    const bool starts = kind == model::StepKind::preload || kind == model::StepKind::online;
    PlanNode list{.kind = Kind::list, .key = std::string{key}};
    for (std::size_t index = 0; index < steps.size(); ++index) {
        const model::StepSpec& step = steps[index];
        Map map = lifecycle.item(key, index);
        put_kind(map, key_of(step.action), step.action);
        if (step.timeout || starts) { // else what the budget leaves
            map.seconds("timeoutSeconds", step.timeout.value_or(model::default_start_step_timeout));
        }
        map.number("attempts", step.attempts);
        map.seconds("periodSeconds", step.period);
        list.children.push_back(map.take());
    }
    lifecycle.put(std::move(list));
}

void put_drain(Map& lifecycle, const model::DrainSpec& drain) {
    Map map = lifecycle.below("drain");
    map.seconds("minSeconds", drain.min);
    map.seconds("maxSeconds", drain.max);
    map.numbers("ports", drain.ports);
    lifecycle.put(std::move(map));
}

PlanNode lifecycle_node(const model::PodSpec& pod) {
    const model::LifecycleSpec& lifecycle = pod.lifecycle;
    Map map{pod, "lifecycle", "lifecycle"};
    put_steps(map, "preload", model::StepKind::preload, lifecycle.preload);
    put_steps(map, "online", model::StepKind::online, lifecycle.online);
    put_steps(map, "offline", model::StepKind::offline, lifecycle.offline);
    put_steps(map, "stop", model::StepKind::stop, lifecycle.stop);
    map.seconds("readyTimeoutSeconds", lifecycle.ready_timeout);
    put_drain(map, lifecycle.drain);
    Map hook = map.below("postStart");
    hook.seconds("timeoutSeconds", lifecycle.post_start_timeout);
    hook.word("onTimeout", lifecycle.post_start_on_timeout == model::OnTimeout::fail ? "fail" : "detach");
    map.put(std::move(hook));
    map.word("goOnline", lifecycle.go_online == model::GoOnline::manual ? "manual" : "auto");
    map.word("onFailure", lifecycle.on_failure == model::OnFailure::hold ? "hold" : "shutdown");
    return map.take();
}

// ---- the pod -----------------------------------------------------------------------------------

PlanNode pod_without_services(const model::PodSpec& pod) {
    Map map{pod, "", ""};
    map.word("app", pod.app);
    map.seconds("terminationGracePeriodSeconds", pod.grace);
    if (pod.status_port) {
        map.number("statusPort", *pod.status_port);
    }
    if (!pod.status_address.empty()) {
        map.word("statusAddress", pod.status_address);
    }
    map.put(lifecycle_node(pod));
    put_cpus(map, pod.cpus, nullptr);
    Map logs = map.below("logs");
    logs.word("format", pod.log_format == model::LogFormat::json ? "json" : "text");
    map.put(std::move(logs));
    map.text("isolateFile", pod.isolate_file);
    if (!pod.isolate_key.empty()) {
        map.word("isolateKey", pod.isolate_key);
    }
    map.text("stateDir", pod.state_dir);
    return map.take();
}

} // namespace

PlanNode plan_of(const model::PodSpec& pod) {
    PlanNode root = pod_without_services(pod);
    PlanNode services{.key = "services"};
    for (const model::ServiceSpec& service : pod.services) {
        if (!service.removed) {
            services.children.push_back(service_node(pod, service));
        }
    }
    const auto lifecycle = std::ranges::find(root.children, "lifecycle", &PlanNode::key);
    root.children.insert(lifecycle, std::move(services));
    return root;
}

std::vector<KeyChange> changed_keys_of_service(const model::PodSpec& before, model::ServiceIndex index_before,
                                               const model::PodSpec& after, model::ServiceIndex index_after) {
    return changed_keys(service_node(before, before.services[index_before]),
                        service_node(after, after.services[index_after]));
}

std::vector<KeyChange> changed_keys_of_pod(const model::PodSpec& before, const model::PodSpec& after) {
    return changed_keys(pod_without_services(before), pod_without_services(after));
}

} // namespace davit::config
