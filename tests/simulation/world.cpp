// SPDX-License-Identifier: Apache-2.0
#include "world.h"

#include "model/dependency_graph.h"
#include "model/overloaded.h"
#include "model/told_probe.h"

#include <algorithm>
#include <cstdio>

namespace davit::simulation {

using namespace model;

namespace {

constexpr std::size_t most_events = 6000;
/// A story that is this long already is ended by the kubelet now.
constexpr std::size_t patience = 1500;

std::string time_text(TimePoint moment) {
    char text[32];
    std::snprintf(text, sizeof text, "%10.4f", to_seconds(moment.time_since_epoch()));
    return text;
}

/// The processes of one attempt of one service.
struct Session {
    unsigned attempt = 0;
    ServiceBehaviour behaviour;
    bool leader = false;
    unsigned members = 0;
    unsigned kills = 0;
    unsigned cancelled = 0; // how often its checks were ended
    int cpus = 0;           // as it was told, by its environment or a signal
    bool over = true;       // nothing lives, and that was told
    TimePoint launched;
};

/// One try of a step.
struct StepProcess {
    RunStep step;
    StepBehaviour behaviour;
};

struct Planned {
    TimePoint at;
    std::uint64_t order;
    std::function<void()> happen;
};
struct Later {
    bool operator()(const Planned& left, const Planned& right) const {
        return left.at != right.at ? left.at > right.at : left.order > right.order;
    }
};

class World {
public:
    World(const Scenario& scenario, const Machine& machine, Telling telling)
        : scenario_(scenario), spec_(scenario.spec), loaded_(scenario.spec), ids_(scenario.service_ids),
          graph_(build_graph(scenario.spec)), machine_(machine), telling_(telling), pod_(initial_pod(spec_)),
          sessions_(spec_.services.size()), dice_(mix({scenario.seed, 4})) {
        ledger_.services.resize(spec_.services.size());
        census_.living.resize(spec_.services.size());
        census_.killable.resize(spec_.services.size(), true);
        now_ = TimePoint{} + 1000s;
    }

    Outcome run() {
        if (telling_ == Telling::story) {
            outcome_.story = describe(scenario_);
        }
        for (const Visit& visit : scenario_.visits) {
            plan(visit.at, [this, &visit] { receive(visit); });
        }
        plan(scenario_.termination.at, [this] { begin_termination(); });
        ledger_.gate_since = now_;
        ledger_.gate_length = spec_.lifecycle.ready_timeout;
        ledger_.owes_offline = scenario_.owes_offline;
        deliver(PodStarted{scenario_.recalled, scenario_.key_at_start});
        while (!over()) {
            turn();
        }
        return std::move(outcome_);
    }

private:
    bool over() const { return ledger_.ended || killed_ || outcome_.crash || outcome_.violation.has_value(); }

    void turn() {
        if (outcome_.events > patience) {
            begin_termination();
        }
        if (outcome_.events > most_events) {
            return complain("the_story_ends", "no end after " + std::to_string(most_events) + " events");
        }
        const std::optional<TimePoint> due = next_deadline(pod_);
        const bool fact_first =
            !queue_.empty() && (!due || queue_.top().at < *due || (queue_.top().at == *due && dice_.chance(50)));
        if (fact_first) {
            Planned next = queue_.top();
            queue_.pop();
            now_ = std::max(now_, next.at);
            return next.happen();
        }
        if (!due) {
            return complain("the_story_ends", "nothing will ever happen again, and the container has not ended");
        }
        turns_at_once_ = *due <= now_ ? turns_at_once_ + 1 : 0;
        if (turns_at_once_ > 100) {
            return complain("a_deadline_is_dealt_with",
                            "time does not go on: the same deadline is due again and again");
        }
        // A loop is rarely late, and then by little.
        now_ = std::max(now_, *due) + (dice_.chance(10) ? dice_.between(0ms, 3ms) : Duration{});
        deliver(TimePassed{});
    }

    void plan(Duration after, std::function<void()> happen) {
        queue_.push(Planned{now_ + after, order_++, std::move(happen)});
    }

