// SPDX-License-Identifier: Apache-2.0
// Remembers the last way up: when each service began to wait, was launched, was ready, and what it waited for last;
// when each step and the ready gate began and ended. A way up begins with davit, with main's restart, or with `online`
// or `rejoin` by hand from a place of rest; the next one replaces the record, a helper that restarts later does not.
// Bounded: one entry a service and a step.
//
//   way up begins ──► note(...) after each event ──► online | failed | broken off
//                     online: what is not ready yet is still noted, once
//
// Pure: it looks at the pod's value and at what changed.
#pragma once

#include "model/pod_machine.h"
#include "model/spec.h"
#include "model/time.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace davit::model {

/// One service in one way up. All moments are the first of their kind.
struct ServiceStart {
    std::optional<TimePoint> wanted;     // it begins to wait for its dependencies, or to start
    std::optional<Dependency> waits_for; // of its dependencies the one that was missing last
    std::optional<TimePoint> launched;
    std::optional<TimePoint> running; // its startup probe is good
    std::optional<TimePoint> ready;   // a oneshot: completed
    std::optional<TimePoint> down;    // it ended before it was ready: failed, held, stopped
    unsigned attempts_before = 0;
    unsigned launches = 0;
    bool was_ready = false; // before the way up began: it is no part of it

    friend bool operator==(const ServiceStart&, const ServiceStart&) = default;
};

/// One step of a list, with all its tries.
struct StepStart {
    StepKind kind = StepKind::preload;
    std::size_t index = 0;
    TimePoint began;
    std::optional<TimePoint> done;
    int tries = 1;
    bool failed = false;

    friend bool operator==(const StepStart&, const StepStart&) = default;
};

struct GateWait {
    TimePoint began;
    std::optional<TimePoint> done;
    std::optional<ServiceIndex> missing; // who was not ready last; none: it was good at once
    friend bool operator==(const GateWait&, const GateWait&) = default;
};

enum class WayUpState : std::uint8_t {
    none,       // nothing has begun
    under_way,  //
    online,     //
    failed,     // a step, the gate or a service
    broken_off, // by a stop, `offline`, isolation, or main's end
    at_rest,    // debug mode, isolated from the start: services start, nothing goes online
};
std::string_view to_string(WayUpState state);

struct StartRecord {
    WayUpState state = WayUpState::none;
    TimePoint began;
    TimePoint ended;                    // of online, failed, broken_off
    std::string reason;                 // of failed and broken_off, for a person
    std::vector<ServiceStart> services; // as in PodSpec
    std::vector<StepStart> steps;
    std::optional<GateWait> gate;
    std::optional<GateWait> manual_gate;

    friend bool operator==(const StartRecord&, const StartRecord&) = default;
};

/// After each event: `pod` is what it left, `changes` what it changed.
void note(StartRecord& record, const PodSpec& spec, const Pod& pod, std::span<const Change> changes, TimePoint now);

} // namespace davit::model
