// SPDX-License-Identifier: Apache-2.0
#include "pod_bench.h"

#include <algorithm>
#include <stdexcept>

namespace davit::test {

using namespace model;

ServiceSpec helper(std::string name) {
    ServiceSpec spec;
    spec.name = std::move(name);
    spec.command = {Text{"/bin/" + spec.name}};
    spec.grace = default_helper_grace;
    return spec;
}

ProbeSpec tcp_probe(std::uint16_t port) {
    return ProbeSpec{.check = TcpCheck{.host = {}, .port = port}};
}

StepSpec step(std::string command) {
    return StepSpec{.action = ExecStep{.command = {Text{std::move(command)}}}};
}

PodBench::PodBench() {
    ServiceSpec main = helper("main");
    main.main = true;
    main.critical = true;
    main.restart_policy = RestartPolicy::never;
    main.grace.reset();
    main.log_mode = LogMode::raw;
    spec_.app = "shop";
    spec_.services.push_back(std::move(main));
}

PodBench& PodBench::with(ServiceSpec service) {
    const bool after_main = std::ranges::any_of(service.depends_on, [](const Dependency& d) { return d.service == 0; });
    spec_.services.push_back(std::move(service));
    const ServiceSpec& added = spec_.services.back();
    if (!after_main) {
        Condition condition = Condition::started;
        if (added.startup_probe || added.readiness_probe) {
            condition = Condition::ready;
        } else if (added.oneshot) {
            condition = Condition::completed;
        }
        spec_.services.front().depends_on.push_back(
            Dependency{.service = spec_.services.size() - 1, .condition = condition});
    }
    return *this;
}

PodBench& PodBench::with_dependency(const std::string& service, const std::string& on, Condition condition,
                                    bool required) {
    spec_.services[index(service)].depends_on.push_back(
        Dependency{.service = index(on), .condition = condition, .required = required});
    return *this;
}

ServiceIndex PodBench::index(const std::string& name) const {
    const auto found = spec_.find(name);
    if (!found) {
        throw std::out_of_range("no service " + name);
    }
    return *found;
}

void PodBench::begin() {
    prepare();
    event(PodStarted{});
}

void PodBench::begin_with(const PodStarted& start) {
    prepare();
    event(start);
}

void PodBench::prepare() {
    graph_ = build_graph(spec_);
    pod_ = initial_pod(spec_);
}

void PodBench::event(const PodEvent& event) {
    PodTransition transition = on_event(spec_, graph_, std::move(pod_), event, Moment{now_});
    pod_ = std::move(transition.next);
    note(way_up_, spec_, pod_, transition.changes, now_);
    for (const Action& action : transition.actions) {
        remember(action);
    }
    for (const Change& change : transition.changes) {
        if (is_of_cpus(change)) {
            orders_.push_back((change.service ? spec_.services[*change.service].name : "pod") + " " + change.from +
                              " -> " + change.to + ": " + change.reason);
        }
        if (change.from == of_run_before) {
            orders_.push_back("run before: " + change.to + (change.reason.empty() ? "" : " (" + change.reason + ")"));
        }
        if (change.from == of_configuration) {
            orders_.push_back((change.service ? spec_.services[*change.service].name : "pod") + " " + change.to + ": " +
                              change.reason);
        }
    }
    for (const Action& action : transition.actions) {
        if (const auto* adopt = std::get_if<AdoptSpec>(&action)) {
            spec_ = *adopt->spec.spec;
            graph_ = build_graph(spec_);
            this->event(SpecAdopted{adopt->spec});
        }
    }
}

void PodBench::reload(RequestId id, PodSpec loaded, MainRestart main) {
    event(ReloadAsked{.request = {.id = id, .verb = Verb::reload, .main_restart = main},
                      .loaded = std::make_shared<const PodSpec>(std::move(loaded)),
                      .keys = {}});
}

void PodBench::remember(const Action& action) {
    std::string text = to_string(action);
    if (const auto* order = std::get_if<ServiceOrder>(&action)) {
        text = spec_.services[order->service].name + ": " + to_string(order->action);
    }
    orders_.push_back(std::move(text));
    if (const auto* answer = std::get_if<Answer>(&action)) {
        answers_.emplace_back(answer->request, std::string{to_string(answer->verdict)} + ": " + answer->message);
    }
    if (const auto* end = std::get_if<EndContainer>(&action)) {
        exit_code_ = end->code;
        end_lines_ = end->lines;
    }
}

void PodBench::launched(const std::string& name) {
    const ServiceIndex service = index(name);
    event(ServiceFact{service, Launched{pod_.services[service].attempt, 100 + static_cast<int>(service)}});
}

void PodBench::launch_failed(const std::string& name, LaunchFailure failure) {
    const ServiceIndex service = index(name);
    event(ServiceFact{service, LaunchFailed{pod_.services[service].attempt, failure, "cannot"}});
}

void PodBench::exited(const std::string& name, ExitStatus status, const std::string& left_behind) {
    const ServiceIndex service = index(name);
    event(ServiceFact{service, LeaderExited{pod_.services[service].attempt, status, left_behind}});
}

void PodBench::emptied(const std::string& name) {
    const ServiceIndex service = index(name);
    event(ServiceFact{service, SessionEmptied{pod_.services[service].attempt}});
}

void PodBench::checked(const std::string& name, ProbeKind probe, CheckOutcome outcome) {
    const ServiceIndex service = index(name);
    event(TimePassed{}); // a check is due
    event(ServiceFact{service, CheckFinished{pod_.services[service].attempt, probe, outcome, "seen"}});
}

void PodBench::step_finished(StepOutcome outcome) {
    const auto& steps = pod_.lifecycle.steps;
    if (!steps || !steps->running) {
        throw std::logic_error("no step runs");
    }
    event(StepFinished{steps->running->run, outcome, outcome == StepOutcome::succeeded ? "" : "exit code 1"});
}

void PodBench::connections(unsigned count) {
    event(ConnectionsCounted{count});
}

void PodBench::signal(int number, bool from_inside) {
    event(SignalReceived{number, from_inside});
}

void PodBench::ask(RequestId id, Verb verb, std::initializer_list<std::string> services) {
    Request request{.id = id, .verb = verb};
    for (const std::string& name : services) {
        request.services.push_back(index(name));
    }
    event(request);
}

void PodBench::client_left(RequestId id) {
    event(ClientLeft{id});
}

void PodBench::until(Duration moment) {
    const TimePoint end = TimePoint{} + moment;
    for (auto due = next_deadline(pod_); due && *due <= end; due = next_deadline(pod_)) {
        now_ = std::max(now_, *due);
        event(TimePassed{});
        if (next_deadline(pod_) == due) {
            throw std::logic_error("a deadline that is over stays");
        }
    }
    now_ = end;
}

bool PodBench::please() {
    for (ServiceIndex service = 0; service < pod_.services.size(); ++service) {
        const std::string& name = spec_.services[service].name;
        const Service& state = pod_.services[service];
        if (state.process == Process::launching) {
            launched(name);
            return true;
        }
        for (const ProbeKind kind : {ProbeKind::startup, ProbeKind::readiness, ProbeKind::liveness}) {
            const ProbeState& probe = probe_state(state, kind);
            if (probe.in_flight || (probe.due && *probe.due <= now_ && !probe.tracker.good)) {
                checked(name, kind, CheckOutcome::good);
                return true;
            }
        }
        if (state.state == ServiceState::stopping && state.process == Process::alive) {
            exited(name, killed_by(SIGTERM));
            return true;
        }
        if (state.process == Process::alive && spec_.services[service].oneshot) {
            exited(name, exited_with(0));
            return true;
        }
    }
    if (pod_.lifecycle.steps && pod_.lifecycle.steps->running) {
        step_finished();
        return true;
    }
    return false;
}

void PodBench::come_online() {
    begin();
    while (phase() != "online" && please()) {
    }
    if (phase() != "online") {
        throw std::logic_error("does not come online, but is " + phase());
    }
}

std::string PodBench::state(const std::string& name) const {
    return std::string{to_string(pod_.services[index(name)].state)};
}

std::vector<std::string> PodBench::take_orders() {
    std::vector<std::string> orders;
    for (; taken_ < orders_.size(); ++taken_) {
        if (!orders_[taken_].contains("RunCheck")) {
            orders.push_back(orders_[taken_]);
        }
    }
    return orders;
}

std::size_t PodBench::count_orders(std::string_view text) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(orders_, [&](const std::string& order) { return order.contains(text); }));
}

std::size_t PodBench::place_of(std::string_view text) const {
    const auto found = std::ranges::find_if(orders_, [&](const std::string& order) { return order.contains(text); });
    return found == orders_.end() ? std::string::npos : static_cast<std::size_t>(found - orders_.begin());
}

std::string PodBench::answer_to(RequestId id) const {
    const auto found = std::ranges::find(answers_, id, &std::pair<RequestId, std::string>::first);
    return found == answers_.end() ? std::string{} : found->second;
}

} // namespace davit::test
