// SPDX-License-Identifier: Apache-2.0
// Reading the small maps. See leaf_reader.h.
#include "config/leaf_reader.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace davit::config {

namespace {

model::Text text_of(const Node& node) {
    return {node.text(), node.written};
}

template <typename T>
void set_if(T& target, std::optional<T> written) {
    if (written) {
        target = *std::move(written);
    }
}

std::uint16_t read_port(const Node& map) {
    return static_cast<std::uint16_t>(read_integer(map, "port").value_or(0));
}

std::vector<model::HttpHeader> read_headers(const Node& map, std::string_view name) {
    std::vector<model::HttpHeader> headers;
    if (const Node* node = good_child(map, name)) {
        for (const Node& header : node->children) {
            headers.push_back({.name = header.key, .value = text_of(header)});
        }
    }
    return headers;
}

/// As Kubernetes does, a path without its first slash gets one.
model::Text absolute(model::Text path) {
    if (!path.value.starts_with('/')) {
        path.value.insert(0, "/");
    }
    return path;
}

model::HttpCheck read_http_check(const Node& map) {
    model::HttpCheck check;
    check.port = read_port(map);
    set_if(check.host, read_text(map, "host"));
    if (std::optional<model::Text> path = read_text(map, "path")) {
        check.path = absolute(*std::move(path));
    }
    if (const Node* scheme = good_child(map, "scheme")) {
        check.scheme = scheme->text() == "HTTPS" ? "https" : "http";
    }
    check.headers = read_headers(map, "httpHeaders");
    return check;
}

model::GrpcCheck read_grpc_check(const Node& map) {
    model::GrpcCheck check;
    check.port = read_port(map);
    set_if(check.host, read_text(map, "host"));
    set_if(check.service, read_text(map, "service"));
    return check;
}

model::Check read_check(const Node& probe) {
    if (const Node* exec = probe.find("exec")) {
        return model::ExecCheck{.command = read_words(*exec, "command")};
    }
    if (const Node* http = probe.find("httpGet")) {
        return read_http_check(*http);
    }
    if (const Node* grpc = probe.find("grpc")) {
        return read_grpc_check(*grpc);
    }
    if (const Node* file = probe.find("file")) {
        return model::FileCheck{.path = read_text(*file, "path").value_or(model::Text{})};
    }
    if (const Node* log = probe.find("log")) {
        return model::LogCheck{.pattern = read_text(*log, "pattern").value_or(model::Text{})};
    }
    if (probe.find("notify") != nullptr) {
        return model::NotifyCheck{};
    }
    model::TcpCheck check;
    if (const Node* tcp = probe.find("tcpSocket")) {
        check.port = read_port(*tcp);
        set_if(check.host, read_text(*tcp, "host"));
    }
    return check;
}

model::HttpStep read_http_step(const Node& map) {
    model::HttpStep step;
    if (const Node* method = good_child(map, "method")) {
        step.method = method->text();
    }
    set_if(step.url, read_text(map, "url"));
    step.headers = read_headers(map, "headers");
    set_if(step.body, read_text(map, "body"));
    if (const Node* status = good_child(map, "expectStatus")) {
        step.expect_status = read_integers(*status);
    }
    return step;
}

model::StepSpec read_step(const Node& map) {
    model::StepSpec step;
    if (const Node* exec = map.find("exec")) {
        step.action = model::ExecStep{.command = read_words(*exec, "command")};
    } else if (const Node* http = map.find("http")) {
        step.action = read_http_step(*http);
    } else if (const Node* tcp = map.find("tcpSocket")) {
        model::TcpStep action{.host = {}, .port = read_port(*tcp)};
        set_if(action.host, read_text(*tcp, "host"));
        step.action = std::move(action);
    } else if (const Node* sleep = map.find("sleep")) {
        step.action = model::SleepStep{.length = read_seconds(*sleep, "seconds").value_or(Duration{})};
    }
    step.timeout = read_seconds(map, "timeoutSeconds");
    set_if(step.attempts, read_integer(map, "attempts"));
    set_if(step.period, read_seconds(map, "periodSeconds"));
    return step;
}

} // namespace

const Node* good_child(const Node& map, std::string_view name) {
    const Node* node = map.find(name);
    return node == nullptr || node->bad ? nullptr : node;
}

std::optional<bool> read_boolean(const Node& map, std::string_view name) {
    const Node* node = good_child(map, name);
    return node == nullptr ? std::nullopt : std::optional{node->number != 0};
}

std::optional<Duration> read_seconds(const Node& map, std::string_view name) {
    const Node* node = good_child(map, name);
    return node == nullptr ? std::nullopt : std::optional{from_seconds(node->number)};
}

