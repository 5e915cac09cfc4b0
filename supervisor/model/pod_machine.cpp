// SPDX-License-Identifier: Apache-2.0
// The body of pod_machine.h: routing, settling, requests. Answers to those who wait are in
// pod_verdict.cpp, and what the container ends with is in pod_end.cpp.
#include "model/pod_machine.h"

#include "model/contains.h"
#include "model/overloaded.h"
#include "model/pod_end.h"
#include "model/pod_verdict.h"
#include "model/restart_policy.h"
#include "model/words.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace davit::model {
namespace {

bool is_up(ServiceState state) {
    return state == ServiceState::starting || state == ServiceState::running;
}

/// Nothing of it runs and nothing will by itself.
bool is_settled(const Service& service) {
    return is_resting(service) && is_down(service);
}

constexpr std::string_view of_cpus = "cpus ";

std::string cpus_text(int count) {
    return std::string{of_cpus} + std::to_string(count);
}

bool stops_davit(int signal) {
    // RTMIN+3 is what systemd sends to a container; the C library keeps the first two real-time signals.
    constexpr int rtmin_plus_3 = 37;
    return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT || signal == rtmin_plus_3;
}

class Turn {
public:
    Turn(const PodSpec& spec, const DependencyGraph& graph, PodTransition& transition, Moment moment)
        : spec_(spec), graph_(graph), pod_(transition.next), transition_(transition), moment_(moment), now_(moment.now),
          main_(spec.main()) {}

    void handle(const PodEvent& event) {
        std::visit(Overloaded{
                       [&](const PodStarted& start) { begin(start); },
                       [&](const ServiceFact& fact) { take_fact(fact); },
                       [&](const StepFinished& step) { move(step); },
                       [&](const ConnectionsCounted& sample) { move(sample); },
                       [&](const SignalReceived& signal) { take_signal(signal); },
                       [&](const Request& request) { take_request(request); },
                       [&](const ClientLeft& client) { forget(client.id); },
                       [&](const TimePassed&) { take_time(); },
                       [&](const LoopStalled& stall) { take_stall(stall); },
                       [&](const ReloadAsked& asked) { take_reload(asked); },
                       [&](const SpecAdopted&) { take_new_spec(); },
                       [&](const CpusChanged& resize) { take_resize(resize); },
                       [&](const IsolationKeyRead& key) { isolate_by(key); },
                   },
                   event);
        settle();
        tell_resized();
        answer_waiters();
    }

private:
    // ---- events ------------------------------------------------------------------------------------

    void begin(const PodStarted& start) {
        if (spec_.plain_init) {
            pod_.lifecycle.since = now_; // nothing is timed: no gate, no budget
        } else {
            move(start);
        }
        for (ServiceIndex index = 0; index < spec_.services.size(); ++index) {
            if (spec_.services[index].enabled) {
                deliver(index, StartRequested{"start of davit"});
            }
        }
    }

    void take_fact(const ServiceFact& fact) {
        const auto* notified = std::get_if<Notified>(&fact.event);
        if (notified == nullptr) {
            return deliver(fact.service, fact.event);
        }
        Notified completed = *notified;
        completed.latest_end = latest_end_of_stop(fact.service);
        deliver(fact.service, completed);
    }

    /// Up to when a stop that asks for more time may last: its share of the budget, whatever its own grace period;
    /// nullopt: no longer than it may already.
    std::optional<TimePoint> latest_end_of_stop(ServiceIndex index) const {
        const Lifecycle& lifecycle = pod_.lifecycle;
        const Service& service = pod_.services[index];
        if (service.state != ServiceState::stopping || lifecycle.haste != Haste::none) {
            return std::nullopt;
        }
        if (!lifecycle.budget) { // by hand, or after a failed probe: a budget of its own
            return planned_end({.began = service.since, .total = spec_.grace});
        }
        if (index == main_) {
            return main_deadline(*lifecycle.budget);
        }
        const int levels = levels_left(graph_, [&](ServiceIndex other) { return !is_down(pod_.services[other]); });
        return helper_deadline(*lifecycle.budget, spec_.grace, levels, service.since);
    }

    void take_signal(const SignalReceived& signal) {
        if (!spec_.plain_init && stops_davit(signal.signal)) {
            return move(StopSignalled{signal.signal, signal.from_inside, prestop_client_waits()});
        }
        if (!main_) {
            return;
        }
        switch (pod_.services[*main_].process) {
        case Process::alive: return pass_on(signal.signal);
        case Process::launching:
            if (!contains(pod_.early_signals, signal.signal)) { // as the kernel: a signal is pending once
                pod_.early_signals.push_back(signal.signal);
            }
            return;
        case Process::none:
        case Process::leaving: return;
        }
    }

    void pass_on(int signal) {
        if (spec_.signal_group) {
            return order(*main_, SignalSession{signal});
        }
        order(*main_, SignalLeader{signal});
    }

    /// main may have told that it is up before the launch was answered here: what came meanwhile is for it.
    void pass_on_early_signals() {
        for (const int signal : std::exchange(pod_.early_signals, {})) {
            if (pod_.services[*main_].process == Process::alive) {
                pass_on(signal);
            }
        }
    }

    void take_time() {
        for (ServiceIndex index = 0; index < pod_.services.size(); ++index) {
            pause_drained_probes(index);
            const auto due = next_deadline(pod_.services[index]);
            if (due && *due <= now_) {
                deliver(index, DeadlineReached{});
            }
        }
        move(DeadlineReached{});
    }

