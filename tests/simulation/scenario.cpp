// SPDX-License-Identifier: Apache-2.0
#include "scenario.h"

#include "model/contains.h"
#include "model/dependency_graph.h"
#include "model/spec_defaults.h"

#include <algorithm>
#include <numeric>

namespace davit::simulation {

using namespace model;

namespace {

// ---- specifications --------------------------------------------------------------------------------

ProbeSpec make_probe(Dice& dice) {
    ProbeSpec probe;
    const unsigned way = static_cast<unsigned>(dice.below(100));
    if (way < 30) {
        probe.check = TcpCheck{.host = {}, .port = dice.pick<std::uint16_t>({8080, 9090})};
    } else if (way < 40) {
        probe.check = GrpcCheck{.host = {}, .port = 8080};
    } else if (way < 60) {
        probe.check = ExecCheck{.command = {"check"}};
    } else if (way < 65) {
        probe.check = FileCheck{.path = "/run/up"};
    } else if (way < 75) {
        probe.check = LogCheck{.pattern = "up"};
    } else {
        probe.check = NotifyCheck{};
    }
    probe.initial_delay = dice.pick<Duration>({0s, 0s, 1s, 5s});
    probe.period = dice.pick<Duration>({1s, 2s, 5s, 10s});
    probe.timeout = dice.pick<Duration>({1s, 1s, 3s});
    probe.success_threshold = 1;
    probe.failure_threshold = dice.pick({1, 2, 3});
    return probe;
}

void make_probes(Dice& dice, WrittenService& service) {
    if (dice.chance(30)) {
        service.startup_probe = make_probe(dice);
    }
    if (dice.chance(40) && !service.oneshot) {
        service.readiness_probe = make_probe(dice);
        service.readiness_probe->success_threshold = dice.pick({1, 1, 1, 2});
    }
    if (dice.chance(25)) {
        service.liveness_probe = make_probe(dice);
    }
}

WrittenService make_service(Dice& dice, unsigned id, bool main) {
    WrittenService service;
    service.name = main ? "main" : "s" + std::to_string(id);
    service.command = {"/bin/" + service.name};
    service.main = main;
    service.oneshot = !main && dice.chance(25);
    service.enabled = main || !dice.chance(5);
    service.critical = !main && dice.chance(15);
    make_probes(dice, service);
    if (dice.chance(main ? 35 : 45)) {
        // A oneshot that restarts for ever never completes: an impossible condition for who waits for it.
        service.restart_policy =
            service.oneshot ? dice.pick({RestartPolicy::on_failure, RestartPolicy::never})
                            : dice.pick({RestartPolicy::always, RestartPolicy::on_failure, RestartPolicy::never});
    }
    if (dice.chance(50)) {
        service.backoff.initial = dice.pick<Duration>({0s, 100ms, 500ms, 2s});
        service.backoff.limit = dice.pick({0, 1, 2, 3});
        service.backoff.reset_after = dice.pick<Duration>({1s, 30s});
    }
    if (dice.chance(15)) {
        service.success_exit_codes = dice.chance(50) ? std::vector{0, 143} : std::vector{3};
    }
    if (dice.chance(20)) {
        service.stop_command = {"/bin/stop"};
    }
    if (dice.chance(main ? 30 : 50)) {
        service.grace = dice.pick<Duration>({0s, 500ms, 1s, 3s, 20s, 90s});
    }
    return service;
}

bool can_be_ready(const WrittenService& service) {
    return service.startup_probe || service.readiness_probe;
}

bool can_complete(const WrittenService& service) {
    const auto policy = service.restart_policy.value_or(
        service.main == true || service.oneshot ? RestartPolicy::never : RestartPolicy::always);
    return policy != RestartPolicy::always;
}

WrittenDependency make_dependency(Dice& dice, const WrittenService& target) {
    WrittenDependency dependency{.service = target.name, .condition = {}, .required = !dice.chance(25)};
    const unsigned way = static_cast<unsigned>(dice.below(4));
    if (way == 1) {
        dependency.condition = Condition::started;
    } else if (way == 2 && can_be_ready(target)) {
        dependency.condition = Condition::ready;
    } else if (way == 3 && can_complete(target) && target.oneshot) {
        dependency.condition = Condition::completed;
    }
    return dependency;
}

/// Each may depend on those before it in the order, so there is no cycle.
void make_dependencies(Dice& dice, WrittenPod& pod) {
    std::vector<std::size_t> order(pod.services.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t place = order.size(); place > 1; --place) {
        std::swap(order[place - 1], order[dice.below(place)]);
    }
    for (std::size_t place = 0; place < order.size(); ++place) {
        WrittenService& service = pod.services[order[place]];
        if (service.main == true && !dice.chance(30)) {
            continue; // the default: everything that does not wait for main
        }
        service.depends_on.emplace();
        for (std::size_t earlier = 0; earlier < place; ++earlier) {
            const WrittenService& target = pod.services[order[earlier]];
            const unsigned percent = target.main == true ? 30 : 25;
            const bool never_completes = target.oneshot && !can_complete(target) && !can_be_ready(target);
            if (dice.chance(percent) && !never_completes) {
                service.depends_on->push_back(make_dependency(dice, target));
            }
        }
    }
}

std::vector<StepSpec> make_steps(Dice& dice, bool start) {
    std::vector<StepSpec> steps;
    const std::size_t count = dice.pick<std::size_t>({0, 1, 1, 1, 2, 3});
    for (std::size_t index = 0; index < count; ++index) {
        StepSpec step{.action = ExecStep{.command = {"step"}}};
        if (dice.chance(start ? 60 : 40)) {
            step.timeout = dice.pick<Duration>({500ms, 1s, 2s, 5s});
        }
        step.attempts = dice.pick({1, 1, 1, 2, 3});
        step.period = dice.pick<Duration>({0s, 200ms, 1s});
        steps.push_back(std::move(step));
    }
    return steps;
}

Duration written_time(const std::vector<StepSpec>& steps) {
    Duration sum{};
    for (const StepSpec& step : steps) {
        if (step.timeout) {
            sum += step.attempts * *step.timeout + (step.attempts - 1) * step.period;
        }
    }
    return sum;
}

/// What is written must fit the grace period less 3 s; else it is a configuration error.
void fit_into_grace(WrittenPod& pod) {
    const auto sum = [&] {
        return written_time(pod.lifecycle.offline) + pod.drain.max.value_or(Duration{}) +
               written_time(pod.lifecycle.stop);
    };
    const Duration limit = std::max(*pod.grace - 3s, Duration{});
    const auto forget_timeouts = [](std::vector<StepSpec>& steps) {
        for (StepSpec& step : steps) {
            step.timeout.reset();
        }
    };
    if (sum() > limit) {
        forget_timeouts(pod.lifecycle.stop);
    }
    if (sum() > limit) {
        forget_timeouts(pod.lifecycle.offline);
    }
    if (sum() > limit) {
        pod.drain = {};
    }
}

void make_lifecycle(Dice& dice, WrittenPod& pod) {
    pod.grace = dice.pick<Duration>({1s, 2s, 4s, 8s, 15s, 30s, 30s, 60s});
    pod.lifecycle.preload = make_steps(dice, true);
    pod.lifecycle.online = make_steps(dice, true);
    pod.lifecycle.offline = make_steps(dice, false);
    pod.lifecycle.stop = make_steps(dice, false);
    pod.lifecycle.ready_timeout = dice.pick<Duration>({3s, 20s, 600s, 600s});
    pod.lifecycle.post_start_timeout = dice.pick<Duration>({2s, 60s});
    pod.lifecycle.post_start_on_timeout = dice.pick({OnTimeout::detach, OnTimeout::fail});
    pod.lifecycle.go_online = dice.chance(15) ? GoOnline::manual : GoOnline::automatic;
    pod.lifecycle.on_failure = dice.chance(30) ? OnFailure::hold : OnFailure::shutdown;
    if (dice.chance(50)) {
        pod.drain.min = dice.pick<Duration>({0s, 500ms, 2s});
        pod.drain.max = *pod.drain.min + dice.pick<Duration>({0s, 1s, 5s});
    }
    if (dice.chance(40)) {
        pod.drain.ports = {8080};
    }
    fit_into_grace(pod);
}

PodSpec make_spec(Dice& dice) {
    WrittenPod pod;
    pod.app = "made-up";
    const std::size_t count = 1 + std::max(dice.below(7), dice.below(7));
    const std::size_t main = dice.below(count);
    for (std::size_t index = 0; index < count; ++index) {
        pod.services.push_back(make_service(dice, static_cast<unsigned>(index), index == main));
    }
    make_dependencies(dice, pod);
    make_lifecycle(dice, pod);
    return resolve_defaults(pod, "host");
}

// ---- what a reload finds ---------------------------------------------------------------------------

void take_out(PodSpec& spec, ServiceIndex gone) {
    spec.services.erase(spec.services.begin() + static_cast<std::ptrdiff_t>(gone));
    for (ServiceSpec& service : spec.services) {
        std::erase_if(service.depends_on, [&](const Dependency& dependency) { return dependency.service == gone; });
        for (Dependency& dependency : service.depends_on) {
            dependency.service -= dependency.service > gone ? 1 : 0;
        }
    }
}

void put_in(Dice& dice, PodSpec& spec) {
    const std::string name = "n" + std::to_string(dice.below(4));
    if (spec.find(name)) {
        return;
    }
    WrittenPod alone;
    alone.services.push_back(make_service(dice, static_cast<unsigned>(spec.services.size()), false));
    alone.services.front().name = name;
    ServiceSpec service = resolve_defaults(alone, "host").services.front();
    service.main = false;
    service.critical = dice.chance(15);
    service.grace = service.grace.value_or(default_helper_grace);
    for (ServiceIndex index = 0; index < spec.services.size(); ++index) {
        if (dice.chance(20)) {
            service.depends_on.push_back(Dependency{.service = index, .required = !dice.chance(25)});
        }
    }
    spec.services.push_back(service);
    ServiceSpec& main = spec.services[*spec.main()];
    main.depends_on.push_back(Dependency{.service = spec.services.size() - 1});
    if (!find_cycles(spec).empty()) {
        main.depends_on.pop_back();
    }
}

void change_service(Dice& dice, ServiceSpec& service) {
    WrittenPod alone;
    alone.services.push_back(make_service(dice, 0, service.main));
    const ServiceSpec other = resolve_defaults(alone, "host").services.front();
    switch (dice.below(9)) {
    case 0:
    case 7:
    case 8: service.command.emplace_back("-x"); return;
    case 1: service.startup_probe = other.startup_probe; return;
    case 2: service.readiness_probe = service.oneshot ? std::nullopt : other.readiness_probe; return;
    case 3: service.liveness_probe = other.liveness_probe; return;
    case 4: service.backoff = other.backoff; return;
    case 5:
        service.stop_command = other.stop_command;
        service.grace = service.main ? other.grace : std::optional{other.grace.value_or(default_helper_grace)};
        return;
    default: break;
    }
    if (!service.main && dice.chance(50)) {
        service.enabled = !service.enabled;
    } else if (!service.depends_on.empty()) {
        service.depends_on.erase(service.depends_on.begin() +
                                 static_cast<std::ptrdiff_t>(dice.below(service.depends_on.size())));
    }
}

/// As the loader's rule of impossible conditions.
void make_possible(PodSpec& spec) {
    for (ServiceSpec& service : spec.services) {
        for (Dependency& dependency : service.depends_on) {
            const ServiceSpec& target = spec.services[dependency.service];
            const bool never_ready = !target.startup_probe && !target.readiness_probe;
            if (dependency.condition == Condition::ready && never_ready) {
                dependency.condition = target.oneshot ? Condition::completed : Condition::started;
            }
        }
    }
}

void change_something(Dice& dice, PodSpec& spec) {
    const unsigned way = static_cast<unsigned>(dice.below(10));
    const ServiceIndex index = dice.below(spec.services.size());
    if (way < 2) {
        return put_in(dice, spec);
    }
    if (way < 4 && !spec.services[index].main) {
        return take_out(spec, index);
    }
    if (way < 9) {
        return change_service(dice, spec.services[index]);
    }
    WrittenPod other;
    make_lifecycle(dice, other);
    const PodSpec resolved = resolve_defaults(other, "host");
    spec.lifecycle = resolved.lifecycle;
    spec.grace = resolved.grace;
}

// ---- visitors --------------------------------------------------------------------------------------

Temper make_temper(Dice& dice) {
    const bool calm = dice.chance(30);
    const auto often = [&](unsigned most) {
        return calm || dice.chance(60) ? 0U : 1 + static_cast<unsigned>(dice.below(most));
    };
    return Temper{.crashes = often(25),
                  .launch_failures = often(8),
                  .slow = often(50),
                  .ignores_term = often(50),
                  .leaves_behind = often(40),
                  .unkillable = dice.chance(90) ? 0U : often(20),
                  .sick = often(30),
                  .step_failures = often(30),
                  .step_hangs = often(20),
                  .step_terms = dice.chance(80) ? 0U : often(20),
                  .late_facts = often(30)};
}

Visit make_request(Dice& dice, std::size_t services) {
    Visit visit;
    visit.verb = dice.pick({Verb::poststart, Verb::online, Verb::online, Verb::online, Verb::offline, Verb::offline,
                            Verb::start, Verb::start, Verb::stop, Verb::restart, Verb::restart, Verb::signal,
                            Verb::wait_phase, Verb::wait_service});
    if (dice.chance(3)) {
        visit.verb = Verb::prestop;
    }
    const std::size_t count = dice.chance(20) ? services : 1;
    const std::size_t first = dice.below(services);
    for (std::size_t place = 0; place < count; ++place) {
        visit.service_ids.push_back(static_cast<unsigned>((first + place) % services));
    }
    visit.phase = static_cast<Phase>(dice.below(11));
    visit.cascade = dice.chance(40);
    visit.no_wait = dice.chance(20);
    visit.signal = dice.pick({SIGHUP, SIGUSR1, SIGTERM, SIGKILL});
    if (dice.chance(20)) {
        visit.timeout = dice.pick<Duration>({100ms, 5s, 120s});
    }
    if (dice.chance(30)) {
        visit.client_leaves_after = dice.pick<Duration>({0s, 50ms, 1s, 10s});
    }
    return visit;
}

Visit make_visit(Dice& dice, std::size_t services) {
    const unsigned way = static_cast<unsigned>(dice.below(100));
    if (way < 75) {
        return make_request(dice, services);
    }
    Visit visit;
    if (way < 90) {
        visit.kind = Visit::Kind::signal;
        visit.signal = dice.chance(30) ? dice.pick({SIGTERM, SIGTERM, SIGINT, SIGQUIT, 37})
                                       : dice.pick({SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH});
        visit.from_inside = dice.chance(40);
        return visit;
    }
    if (way < 96) {
        visit.kind = Visit::Kind::reload;
        visit.change = dice.below(1'000'000);
        visit.main_may_restart = dice.chance(40);
        visit.no_wait = dice.chance(20);
        return visit;
    }
    visit.kind = Visit::Kind::stall;
    visit.length = dice.between(2s, 20s);
    return visit;
}

Duration some_moment(Dice& dice, Duration horizon) {
    // Much happens in the first second and around the end.
    const unsigned way = static_cast<unsigned>(dice.below(10));
    if (way < 2) {
        return dice.between(0s, 1s);
    }
    if (way < 6) {
        return std::max<Duration>(0s, horizon + dice.between(0s, 4s) - 2s);
    }
    return dice.between(0s, horizon + 5s);
}

void make_visits(Dice& dice, Scenario& scenario, Duration horizon) {
    if (dice.chance(70)) {
        scenario.visits.push_back(Visit{.at = dice.between(0s, 100ms), .verb = Verb::poststart});
    }
    const std::size_t count = dice.chance(20) ? 0 : dice.below(12);
    for (std::size_t index = 0; index < count; ++index) {
        Visit visit = make_visit(dice, scenario.spec.services.size());
        visit.at = some_moment(dice, horizon);
        scenario.visits.push_back(visit);
        if (dice.chance(25)) { // the same again: a client that returns, a person who types it twice
            visit.at += dice.between(0s, 3s);
            scenario.visits.push_back(visit);
        }
    }
}

/// With dice of its own: the other worlds stay as they were.
void make_resizes(Dice dice, Scenario& scenario, Duration horizon) {
    if (dice.chance(60)) {
        return;
    }
    for (ServiceSpec& service : scenario.spec.services) {
        if (dice.chance(60)) {
            service.cpus.on_change = dice.pick({SIGHUP, SIGUSR2});
        }
        if (dice.chance(15)) {
            service.cpus.count = 2; // it never hears of a resize
        }
    }
    const std::size_t count = 1 + dice.below(6);
    for (std::size_t index = 0; index < count; ++index) {
        scenario.visits.push_back(
            Visit{.kind = Visit::Kind::resize, .at = some_moment(dice, horizon), .cpus = dice.pick({1, 2, 4})});
    }
}

/// PID 1 is killed, and the container starts again. With dice of its own, as above.
void make_crashes(Dice dice, Scenario& scenario, Duration horizon) {
    if (!dice.chance(40)) {
        return;
    }
    scenario.spec.state_dir = "/state";
    const std::size_t count = dice.below(3);
    for (std::size_t index = 0; index < count; ++index) {
        scenario.visits.push_back(Visit{.kind = Visit::Kind::crash,
                                        .at = some_moment(dice, horizon),
                                        .orders_obeyed = static_cast<unsigned>(dice.below(4))});
    }
}

/// Somebody looks at a scene: debug mode, isolation by hand and by the isolate file. With dice of its own, as above.
void make_scenes(Dice dice, Scenario& scenario, Duration horizon) {
    const auto visit = [&](Visit made) {
        made.at = some_moment(dice, horizon);
        made.no_wait = dice.chance(10);
        scenario.visits.push_back(made);
    };
    if (dice.chance(12)) {
        scenario.spec.mode = Mode::debug;
    }
    if (dice.chance(25)) {
        const std::size_t count = 1 + dice.below(5);
        for (std::size_t index = 0; index < count; ++index) {
            visit(Visit{.verb = index == 0 || dice.chance(40) ? Verb::isolate : Verb::rejoin});
        }
    }
    if (dice.chance(15)) {
        scenario.spec.isolate_file.value = scenario.spec.isolate_file.written = "/etc/podinfo/labels";
        scenario.spec.isolate_key = "isolated";
        scenario.key_at_start = dice.chance(30);
        const std::size_t count = dice.below(6);
        for (std::size_t index = 0; index < count; ++index) {
            visit(Visit{.kind = Visit::Kind::key, .key_is_there = dice.chance(50)});
        }
    }
    if (dice.chance(15)) { // what a person does to what rests there
        const std::size_t count = 1 + dice.below(4);
        for (std::size_t index = 0; index < count; ++index) {
            const std::size_t services = scenario.spec.services.size();
            visit(Visit{.verb = dice.pick({Verb::start, Verb::stop, Verb::restart, Verb::wait_service}),
                        .service_ids = {static_cast<unsigned>(dice.below(services))}});
        }
    }
}

} // namespace

Scenario make_scenario(std::uint64_t seed) {
    Dice dice{mix({seed, 1})};
    Scenario scenario{.seed = seed, .spec = make_spec(dice)};
    scenario.service_ids.resize(scenario.spec.services.size());
    std::iota(scenario.service_ids.begin(), scenario.service_ids.end(), 0U);
    for (const StepKind kind : {StepKind::preload, StepKind::online, StepKind::offline, StepKind::stop}) {
        auto& ids = scenario.step_ids[static_cast<std::size_t>(kind)];
        ids.resize(scenario.spec.lifecycle.steps(kind).size());
        std::iota(ids.begin(), ids.end(), 0U);
    }
    scenario.temper = make_temper(dice);
    Termination& end = scenario.termination;
    end.at = dice.chance(10) ? dice.between(0s, 500ms) : dice.between(1s, dice.pick<Duration>({10s, 30s, 60s, 120s}));
    end.prestop = dice.chance(70);
    end.grace = dice.chance(25) ? dice.pick<Duration>({0s, 1s, 5s, 10s, 300s}) : scenario.spec.grace;
    end.signal_after = dice.pick<Duration>({0s, 15ms, 100ms});
    make_visits(dice, scenario, end.at);
    make_resizes(Dice{mix({seed, 8})}, scenario, end.at);
    make_scenes(Dice{mix({seed, 9})}, scenario, end.at);
    make_crashes(Dice{mix({seed, 10})}, scenario, end.at);
    return scenario;
}

PodSpec changed_spec(const Scenario& scenario, PodSpec spec, std::uint64_t change) {
    Dice dice{mix({scenario.seed, 7, change})};
    const std::size_t count = dice.below(4);
    for (std::size_t time = 0; time < count; ++time) {
        change_something(dice, spec);
    }
    make_possible(spec);
    return spec;
}

ServiceBehaviour behaviour_of(const Scenario& scenario, const ServiceSpec& spec, unsigned id, unsigned attempt) {
    Dice dice{mix({scenario.seed, 2, id, attempt})};
    const Temper& temper = scenario.temper;
    ServiceBehaviour behaviour;
    if (dice.chance(temper.launch_failures)) {
        behaviour.launch = dice.pick({ServiceBehaviour::Launch::not_found, ServiceBehaviour::Launch::not_executable,
                                      ServiceBehaviour::Launch::no_resources});
    }
    behaviour.launch_takes = dice.chance(temper.slow) ? dice.between(0ms, 1500ms) : dice.between(0ms, 3ms);
    const bool crashes = dice.chance(temper.crashes);
    behaviour.ends_with =
        crashes ? dice.pick({exited_with(1), exited_with(3), exited_with(143), killed_by(SIGSEGV), killed_by(SIGKILL)})
                : exited_with(0);
    if (spec.oneshot || crashes || (dice.chance(temper.crashes) && dice.chance(30))) {
        behaviour.ends_after = dice.chance(50) ? dice.between(0ms, 200ms) : dice.between(0s, 10s);
    }
    if (spec.oneshot && dice.chance(temper.slow) && dice.chance(30)) {
        behaviour.ends_after.reset();
    }
    behaviour.members = dice.chance(30) ? 1 + static_cast<unsigned>(dice.below(3)) : 0;
    behaviour.leaves_members = dice.chance(temper.leaves_behind);
    behaviour.ignores_term = dice.chance(temper.ignores_term);
    behaviour.members_ignore_term = dice.chance(temper.ignores_term);
    behaviour.term_takes = dice.chance(temper.slow) ? dice.between(0s, 8s) : dice.between(0ms, 50ms);
    behaviour.member_term_takes = dice.chance(temper.slow) ? dice.between(0s, 4s) : dice.between(0ms, 50ms);
    behaviour.term_ends_with = dice.pick(
        {exited_with(0), exited_with(0), killed_by(SIGTERM), exited_with(143), exited_with(1), exited_with(3)});
    behaviour.kill_takes = dice.between(0ms, 20ms);
    behaviour.forks_in_kill = dice.chance(temper.leaves_behind) && dice.chance(30);
    behaviour.unkillable = dice.chance(temper.unkillable);
    behaviour.healthy_after = dice.chance(temper.slow) ? dice.between(0s, 30s) : dice.between(0ms, 300ms);
    behaviour.never_healthy = dice.chance(temper.sick) && dice.chance(30);
    behaviour.flaps = dice.chance(temper.sick) ? static_cast<unsigned>(dice.below(60)) : 0;
    if (dice.chance(temper.sick)) {
        behaviour.sick_after = dice.between(1s, 30s);
        behaviour.gives_up = dice.chance(20);
    }
    if (dice.chance(temper.slow)) {
        behaviour.asks_for = dice.pick<Duration>({100ms, 2s, 10s, 1000s});
    }
    behaviour.stop_command_takes = dice.chance(temper.slow) ? dice.between(0s, 20s) : dice.between(0ms, 100ms);
    behaviour.stop_command_fails = dice.chance(temper.step_failures);
    return behaviour;
}

StepBehaviour behaviour_of(const Scenario& scenario, const RunStep& step) {
    const auto kind = static_cast<std::size_t>(step.kind);
    const auto& ids = scenario.step_ids[kind];
    const unsigned id = step.index < ids.size() ? ids[step.index] : 100 + static_cast<unsigned>(step.index);
    Dice dice{mix({scenario.seed, 3, kind, id, step.run})};
    const Temper& temper = scenario.temper;
    StepBehaviour behaviour;
    if (!dice.chance(temper.step_hangs)) {
        behaviour.takes = dice.chance(temper.slow) ? dice.between(0s, 10s) : dice.between(0ms, 100ms);
    }
    behaviour.fails = dice.chance(temper.step_failures);
    behaviour.ignores_term = dice.chance(temper.ignores_term);
    behaviour.term_takes = dice.between(0ms, 100ms);
    behaviour.kill_takes = dice.between(0ms, 20ms);
    if (dice.chance(temper.step_terms)) {
        behaviour.terms_after = dice.between(0ms, 50ms);
    }
    return behaviour;
}

// ---- in words --------------------------------------------------------------------------------------

namespace {

std::string seconds(Duration length) {
    std::string text = std::to_string(length / 1ms);
    return text + " ms";
}

std::string_view to_string(RestartPolicy policy) {
    switch (policy) {
    case RestartPolicy::always: return "always";
    case RestartPolicy::on_failure: return "on-failure";
    case RestartPolicy::never: break;
    }
    return "never";
}

std::string describe(const ProbeSpec& probe) {
    const std::string_view told = std::holds_alternative<NotifyCheck>(probe.check) ? "(notify "
                                  : std::holds_alternative<LogCheck>(probe.check)  ? "(log "
                                                                                   : "(";
    return std::string{told} + "delay " + seconds(probe.initial_delay) + " period " + seconds(probe.period) +
           " failures " + std::to_string(probe.failure_threshold) + ")";
}

std::string describe_dependencies(const PodSpec& spec, const ServiceSpec& service) {
    std::string text;
    for (const Dependency& dependency : service.depends_on) {
        text += " <" + spec.services[dependency.service].name;
        switch (dependency.condition) {
        case Condition::started: text += " started"; break;
        case Condition::ready: text += " ready"; break;
        case Condition::completed: text += " completed"; break;
        }
        text += dependency.required ? ">" : " optional>";
    }
    return text;
}

std::string describe_service(const PodSpec& spec, ServiceIndex index) {
    const ServiceSpec& service = spec.services[index];
    std::string text =
        "service " + std::to_string(index) + " " + service.name + ": " + std::string{to_string(service.restart_policy)};
    text += service.oneshot ? " oneshot" : "";
    text += service.enabled ? "" : " disabled";
    text += service.critical ? " critical" : "";
    text += service.stop_command.empty() ? "" : " stopCommand";
    text += service.grace ? " grace " + seconds(*service.grace) : "";
    text += service.backoff.limit > 0 ? " limit " + std::to_string(service.backoff.limit) : "";
    text += service.startup_probe ? " startup" + describe(*service.startup_probe) : "";
    text += service.readiness_probe ? " readiness" + describe(*service.readiness_probe) : "";
    text += service.liveness_probe ? " liveness" + describe(*service.liveness_probe) : "";
    return text + describe_dependencies(spec, service);
}

std::string describe_steps(const LifecycleSpec& lifecycle, StepKind kind) {
    std::string text = std::string{model::to_string(kind)} + ":";
    for (const StepSpec& step : lifecycle.steps(kind)) {
        text += " [attempts " + std::to_string(step.attempts) + " period " + seconds(step.period) +
                (step.timeout ? " timeout " + seconds(*step.timeout) : "") + "]";
    }
    return text;
}

} // namespace

Scenario life_after(const Scenario& scenario, const Crash& crash) {
    Scenario next = scenario;
    next.seed = mix({scenario.seed, 8});
    next.key_at_start = crash.key_is_there;
    next.recalled = crash.recalled;
    next.owes_offline = crash.owes_offline;
    std::erase_if(next.visits, [&](const Visit& visit) { return visit.at <= crash.at; });
    for (Visit& visit : next.visits) {
        visit.at -= crash.at;
    }
    next.termination.at = std::max<Duration>(next.termination.at - crash.at, 0s);
    return next;
}

std::vector<std::string> describe(const Scenario& scenario) {
    const PodSpec& spec = scenario.spec;
    const LifecycleSpec& lifecycle = spec.lifecycle;
    std::vector<std::string> lines{"seed " + std::to_string(scenario.seed) + ", grace " + seconds(spec.grace) +
                                   ", the kubelet's " + seconds(scenario.termination.grace) + ", readyTimeout " +
                                   seconds(lifecycle.ready_timeout) + (spec.mode == Mode::debug ? ", debug mode" : "") +
                                   (scenario.recalled.online_owed > 0 ? ", offline is owed" : "") +
                                   (scenario.recalled.isolated ? ", isolated before" : "") +
                                   (scenario.key_at_start ? ", the isolate key is there" : "") +
                                   (lifecycle.go_online == GoOnline::manual ? ", manual" : "") +
                                   (lifecycle.on_failure == OnFailure::hold ? ", hold" : "") + ", drain " +
                                   seconds(lifecycle.drain.min) + " to " + seconds(lifecycle.drain.max) +
                                   (lifecycle.drain.ports.empty() ? "" : " with a port")};
    for (ServiceIndex index = 0; index < spec.services.size(); ++index) {
        lines.push_back(describe_service(spec, index));
    }
    for (const StepKind kind : {StepKind::preload, StepKind::online, StepKind::offline, StepKind::stop}) {
        if (!lifecycle.steps(kind).empty()) {
            lines.push_back(describe_steps(lifecycle, kind));
        }
    }
    return lines;
}

} // namespace davit::simulation
