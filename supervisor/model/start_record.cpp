// SPDX-License-Identifier: Apache-2.0
#include "model/start_record.h"

#include "model/pod_verdict.h"

#include <algorithm>

namespace davit::model {
namespace {

bool leads_up(Phase phase) {
    return phase <= Phase::going_online;
}

/// From a place of rest, or from the way down, to the way up.
bool begins_way_up(const Change& change) {
    if (change.service) {
        return false;
    }
    const auto from = phase_from_name(change.from);
    const auto to = phase_from_name(change.to);
    return from && to && !leads_up(*from) && leads_up(*to);
}

/// There is nothing more of it to wait for. A oneshot that runs is not there yet, whatever it is called.
bool is_up(const PodSpec& spec, const Pod& pod, ServiceIndex index) {
    const Service& service = pod.services[index];
    const bool is_there = !spec.services[index].oneshot && is_ready(spec.services[index], service);
    return service.state == ServiceState::completed || is_there;
}

void begin(StartRecord& record, const PodSpec& spec, const Pod& pod, TimePoint now) {
    record = StartRecord{.state = scene_rests(spec, pod.lifecycle) ? WayUpState::at_rest : WayUpState::under_way,
                         .began = now,
                         .ended = {},
                         .reason = {},
                         .services = std::vector<ServiceStart>(spec.services.size()),
                         .steps = {},
                         .gate = {},
                         .manual_gate = {}};
    for (ServiceIndex index = 0; index < spec.services.size(); ++index) {
        const Service& service = pod.services[index];
        const bool is_launched_now = service.process == Process::launching;
        record.services[index].attempts_before = service.attempt - (is_launched_now ? 1 : 0);
        record.services[index].was_ready = is_up(spec, pod, index);
    }
}

void note_waiting(ServiceStart& start, const PodSpec& spec, const Pod& pod, ServiceIndex index) {
    if (start.launched || pod.services[index].state != ServiceState::blocked) {
        return; // A second start waits for itself, whatever else it waits for.
    }
    const auto& dependencies = spec.services[index].depends_on;
    const auto unmet = std::ranges::find_if_not(
        dependencies, [&](const Dependency& dependency) { return dependency_met(spec, pod, dependency); });
    if (unmet != dependencies.end()) {
        start.waits_for = *unmet;
    }
}

bool has_given_up(const Service& service) {
    return service.state == ServiceState::failed || service.state == ServiceState::held ||
           service.state == ServiceState::stopped;
}

void note_service(ServiceStart& start, const PodSpec& spec, const Pod& pod, ServiceIndex index, TimePoint now) {
    const Service& service = pod.services[index];
    if (start.ready || start.was_ready || !spec.services[index].enabled || service.state == ServiceState::inactive) {
        return;
    }
    if (!start.wanted && !has_given_up(service)) {
        start.wanted = now;
    }
    note_waiting(start, spec, pod, index);
    if (service.attempt > start.attempts_before) {
        start.launches = service.attempt - start.attempts_before;
        start.launched = start.launched.value_or(now);
    }
    if (service.state == ServiceState::running) {
        start.running = start.running.value_or(now);
    }
    if (is_up(spec, pod, index)) {
        start.ready = now;
        start.running = start.running.value_or(now);
    }
    if (has_given_up(service) && start.launched) {
        start.down = start.down.value_or(now);
    } else {
        start.down.reset();
    }
}

void note_steps(StartRecord& record, const Pod& pod, TimePoint now) {
    const Lifecycle& lifecycle = pod.lifecycle;
    const std::optional<StepList> list = leads_up(lifecycle.phase) ? lifecycle.steps : std::nullopt;
    StepStart* last = record.steps.empty() ? nullptr : &record.steps.back();
    if (last != nullptr && list && last->kind == list->kind && last->index == list->index) {
        last->tries = list->attempt;
        return;
    }
    if (last != nullptr && !last->done) {
        last->done = now;
        last->failed = lifecycle.failure.blame == Blame{last->kind};
    }
    if (list && list->running) {
        record.steps.push_back({.kind = list->kind, .index = list->index, .began = now, .done = {}});
    }
}

void note_gates(StartRecord& record, const PodSpec& spec, const Pod& pod, TimePoint now) {
    const bool checks = pod.lifecycle.phase == Phase::checking;
    const bool is_manual = pod.lifecycle.at_manual_gate;
    if (checks && !record.gate) {
        record.gate = GateWait{.began = now, .done = {}, .missing = {}};
    }
    if (is_manual && !record.manual_gate) {
        record.manual_gate = GateWait{.began = now, .done = {}, .missing = {}};
    }
    if (record.gate && !record.gate->done) {
        for (ServiceIndex index = 0; checks && index < spec.services.size(); ++index) {
            if (!is_gate_good_for(spec, pod, index)) {
                record.gate->missing = index;
                break;
            }
        }
        if (!checks || is_manual) {
            record.gate->done = now;
        }
    }
    if (record.manual_gate && !record.manual_gate->done && !is_manual) {
        record.manual_gate->done = now;
    }
}

void note_end(StartRecord& record, const Pod& pod, TimePoint now) {
    const Lifecycle& lifecycle = pod.lifecycle;
    if (leads_up(lifecycle.phase)) {
        return;
    }
    record.ended = now;
    if (lifecycle.phase == Phase::online) {
        record.state = WayUpState::online;
        return;
    }
    const bool has_failed = !lifecycle.failure.text.empty();
    record.state = has_failed ? WayUpState::failed : WayUpState::broken_off;
    record.reason = has_failed ? lifecycle.failure.text : lifecycle.reason;
}

/// A plain init is online from the beginning, before its command runs.
bool waits_for_command(const StartRecord& record, const PodSpec& spec) {
    return spec.plain_init && !record.services[*spec.main()].launched;
}

} // namespace

std::string_view to_string(WayUpState state) {
    switch (state) {
    case WayUpState::none: return "none";
    case WayUpState::under_way: return "under-way";
    case WayUpState::online: return "online";
    case WayUpState::failed: return "failed";
    case WayUpState::broken_off: return "broken-off";
    case WayUpState::at_rest: break;
    }
    return "at-rest";
}

void note(StartRecord& record, const PodSpec& spec, const Pod& pod, std::span<const Change> changes, TimePoint now) {
    if (record.state == WayUpState::none || std::ranges::any_of(changes, begins_way_up)) {
        begin(record, spec, pod, now);
    }
    const bool is_under_way = record.state == WayUpState::under_way;
    const bool goes_on_resting = record.state == WayUpState::at_rest && pod.lifecycle.phase == Phase::offline;
    const bool is_online = record.state == WayUpState::online && pod.lifecycle.phase == Phase::online;
    if (!is_under_way && !goes_on_resting && !is_online) {
        return;
    }
    record.services.resize(spec.services.size()); // A reload may have brought new ones.
    for (ServiceIndex index = 0; index < spec.services.size(); ++index) {
        note_service(record.services[index], spec, pod, index, now);
    }
    if (is_under_way && !waits_for_command(record, spec)) {
        note_steps(record, pod, now);
        note_gates(record, spec, pod, now);
        note_end(record, pod, now);
    }
}

} // namespace davit::model