    void take_stall(const LoopStalled& stall) {
        for (ServiceIndex index = 0; index < pod_.services.size(); ++index) {
            deliver(index, stall);
        }
        move(stall);
    }

    void take_resize(const CpusChanged& resize) {
        if (resize.from != resize.to) {
            change(std::nullopt, cpus_text(resize.from), cpus_text(resize.to), resize.reason);
        }
        for (CpuNotice notice : resize.services) {
            const auto earlier = std::ranges::find(pod_.cpu_notices, notice.service, &CpuNotice::service);
            if (earlier != pod_.cpu_notices.end()) {
                notice.from = earlier->attempt == notice.attempt ? earlier->from : notice.from;
                pod_.cpu_notices.erase(earlier);
            }
            if (notice.from != notice.to) {
                pod_.cpu_notices.push_back(notice);
            }
        }
    }

    void tell_resized() {
        std::erase_if(pod_.cpu_notices, [this](const CpuNotice& notice) { return is_dealt_with(notice); });
    }

    /// What runs is told if it wants to be; what still starts later; what is gone or going never.
    bool is_dealt_with(const CpuNotice& notice) {
        const Service& service = pod_.services[notice.service];
        if (service.attempt == notice.attempt && service.state == ServiceState::starting) {
            return false;
        }
        const std::optional<int> signal = spec_.services[notice.service].cpus.on_change;
        const bool runs = service.state == ServiceState::running && service.process == Process::alive;
        if (service.attempt == notice.attempt && runs && signal) {
            order(notice.service, SignalLeader{*signal});
            change(notice.service, cpus_text(notice.from), cpus_text(notice.to), signal_name(*signal) + " sent");
        }
        return true;
    }

    void forget(RequestId id) {
        std::erase_if(pod_.waiters, [&](const Waiter& waiter) { return waiter.request.id == id; });
    }

    bool prestop_client_waits() const {
        return std::ranges::any_of(pod_.waiters,
                                   [](const Waiter& waiter) { return waiter.request.verb == Verb::prestop; });
    }

    /// Into the scene, or out of it. A restart or stop of main that has not reached it is off then: it is kept.
    void isolate_by(const LifecycleEvent& event) {
        const bool was_isolated = pod_.lifecycle.isolated;
        move(event);
        if (was_isolated == pod_.lifecycle.isolated || spec_.mode == Mode::debug || !main_) {
            return; // the scene of debug mode goes on
        }
        if (was_isolated) {
            start_what_is_held();
            return let_main_come_back();
        }
        if (pod_.pending[*main_] == Pending::restart) {
            pod_.pending[*main_] = Pending::none; // of a rejoin that did not come so far
        }
        const std::string text = "the pod was isolated meanwhile, main stays as it is";
        fail_those_about_main(Verb::restart, text);
        if (pod_.lifecycle.goal == Goal::offline) {
            fail_those_about_main(Verb::stop, text);
        }
    }

    void fail_those_about_main(Verb verb, const std::string& text) {
        for (Waiter& waiter : std::exchange(pod_.waiters, {})) {
            if (waiter.request.verb == verb && contains(waiter.request.services, *main_)) {
                answer(waiter.request.id, Verdict::failed, text);
            } else {
                pod_.waiters.push_back(std::move(waiter));
            }
        }
    }

    /// A stop of main by hand was one of the scene: outside of it main goes down by the way down only.
    void let_main_come_back() {
        Pending& pending = pod_.pending[*main_];
        if (pending == Pending::none) {
            return;
        }
        if (pod_.services[*main_].state != ServiceState::stopping || !pod_.lifecycle.rejoins) {
            pending = Pending::none;
            const std::string text = "the pod rejoined meanwhile, main stays as it is";
            fail_those_about_main(Verb::stop, text);
            return fail_those_about_main(Verb::restart, text);
        }
        if (pending == Pending::stop) {
            pending = Pending::restart;
            fail_those_about_main(Verb::stop, "the pod rejoined meanwhile, main is started again");
        }
    }

    /// davit's own connections to a port that drains would look like traffic.
    void pause_drained_probes(ServiceIndex index) {
        if (pod_.lifecycle.phase != Phase::draining) {
            return;
        }
        for (const ProbeKind kind : {ProbeKind::startup, ProbeKind::readiness, ProbeKind::liveness}) {
            const ProbeSpec* probe = probe_spec(spec_.services[index], kind);
            ProbeState& state = probe_state(pod_.services[index], kind);
            if (probe != nullptr && state.due && *state.due <= now_ && touches_drained_port(*probe)) {
                state.due = now_ + std::max<Duration>(probe->period, 100ms);
            }
        }
    }

    bool touches_drained_port(const ProbeSpec& probe) const {
        const auto drains = [&](std::uint16_t port) { return contains(spec_.lifecycle.drain.ports, port); };
        return std::visit(Overloaded{
                              [&](const HttpCheck& check) { return drains(check.port); },
                              [&](const TcpCheck& check) { return drains(check.port); },
                              [&](const GrpcCheck& check) { return drains(check.port); },
                              [](const auto&) { return false; }, // no connection of davit's
                          },
                          probe.check);
    }

    // ---- requests ----------------------------------------------------------------------------------

    void take_request(const Request& request) {
        const std::string refusal = refusal_of(spec_, pod_, request);
        if (!refusal.empty()) {
            return answer(request.id, Verdict::refused, refusal);
        }
        if (request.verb == Verb::signal) {
            return signal_services(request);
        }
        pod_.waiters.push_back(make_waiter(request));
        const bool is_hook = request.verb == Verb::prestop && spec_.mode == Mode::debug; // returns at once
        if (!spec_.plain_init && !is_hook) {
            begin_request(request);
        }
        if (request.no_wait) {
            forget(request.id);
            answer(request.id, Verdict::done, "accepted");
        }
    }