    // ---- one event -----------------------------------------------------------------------------------

    void deliver(const PodEvent& event) {
        if (over()) {
            return;
        }
        ++outcome_.events;
        Pod before = pod_;
        before.services.resize(spec_.services.size()); // so that new services have a past to be compared with
        before.pending.resize(spec_.services.size());
        const Moment moment{now_, Dice{mix({scenario_.seed, 5, outcome_.events})}.fraction()};
        take_event(ledger_, spec_, before, event, now_);
        PodTransition transition = machine_(spec_, graph_, std::move(pod_), event, moment);
        look_and_obey(before, event, transition);
        if (!outcome_.violation) {
            check_function(before, event, transition, moment);
        }
        pod_ = std::move(transition.next);
        if (const auto adopt = std::exchange(adopt_, std::nullopt)) {
            use(*adopt->spec);
            deliver(SpecAdopted{*adopt});
        }
    }

    /// The specification that a reload brought.
    void use(const PodSpec& spec) {
        ledger_.services.resize(spec.services.size());
        sessions_.resize(spec.services.size());
        census_.living.resize(spec.services.size());
        census_.killable.resize(spec.services.size(), true);
        for (ServiceIndex index = 0; index < spec_.services.size(); ++index) {
            take_new_spec(ledger_.services[index], spec_.services[index], spec.services[index],
                          pod_.services[index].state == ServiceState::running);
        }
        while (ids_.size() < spec.services.size()) {
            ids_.push_back(1000 + static_cast<unsigned>(ids_.size()));
        }
        spec_ = spec;
        graph_ = build_graph(spec_);
    }

    void look_and_obey(const Pod& before, const PodEvent& event, const PodTransition& transition) {
        tell(event, transition);
        take_changes(ledger_, spec_, before, event, transition, now_);
        const Observation seen{scenario_, spec_, loaded_, graph_, before, event, transition, now_, ledger_, census_};
        for (const Action& action : transition.actions) {
            if (orders_to_crash_ && (*orders_to_crash_)-- == 0) {
                return crash(CrashMoment::inside_an_event);
            }
            count_living();
            if (auto violation = check_action(seen, action)) {
                return complain(violation->invariant, violation->text);
            }
            take_action(ledger_, spec_, transition.next.lifecycle, action, now_);
            obey(action);
        }
        count_living();
        if (auto violation = check_state(seen)) {
            return complain(violation->invariant, violation->text);
        }
        forget_told_resizes(ledger_, transition.next);
    }

    /// The machine is a function, and it has settled. Looked at now and then: it is five times the work.
    void check_function(const Pod& before, const PodEvent& event, const PodTransition& transition, Moment moment) {
        if (outcome_.events % 16 != scenario_.seed % 16 && telling_ == Telling::silent) {
            return;
        }
        const PodTransition again = honest_machine(spec_, graph_, before, event, moment);
        const PodTransition twice = honest_machine(spec_, graph_, before, event, moment);
        if (!(again.next == twice.next) || again.actions != twice.actions || again.changes != twice.changes) {
            return complain("same_input_same_output", "two calls with the same values differ");
        }
        const PodTransition nothing = honest_machine(spec_, graph_, transition.next, ClientLeft{0}, moment);
        if (!(nothing.next == transition.next) || !nothing.actions.empty()) {
            return complain("a_settled_pod_stays", "an event that concerns nobody moves it: " + first_move(nothing));
        }
        const auto due = next_deadline(transition.next);
        if (due && *due <= now_) {
            return;
        }
        const PodTransition time = honest_machine(spec_, graph_, transition.next, TimePassed{}, moment);
        if (!(time.next == transition.next) || !time.actions.empty()) {
            complain("a_settled_pod_stays", "TimePassed with nothing due moves it: " + first_move(time));
        }
    }

    static std::string first_move(const PodTransition& transition) {
        if (!transition.actions.empty()) {
            return to_string(transition.actions.front());
        }
        if (!transition.changes.empty()) {
            return transition.changes.front().from + " -> " + transition.changes.front().to;
        }
        return "a value changed";
    }