std::optional<int> read_integer(const Node& map, std::string_view name) {
    const Node* node = good_child(map, name);
    return node == nullptr ? std::nullopt : std::optional{static_cast<int>(node->number)};
}

std::optional<model::Text> read_text(const Node& map, std::string_view name) {
    const Node* node = good_child(map, name);
    return node == nullptr ? std::nullopt : std::optional{text_of(*node)};
}

std::vector<model::Text> texts_of(const Node& list) {
    std::vector<model::Text> texts;
    texts.reserve(list.children.size());
    for (const Node& item : list.children) {
        texts.push_back(text_of(item));
    }
    return texts;
}

std::vector<model::Text> read_words(const Node& map, std::string_view name) {
    const Node* node = good_child(map, name);
    return node == nullptr ? std::vector<model::Text>{} : texts_of(*node);
}

std::vector<model::EnvVariable> read_env(const Node& map) {
    std::vector<model::EnvVariable> variables;
    if (const Node* node = map.find("env")) {
        for (const Node& variable : node->children) {
            if (!variable.bad) {
                variables.push_back({.name = variable.key, .value = text_of(variable)});
            }
        }
    }
    return variables;
}

std::vector<int> read_integers(const Node& list) {
    std::vector<int> numbers;
    numbers.reserve(list.children.size());
    for (const Node& item : list.children) {
        numbers.push_back(static_cast<int>(item.number));
    }
    return numbers;
}

std::optional<model::ProbeSpec> read_probe(const Node& service, std::string_view name) {
    const Node* node = good_child(service, name);
    if (node == nullptr) {
        return std::nullopt;
    }
    model::ProbeSpec probe;
    probe.check = read_check(*node);
    set_if(probe.initial_delay, read_seconds(*node, "initialDelaySeconds"));
    set_if(probe.period, read_seconds(*node, "periodSeconds"));
    set_if(probe.timeout, read_seconds(*node, "timeoutSeconds"));
    set_if(probe.success_threshold, read_integer(*node, "successThreshold"));
    set_if(probe.failure_threshold, read_integer(*node, "failureThreshold"));
    return probe;
}

model::CpusSpec read_cpus(const Node& map, model::CpusSpec inherited) {
    const Node* node = good_child(map, "cpus");
    if (node == nullptr || node->kind != Node::Kind::map) {
        return inherited;
    }
    model::CpusSpec cpus = std::move(inherited);
    if (const Node* count = good_child(*node, "count")) {
        cpus.count = count->number < 0 ? std::nullopt : std::optional{static_cast<int>(count->number)};
    }
    set_if(cpus.rounding, read_choice<model::CpuRounding>(*node, "round"));
    set_if(cpus.java, read_choice<model::JavaSetting>(*node, "java"));
    if (const Node* names = good_child(*node, "env")) {
        cpus.env.clear();
        std::ranges::transform(names->children, std::back_inserter(cpus.env),
                               [](const Node& name) { return name.text(); });
    }
    set_if(cpus.shim, read_choice<model::ShimSetting>(*node, "shim"));
    set_if(cpus.watch, read_seconds(*node, "watchSeconds"));
    if (const Node* change = good_child(*node, "onChange")) {
        cpus.on_change = read_integer(*change, "signal"); // none is no map and has no such child
    }
    return cpus;
}

model::BackoffSpec read_backoff(const Node& service) {
    model::BackoffSpec backoff;
    const Node* node = service.find("backoff");
    if (node == nullptr) {
        return backoff;
    }
    set_if(backoff.initial, read_seconds(*node, "initialSeconds"));
    if (const Node* factor = good_child(*node, "factor")) {
        backoff.factor = factor->number;
    }
    set_if(backoff.max, read_seconds(*node, "maxSeconds"));
    set_if(backoff.reset_after, read_seconds(*node, "resetAfterSeconds"));
    set_if(backoff.limit, read_integer(*node, "limit"));
    return backoff;
}

std::vector<model::StepSpec> read_steps(const Node& list) {
    std::vector<model::StepSpec> steps;
    if (!list.bad) {
        for (const Node& step : list.children) {
            steps.push_back(read_step(step));
        }
    }
    return steps;
}

std::vector<std::uint16_t> read_ports(const Node& drain) {
    std::vector<std::uint16_t> ports;
    if (const Node* node = good_child(drain, "ports")) {
        for (const Node& port : node->children) {
            ports.push_back(static_cast<std::uint16_t>(port.number));
        }
    }
    return ports;
}

} // namespace davit::config
