// SPDX-License-Identifier: Apache-2.0
// The body of service_machine.h: a working set (`Turn`) with one function a state, and a few shared moves
// (launch, stop, judge the end) that are written once.
#include "model/service_machine.h"

#include "model/contains.h"
#include "model/overloaded.h"
#include "model/restart_policy.h"
#include "model/told_probe.h"
#include "model/words.h"

#include <algorithm>
#include <array>

namespace davit::model {
namespace {

/// After KILL the session is killed again this often until it is empty: a fork may have raced with the signal.
constexpr Duration kill_again_after = 100ms;

constexpr std::array all_probes{ProbeKind::startup, ProbeKind::readiness, ProbeKind::liveness};

std::string_view base_name(std::string_view path) {
    const auto slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view leader_name(const ServiceSpec& spec) {
    return spec.command.empty() ? std::string_view{spec.name} : base_name(spec.command.front().written);
}

bool ran_long_enough(const ServiceSpec& spec, const Service& service, TimePoint now) {
    return service.launched_at && now - *service.launched_at >= spec.backoff.reset_after;
}

/// One event at work on one service.
class Turn {
public:
    Turn(const ServiceSpec& spec, Service& service, ServiceActions& actions, Moment moment)
        : spec_(spec), service_(service), actions_(actions), moment_(moment), now_(moment.now) {}

    void handle(const ServiceEvent& event) {
        switch (service_.state) {
        case ServiceState::inactive:
        case ServiceState::stopped:
        case ServiceState::completed:
        case ServiceState::failed:
        case ServiceState::held: return when_resting(event);
        case ServiceState::blocked: return when_blocked(event);
        case ServiceState::starting: return when_starting(event);
        case ServiceState::running: return when_running(event);
        case ServiceState::backoff: return when_backoff(event);
        case ServiceState::stopping: return when_stopping(event);
        }
    }

private:
    // ---- one function a state ------------------------------------------------------------------

    void when_resting(const ServiceEvent& event) {
        std::visit(Overloaded{
                       [&](const StartRequested& start) { wait_for_dependencies(start.reason); },
                       [&](const StopRequested& stop) { leave_inactive(stop.after, stop.reason); },
                       [&](const KillRequested& kill) { leave_inactive(kill.after, kill.reason); },
                       [](const OneOf<DependenciesMet, Launched, LaunchFailed, LeaderExited, SessionEmptied,
                                      CheckFinished, Notified, LineMatched, StopCommandFinished, DeadlineReached,
                                      LoopStalled, ProbesChanged> auto&) {},
                   },
                   event);
    }

    void when_blocked(const ServiceEvent& event) {
        std::visit(Overloaded{
                       [&](const DependenciesMet&) { launch(); },
                       [&](const StopRequested& stop) { rest(stop.after, stop.reason); },
                       [&](const KillRequested& kill) { rest(kill.after, kill.reason); },
                       [](const OneOf<StartRequested, Launched, LaunchFailed, LeaderExited, SessionEmptied,
                                      CheckFinished, Notified, LineMatched, StopCommandFinished, DeadlineReached,
                                      LoopStalled, ProbesChanged> auto&) {},
                   },
                   event);
    }

    void when_starting(const ServiceEvent& event) {
        std::visit(Overloaded{
                       [&](const Launched& launched) { begin_starting(launched.pid); },
                       [&](const LaunchFailed& failed) { take_failed_launch(failed); },
                       [&](const LeaderExited& exited) { take_unasked_end(exited); },
                       [&](const CheckFinished& check) { take_check(check); },
                       [&](const Notified& notified) { take_word(notified.said); },
                       [&](const LineMatched& line) { take_line(line.probe); },
                       [&](const StopRequested& stop) { begin_stop(stop); },
                       [&](const KillRequested& kill) { begin_kill(kill); },
                       [&](const DeadlineReached&) { run_due_checks(); },
                       [&](const LoopStalled& stall) { forgive(stall.length); },
                       [&](const ProbesChanged& probes) { change_startup_probe(probes); },
                       [](const OneOf<StartRequested, DependenciesMet, SessionEmptied, StopCommandFinished> auto&) {},
                   },
                   event);
    }

    void when_running(const ServiceEvent& event) {
        std::visit(Overloaded{
                       [&](const LeaderExited& exited) { take_unasked_end(exited); },
                       [&](const CheckFinished& check) { take_check(check); },
                       [&](const Notified& notified) { take_word(notified.said); },
                       [&](const LineMatched& line) { take_line(line.probe); },
                       [&](const StopRequested& stop) { begin_stop(stop); },
                       [&](const KillRequested& kill) { begin_kill(kill); },
                       [&](const DeadlineReached&) { run_due_checks(); },
                       [&](const LoopStalled& stall) { forgive(stall.length); },
                       [&](const ProbesChanged& probes) { change_probes(probes); },
                       [](const OneOf<StartRequested, DependenciesMet, Launched, LaunchFailed, SessionEmptied,
                                      StopCommandFinished> auto&) {},
                   },
                   event);
    }

    void when_backoff(const ServiceEvent& event) {
        std::visit(
            Overloaded{
                [&](const StartRequested& start) { wait_for_dependencies(start.reason); },
                [&](const StopRequested& stop) { rest(stop.after, stop.reason); },
                [&](const KillRequested& kill) { rest(kill.after, kill.reason); },
                [&](const DeadlineReached&) {
                    if (deadline_is_over()) {
                        enter(ServiceState::blocked, "the delay is over");
                    }
                },
                [](const OneOf<DependenciesMet, Launched, LaunchFailed, LeaderExited, SessionEmptied, CheckFinished,
                               Notified, LineMatched, StopCommandFinished, LoopStalled, ProbesChanged> auto&) {},
            },
            event);
    }

    void when_stopping(const ServiceEvent& event) {
        std::visit(Overloaded{
                       [&](const Launched& launched) { stop_late_launch(launched.pid); },
                       [&](const LaunchFailed& failed) {
                           note_failed_launch(failed);
                           conclude();
                       },
                       [&](const LeaderExited& exited) { take_asked_end(exited); },
                       [&](const SessionEmptied&) { conclude(); },
                       [&](const StopRequested& stop) { tighten(stop); },
                       [&](const KillRequested& kill) {
                           overrule(kill.after);
                           send_kill();
                       },
                       [&](const Notified& notified) {
                           remember(notified.said);
                           extend_stop(notified);
                       },
                       [&](const StopCommandFinished& command) { take_stop_command(command); },
                       [&](const DeadlineReached&) {
                           if (deadline_is_over()) {
                               send_kill();
                           }
                       },
                       [](const OneOf<StartRequested, DependenciesMet, CheckFinished, LineMatched, LoopStalled,
                                      ProbesChanged> auto&) {},
                   },
                   event);
    }

    // ---- moves -----------------------------------------------------------------------------------

    void enter(ServiceState state, std::string reason) {
        service_.state = state;
        service_.since = now_;
        service_.reason = std::move(reason);
        if (state != ServiceState::backoff && state != ServiceState::stopping) {
            service_.deadline.reset();
        }
    }

    bool deadline_is_over() const { return service_.deadline && *service_.deadline <= now_; }

    void wait_for_dependencies(const std::string& reason) {
        service_.failures = 0;
        enter(ServiceState::blocked, reason);
    }

    /// A stop of what never ran is remembered, so that nothing starts it later; a hold is shown as such. Else
    /// the place of rest tells more than the stop does.
    void leave_inactive(AfterStop after, const std::string& reason) {
        if (service_.state == ServiceState::inactive || after == AfterStop::hold) {
            rest(after, reason);
        }
    }

    void rest(AfterStop after, std::string reason) {
        enter(after == AfterStop::hold ? ServiceState::held : ServiceState::stopped, std::move(reason));
    }

    void launch() {
        ++service_.attempt;
        service_.process = Process::launching;
        service_.launched_at.reset();
        service_.after_stop = AfterStop::policy;
        service_.stop_asked = false;
        service_.killed = false;
        service_.failed_probe.reset();
        service_.left_behind.clear();
        service_.cannot_execute = false;
        for (const ProbeKind kind : all_probes) {
            probe_state(service_, kind) = {};
        }
        service_.heard = {};
        enter(ServiceState::starting, service_.attempt == 1 ? "start" : "start " + std::to_string(service_.attempt));
        actions_.push_back(Launch{});
    }

    void begin_starting(int pid) {
        service_.process = Process::alive;
        service_.pid = pid;
        service_.launched_at = now_;
        service_.refusals = 0;
        if (!spec_.startup_probe) {
            return become_running("pid " + std::to_string(pid));
        }
        service_.reason = "pid " + std::to_string(pid) + ", startup probe";
        begin_probing(ProbeKind::startup);
    }

    void become_running(std::string reason) {
        enter(ServiceState::running, std::move(reason));
        begin_probing(ProbeKind::readiness);
        begin_probing(ProbeKind::liveness);
    }

    void begin_probing(ProbeKind kind) {
        const ProbeSpec* probe = probe_spec(spec_, kind);
        if (probe == nullptr) {
            return;
        }
        ProbeState& state = probe_state(service_, kind);
        state = {};
        state.tracker.started = *service_.launched_at;
        if (is_told(*probe)) {
            return begin_to_listen(*probe, kind);
        }
        state.due = std::max(now_, *service_.launched_at + probe->initial_delay);
    }

    void run_due_checks() {
        for (const ProbeKind kind : all_probes) {
            ProbeState& state = probe_state(service_, kind);
            if (!state.due || *state.due > now_) {
                continue;
            }
            state.due.reset();
            if (is_told(*probe_spec(spec_, kind))) {
                take_silence(kind);
                continue;
            }
            state.in_flight = true;
            state.forgiven = false;
            state.began = now_;
            actions_.push_back(RunCheck{kind});
        }
    }

    void take_check(const CheckFinished& check) {
        ProbeState& state = probe_state(service_, check.probe);
        if (!state.in_flight) {
            return;
        }
        const ProbeSpec& probe = *probe_spec(spec_, check.probe);
        state.in_flight = false;
        state.last_message = check.message;
        const bool ignored = state.forgiven && check.outcome != CheckOutcome::good;
        const CheckResult result = ignored                               ? CheckResult::ignored
                                   : check.outcome == CheckOutcome::good ? CheckResult::good
                                                                         : CheckResult::bad;
        const ProbeUpdate update = on_check(probe, check.probe, state.tracker, result, now_);
        state.tracker = update.next;
        state.due = std::max(now_, state.began + next_check_delay(probe, check.probe, state.tracker));
        act_on_verdict(check.probe, update.verdict);
    }

    void act_on_verdict(ProbeKind kind, ProbeVerdict verdict) {
        if (kind == ProbeKind::readiness || verdict == ProbeVerdict::undecided) {
            return;
        }
        ProbeState& state = probe_state(service_, kind);
        if (verdict == ProbeVerdict::bad) {
            return take_failed_probe(kind);
        }
        if (kind == ProbeKind::startup) {
            state.due.reset();
            become_running("startup probe: " + state.last_message);
        }
    }

    void take_failed_probe(ProbeKind kind) {
        if (moment_.scene_rests) {
            return listen_on(kind); // it is shown
        }
        service_.failed_probe = kind;
        probe_state(service_, kind).due.reset();
        const std::string reason =
            std::string{to_string(kind)} + " probe failed: " + probe_state(service_, kind).last_message;
        if (spec_.main) {
            service_.reason = reason; // The life cycle takes main offline first.
            return;
        }
        begin_stopping(now_ + spec_.grace.value_or(default_helper_grace), AfterStop::policy, reason);
    }

    /// What is tried is tried again anyway; what is told may still be told.
    void listen_on(ProbeKind kind) {
        const ProbeSpec& probe = *probe_spec(spec_, kind);
        if (!is_told(probe)) {
            return;
        }
        const bool has_promised = kind == ProbeKind::liveness && has_notify(kind);
        const Duration length = has_promised ? patience() : patience_of(probe);
        probe_state(service_, kind).due = length == Duration::zero() ? std::nullopt : std::optional{now_ + length};
    }

    void forgive(Duration length) {
        for (const ProbeKind kind : all_probes) {
            ProbeState& state = probe_state(service_, kind);
            state.forgiven = state.in_flight;
            state.tracker = after_stall(state.tracker, length);
            const ProbeSpec* probe = probe_spec(spec_, kind);
            if (probe != nullptr && state.due && is_told(*probe)) {
                *state.due += length; // What was told meanwhile has not been read yet.
            }
        }
    }

    // ---- probes that are told: see told_probe.h ------------------------------------------------------

    void begin_to_listen(const ProbeSpec& probe, ProbeKind kind) {
        ProbeState& state = probe_state(service_, kind);
        state.due = must_be_told_by(probe, kind, *service_.launched_at, now_);
        state.last_message = nothing_told_text(probe, kind);
        if (kind == ProbeKind::liveness) {
            return; // It counts from here.
        }
        const bool is_notify = std::holds_alternative<NotifyCheck>(probe.check);
        const bool says_so = kind == ProbeKind::startup ? service_.heard.said_ready : service_.heard.ready;
        if (is_notify && says_so) {
            take_good_news(kind, std::string{to_string(SelfWord::ready)});
        } else if (!is_notify && line_matched(kind)) {
            take_good_news(kind, matched_text(std::get<LogCheck>(probe.check)));
        }
    }

    bool& line_matched(ProbeKind kind) { return service_.heard.line_matched.at(static_cast<std::size_t>(kind)); }

    void take_good_news(ProbeKind kind, std::string message) {
        ProbeState& state = probe_state(service_, kind);
        state.last_message = std::move(message);
        state.tracker.good = true;
        state.tracker.ever_good = true;
        state.due.reset();
        if (kind == ProbeKind::startup) {
            become_running("startup probe: " + service_.startup.last_message);
        }
    }

    void take_line(ProbeKind kind) {
        const ProbeSpec* probe = probe_spec(spec_, kind);
        const auto* log = probe == nullptr ? nullptr : std::get_if<LogCheck>(&probe->check);
        if (log == nullptr) {
            return;
        }
        line_matched(kind) = true;
        if (kind == ProbeKind::liveness) {
            return hear_sign_of_life(patience_of(*probe), matched_text(*log));
        }
        const bool is_probed =
            kind == ProbeKind::startup ? service_.startup.due.has_value() : service_.state == ServiceState::running;
        if (is_probed && !probe_state(service_, kind).tracker.good) {
            take_good_news(kind, matched_text(*log));
        }
    }

    void take_word(const Notification& said) {
        remember(said);
        hear_of_startup(said);
        if (service_.state == ServiceState::running) {
            hear_of_readiness(said);
            hear_of_liveness(said);
        }
    }

    void remember(const Notification& said) {
        Heard& heard = service_.heard;
        heard.word = said.word == SelfWord::none ? heard.word : said.word;
        heard.said_ready = heard.said_ready || said.said_ready;
        heard.ready = said.ready.value_or(heard.ready);
        heard.status = said.status.value_or(heard.status);
        heard.error = said.error.value_or(heard.error);
        heard.watchdog = said.watchdog ? said.watchdog : heard.watchdog;
    }

    bool has_notify(ProbeKind kind) const {
        const ProbeSpec* probe = probe_spec(spec_, kind);
        return probe != nullptr && std::holds_alternative<NotifyCheck>(probe->check);
    }

    void hear_of_startup(const Notification& said) {
        ProbeState& state = service_.startup;
        if (!has_notify(ProbeKind::startup) || !state.due) {
            return; // not yet, or not any more
        }
        if (said.said_ready) {
            return take_good_news(ProbeKind::startup, std::string{to_string(SelfWord::ready)});
        }
        if (said.extend) {
            state.due = std::max(*state.due, now_ + *said.extend);
        }
    }

    void hear_of_readiness(const Notification& said) {
        if (has_notify(ProbeKind::readiness) && said.ready) {
            service_.readiness.tracker.good = *said.ready;
            service_.readiness.last_message = to_string(*said.ready ? SelfWord::ready : SelfWord::stopping);
        }
    }

    void hear_of_liveness(const Notification& said) {
        if (!has_notify(ProbeKind::liveness) || service_.failed_probe) {
            return;
        }
        ProbeState& state = service_.liveness;
        if (said.wants_to_be_killed) {
            state.last_message = "it sent WATCHDOG=trigger";
            return take_failed_probe(ProbeKind::liveness);
        }
        if (said.word == SelfWord::stopping) {
            // Who ends has no time to be heard: it has as long as any stop.
            const Duration grace = spec_.grace.value_or(default_helper_grace);
            return hear_sign_of_life(std::max(patience(), grace), "it said that it ends");
        }
        if (said.alive || said.watchdog || said.word != SelfWord::none) {
            hear_sign_of_life(patience(), said.alive ? "WATCHDOG=1" : state.last_message);
        }
        if (said.extend && service_.heard.word == SelfWord::stopping && state.due) {
            state.due = std::max(*state.due, now_ + *said.extend);
        }
    }

    /// How long nothing need be heard of its life; zero: it said that it is not to be watched.
    Duration patience() const { return service_.heard.watchdog.value_or(patience_of(*spec_.liveness_probe)); }

    void hear_sign_of_life(Duration until_next, std::string message) {
        ProbeState& state = service_.liveness;
        if (service_.state != ServiceState::running || service_.failed_probe) {
            return;
        }
        state.last_message = std::move(message);
        state.tracker.good = true;
        state.due = until_next == Duration::zero() ? std::nullopt : std::optional{now_ + until_next};
    }

    /// Nothing was told in time.
    void take_silence(ProbeKind kind) {
        const ProbeSpec& probe = *probe_spec(spec_, kind);
        const Duration length = kind == ProbeKind::startup ? now_ - *service_.launched_at
                                : has_notify(kind)         ? patience()
                                                           : patience_of(probe);
        const bool was_to_end = has_notify(kind) && service_.heard.word == SelfWord::stopping;
        probe_state(service_, kind).last_message =
            was_to_end ? "it said STOPPING=1 and did not end" : overdue_text(probe, kind, length);
        take_failed_probe(kind);
    }

    /// EXTEND_TIMEOUT_USEC while it stops.
    void extend_stop(const Notified& notified) {
        if (notified.said.extend && notified.latest_end && !service_.killed) {
            service_.deadline =
                std::max(*service_.deadline, std::min(now_ + *notified.said.extend, *notified.latest_end));
        }
    }

    /// While it is being launched the new probe is simply the one that will count.
    void change_startup_probe(const ProbesChanged& probes) {
        if (!probes.startup || service_.process != Process::alive || service_.failed_probe) {
            return;
        }
        cancel_checks();
        service_.startup = {};
        if (!spec_.startup_probe) {
            return become_running("its startup probe is gone");
        }
        begin_probing(ProbeKind::startup);
        service_.startup.tracker.started = now_; // the new one has its own time
    }

    void change_probes(const ProbesChanged& probes) {
        if ((!probes.readiness && !probes.liveness) || service_.failed_probe) {
            return;
        }
        const bool was_ready = is_ready_by(service_.readiness);
        const bool probed_readiness = probes_now(service_.readiness);
        const bool probed_liveness = probes_now(service_.liveness);
        const std::optional<TimePoint> must_be_heard_by = service_.liveness.due;
        cancel_checks();
        if (probes.readiness) {
            service_.readiness = {};
            begin_probing(ProbeKind::readiness);
            service_.readiness.tracker.good = was_ready && spec_.readiness_probe;
            service_.readiness.tracker.ever_good = service_.readiness.tracker.good;
            service_.readiness.tracker.ever_succeeded = service_.readiness.tracker.good;
        } else if (probed_readiness) {
            service_.readiness.due = now_;
        }
        if (probes.liveness) {
            service_.liveness = {};
            begin_probing(ProbeKind::liveness);
        } else if (probed_liveness) {
            service_.liveness.due = is_told(*spec_.liveness_probe) ? must_be_heard_by : now_;
        }
    }

    static bool probes_now(const ProbeState& state) { return state.due || state.in_flight; }
    /// What no probe asks is ready.
    static bool is_ready_by(const ProbeState& state) { return !probes_now(state) || state.tracker.good; }

    void begin_stop(const StopRequested& stop) {
        service_.stop_asked = stop.after != AfterStop::policy;
        begin_stopping(stop.deadline, stop.after, stop.reason);
    }

    void begin_stopping(TimePoint deadline, AfterStop after, std::string reason) {
        cancel_checks();
        service_.after_stop = after;
        service_.deadline = deadline;
        enter(ServiceState::stopping, std::move(reason));
        if (service_.process == Process::alive) {
            send_stop();
        }
        cancel_launch();
    }

    void begin_kill(const KillRequested& kill) {
        service_.stop_asked = true;
        cancel_checks();
        service_.after_stop = kill.after;
        enter(ServiceState::stopping, kill.reason);
        send_kill();
        cancel_launch();
    }

    void cancel_launch() {
        if (service_.process == Process::launching) {
            actions_.push_back(CancelLaunch{});
        }
    }

    void send_stop() {
        if (spec_.stop_command.empty()) {
            actions_.push_back(SignalSession{spec_.stop_signal});
            return;
        }
        actions_.push_back(RunStopCommand{*service_.deadline});
    }

    void send_kill() {
        service_.deadline = now_ + kill_again_after;
        service_.killed = true;
        if (service_.process == Process::launching) {
            return; // stop_late_launch sends it
        }
        actions_.push_back(SignalSession{SIGKILL});
    }

    /// The launch was on its way when the stop came.
    void stop_late_launch(int pid) {
        service_.process = Process::alive;
        service_.pid = pid;
        service_.launched_at = now_;
        if (service_.killed || deadline_is_over()) {
            return send_kill();
        }
        send_stop();
    }

    void tighten(const StopRequested& stop) {
        if (!service_.killed) {
            service_.deadline = std::min(*service_.deadline, stop.deadline);
        }
        overrule(stop.after);
    }

    void overrule(AfterStop after) {
        if (after == AfterStop::policy) {
            return;
        }
        service_.after_stop = after;
        if (service_.process != Process::leaving) {
            service_.stop_asked = true;
        }
    }

    void take_stop_command(const StopCommandFinished& command) {
        if (command.message.empty() && container_code(command.status) == 0) {
            return;
        }
        if (!service_.killed && service_.process != Process::none) {
            actions_.push_back(SignalSession{spec_.stop_signal});
        }
    }

    void cancel_checks() {
        bool any_in_flight = false;
        for (const ProbeKind kind : all_probes) {
            ProbeState& state = probe_state(service_, kind);
            any_in_flight = any_in_flight || state.in_flight;
            state.due.reset();
            state.in_flight = false;
        }
        if (any_in_flight) {
            actions_.push_back(CancelChecks{});
        }
    }

    // ---- the end -----------------------------------------------------------------------------------

    void take_failed_launch(const LaunchFailed& failed) {
        service_.process = Process::none;
        if (failed.failure == LaunchFailure::no_resources) {
            ++service_.refusals;
            return begin_backoff(backoff_delay(service_.refusals, spec_.backoff), failed.message);
        }
        note_failed_launch(failed);
        judge("cannot start " + spec_.name + ": " + failed.message);
    }

    void note_failed_launch(const LaunchFailed& failed) {
        if (failed.failure != LaunchFailure::no_resources) {
            service_.cannot_execute = true;
            service_.last_exit = exited_with(failed.failure == LaunchFailure::not_found ? 127 : 126);
        }
    }

    void take_unasked_end(const LeaderExited& exited) {
        service_.last_exit = exited.status;
        cancel_checks();
        if (exited.left_behind.empty()) {
            service_.process = Process::none;
            return judge(describe(exited.status));
        }
        service_.process = Process::leaving;
        service_.left_behind = exited.left_behind;
        service_.after_stop = AfterStop::policy;
        service_.deadline = now_ + spec_.grace.value_or(default_helper_grace);
        enter(ServiceState::stopping, std::string{leader_name(spec_)} + " ended and left " + exited.left_behind +
                                          ": use exec, or run it in the foreground");
        actions_.push_back(SignalSession{spec_.stop_signal});
    }

    void take_asked_end(const LeaderExited& exited) {
        service_.last_exit = exited.status;
        if (!exited.left_behind.empty()) {
            service_.process = Process::leaving;
            return;
        }
        conclude();
    }

    /// It was being stopped and is down.
    void conclude() {
        service_.process = Process::none;
        switch (service_.after_stop) {
        case AfterStop::rest:
        case AfterStop::hold: {
            service_.pid = 0;
            return rest(service_.after_stop, service_.reason);
        }
        case AfterStop::policy: return judge(service_.reason);
        }
    }

    /// The restart policy decides on an end that nobody asked for. `how`: the end in words.
    void judge(std::string how) {
        service_.pid = 0;
        if (ran_long_enough(spec_, service_, now_)) {
            service_.failures = 0;
        }
        const bool has_done_its_work = spec_.oneshot && ended_well(spec_, service_);
        if (moment_.scene_rests && !has_done_its_work) {
            return enter(ServiceState::held, std::move(how));
        }
        if (will_restart(spec_, service_, now_)) {
            ++service_.failures;
            ++service_.restarts;
            return begin_backoff(backoff_delay(service_.failures, spec_.backoff), std::move(how));
        }
        const bool well = ended_well(spec_, service_);
        if (should_restart(spec_.restart_policy, well ? Outcome::success : Outcome::failure)) {
            how = "gave up after " + counted(service_.failures, "restart") + "; last end: " + how;
            return enter(ServiceState::failed, std::move(how));
        }
        enter(well ? ServiceState::completed : ServiceState::failed, std::move(how));
    }

    void begin_backoff(Duration delay, std::string reason) {
        const Duration with_luck = with_jitter(delay, moment_.random);
        enter(with_luck <= Duration::zero() ? ServiceState::blocked : ServiceState::backoff, std::move(reason));
        if (service_.state == ServiceState::backoff) {
            service_.deadline = now_ + with_luck;
        }
    }

    const ServiceSpec& spec_;
    Service& service_;
    ServiceActions& actions_;
    Moment moment_;
    TimePoint now_;
};

/// A fact about the process comes once, at its stage; told twice it concerns nobody.
bool fits_process(Process process, const ServiceEvent& event) {
    const bool launch = std::holds_alternative<Launched>(event) || std::holds_alternative<LaunchFailed>(event);
    if (launch) {
        return process == Process::launching;
    }
    if (std::holds_alternative<LeaderExited>(event)) {
        return process == Process::alive;
    }
    return !std::holds_alternative<SessionEmptied>(event) || process == Process::leaving;
}

/// Facts about a process that carry another attempt's number are late: they concern nobody.
bool concerns(const Service& service, const ServiceEvent& event) {
    return fits_process(service.process, event) && std::visit(
                                                       [&](const auto& fact) {
                                                           if constexpr (requires { fact.attempt; }) {
                                                               return fact.attempt == service.attempt;
                                                           } else {
                                                               return true;
                                                           }
                                                       },
                                                       event);
}

} // namespace

ServiceTransition on_event(const ServiceSpec& spec, Service service, const ServiceEvent& event, Moment moment) {
    ServiceTransition transition{.next = std::move(service), .actions = {}};
    if (concerns(transition.next, event)) {
        Turn{spec, transition.next, transition.actions, moment}.handle(event);
    }
    return transition;
}

std::optional<TimePoint> next_deadline(const Service& service) {
    std::optional<TimePoint> earliest = service.deadline;
    for (const ProbeKind kind : all_probes) {
        const auto& due = probe_state(service, kind).due;
        if (due && (!earliest || *due < *earliest)) {
            earliest = due;
        }
    }
    return earliest;
}

ProbeState& probe_state(Service& service, ProbeKind kind) {
    switch (kind) {
    case ProbeKind::startup: return service.startup;
    case ProbeKind::readiness: return service.readiness;
    case ProbeKind::liveness: break;
    }
    return service.liveness;
}

const ProbeState& probe_state(const Service& service, ProbeKind kind) {
    return probe_state(const_cast<Service&>(service), kind);
}

const ProbeSpec* probe_spec(const ServiceSpec& spec, ProbeKind kind) {
    const auto pointer = [](const std::optional<ProbeSpec>& probe) { return probe ? &*probe : nullptr; };
    switch (kind) {
    case ProbeKind::startup: return pointer(spec.startup_probe);
    case ProbeKind::readiness: return pointer(spec.readiness_probe);
    case ProbeKind::liveness: break;
    }
    return pointer(spec.liveness_probe);
}

bool is_ready(const ServiceSpec& spec, const Service& service) {
    return service.state == ServiceState::running && (!spec.readiness_probe || service.readiness.tracker.good);
}

bool is_down(const Service& service) {
    return service.process == Process::none;
}

bool is_resting(const Service& service) {
    switch (service.state) {
    case ServiceState::inactive:
    case ServiceState::stopped:
    case ServiceState::completed:
    case ServiceState::failed:
    case ServiceState::held: return true;
    case ServiceState::blocked:
    case ServiceState::starting:
    case ServiceState::running:
    case ServiceState::backoff:
    case ServiceState::stopping: break;
    }
    return false;
}

bool will_restart(const ServiceSpec& spec, const Service& service, TimePoint now) {
    if (!should_restart(spec.restart_policy, ended_well(spec, service) ? Outcome::success : Outcome::failure)) {
        return false;
    }
    const unsigned failures = ran_long_enough(spec, service, now) ? 0 : service.failures;
    return spec.backoff.limit == 0 || failures < static_cast<unsigned>(spec.backoff.limit);
}

bool ended_well(const ServiceSpec& spec, const Service& service) {
    if (!service.last_exit || service.failed_probe || !service.left_behind.empty()) {
        return false;
    }
    const ExitStatus& status = *service.last_exit;
    return contains(spec.success_exit_codes, container_code(status));
}

std::string_view to_string(ProbeKind kind) {
    switch (kind) {
    case ProbeKind::startup: return "startup";
    case ProbeKind::readiness: return "readiness";
    case ProbeKind::liveness: break;
    }
    return "liveness";
}

std::string_view to_string(ServiceState state) {
    switch (state) {
    case ServiceState::inactive: return "inactive";
    case ServiceState::blocked: return "blocked";
    case ServiceState::starting: return "starting";
    case ServiceState::running: return "running";
    case ServiceState::backoff: return "backoff";
    case ServiceState::stopping: return "stopping";
    case ServiceState::stopped: return "stopped";
    case ServiceState::completed: return "completed";
    case ServiceState::failed: return "failed";
    case ServiceState::held: break;
    }
    return "held";
}

namespace {

/// " READY=1 STATUS=..."
std::string describe(const Notification& said) {
    std::string text = said.word == SelfWord::none ? "" : " " + std::string{to_string(said.word)};
    text += said.said_ready && said.word != SelfWord::ready ? " READY=1 before" : "";
    text += said.alive ? " WATCHDOG=1" : "";
    text += said.wants_to_be_killed ? " WATCHDOG=trigger" : "";
    text += said.watchdog ? " WATCHDOG_USEC " + seconds_text(*said.watchdog) : "";
    text += said.extend ? " EXTEND_TIMEOUT_USEC " + seconds_text(*said.extend) : "";
    return said.status ? text + " STATUS=" + *said.status : text;
}

} // namespace

std::string to_string(const ServiceEvent& event) {
    const auto attempt = [](unsigned number) { return "{attempt " + std::to_string(number) + "}"; };
    return std::visit(
        Overloaded{
            [](const StartRequested& start) { return "StartRequested{" + start.reason + "}"; },
            [](const DependenciesMet&) { return std::string{"DependenciesMet"}; },
            [](const StopRequested& stop) { return "StopRequested{" + stop.reason + "}"; },
            [](const KillRequested& kill) { return "KillRequested{" + kill.reason + "}"; },
            [&](const Launched& launched) { return "Launched" + attempt(launched.attempt); },
            [&](const LaunchFailed& failed) { return "LaunchFailed" + attempt(failed.attempt) + " " + failed.message; },
            [&](const LeaderExited& exited) {
                return "LeaderExited" + attempt(exited.attempt) + " " + describe(exited.status) +
                       (exited.left_behind.empty() ? "" : ", left " + exited.left_behind);
            },
            [&](const SessionEmptied& emptied) { return "SessionEmptied" + attempt(emptied.attempt); },
            [&](const CheckFinished& check) {
                return "CheckFinished" + attempt(check.attempt) + " " + std::string{to_string(check.probe)} +
                       (check.outcome == CheckOutcome::good ? " good" : " bad");
            },
            [&](const Notified& notified) { return "Notified" + attempt(notified.attempt) + describe(notified.said); },
            [&](const LineMatched& line) {
                return "LineMatched" + attempt(line.attempt) + " " + std::string{to_string(line.probe)};
            },
            [&](const StopCommandFinished& command) { return "StopCommandFinished" + attempt(command.attempt); },
            [](const DeadlineReached&) { return std::string{"DeadlineReached"}; },
            [](const LoopStalled& stall) { return "LoopStalled{" + std::to_string(to_seconds(stall.length)) + " s}"; },
            [](const ProbesChanged&) { return std::string{"ProbesChanged"}; },
        },
        event);
}

std::string to_string(const ServiceAction& action) {
    return std::visit(Overloaded{
                          [](const Launch&) { return std::string{"Launch"}; },
                          [](const CancelLaunch&) { return std::string{"CancelLaunch"}; },
                          [](const SignalSession& order) { return "SignalSession{" + signal_name(order.signal) + "}"; },
                          [](const SignalLeader& order) { return "SignalLeader{" + signal_name(order.signal) + "}"; },
                          [](const RunStopCommand&) { return std::string{"RunStopCommand"}; },
                          [](const RunCheck& order) { return "RunCheck{" + std::string{to_string(order.probe)} + "}"; },
                          [](const CancelChecks&) { return std::string{"CancelChecks"}; },
                      },
                      action);
}

} // namespace davit::model