    Waiter make_waiter(const Request& request) const {
        Waiter waiter{.request = request, .since = now_, .deadline = {}, .attempts = {}};
        for (const ServiceIndex index : request.services) {
            waiter.attempts.push_back(pod_.services[index].attempt);
        }
        if (request.verb == Verb::poststart) {
            waiter.deadline = now_ + request.timeout.value_or(spec_.lifecycle.post_start_timeout);
        }
        return waiter;
    }

    void begin_request(const Request& request) {
        switch (request.verb) {
        case Verb::poststart:
        case Verb::wait_phase:
        case Verb::wait_service:
        case Verb::reload: // ReloadAsked brings it
        case Verb::signal: return;
        case Verb::prestop: return move(PrestopAsked{});
        case Verb::online: return move(OnlineAsked{});
        case Verb::offline: return move(OfflineAsked{});
        case Verb::isolate: return isolate_by(IsolateAsked{request.reason});
        case Verb::rejoin: return isolate_by(RejoinAsked{});
        case Verb::start: return start_by_hand(request.services);
        case Verb::stop: return stop_by_hand(request, Pending::stop);
        case Verb::restart: return stop_by_hand(request, Pending::restart);
        }
    }

    /// What ended in the scene comes up again; main does by the way up.
    void start_what_is_held() {
        for (ServiceIndex index = 0; index < pod_.services.size(); ++index) {
            if (index != main_ && pod_.services[index].state == ServiceState::held && spec_.mode == Mode::normal) {
                deliver(index, StartRequested{"rejoin"});
            }
        }
    }

    void signal_services(const Request& request) {
        for (const ServiceIndex index : request.services) {
            if (pod_.services[index].process == Process::alive) {
                order(index, SignalLeader{request.signal});
            }
        }
        answer(request.id, Verdict::done, signal_name(request.signal) + " sent");
    }

    void start_by_hand(const std::vector<ServiceIndex>& services) {
        for (const ServiceIndex index : services) {
            start_with_dependencies(index);
        }
    }

    /// What it needs is started with it, if it rests: else it would wait for ever.
    void start_with_dependencies(ServiceIndex index) {
        const Service& service = pod_.services[index];
        if (index == main_ && is_settled(service)) {
            return move(MainStartAsked{});
        }
        if (service.state == ServiceState::stopping) {
            if (index != main_) { // main comes up again by its own cycle, or the verb was refused
                pod_.pending[index] = Pending::restart;
            }
            return;
        }
        if (is_settled(service) || service.state == ServiceState::backoff) {
            pod_.pending[index] = Pending::none;
            deliver(index, StartRequested{"start by hand"});
        }
        start_required_dependencies(index, "start by hand");
    }

    void start_required_dependencies(ServiceIndex index, const std::string& reason) {
        for (const ServiceIndex dependency : required_dependencies(spec_, index)) {
            const Service& service = pod_.services[dependency];
            const bool waits_for_reload = pod_.pending[dependency] == Pending::reload;
            if (is_settled(service) && service.state != ServiceState::completed && !waits_for_reload) {
                deliver(dependency, StartRequested{reason});
            }
        }
    }

    void stop_by_hand(const Request& request, Pending pending) {
        std::vector<ServiceIndex> targets = request.services;
        if (request.cascade) {
            for (const ServiceIndex index : request.services) {
                std::ranges::copy(transitive_dependents(graph_, index), std::back_inserter(targets));
            }
        }
        for (const ServiceIndex index : targets) {
            if (index != main_ || scene_rests(spec_, pod_.lifecycle)) {
                pod_.pending[index] = pending;
            }
        }
        if (main_ && contains(targets, *main_)) {
            move(MainStopAsked{pending == Pending::stop ? Goal::main_held : Goal::main_restart});
        }
    }

    // ---- reload --------------------------------------------------------------------------------------

    void take_reload(const ReloadAsked& asked) {
        const Request& request = asked.request;
        std::string refusal = refusal_of(spec_, pod_, request);
        if (!refusal.empty()) {
            return answer(request.id, Verdict::refused, std::move(refusal));
        }
        Result<ReloadPlan> plan = plan_reload(spec_, pod_, *asked.loaded, request.main_restart);
        if (!plan) {
            return answer(request.id, Verdict::refused, std::move(plan.error().text));
        }
        pod_.late_lifecycle.reset(); // of an earlier reload: this one says what counts
        if (plan->changes_nothing()) {
            return answer(request.id, Verdict::done, summary_of(*plan));
        }
        pod_.reload = Reload{request.id, std::make_shared<const ReloadPlan>(*std::move(plan)), asked.keys};
        pod_.waiters.push_back(make_waiter(request));
        begin_reload();
        if (request.no_wait) {
            forget(request.id);
            answer(request.id, Verdict::done, "accepted");
        }
    }

    /// What restarts or goes is stopped as it was specified; nothing starts it before the new specification counts.
    void begin_reload() {
        const ReloadPlan& plan = *pod_.reload->plan;
        for (ServiceIndex index = 0; index < pod_.services.size(); ++index) {
            if (index != main_ && has_to_stop(plan.services[index].fate)) {
                pod_.pending[index] = Pending::reload;
            }
        }
        if (main_ && plan.services[*main_].fate == Fate::restarted) {
            if (scene_rests(spec_, pod_.lifecycle)) {
                pod_.pending[*main_] = Pending::reload;
            }
            move(MainStopAsked{Goal::main_restart});
        }
    }