    void complain(const std::string& invariant, const std::string& text) {
        if (!outcome_.violation) {
            outcome_.violation = Violation{invariant, text};
            write("!!! " + invariant + ": " + text);
        }
    }

    void write(const std::string& line) {
        if (telling_ == Telling::story) {
            outcome_.story.push_back(time_text(now_ - 1000s) + "  " + line);
        }
    }

    void tell(const PodEvent& event, const PodTransition& transition) {
        if (telling_ == Telling::silent) {
            return;
        }
        write(to_string(event));
        for (const Change& change : transition.changes) {
            write("    " + (change.service ? spec_.services[*change.service].name : std::string{"phase"}) + " " +
                  change.from + " -> " + change.to + " (" + change.reason + ")");
        }
        for (const Action& action : transition.actions) {
            write("    => " + to_string(action));
        }
    }

    void count_living() {
        for (ServiceIndex index = 0; index < sessions_.size(); ++index) {
            const Session& session = sessions_[index];
            census_.living[index] = (session.leader ? 1U : 0U) + session.members;
            census_.killable[index] = !session.behaviour.unkillable;
        }
        census_.step_lives = step_.has_value();
    }

    // ---- orders --------------------------------------------------------------------------------------

    void obey(const Action& action) {
        std::visit(Overloaded{
                       [&](const ServiceOrder& order) { obey_service(order); },
                       [&](const RunStep& step) { run_step(step); },
                       [&](const EndStep& step) { end_step(step); },
                       [&](const CountConnections&) { count_connections(); },
                       [&](const Answer& answer) { take_answer(answer); },
                       [&](const EndContainer& end) { outcome_.code = end.code; },
                       [&](const AdoptSpec& adopt) { adopt_ = adopt.spec; },
                       [&](const Remember& remember) { written_ = remember.record; },
                   },
                   action);
    }

    void obey_service(const ServiceOrder& order) {
        std::visit(Overloaded{
                       [&](const Launch&) { launch(order.service, order.attempt); },
                       [&](const CancelLaunch&) { cancel_launch(order.service, order.attempt); },
                       [&](const SignalSession& signal) { signal_session(order.service, signal.signal); },
                       [&](const SignalLeader& signal) { signal_leader(order.service, signal.signal); },
                       [&](const RunStopCommand& command) { run_stop_command(order, command.deadline); },
                       [&](const RunCheck& check) { run_check(order, check.probe); },
                       [&](const CancelChecks&) { ++sessions_[order.service].cancelled; },
                   },
                   order.action);
    }

    void deliver_service(ServiceIndex service, ServiceEvent event) {
        deliver(ServiceFact{service, event});
        if (dice_.chance(scenario_.temper.late_facts)) { // it is told again, much too late
            plan(dice_.between(0s, 5s), [this, service, event] { deliver(ServiceFact{service, event}); });
        }
    }

    bool is_present(ServiceIndex service, unsigned attempt) const { return sessions_[service].attempt == attempt; }

    void launch(ServiceIndex service, unsigned attempt) {
        Session& session = sessions_[service];
        session = Session{.attempt = attempt,
                          .behaviour = behaviour_of(scenario_, spec_.services[service], ids_[service], attempt),
                          .over = false};
        plan(session.behaviour.launch_takes, [this, service, attempt] { finish_launch(service, attempt); });
    }

    /// In time or too late.
    void cancel_launch(ServiceIndex service, unsigned attempt) {
        if (dice_.chance(50)) {
            sessions_[service].over = true;
            plan(0s, [this, service, attempt] {
                deliver_service(service, LaunchFailed{attempt, LaunchFailure::no_resources, "cancelled"});
            });
        }
    }

