// SPDX-License-Identifier: Apache-2.0
// What an honest bystander has seen: which facts were told to the model, which orders it gave, what phases it
// passed through. Kept beside the model and never read from its inside, so that the invariants can compare the two.
#pragma once

#include "scenario.h"

#include <map>
#include <optional>
#include <set>
#include <vector>

namespace davit::simulation {

struct ServiceLedger {
    model::Process told = model::Process::none; // as the facts said
    unsigned attempt = 0;                       // launches so far
    std::optional<TimePoint> stop_began;        // the first stop order of this attempt
    bool stopped_in_launch = false;             // the stop came before the process
    std::optional<TimePoint> planned_then;      // the planned end of the pod's stop at that moment
    std::optional<model::ExitStatus> last_exit; // of any attempt
    bool unasked_end = false;                   // the last end came without a stop order
    bool left_behind = false;                   // and left processes
    bool failed_probe = false;                  // a startup or liveness probe of this attempt was bad for good
    int good_checks = 0;                        // readiness checks in a row; a forgiven one counts for nobody
    int bad_checks = 0;
    int bad_liveness = 0;          // liveness checks in a row
    bool said_ready = false;       // READY=1, once
    bool says_ready = false;       // and no STOPPING=1 since
    bool line_matched[3] = {};     // by ProbeKind
    TimePoint may_be_silent_until; // its liveness is told, and this is what it promised
    bool ever_ready = false;
    std::optional<TimePoint> launched;
    bool asked_up = false;     // a person asked for the next launch
    bool named_up = false;     // and meant this service, as it did not run
    bool named_down = false;   // a person, or a reload, asked for the stop of this service
    bool by_policy = false;    // nobody asked for the last launch, and it was not the first
    bool no_resources = false; // the last launch found no process or memory: tried again whatever the policy says
    int restarts = 0;          // launches in a row that nobody asked for
    std::optional<Duration> grace_then; // of its specification, when the stop began
    std::optional<int> cpus_untold;     // its CPU count before a resize of which it was not told
    bool check_in_flight[3] = {};
    bool check_may_be_forgiven[3] = {};
};

/// Why the container goes down for good, as far as a bystander can tell.
enum class EndReason : std::uint8_t { none, asked, main_ended, main_failed, start_failed, critical_failed, unknown };

struct Ledger {
    std::vector<ServiceLedger> services;

    std::optional<model::RunStep> running; // the step that runs
    std::optional<model::RunStep> last;    // the step before it, and how it ended
    model::StepOutcome last_outcome = model::StepOutcome::succeeded;
    bool last_was_ended = false; // EndStep was sent to it
    TimePoint last_over;
    bool running_is_ended = false;
    std::size_t online_steps_done = 0; // of the present online attempt
    std::size_t online_steps = 0;      // so many it has

    unsigned online_begun = 0;
    unsigned offline_begun = 0;
    unsigned offline_lists = 0; // first steps of offline lists that were run
    unsigned preload_lists = 0;
    unsigned stop_lists_in_way = 0; // since the last way up
    bool online_ever = false;

    std::optional<TimePoint> kubelet_since; // the first prestop or stop signal
    std::optional<TimePoint> first_signal;  // the first stop signal
    std::optional<TimePoint> first_outside; // the first stop signal from outside
    std::optional<TimePoint> hurried_since;
    std::optional<TimePoint> now_since;
    std::optional<TimePoint> exit_since; // the goal is exit
    std::optional<TimePoint> gate_since; // the way up began
    Duration stalled_at_gate{};
    Duration gate_length{}; // as it was configured when the way up began
    /// On the way up, without what the loop stood still.
    Duration time_at_gate(TimePoint now) const { return now - gate_since.value_or(now) - stalled_at_gate; }
    std::optional<TimePoint> drain_since;
    std::optional<Duration> drained; // how long the drain took that ended in this event
    std::optional<TimePoint> helpers_stop_since;
    std::size_t up_when_helpers_stop = 0;
    TimePoint planned_when_helpers_stop;
    Duration stalled{}; // since kubelet_since or exit_since
    EndReason end_reason = EndReason::none;
    bool also_asked = false; // a stop was asked for, if not as the first reason

    bool owes_offline = false; // an online step ran, maybe in the life before, and its offline list has not ended
    bool stale_due = false;    // it comes before everything else
    unsigned stale_lists = 0;

    bool begun = false;      // PodStarted came
    bool key_there = false;  // the isolate file holds the key
    bool isolated = false;   // out of traffic, as somebody asked or the key says
    bool comes_back = false; // rejoined, and not yet on its way up

    std::map<model::RequestId, model::Request> open;
    std::map<model::RequestId, TimePoint> latest; // poststart: when it has to be answered
    std::set<model::RequestId> left;
    bool ended = false;
};

/// Facts change the ledger before the model sees them; `pod` is the state before.
void take_event(Ledger& ledger, const model::PodSpec& spec, const model::Pod& pod, const model::PodEvent& event,
                TimePoint now);
/// The model's answer: phases it went through, then each action as it is obeyed.
void take_changes(Ledger& ledger, const model::PodSpec& spec, const model::Pod& before, const model::PodEvent& event,
                  const model::PodTransition& transition, TimePoint now);
void take_action(Ledger& ledger, const model::PodSpec& spec, const model::Lifecycle& lifecycle,
                 const model::Action& action, TimePoint now);
/// The event is dealt with: who runs has been told of a resize, who is down will never be.
void forget_told_resizes(Ledger& ledger, const model::Pod& pod);
/// A reload: the specification of a service becomes another one. `runs`: it is in state running.
void take_new_spec(ServiceLedger& service, const model::ServiceSpec& before, const model::ServiceSpec& after,
                   bool runs);

/// TERM, INT, QUIT and RTMIN+3.
bool is_stop_signal(int signal);
/// Debug mode or isolation: a scene for somebody to look at.
bool is_scene(const Ledger& ledger, const model::PodSpec& spec);
/// The hook that begins a stop; in debug mode it only returns.
bool is_prestop(const model::PodEvent& event, const model::PodSpec& spec);

} // namespace davit::simulation