    static bool has_to_stop(Fate fate) {
        switch (fate) {
        case Fate::restarted:
        case Fate::started:
        case Fate::disabled:
        case Fate::removed: return true;
        case Fate::unchanged:
        case Fate::adjusted:
        case Fate::kept:
        case Fate::added: break;
        }
        return false;
    }

    /// Nothing runs by the present life cycle: no steps, no drain, no way down with its budget.
    bool lifecycle_rests() const {
        const Lifecycle& lifecycle = pod_.lifecycle;
        const bool main_comes_up_again = lifecycle.phase == Phase::stopped && lifecycle.goal == Goal::main_restart;
        return !lifecycle.steps && !lifecycle.drain && (!lifecycle.budget || main_comes_up_again);
    }

    void order_new_spec() {
        PodSpec next = pod_.reload->plan->next;
        if (main_ && main_is_kept(*pod_.reload->plan)) {
            std::vector<Dependency> dependencies = std::move(next.services[*main_].depends_on);
            next.services[*main_] = spec_.services[*main_];
            next.services[*main_].depends_on = std::move(dependencies);
        }
        if (!lifecycle_rests()) {
            pod_.late_lifecycle = SharedSpec{std::make_shared<const PodSpec>(next)};
            set_lifecycle(next, spec_);
        }
        order_spec(std::move(next));
    }

    /// Its process runs and would have to be started anew.
    bool main_is_kept(const ReloadPlan& plan) const {
        return pod_.services[*main_].process != Process::none &&
               process_differs(spec_.services[*main_], plan.next.services[*main_]);
    }

    static void set_lifecycle(PodSpec& spec, const PodSpec& from) {
        spec.app = from.app;
        spec.grace = from.grace;
        spec.lifecycle = from.lifecycle;
    }

    void order_spec(PodSpec spec) {
        pod_.adopting = true;
        transition_.actions.emplace_back(AdoptSpec{SharedSpec{std::make_shared<const PodSpec>(std::move(spec))}});
    }

    bool order_late_lifecycle() {
        if (!pod_.late_lifecycle || pod_.reload || !lifecycle_rests()) {
            return false;
        }
        PodSpec next = spec_;
        set_lifecycle(next, *pod_.late_lifecycle->spec);
        pod_.late_lifecycle.reset();
        order_spec(std::move(next));
        return true;
    }

    void take_new_spec() {
        pod_.adopting = false;
        pod_.services.resize(spec_.services.size());
        pod_.pending.resize(spec_.services.size(), Pending::none);
        if (!pod_.reload) {
            return change(std::nullopt, of_configuration, "reloaded", "the changed life cycle counts from now on");
        }
        Reload reload = *std::exchange(pod_.reload, std::nullopt);
        const bool main_was_kept = keep_main(reload);
        const std::string done = summary_of(*reload.plan);
        change(std::nullopt, of_configuration, "reloaded", with_keys(done, reload, ""));
        std::vector<ServiceIndex> started;
        for (ServiceIndex index = 0; index < spec_.services.size(); ++index) {
            if (fulfil(reload, index)) {
                started.push_back(index);
            }
        }
        const auto waiter =
            std::ranges::find(pod_.waiters, reload.request, [](const Waiter& one) { return one.request.id; });
        if (waiter == pod_.waiters.end()) {
            return; // it did not wait, or has gone
        }
        if (main_was_kept) {
            pod_.waiters.erase(waiter);
            return answer(reload.request, Verdict::failed, done);
        }
        waiter->request.services = started;
        waiter->message = done;
    }

    /// True: its restart was overtaken, by an isolation or a stop, before it was down.
    bool keep_main(Reload& reload) const {
        if (!main_ || reload.plan->services[*main_].fate != Fate::restarted || is_down(pod_.services[*main_])) {
            return false;
        }
        ReloadPlan plan = *reload.plan;
        plan.services[*main_].fate = Fate::kept;
        reload.plan = std::make_shared<const ReloadPlan>(std::move(plan));
        return true;
    }

    static std::string with_keys(const std::string& text, const Reload& reload, const std::string& service) {
        const auto found = std::ranges::find(reload.keys, service, &ChangedKeys::service);
        return found == reload.keys.end() || found->keys.empty() ? text : text + ": " + found->keys;
    }

    /// True: it comes up, and who asked for the reload waits for it.
    bool fulfil(const Reload& reload, ServiceIndex index) {
        const ServiceReload& what = reload.plan->services[index];
        const std::string& name = spec_.services[index].name;
        const auto tell = [&](std::string_view to, const std::string& text) {
            change(index, of_configuration, to, with_keys(text, reload, name));
        };
        switch (what.fate) {
        case Fate::unchanged: return false;
        case Fate::kept: tell("changed", "it runs on as it was, restart it with --main"); return false;
        case Fate::adjusted:
            tell("changed", "without a restart");
            change_probes(*reload.plan, index);
            return false;
        case Fate::restarted:
        case Fate::started: tell("changed", std::string{to_string(what.fate)}); break;
        case Fate::added: tell("added", "it starts"); break;
        case Fate::disabled: clear_place(index, "disabled in the configuration"); break;
        case Fate::removed: clear_place(index, "removed from the configuration"); break;
        }
        pod_.pending[index] = Pending::none;
        if (!spec_.services[index].enabled) {
            tell(spec_.services[index].removed ? "removed" : "disabled", "it is down");
            return false;
        }
        // main comes up by the way up: else it is a scene's, or was when it was stopped.
        const bool is_started_here =
            index != main_ || scene_rests(spec_, pod_.lifecycle) || pod_.lifecycle.phase == Phase::starting;
        if (is_started_here && is_settled(pod_.services[index])) {
            deliver(index, StartRequested{what.fate == Fate::added ? "new in the configuration"
                                                                   : "its configuration changed"});
        }
        return true;
    }