    void finish_launch(ServiceIndex service, unsigned attempt) {
        Session& session = sessions_[service];
        if (!is_present(service, attempt) || session.over) {
            return; // cancelled
        }
        const ServiceBehaviour& behaviour = session.behaviour;
        if (behaviour.launch != ServiceBehaviour::Launch::works) {
            session.over = true;
            const LaunchFailure failure =
                behaviour.launch == ServiceBehaviour::Launch::not_found        ? LaunchFailure::not_found
                : behaviour.launch == ServiceBehaviour::Launch::not_executable ? LaunchFailure::not_executable
                                                                               : LaunchFailure::no_resources;
            return deliver_service(service, LaunchFailed{attempt, failure, "made up"});
        }
        session.leader = true;
        session.launched = now_;
        session.cpus = cpus_of(service);
        session.members = behaviour.members;
        if (behaviour.ends_after) {
            plan(*behaviour.ends_after, [this, service, attempt] { end_unasked(service, attempt); });
        }
        begin_to_tell(service, attempt);
        deliver_service(service, Launched{attempt, static_cast<int>(100 * service + attempt % 100 + 10)});
    }

    // ---- what a service tells by itself ----------------------------------------------------------------

    void begin_to_tell(ServiceIndex service, unsigned attempt) {
        const ServiceBehaviour& behaviour = sessions_[service].behaviour;
        const ServiceSpec& spec = spec_.services[service];
        if (has_notify_probe(spec) && behaviour.asks_for) {
            say(service, attempt, 1ms, {.extend = behaviour.asks_for});
        }
        if (!behaviour.never_healthy) {
            begin_well(service, attempt);
        }
        if (spec.liveness_probe && is_told(*spec.liveness_probe)) {
            plan(patience_of(*spec.liveness_probe) / 2, [this, service, attempt] { show_life(service, attempt); });
        }
    }

    void begin_well(ServiceIndex service, unsigned attempt) {
        const ServiceBehaviour& behaviour = sessions_[service].behaviour;
        if (has_notify_probe(spec_.services[service])) {
            say(service, attempt, behaviour.healthy_after,
                {.word = SelfWord::ready, .ready = true, .said_ready = true, .status = "up"});
            if (behaviour.flaps > 0) {
                plan(behaviour.healthy_after + 1s, [this, service, attempt] { change_mind(service, attempt); });
            }
        }
        for (const ProbeKind kind : {ProbeKind::startup, ProbeKind::readiness}) {
            show_line(service, attempt, kind, behaviour.healthy_after);
        }
    }

    bool is_present_leader(ServiceIndex service, unsigned attempt) const {
        return is_present(service, attempt) && sessions_[service].leader;
    }

    void say(ServiceIndex service, unsigned attempt, Duration after, Notification said) {
        plan(after, [this, service, attempt, said = std::move(said)] {
            if (is_present_leader(service, attempt)) {
                deliver_service(service, Notified{attempt, said});
            }
        });
    }

    void show_line(ServiceIndex service, unsigned attempt, ProbeKind kind, Duration after) {
        const ProbeSpec* probe = probe_spec(spec_.services[service], kind);
        if (probe != nullptr && std::holds_alternative<LogCheck>(probe->check)) {
            plan(after, [this, service, attempt, kind] {
                if (is_present_leader(service, attempt)) {
                    deliver_service(service, LineMatched{attempt, kind});
                }
            });
        }
    }

    /// STOPPING=1, RELOADING=1 and READY=1 again, for as long as it lives.
    void change_mind(ServiceIndex service, unsigned attempt) {
        if (!is_present_leader(service, attempt)) {
            return;
        }
        const SelfWord word = dice_.pick({SelfWord::ready, SelfWord::reloading, SelfWord::stopping});
        Notification said{.word = word, .said_ready = word == SelfWord::ready};
        if (word != SelfWord::reloading) {
            said.ready = word == SelfWord::ready;
        }
        say(service, attempt, 0ms, std::move(said));
        plan(dice_.between(1s, 5s), [this, service, attempt] { change_mind(service, attempt); });
    }

