// SPDX-License-Identifier: Apache-2.0
#include "shrink.h"

#include <algorithm>
#include <array>

namespace davit::simulation {

using namespace model;

namespace {

constexpr std::size_t most_runs = 1000;

Scenario without_service(Scenario scenario, ServiceIndex gone) {
    auto& services = scenario.spec.services;
    services.erase(services.begin() + static_cast<std::ptrdiff_t>(gone));
    scenario.service_ids.erase(scenario.service_ids.begin() + static_cast<std::ptrdiff_t>(gone));
    for (ServiceSpec& service : services) {
        std::erase_if(service.depends_on, [&](const Dependency& dependency) { return dependency.service == gone; });
        for (Dependency& dependency : service.depends_on) {
            dependency.service -= dependency.service > gone ? 1 : 0;
        }
    }
    return scenario;
}

std::vector<StepSpec>& steps_of(Scenario& scenario, StepKind kind) {
    LifecycleSpec& lifecycle = scenario.spec.lifecycle;
    switch (kind) {
    case StepKind::preload: return lifecycle.preload;
    case StepKind::online: return lifecycle.online;
    case StepKind::offline: return lifecycle.offline;
    case StepKind::stop: break;
    }
    return lifecycle.stop;
}

class Shrinking {
public:
    Shrinking(Scenario scenario, const std::string& invariant, const std::function<Machine()>& machine)
        : best_(std::move(scenario)), invariant_(invariant), machine_(machine) {}

    Scenario run() {
        while (runs_ < most_runs) {
            bool shorter = fewer_visits();
            shorter = fewer_services() || shorter;
            shorter = fewer_steps() || shorter;
            shorter = plainer_services() || shorter;
            shorter = calmer() || shorter;
            if (!shorter) {
                break;
            }
        }
        return best_;
    }

private:
    bool take(Scenario candidate) {
        if (++runs_ > most_runs) {
            return false;
        }
        const Machine machine = machine_();
        const Outcome outcome = simulation::run(candidate, machine, Telling::silent);
        if (!outcome.violation || outcome.violation->invariant != invariant_) {
            return false;
        }
        best_ = std::move(candidate);
        return true;
    }

    bool fewer_visits() {
        bool any = false;
        for (std::size_t place = best_.visits.size(); place-- > 0;) {
            Scenario candidate = best_;
            candidate.visits.erase(candidate.visits.begin() + static_cast<std::ptrdiff_t>(place));
            any = take(std::move(candidate)) || any;
        }
        return any;
    }

    bool fewer_services() {
        bool any = false;
        for (ServiceIndex index = best_.spec.services.size(); index-- > 0;) {
            if (!best_.spec.services[index].main) {
                any = take(without_service(best_, index)) || any;
            }
        }
        return any;
    }

    bool fewer_steps() {
        bool any = false;
        for (const StepKind kind : {StepKind::preload, StepKind::online, StepKind::offline, StepKind::stop}) {
            for (std::size_t index = best_.spec.lifecycle.steps(kind).size(); index-- > 0;) {
                Scenario candidate = best_;
                auto& steps = steps_of(candidate, kind);
                auto& ids = candidate.step_ids[static_cast<std::size_t>(kind)];
                steps.erase(steps.begin() + static_cast<std::ptrdiff_t>(index));
                ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(index));
                any = take(std::move(candidate)) || any;
            }
        }
        return any;
    }

    template <typename Change>
    bool try_on_services(Change change) {
        bool any = false;
        for (ServiceIndex index = 0; index < best_.spec.services.size(); ++index) {
            Scenario candidate = best_;
            change(candidate.spec.services[index]);
            any = (!(candidate.spec == best_.spec) && take(std::move(candidate))) || any;
        }
        return any;
    }

    bool plainer_services() {
        bool any = try_on_services([](ServiceSpec& service) { service.liveness_probe.reset(); });
        any = try_on_services([](ServiceSpec& service) { service.stop_command.clear(); }) || any;
        any = try_on_services([](ServiceSpec& service) { service.depends_on.clear(); }) || any;
        any = try_on_services([](ServiceSpec& service) { service.critical = service.main; }) || any;
        any = try_on_services([](ServiceSpec& service) { service.success_exit_codes = {0}; }) || any;
        return try_on_services([](ServiceSpec& service) { service.backoff = {}; }) || any;
    }

    bool calmer() {
        bool any = false;
        constexpr std::array tempers{&Temper::crashes,      &Temper::launch_failures, &Temper::slow,
                                     &Temper::ignores_term, &Temper::leaves_behind,   &Temper::unkillable,
                                     &Temper::sick,         &Temper::step_failures,   &Temper::step_hangs,
                                     &Temper::step_terms,   &Temper::late_facts};
        for (const auto temper : tempers) {
            if (best_.temper.*temper != 0) {
                Scenario candidate = best_;
                candidate.temper.*temper = 0;
                any = take(std::move(candidate)) || any;
            }
        }
        if (best_.key_at_start) {
            Scenario candidate = best_;
            candidate.key_at_start = false;
            any = take(std::move(candidate)) || any;
        }
        if (best_.spec.mode == Mode::debug) {
            Scenario candidate = best_;
            candidate.spec.mode = Mode::normal;
            any = take(std::move(candidate)) || any;
        }
        if (best_.spec.lifecycle.drain != DrainSpec{}) {
            Scenario candidate = best_;
            candidate.spec.lifecycle.drain = {};
            any = take(std::move(candidate)) || any;
        }
        return any;
    }

    Scenario best_;
    const std::string& invariant_;
    const std::function<Machine()>& machine_;
    std::size_t runs_ = 0;
};

} // namespace

Scenario shrink(Scenario scenario, const std::string& invariant, const std::function<Machine()>& machine) {
    return Shrinking{std::move(scenario), invariant, machine}.run();
}

} // namespace davit::simulation