    void change_probes(const ReloadPlan& plan, ServiceIndex index) {
        const ServiceReload& what = plan.services[index];
        const bool any = what.startup_changed || what.readiness_changed || what.liveness_changed;
        const bool as_it_was = index == main_ && main_is_kept(plan);
        if (any && !as_it_was) {
            deliver(index, ProbesChanged{what.startup_changed, what.readiness_changed, what.liveness_changed});
        }
    }

    /// The attempts go on counting, so that late facts of the old ones stay late.
    void clear_place(ServiceIndex index, std::string reason) {
        Service& service = pod_.services[index];
        const unsigned attempt = service.attempt;
        service = Service{};
        service.since = now_;
        service.reason = std::move(reason);
        service.attempt = attempt;
    }

    // ---- the two machines ----------------------------------------------------------------------------

    void deliver(ServiceIndex index, const ServiceEvent& event) {
        Service& service = pod_.services[index];
        const ServiceState from = service.state;
        const bool was_ready = is_ready(spec_.services[index], service);
        const unsigned attempt = service.attempt;
        const bool ended = ends_attempt(service, event);

        Moment moment = moment_;
        moment.scene_rests = scene_rests(spec_, pod_.lifecycle);
        ServiceTransition turn = model::on_event(spec_.services[index], std::move(service), event, moment);
        service = std::move(turn.next);
        for (ServiceAction& action : turn.actions) {
            order(index, std::move(action));
        }
        tell_service_change(index, from, was_ready);
        if (index == main_ && service.process != Process::launching) {
            pass_on_early_signals();
        }
        const bool concerned = service.state != from || service.attempt != attempt;
        if (index == main_ && ended && concerned && is_up(from) && !spec_.plain_init) {
            move(MainEnded{});
        }
    }

    static bool ends_attempt(const Service& service, const ServiceEvent& event) {
        if (const auto* exited = std::get_if<LeaderExited>(&event)) {
            return exited->attempt == service.attempt;
        }
        const auto* failed = std::get_if<LaunchFailed>(&event);
        return failed != nullptr && failed->attempt == service.attempt &&
               failed->failure != LaunchFailure::no_resources;
    }

    void tell_service_change(ServiceIndex index, ServiceState from, bool was_ready) {
        const Service& service = pod_.services[index];
        if (service.state != from) {
            change(index, to_string(from), to_string(service.state), service.reason);
        }
        const bool ready = is_ready(spec_.services[index], service);
        if (spec_.services[index].readiness_probe && ready != was_ready && service.state == ServiceState::running) {
            change(index, was_ready ? "ready" : "not ready", ready ? "ready" : "not ready",
                   service.readiness.last_message);
        }
    }

    void move(const LifecycleEvent& event) {
        const Phase from = pod_.lifecycle.phase;
        const bool was_stale = runs_stale_offline(pod_.lifecycle);
        LifecycleTransition turn = model::on_event(spec_, std::move(pod_.lifecycle), event, view(), now_);
        pod_.lifecycle = std::move(turn.next);
        if (pod_.lifecycle.phase != from) {
            change(std::nullopt, to_string(from), to_string(pod_.lifecycle.phase), pod_.lifecycle.reason);
        }
        tell_stale_offline(was_stale);
        for (LifecycleAction& action : turn.actions) {
            obey(std::move(action));
        }
    }

    void tell_stale_offline(bool was_stale) {
        const Lifecycle& lifecycle = pod_.lifecycle;
        const bool is_stale = runs_stale_offline(lifecycle);
        if (!was_stale && is_stale) {
            change(std::nullopt, of_run_before, "offline runs", "it ended while it was online");
        } else if (was_stale && !is_stale) {
            const std::string& failure = lifecycle.step_failure;
            change(std::nullopt, of_run_before, failure.empty() ? "offline done" : "offline failed", failure);
        }
    }

    void obey(LifecycleAction action) {
        std::visit(Overloaded{
                       [&](StopMain& stop) {
                           if (main_) {
                               stop_main(std::move(stop));
                           }
                       },
                       [&](StartServices& start) { start_services(start.reason); },
                       [&](Exit&) { end_container(); },
                       [&](auto& order) { transition_.actions.emplace_back(std::move(order)); },
                   },
                   action);
    }

    void stop_main(StopMain stop) {
        if (pod_.lifecycle.haste == Haste::now) {
            return deliver(*main_, KillRequested{stop.after, std::move(stop.reason)});
        }
        deliver(*main_, StopRequested{stop.deadline, stop.after, std::move(stop.reason)});
    }

    void start_services(const std::string& reason) {
        if (!main_) {
            return;
        }
        if (is_settled(pod_.services[*main_])) {
            deliver(*main_, StartRequested{reason});
        }
        start_required_dependencies(*main_, reason);
        for (ServiceIndex index = 0; index < spec_.services.size(); ++index) {
            if (spec_.services[index].critical && pod_.services[index].state == ServiceState::failed &&
                pod_.pending[index] != Pending::reload) {
                deliver(index, StartRequested{reason}); // else its old failure would end the new start
            }
        }
    }