    /// WATCHDOG=1, or a line that matches, in time; until it falls silent.
    void show_life(ServiceIndex service, unsigned attempt) {
        if (!is_present_leader(service, attempt)) {
            return;
        }
        const auto& liveness = spec_.services[service].liveness_probe;
        if (!liveness || !is_told(*liveness)) {
            return; // A reload has changed it.
        }
        const ServiceBehaviour& behaviour = sessions_[service].behaviour;
        const ProbeSpec& probe = *liveness;
        const bool is_sick = behaviour.sick_after && now_ - sessions_[service].launched >= *behaviour.sick_after;
        if (is_sick && behaviour.gives_up) {
            return say(service, attempt, 0ms, {.wants_to_be_killed = true});
        }
        if (is_sick) {
            return;
        }
        if (std::holds_alternative<NotifyCheck>(probe.check)) {
            say(service, attempt, 0ms, {.alive = true});
        } else {
            show_line(service, attempt, ProbeKind::liveness, 0ms);
        }
        plan(patience_of(probe) * 3 / 4, [this, service, attempt] { show_life(service, attempt); });
    }

    void end_unasked(ServiceIndex service, unsigned attempt) {
        Session& session = sessions_[service];
        if (is_present(service, attempt) && session.leader) {
            if (!session.behaviour.leaves_members) {
                session.members = 0;
            }
            end_leader(service, attempt, session.behaviour.ends_with);
        }
    }

    void end_leader(ServiceIndex service, unsigned attempt, ExitStatus status) {
        Session& session = sessions_[service];
        if (!is_present(service, attempt) || !session.leader) {
            return;
        }
        session.leader = false;
        session.over = session.members == 0;
        deliver_service(service, LeaderExited{attempt, status, session.members == 0 ? "" : "fork (pid 4711)"});
    }

    void end_members(ServiceIndex service, unsigned attempt) {
        Session& session = sessions_[service];
        if (!is_present(service, attempt) || session.members == 0) {
            return;
        }
        session.members = 0;
        if (!session.leader) {
            notice_empty(service, attempt);
        }
    }

    /// The scan of the session comes with a reaped child, or a little later.
    void notice_empty(ServiceIndex service, unsigned attempt) {
        plan(dice_.chance(50) ? 0ms : dice_.between(0ms, 100ms), [this, service, attempt] {
            Session& session = sessions_[service];
            if (is_present(service, attempt) && !session.over) {
                session.over = true;
                deliver_service(service, SessionEmptied{attempt});
            }
        });
    }

    void signal_session(ServiceIndex service, int signal) {
        Session& session = sessions_[service];
        const unsigned attempt = session.attempt;
        const ServiceBehaviour& behaviour = session.behaviour;
        if (signal == SIGKILL) {
            return kill_session(service);
        }
        if (has_notify_probe(spec_.services[service]) && behaviour.asks_for) {
            say(service, attempt, 1ms, {.word = SelfWord::stopping, .ready = false, .extend = behaviour.asks_for});
        }
        if (!behaviour.ignores_term && !behaviour.unkillable) {
            plan(behaviour.term_takes,
                 [this, service, attempt, status = behaviour.term_ends_with] { end_leader(service, attempt, status); });
        }
        if (!behaviour.members_ignore_term && !behaviour.unkillable) {
            plan(behaviour.member_term_takes, [this, service, attempt] { end_members(service, attempt); });
        }
    }

    void kill_session(ServiceIndex service) {
        Session& session = sessions_[service];
        const unsigned attempt = session.attempt;
        const Duration takes = session.behaviour.kill_takes;
        if (session.behaviour.unkillable || (!session.leader && session.members == 0)) {
            return;
        }
        if (session.behaviour.forks_in_kill && session.kills++ == 0) {
            session.members = std::max(session.members, 1U);
        } else {
            plan(takes, [this, service, attempt] { end_members(service, attempt); });
        }
        plan(takes, [this, service, attempt] { end_leader(service, attempt, killed_by(SIGKILL)); });
    }

    void signal_leader(ServiceIndex service, int signal) {
        const Session& session = sessions_[service];
        if (signal == SIGKILL && !session.behaviour.unkillable) {
            plan(session.behaviour.kill_takes,
                 [this, service, attempt = session.attempt] { end_leader(service, attempt, killed_by(SIGKILL)); });
        } else if (signal == SIGTERM && !session.behaviour.ignores_term && !session.behaviour.unkillable) {
            plan(session.behaviour.term_takes,
                 [this, service, attempt = session.attempt, status = session.behaviour.term_ends_with] {
                     end_leader(service, attempt, status);
                 });
        }
    }

