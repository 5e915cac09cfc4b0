// SPDX-License-Identifier: Apache-2.0
// What a reload does: two specifications are compared, and each service gets a fate. Pure and before anything
// happens, so `--dry-run` and the pod machine say the same. The pod machine then stops what has to stop, orders
// that the new specification counts, and starts what has to start.
//
//   ReloadAsked ─► fates ─► what is changed or gone stops, dependents first, as it was specified when it started
//                                  │ all of it is down (with --main: main too, by offline, drain and stop)
//                                  ▼
//                              AdoptSpec ─► SpecAdopted ─► what is new or changed starts
//
// What changed of a service            | what becomes of it
// -------------------------------------|-------------------------------------------------------------------
// command, args, env, envFile (what it | it restarts: its process depends on these. One that was stopped by
//   holds), workingDir, user, group,   |   hand takes them when it is started; one that is completed or
//   umask, rlimits, nice, oomScoreAdj, |   failed runs again. main restarts with --main only and keeps all of
//   noNewPrivileges, cpus, logs,       |   its keys but dependsOn until then (a new probe may not fit the old
//   oneshot, a notify or log probe     |   process); without a process it takes them
// startupProbe, readinessProbe,        | it runs on and the probe begins anew; a service that was ready stays
//   livenessProbe                      |   so until the new probe has failed failureThreshold times
// dependsOn, restartPolicy, backoff,   | it runs on, they count from now on; a failed one starts again
//   critical, successExitCodes,        |
//   stopSignal, stopCommand, enabled,  |
//   terminationGracePeriodSeconds      |
// enabled: false, or not there         | it stops; its place is left empty, so that the others keep theirs
//
// The life cycle and the pod's grace period count from the next transition on: they wait while steps or a drain
// run or a way down has its budget. isolateFile, isolateKey and the pod's cpus count at once. The status port
// stays where it is: the Pod's manifest, which probes and Prometheus go by, cannot change either while the Pod lives;
// so does stateDir, which is one of its volumes.
#pragma once

#include "model/result.h"
#include "model/spec.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::model {

struct Pod;

enum class Fate : std::uint8_t {
    unchanged,
    adjusted,  // it stays as it is, what changed counts from now on
    restarted, // it stops and starts
    started,   // it has ended, and starts with what changed
    kept,      // main: it should restart and nobody said that it may
    added,
    disabled,
    removed,
};
/// "restarts", "starts", ...: what happens, for a person.
std::string_view to_string(Fate fate);

enum class MainRestart : std::uint8_t { forbidden, allowed };

struct ServiceReload {
    Fate fate = Fate::unchanged;
    bool startup_changed = false;
    bool readiness_changed = false;
    bool liveness_changed = false;
    friend bool operator==(const ServiceReload&, const ServiceReload&) = default;
};

/// What holds from davit's start to its end.
struct FixedKeys {
    std::optional<std::uint16_t> status_port;
    std::string status_address;
    Text state_dir;
    friend bool operator==(const FixedKeys&, const FixedKeys&) = default;
};

struct ReloadPlan {
    /// What was loaded, with the services at the places of the present ones; the new ones at the end.
    PodSpec next;
    std::vector<ServiceReload> services; // as in `next`
    bool pod_changed = false;            // isolateFile, isolateKey, cpus: they count at once
    bool lifecycle_changed = false;      // and app and grace period: from the next transition on
    /// What was loaded asks for others. `next` has the present ones.
    std::optional<FixedKeys> other_fixed_keys;
    friend bool operator==(const ReloadPlan&, const ReloadPlan&) = default;

    bool changes_nothing() const;
};

/// Places of removed services are kept for ever: so many are allowed.
inline constexpr std::size_t most_removed_services = 1000;

/// The error says why this configuration cannot take the place of the present one.
Result<ReloadPlan> plan_reload(const PodSpec& present, const Pod& pod, const PodSpec& loaded, MainRestart main);

/// Whether the process of a service that runs as `before` would have to be started anew to be as `after`.
bool process_differs(const ServiceSpec& before, const ServiceSpec& after);

/// "1 restarted, 2 added; main changed: ..."; "nothing changed".
std::string summary_of(const ReloadPlan& plan);

} // namespace davit::model