    void end_container() {
        transition_.actions.emplace_back(EndContainer{exit_code(spec_, pod_), end_lines(spec_, pod_)});
    }

    ServicesView view() const {
        ServicesView seen;
        see_main(seen);
        seen.gate_good = is_gate_good(spec_, pod_);
        if (pod_.lifecycle.gate_deadline && *pod_.lifecycle.gate_deadline <= now_) {
            seen.gate_missing = trouble_at_gate();
        }
        seen.all_down = std::ranges::all_of(pod_.services, is_down);
        seen.restart_pending = contains(pod_.pending, Pending::restart) || pod_.reload.has_value();
        see_failures(seen);
        return seen;
    }

    void see_main(ServicesView& seen) const {
        if (!main_) {
            return;
        }
        const Service& main = pod_.services[*main_];
        seen.main = main_view(main);
        seen.main_attempt = main.attempt;
        seen.main_unhealthy = main.failed_probe.has_value() && is_up(main.state);
        seen.main_restarts = will_restart(spec_.services[*main_], main, now_);
        if (!is_up(main.state) || seen.main_unhealthy) {
            seen.main_end = main_end(spec_, pod_);
            const bool zero_is_failure = main.last_exit && container_code(*main.last_exit) == 0 &&
                                         !contains(spec_.services[*main_].success_exit_codes, 0);
            seen.main_end_is_failure = main.failed_probe.has_value() || !main.left_behind.empty() || zero_is_failure;
        }
    }

    static MainView main_view(const Service& main) {
        switch (main.state) {
        case ServiceState::inactive: return MainView::waiting;
        case ServiceState::blocked:
        case ServiceState::backoff: return main.attempt == 0 ? MainView::waiting : MainView::restarting;
        case ServiceState::starting: return main.process == Process::alive ? MainView::starting : MainView::waiting;
        case ServiceState::running: return MainView::running;
        case ServiceState::stopping: return MainView::leaving;
        case ServiceState::stopped:
        case ServiceState::completed:
        case ServiceState::failed:
        case ServiceState::held: break;
        }
        return MainView::down;
    }

    void see_failures(ServicesView& seen) const {
        for (ServiceIndex index = 0; index < pod_.services.size(); ++index) {
            if (index == main_ || pod_.services[index].state != ServiceState::failed) {
                continue;
            }
            const Trouble trouble{.text = spec_.services[index].name + " failed: " + pod_.services[index].reason,
                                  .blame = index};
            const bool required = main_ && graph_.required_by_main[index];
            if (required && seen.failed_required.text.empty()) {
                seen.failed_required = trouble;
            }
            if (spec_.services[index].critical && seen.failed_critical.text.empty()) {
                seen.failed_critical = trouble;
            }
        }
    }

    Trouble trouble_at_gate() const {
        Trouble trouble{.text = gate_missing(spec_, pod_)};
        if (const auto service = holds_up_gate(spec_, pod_)) {
            trouble.blame = *service;
        }
        return trouble;
    }

    // ---- settling ------------------------------------------------------------------------------------

    void settle() {
        // Each round moves at least one service or the phase one step along a finite way.
        const std::size_t bound = 100 + 10 * spec_.services.size();
        for (std::size_t round = 0; round < bound && !pod_.lifecycle.ended && !pod_.adopting; ++round) {
            // In this order: nothing is started in the turn in which its stop begins.
            if (!order_late_lifecycle() && !advance_lifecycle() && !hold_what_would_restart() &&
                !stop_whose_turn_it_is() && !start_what_may()) {
                return;
            }
        }
    }

    bool hold_what_would_restart() {
        if (!scene_rests(spec_, pod_.lifecycle)) {
            return false;
        }
        bool any = false;
        for (ServiceIndex index = 0; index < pod_.services.size(); ++index) {
            const Service& service = pod_.services[index];
            const bool waits = service.state == ServiceState::backoff || service.state == ServiceState::blocked;
            if (waits && service.failures > 0) {
                deliver(index, StopRequested{now_, AfterStop::hold, service.reason});
                any = true;
            }
        }
        return any;
    }

    bool start_what_may() {
        bool any = false;
        for (ServiceIndex index = 0; index < pod_.services.size(); ++index) {
            if (pod_.services[index].state == ServiceState::blocked && may_launch(index)) {
                deliver(index, DependenciesMet{});
                any = true;
            }
        }
        return any;
    }

    bool may_launch(ServiceIndex index) const {
        const bool allowed = index == main_                      ? may_launch_main(pod_.lifecycle)
                             : pod_.services[index].attempt == 0 ? may_start_first_time(pod_.lifecycle)
                                                                 : may_restart(pod_.lifecycle);
        return allowed && dependencies_met(spec_, pod_, index);
    }

    bool stop_whose_turn_it_is() {
        if (helpers_must_stop(pod_.lifecycle)) {
            pod_.reload.reset(); // nothing comes after this stop
            pod_.late_lifecycle.reset();
        }
        if (pod_.lifecycle.haste == Haste::now) {
            return kill_everything();
        }
        if (helpers_must_stop(pod_.lifecycle)) {
            std::ranges::fill(pod_.pending, Pending::none);
            return stop_helpers();
        }
        return stop_pending();
    }

    bool kill_everything() {
        bool any = false;
        for (ServiceIndex index = 0; index < pod_.services.size(); ++index) {
            const Service& service = pod_.services[index];
            if (!is_resting(service) && !service.killed) {
                deliver(index, KillRequested{AfterStop::rest, "stop now"});
                any = true;
            } else if (service.state == ServiceState::blocked || service.state == ServiceState::backoff) {
                deliver(index, StopRequested{now_, AfterStop::rest, "stop now"});
                any = true;
            }
        }
        return any;
    }