    void run_stop_command(const ServiceOrder& order, TimePoint deadline) {
        const ServiceBehaviour& behaviour = sessions_[order.service].behaviour;
        const bool in_time = now_ + behaviour.stop_command_takes < deadline;
        const bool fails = behaviour.stop_command_fails;
        const Duration takes = std::min(behaviour.stop_command_takes, std::max(deadline - now_, Duration{}));
        plan(takes, [this, order, in_time, fails] {
            const ServiceIndex service = order.service;
            if (in_time && !fails && is_present(service, order.attempt)) {
                signal_session(service, SIGTERM);
            }
            const ExitStatus status = !in_time ? killed_by(SIGKILL) : exited_with(fails ? 1 : 0);
            deliver_service(service, StopCommandFinished{order.attempt, status, {}});
        });
    }

    void run_check(const ServiceOrder& order, ProbeKind probe) {
        const ServiceIndex service = order.service;
        const ServiceBehaviour& behaviour = sessions_[service].behaviour;
        Dice dice{mix({scenario_.seed, 6, ids_[service], order.attempt, static_cast<std::uint64_t>(probe), ++checks_})};
        const Duration age = now_ - sessions_[service].launched;
        bool good = !behaviour.never_healthy && age >= behaviour.healthy_after && !dice.chance(behaviour.flaps);
        if (probe == ProbeKind::liveness) {
            good = !behaviour.sick_after || age < *behaviour.sick_after;
        }
        const bool times_out = !good && dice.chance(40);
        const Duration takes =
            times_out ? probe_spec(spec_.services[service], probe)->timeout : dice.between(0ms, 40ms);
        const CheckOutcome outcome = good        ? CheckOutcome::good
                                     : times_out ? CheckOutcome::timed_out
                                                 : CheckOutcome::bad;
        plan(takes, [this, order, probe, outcome, cancelled = sessions_[service].cancelled] {
            if (sessions_[order.service].attempt != order.attempt ||
                sessions_[order.service].cancelled == cancelled) { // an ended check of a service that runs is silent
                deliver_service(order.service, CheckFinished{order.attempt, probe, outcome, "made up"});
            }
        });
    }

    void run_step(const RunStep& step) {
        step_ = StepProcess{step, behaviour_of(scenario_, step)};
        if (step_->behaviour.takes) {
            const StepOutcome outcome = step_->behaviour.fails ? StepOutcome::failed : StepOutcome::succeeded;
            plan(*step_->behaviour.takes, [this, run = step.run, outcome] { finish_step(run, outcome); });
        }
        if (step_->behaviour.terms_after) {
            plan(*step_->behaviour.terms_after, [this, run = step.run] {
                if (step_ && step_->step.run == run) {
                    deliver(SignalReceived{SIGTERM, true});
                }
            });
        }
    }

    void end_step(const EndStep& step) {
        if (!step_ || step_->step.run != step.run) {
            return;
        }
        const StepBehaviour& behaviour = step_->behaviour;
        if (step.signal == SIGKILL) {
            plan(behaviour.kill_takes, [this, run = step.run] { finish_step(run, StepOutcome::failed); });
        } else if (!behaviour.ignores_term) {
            plan(behaviour.term_takes, [this, run = step.run] { finish_step(run, StepOutcome::failed); });
        }
    }

    void finish_step(unsigned run, StepOutcome outcome) {
        if (!step_ || step_->step.run != run) {
            return;
        }
        step_.reset();
        deliver(StepFinished{run, outcome, outcome == StepOutcome::succeeded ? "" : "made up"});
        if (dice_.chance(scenario_.temper.late_facts)) {
            plan(dice_.between(0s, 5s), [this, run, outcome] { deliver(StepFinished{run, outcome, "again"}); });
        }
    }

    void count_connections() {
        plan(dice_.between(0ms, 20ms), [this] {
            const unsigned count = dice_.chance(40) ? static_cast<unsigned>(dice_.below(4)) : 0;
            deliver(ConnectionsCounted{count});
        });
    }

    // ---- visitors ------------------------------------------------------------------------------------

    void receive(const Visit& visit) {
        switch (visit.kind) {
        case Visit::Kind::signal: return deliver(SignalReceived{visit.signal, visit.from_inside});
        case Visit::Kind::stall: return stall(visit.length);
        case Visit::Kind::reload: return reload(visit);
        case Visit::Kind::resize: return resize(visit.cpus);
        case Visit::Kind::key: return deliver(IsolationKeyRead{visit.key_is_there});
        case Visit::Kind::crash: return come_to_a_crash(visit.orders_obeyed);
        case Visit::Kind::request: break;
        }
        Request request{.id = next_id_++, .verb = visit.verb, .phase = visit.phase, .signal = visit.signal};
        request.cascade = visit.cascade;
        request.no_wait = visit.no_wait;
        request.timeout = visit.timeout;
        const bool about_services = visit.verb == Verb::start || visit.verb == Verb::stop ||
                                    visit.verb == Verb::restart || visit.verb == Verb::signal ||
                                    visit.verb == Verb::wait_service;
        if (about_services) {
            request.services = present_services(visit.service_ids);
            if (request.services.empty()) {
                return;
            }
        }
        if (visit.client_leaves_after) {
            plan(*visit.client_leaves_after, [this, id = request.id] { leave(id); });
        }
        deliver(request);
    }

    void come_to_a_crash(unsigned orders_obeyed) {
        if (orders_obeyed == 0) {
            return crash(CrashMoment::between_events);
        }
        orders_to_crash_ = orders_obeyed;
    }

    enum class CrashMoment : std::uint8_t { between_events, inside_an_event };

    /// Nothing is told any more: what stands in stateDir has to be enough.
    void crash(CrashMoment moment) {
        write("PID 1 is killed");
        const bool isolated = ledger_.isolated && !ledger_.key_there;
        if (ledger_.owes_offline && written_.online_owed == 0) {
            return complain("a_crash_is_remembered", "online ran, offline did not, and nobody knows");
        }
        if (moment == CrashMoment::between_events && isolated != written_.isolated) {
            return complain("a_crash_is_remembered",
                            isolated ? "isolated by hand, and nobody knows" : "not isolated, and the next start is");
        }
        outcome_.crash = Crash{.at = now_ - (TimePoint{} + 1000s),
                               .recalled = written_,
                               .owes_offline = ledger_.owes_offline,
                               .key_is_there = ledger_.key_there};
    }

    void reload(const Visit& visit) {
        const PodSpec before = loaded_;
        loaded_ = pod_.reload ? loaded_ : changed_spec(scenario_, loaded_, visit.change);
        const RequestId id = next_id_++;
        const MainRestart main = visit.main_may_restart ? MainRestart::allowed : MainRestart::forbidden;
        deliver(ReloadAsked{.request = {.id = id, .verb = Verb::reload, .no_wait = visit.no_wait, .main_restart = main},
                            .loaded = std::make_shared<const PodSpec>(loaded_),
                            .keys = {}});
        if (refused_ == id) {
            loaded_ = before; // an earlier one may still have to count
        }
    }

    int cpus_of(ServiceIndex service) const { return spec_.services[service].cpus.count.value_or(cpus_); }

    void resize(int cpus) {
        CpusChanged fact{.from = std::exchange(cpus_, cpus), .to = cpus, .reason = "made up", .services = {}};
        for (ServiceIndex index = 0; index < sessions_.size(); ++index) {
            Session& session = sessions_[index];
            if (session.leader && session.cpus != cpus_of(index)) {
                fact.services.push_back({index, session.attempt, session.cpus, cpus_of(index)});
                session.cpus = cpus_of(index);
            }
        }
        if (fact.from != fact.to || !fact.services.empty()) {
            deliver(fact);
        }
    }