    bool stop_helpers() {
        bool any = false;
        const int levels = levels_left(graph_, [&](ServiceIndex index) { return !is_down(pod_.services[index]); });
        for (ServiceIndex index = 0; index < pod_.services.size(); ++index) {
            if (index == main_ || is_resting(pod_.services[index]) || !has_to_be_stopped(index)) {
                continue;
            }
            deliver(index, StopRequested{helper_stop_at(index, levels), AfterStop::rest, "the pod stops"});
            any = true;
        }
        return any;
    }

    bool has_to_be_stopped(ServiceIndex index) const {
        const Service& service = pod_.services[index];
        switch (service.state) {
        case ServiceState::blocked:
        case ServiceState::backoff: return true;
        case ServiceState::starting:
        case ServiceState::running: return pod_.lifecycle.haste != Haste::none || dependents_are_down(index);
        case ServiceState::stopping: // A stop that began before must end in time, and nothing follows it.
            return service.after_stop != AfterStop::rest ||
                   (!service.killed && *service.deadline > hard_deadline(pod_.lifecycle));
        case ServiceState::inactive:
        case ServiceState::stopped:
        case ServiceState::completed:
        case ServiceState::failed:
        case ServiceState::held: break;
        }
        return false;
    }

    bool dependents_are_down(ServiceIndex index) const {
        return std::ranges::all_of(transitive_dependents(graph_, index),
                                   [&](ServiceIndex dependent) { return is_down(pod_.services[dependent]); });
    }

    TimePoint helper_stop_at(ServiceIndex index, int levels) const {
        if (pod_.lifecycle.haste != Haste::none) {
            return hard_deadline(pod_.lifecycle);
        }
        return helper_deadline(*pod_.lifecycle.budget, spec_.services[index].grace.value_or(default_helper_grace),
                               levels, now_);
    }

    /// Stops and restarts of helpers by hand, dependents among them first.
    bool stop_pending() {
        if (main_ && pod_.lifecycle.goal >= Goal::main_stopped) {
            pod_.pending[*main_] = Pending::none; // of a scene: the stop of the pod takes main down
        }
        bool any = false;
        bool all_down = true;
        for (ServiceIndex index = 0; index < pod_.services.size(); ++index) {
            if (pod_.pending[index] == Pending::none) {
                continue;
            }
            any = stop_pending_service(index) || any;
            all_down = all_down && is_settled(pod_.services[index]);
        }
        return (all_down && finish_pending()) || any;
    }

    bool stop_pending_service(ServiceIndex index) {
        if (index == main_ && pod_.lifecycle.phase != Phase::offline) {
            return false; // isolated, and the way offline comes first
        }
        const ServiceState state = pod_.services[index].state;
        const bool waits = state == ServiceState::blocked || state == ServiceState::backoff;
        // It stops already, and its restart policy was to say what follows: now a person does.
        const bool overruled = state == ServiceState::stopping && pod_.services[index].after_stop == AfterStop::policy;
        const bool turn = is_up(state) && pending_dependents_are_down(index);
        if (!waits && !overruled && !turn && state != ServiceState::inactive) {
            return false;
        }
        const bool is_held = index == main_ && pod_.pending[index] == Pending::stop;
        deliver(index, StopRequested{stop_by_hand_until(index), is_held ? AfterStop::hold : AfterStop::rest,
                                     pending_reason(index)});
        return true;
    }

    TimePoint stop_by_hand_until(ServiceIndex index) const {
        const std::optional<Duration>& grace = spec_.services[index].grace;
        if (index == main_) { // of a scene that rests: a budget of its own
            return main_stop_deadline({.began = now_, .total = spec_.grace}, grace, now_);
        }
        return now_ + grace.value_or(default_helper_grace);
    }

    std::string pending_reason(ServiceIndex index) const {
        switch (pod_.pending[index]) {
        case Pending::none:
        case Pending::stop: return "stop by hand";
        case Pending::restart: return "restart by hand";
        case Pending::reload: break;
        }
        const Fate fate = pod_.reload ? pod_.reload->plan->services[index].fate : Fate::restarted;
        return fate == Fate::removed    ? "removed from the configuration"
               : fate == Fate::disabled ? "disabled in the configuration"
                                        : "its configuration changed";
    }

    bool pending_dependents_are_down(ServiceIndex index) const {
        return std::ranges::all_of(transitive_dependents(graph_, index), [&](ServiceIndex dependent) {
            const bool concerned = pod_.pending[dependent] != Pending::none || (dependent == main_ && main_goes_down());
            return !concerned || is_down(pod_.services[dependent]);
        });
    }

    bool main_goes_down() const {
        return pod_.lifecycle.goal == Goal::main_held ||
               (pod_.lifecycle.goal == Goal::main_restart && pod_.lifecycle.by_hand);
    }

    bool finish_pending() {
        if (main_ && main_goes_down() && !is_down(pod_.services[*main_])) {
            return false;
        }
        if (pod_.reload) {
            order_new_spec();
            return true;
        }
        bool any = false;
        for (ServiceIndex index = 0; index < pod_.services.size(); ++index) {
            const Pending pending = std::exchange(pod_.pending[index], Pending::none);
            if (pending == Pending::restart) {
                deliver(index, StartRequested{"restart by hand"});
            }
            any = any || pending != Pending::none;
        }
        return any;
    }