    std::vector<ServiceIndex> present_services(const std::vector<unsigned>& ids) const {
        std::vector<ServiceIndex> services;
        for (ServiceIndex index = 0; index < scenario_.service_ids.size(); ++index) {
            const bool is_named = std::ranges::find(ids, scenario_.service_ids[index]) != ids.end();
            if (is_named && !spec_.services[index].removed) {
                services.push_back(index);
            }
        }
        return services;
    }

    void leave(RequestId id) {
        if (ledger_.open.contains(id)) {
            deliver(ClientLeft{id});
        }
    }

    void stall(Duration length) {
        now_ += length;
        census_.stalled = true;
        deliver(LoopStalled{length});
    }

    void take_answer(const Answer& answer) {
        if (answer.verdict == Verdict::refused) {
            refused_ = answer.request;
        }
        if (prestop_id_ == answer.request) {
            plan(scenario_.termination.signal_after, [this] { terminate(); });
        }
    }

    // ---- the kubelet's end ---------------------------------------------------------------------------

    void begin_termination() {
        if (termination_began_) {
            return;
        }
        termination_began_ = now_;
        const Termination& end = scenario_.termination;
        if (!end.prestop) {
            terminate();
            return;
        }
        prestop_id_ = next_id_++;
        plan(end.grace, [this] { terminate(); });
        deliver(Request{.id = *prestop_id_, .verb = Verb::prestop});
    }

    /// SIGTERM, then KILL when the grace is over, which leaves 2 s at least.
    void terminate() {
        if (terminated_) {
            return;
        }
        terminated_ = true;
        const Duration left = *termination_began_ + scenario_.termination.grace - now_;
        plan(std::max<Duration>(left, 2s), [this] { kill_container(); });
        deliver(SignalReceived{SIGTERM, false});
    }

    void kill_container() {
        write("the kubelet kills the container");
        const bool in_time =
            scenario_.termination.grace >= spec_.grace && !census_.stalled && scenario_.temper.unkillable == 0;
        if (in_time) {
            complain("a_stop_ends_inside_the_budget", "the kubelet had to kill the container");
        }
        killed_ = true;
    }

    const Scenario& scenario_;
    PodSpec spec_;
    PodSpec loaded_;                   // what the files say, as far as it was not refused
    std::optional<RequestId> refused_; // the last one that was
    std::vector<unsigned> ids_;        // as spec_.services
    DependencyGraph graph_;
    const Machine& machine_;
    Telling telling_;
    int cpus_ = scenario_.cpus;
    Pod pod_;
    std::vector<Session> sessions_;
    std::optional<StepProcess> step_;
    std::optional<SharedSpec> adopt_; // to be told next
    PodRecord written_ = scenario_.recalled;
    std::optional<unsigned> orders_to_crash_;
    Dice dice_;
    Ledger ledger_;
    Census census_;
    TimePoint now_;
    std::priority_queue<Planned, std::vector<Planned>, Later> queue_;
    std::uint64_t order_ = 0;
    std::uint64_t checks_ = 0;
    unsigned turns_at_once_ = 0;
    RequestId next_id_ = 1;
    std::optional<TimePoint> termination_began_;
    std::optional<RequestId> prestop_id_;
    bool terminated_ = false;
    bool killed_ = false;
    Outcome outcome_;
};

} // namespace

PodTransition honest_machine(const PodSpec& spec, const DependencyGraph& graph, Pod pod, const PodEvent& event,
                             Moment moment) {
    return on_event(spec, graph, std::move(pod), event, moment);
}

Outcome run(const Scenario& scenario, const Machine& machine, Telling telling) {
    Outcome all;
    std::optional<Scenario> later;
    while (true) {
        const Scenario& life = later ? *later : scenario;
        Outcome outcome = World{life, machine, telling}.run();
        outcome.events += all.events;
        outcome.story.insert(outcome.story.begin(), all.story.begin(), all.story.end());
        if (!outcome.crash || outcome.violation) {
            return outcome;
        }
        later = life_after(life, *outcome.crash);
        all = std::move(outcome);
    }
}

} // namespace davit::simulation