    bool advance_lifecycle() {
        if (spec_.plain_init) {
            return advance_plain_init();
        }
        const Lifecycle before = pod_.lifecycle;
        const std::size_t changes = transition_.changes.size();
        move(ViewChanged{});
        return !(pod_.lifecycle == before) || transition_.changes.size() != changes;
    }

    /// Contract 3.3: online at once, and over with main.
    bool advance_plain_init() {
        Lifecycle& lifecycle = pod_.lifecycle;
        const Service& main = pod_.services[*main_];
        if (lifecycle.phase == Phase::starting && is_up(main.state)) {
            lifecycle.phase = Phase::online;
            lifecycle.online_ever = true;
            lifecycle.since = now_;
            lifecycle.reason = "plain init";
            change(std::nullopt, "starting", "online", lifecycle.reason);
            return true;
        }
        if (!lifecycle.ended && is_settled(main) && main.state != ServiceState::inactive) {
            lifecycle.ended = true;
            end_container();
        }
        return false;
    }

    // ---- answers -------------------------------------------------------------------------------------

    void answer_waiters() {
        std::vector<Waiter> still;
        for (Waiter& waiter : pod_.waiters) {
            const std::optional<Judgement> judgement = judge(spec_, pod_, waiter, now_);
            if (judgement) {
                answer(waiter.request.id, judgement->verdict, judgement->message);
            } else if (pod_.lifecycle.ended) {
                answer(waiter.request.id, Verdict::failed, "the container ends");
            } else {
                still.push_back(std::move(waiter));
            }
        }
        pod_.waiters = std::move(still);
    }

    void answer(RequestId id, Verdict verdict, std::string message) {
        transition_.actions.emplace_back(Answer{id, verdict, std::move(message)});
    }

    void order(ServiceIndex index, ServiceAction action) {
        transition_.actions.emplace_back(ServiceOrder{index, pod_.services[index].attempt, std::move(action)});
    }

    void change(std::optional<ServiceIndex> service, std::string_view from, std::string_view to, std::string reason) {
        transition_.changes.push_back(Change{service, std::string{from}, std::string{to}, std::move(reason)});
    }

    const PodSpec& spec_;
    const DependencyGraph& graph_;
    Pod& pod_;
    PodTransition& transition_;
    Moment moment_;
    TimePoint now_;
    std::optional<ServiceIndex> main_;
};

} // namespace

bool is_of_cpus(const Change& change) {
    return change.from.starts_with(of_cpus);
}

bool is_of_state(const Change& change) {
    return change.from != of_configuration && change.from != of_run_before && !is_of_cpus(change);
}

Pod initial_pod(const PodSpec& spec) {
    Pod pod;
    pod.services.resize(spec.services.size());
    pod.pending.resize(spec.services.size(), Pending::none);
    return pod;
}

PodTransition on_event(const PodSpec& spec, const DependencyGraph& graph, Pod pod, const PodEvent& event,
                       Moment moment) {
    PodTransition transition{.next = std::move(pod), .actions = {}, .changes = {}};
    Turn{spec, graph, transition, moment}.handle(event);
    return transition;
}

std::optional<TimePoint> next_deadline(const Pod& pod) {
    std::optional<TimePoint> earliest = next_deadline(pod.lifecycle);
    const auto consider = [&](std::optional<TimePoint> moment) {
        if (moment && (!earliest || *moment < *earliest)) {
            earliest = moment;
        }
    };
    for (const Service& service : pod.services) {
        consider(next_deadline(service));
    }
    for (const Waiter& waiter : pod.waiters) {
        consider(waiter.deadline);
    }
    return earliest;
}

std::string to_string(const PodEvent& event) {
    return std::visit(
        Overloaded{
            [](const ServiceFact& fact) {
                return "service " + std::to_string(fact.service) + ": " + to_string(fact.event);
            },
            [](const SignalReceived& signal) {
                return "SignalReceived{" + signal_name(signal.signal) + (signal.from_inside ? ", from inside}" : "}");
            },
            [](const Request& request) {
                return "Request{" + std::to_string(request.id) + ", " + std::string{to_string(request.verb)} + "}";
            },
            [](const ClientLeft& client) { return "ClientLeft{" + std::to_string(client.id) + "}"; },
            [](const TimePassed&) { return std::string{"TimePassed"}; },
            [](const ReloadAsked& asked) { return "ReloadAsked{" + std::to_string(asked.request.id) + "}"; },
            [](const SpecAdopted&) { return std::string{"SpecAdopted"}; },
            [](const CpusChanged& resize) {
                return "CpusChanged{" + std::to_string(resize.from) + ", " + std::to_string(resize.to) + ", " +
                       counted(resize.services.size(), "service") + "}";
            },
            [](const auto& event_of_lifecycle) { return to_string(LifecycleEvent{event_of_lifecycle}); },
        },
        event);
}

std::string to_string(const Action& action) {
    return std::visit(Overloaded{
                          [](const ServiceOrder& order) {
                              return "service " + std::to_string(order.service) + " attempt " +
                                     std::to_string(order.attempt) + ": " + to_string(order.action);
                          },
                          [](const Answer& answer) {
                              return "Answer{" + std::to_string(answer.request) + ", " +
                                     std::string{to_string(answer.verdict)} + "}";
                          },
                          [](const EndContainer& end) { return "EndContainer{" + std::to_string(end.code) + "}"; },
                          [](const AdoptSpec&) { return std::string{"AdoptSpec"}; },
                          [](const auto& order) { return to_string(LifecycleAction{order}); },
                      },
                      action);
}

} // namespace davit::model
