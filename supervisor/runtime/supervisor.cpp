// SPDX-License-Identifier: Apache-2.0
// The body of supervisor.h. Every fact goes through `post`: one after the other, never inside another, is it
// given to the pod machine; what that orders is obeyed before the next fact is looked at. One timer waits for
// the machine's next deadline, and only if there is one: an idle davit sleeps.
#include "runtime/supervisor.h"

#include "runtime/cpu_watch.h"
#include "runtime/driver_host.h"
#include "runtime/isolation_watch.h"
#include "runtime/listeners.h"
#include "runtime/log.h"
#include "runtime/measures.h"
#include "runtime/narrator.h"
#include "runtime/probe_runner.h"
#include "runtime/progress.h"
#include "runtime/service_runner.h"
#include "runtime/state_keeper.h"
#include "runtime/step_runner.h"
#include "runtime/termination_log.h"

#include "model/overloaded.h"
#include "model/pod_end.h"
#include "model/termination_message.h"
#include "model/words.h"
#include "os/child_reaper.h"
#include "os/log_output.h"
#include "os/signals.h"
#include "os/tcp_connections.h"
#include "os/wall_clock.h"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <exception>
#include <optional>
#include <random>
#include <unistd.h>

namespace davit::runtime {
namespace {

namespace asio = boost::asio;

/// At the end davit waits this long for a log that nobody reads.
constexpr std::chrono::milliseconds patience_with_log{500};
/// Lines of the output behind the end in the termination log.
constexpr std::size_t output_in_termination_log = 10;

/// Deadlines that are taken in one turn of the loop before the rest of the world has its turn.
constexpr int deadlines_at_once = 8;
constexpr std::size_t most_unwritten_log = std::size_t{16} * 1024;

TimePoint now() {
    return std::chrono::steady_clock::now();
}

/// After it other services have a process, or want other things.
bool moves_processes(const model::PodEvent& event) {
    if (const auto* fact = std::get_if<model::ServiceFact>(&event)) {
        return std::holds_alternative<model::Launched>(fact->event) ||
               std::holds_alternative<model::LeaderExited>(fact->event);
    }
    return std::holds_alternative<model::SpecAdopted>(event);
}

} // namespace

class Supervisor::Body {
public:
    Body(asio::io_context& loop, model::PodSpec spec, SupervisorOptions options);

    void start(std::function<void(int code)> ended);
    model::RequestId ask(model::Request request, Listener listener);
    model::RequestId reload(model::ReloadAsked asked, Listener listener);
    void forget(model::RequestId id);
    void report_refused_reload(const std::string& text) { log_.write(LogLevel::warn, text); }
    void report_escaped(const std::string& text) { log_.write(LogLevel::error, text); }

    const model::PodSpec& spec() const { return spec_; }
    const model::Pod& pod() const { return pod_; }
    const Journal& journal() const { return journal_; }
    Journal& journal() { return journal_; }
    const model::StartRecord& way_up() const { return way_up_; }
    ServiceLogs& logs() { return services_.logs(); }
    const model::CpuCount& cpu_count() {
        const model::CpuCount& count = host_.cpu_count();
        cpu_watch_.notice(count);
        return count;
    }
    const model::ServiceCpus* cpus_of(model::ServiceIndex service) const {
        const auto found = host_.last_cpus.find(service);
        return found == host_.last_cpus.end() ? nullptr : &found->second;
    }
    ServiceSurroundings surroundings_of(model::ServiceIndex service) { return host_.surroundings_of(service); }
    Measures measure();

private:
    void post(model::PodEvent event);
    void work_off();
    bool take_due_deadline();
    void keep_log(std::string_view line);
    void write_log();
    void handle(const model::PodEvent& event);
    void obey(const model::Action& action);
    void obey(const model::ServiceOrder& order);
    void use(const model::PodSpec& spec);
    void report_failed(const model::Action& action, const std::string& reason);
    std::optional<TimePoint> stop_deadline_of(model::ServiceIndex service) const;
    void count_connections();
    void take_signal(const os::ReceivedSignal& signal);
    void notice_stall();
    void tell_stall(Duration length);
    void arm_timer();
    void end(const model::EndContainer& order);
    void tell_end(const model::EndContainer& order);
    void when_log_is_written();
    int main_pid() const;

    asio::io_context& loop_;
    model::PodSpec spec_; // replaced between two events only: nobody keeps a reference into it
    const SupervisorOptions options_;
    model::DependencyGraph graph_;
    model::Pod pod_;
    Journal journal_;
    model::StartRecord way_up_;
    os::LogOutput output_;
    std::optional<os::LogOutput> separate_error_; // none where stdout and stderr are one pipe or terminal
    os::LogOutput& error_;
    std::string unwritten_log_; // davit's lines of this turn
    Log log_;
    Listeners listeners_;
    Narrator narrator_;
    Progress progress_;
    os::ChildReaper reaper_;
    os::SignalReceiver signals_;
    DriverHost host_;
    os::HttpClient http_;
    ServiceRunner services_;
    CpuWatch cpu_watch_;
    ProbeRunner probes_;
    Tally tally_;
    StepRunner steps_;
    IsolationWatch isolation_;
    StateKeeper state_;
    std::deque<model::PodEvent> events_;
    bool working_ = false;
    asio::steady_timer timer_;
    std::optional<TimePoint> armed_; // what timer_ waits for
    TimePoint stall_told_;           // when the last stall was told
    std::minstd_rand random_{static_cast<unsigned>(now().time_since_epoch().count())};
    bool told_count_failure_ = false;
    std::function<void(int)> ended_;
    std::optional<int> code_; // set: davit is at its end
    int logs_to_write_ = 0;
    model::RequestId last_request_ = 0;
};

Supervisor::Body::Body(asio::io_context& loop, model::PodSpec spec, SupervisorOptions options)
    : loop_(loop), spec_(std::move(spec)), options_(std::move(options)), graph_(model::build_graph(spec_)),
      pod_(model::initial_pod(spec_)), output_(loop, STDOUT_FILENO),
      error_(os::is_same_file(STDOUT_FILENO, STDERR_FILENO) ? output_ : separate_error_.emplace(loop, STDERR_FILENO)),
      log_([this](std::string_view line) { keep_log(line); }, [this] { return spec_.log_format; }), listeners_(loop),
      narrator_(spec_, log_, journal_, listeners_), progress_(loop, listeners_, spec_, pod_), reaper_(loop),
      signals_(
          loop, [this](const os::ReceivedSignal& signal) { take_signal(signal); }, [this] { reaper_.reap(); }),
      host_{.loop = loop,
            .spec = spec_,
            .options = options_,
            .reaper = reaper_,
            .output = output_,
            .error = error_,
            .log = log_,
            .post = [this](model::PodEvent event) { post(std::move(event)); },
            .stop_deadline_of = [this](model::ServiceIndex service) { return stop_deadline_of(service); },
            .stalled = [this](Duration length) { tell_stall(length); },
            .task_leaders = {},
            .own = {},
            .cpu_counter = {},
            .last_cpus = {}},
      http_(loop), services_(host_), cpu_watch_(host_, pod_, services_.shim_pages()), probes_(host_, http_),
      steps_(host_, http_,
             {.main_pid = [this] { return main_pid(); },
              .tell = [this](std::string_view line) { listeners_.tell_pod(line); }}),
      isolation_(host_), state_(host_), timer_(loop) {
    reaper_.on_turn_end([this] { services_.look_at_sessions(); });
    reaper_.on_reaped([this](const os::ReapedChild& child) { services_.take_reaped(child); });
}

void Supervisor::Body::start(std::function<void(int code)> ended) {
    ended_ = std::move(ended);
    post(model::PodStarted{.recalled = state_.recall(), .key_is_there = isolation_.begin()});
    if (const auto started = signals_.start(); !started) {
        log_.write(LogLevel::error, started.error().text);
    }
    reaper_.reap(); // What ended before signals were received.
    // Later: a plain init's command must not wait for it.
    asio::post(loop_, [this] { services_.begin_to_watch_memory(); });
}

// ---- facts in, orders out --------------------------------------------------------------------------

void Supervisor::Body::post(model::PodEvent event) {
    if (code_) {
        return; // What still ends has no meaning any more.
    }
    notice_stall();
    events_.push_back(std::move(event));
    work_off();
}

void Supervisor::Body::work_off() {
    if (working_) {
        return; // An order was answered at once; the fact waits for its turn.
    }
    working_ = true;
    int at_once = deadlines_at_once;
    while ((!events_.empty() || (at_once-- > 0 && take_due_deadline())) && !code_) {
        const model::PodEvent event = std::move(events_.front());
        events_.pop_front();
        try {
            handle(event);
        } catch (const std::exception& error) {
            log_.write(LogLevel::error, "cannot handle " + model::to_string(event) + ": " + error.what());
        }
    }
    working_ = false;
    narrator_.tell_missing(pod_);
    progress_.look();
    write_log();
    arm_timer();
}

/// What is due already (a restart without delay) need not wait for the timer.
bool Supervisor::Body::take_due_deadline() {
    const std::optional<TimePoint> due = model::next_deadline(pod_);
    if (!due || *due > now()) {
        return false;
    }
    events_.emplace_back(model::TimePassed{});
    return true;
}

/// While orders are obeyed lines are kept, so that a signal or a launch does not wait for them.
void Supervisor::Body::keep_log(std::string_view line) {
    unwritten_log_ += line;
    if (!working_ || unwritten_log_.size() > most_unwritten_log) {
        write_log();
    }
}

void Supervisor::Body::write_log() {
    if (!unwritten_log_.empty()) {
        error_.write_or_drop(unwritten_log_);
        unwritten_log_.clear();
    }
}

void Supervisor::Body::handle(const model::PodEvent& event) {
    if (const auto* adopted = std::get_if<model::SpecAdopted>(&event)) {
        use(*adopted->spec.spec);
    }
    const model::Moment moment{.now = now(), .random = std::uniform_real_distribution{}(random_)};
    tally_.note(event, pod_, moment.now);
    model::PodTransition turn = model::on_event(spec_, graph_, std::move(pod_), event, moment);
    pod_ = std::move(turn.next);
    tally_.notice(event, spec_, pod_);
    if (moves_processes(event)) {
        cpu_watch_.look_at_services();
    }
    for (const model::Change& change : turn.changes) {
        narrator_.tell(change, pod_, moment.now);
    }
    model::note(way_up_, spec_, pod_, turn.changes, moment.now);
    for (const model::Action& action : turn.actions) {
        try {
            obey(action);
        } catch (const std::exception& error) {
            log_.write(LogLevel::error, "cannot " + model::to_string(action) + ": " + error.what());
            report_failed(action, error.what());
        }
    }
}

void Supervisor::Body::use(const model::PodSpec& spec) {
    const bool is_renamed = spec.app != spec_.app;
    spec_ = spec;
    graph_ = model::build_graph(spec_);
    if (is_renamed) { // else the next start would take the state for another's
        state_.keep(pod_.lifecycle.remembered);
    }
    services_.make_room(spec_.services.size());
    isolation_.follow();
}

/// The machine waits for an answer to these orders; without one it would wait for ever.
void Supervisor::Body::report_failed(const model::Action& action, const std::string& reason) {
    if (const auto* step = std::get_if<model::RunStep>(&action)) {
        return post(model::StepFinished{step->run, model::StepOutcome::failed, reason});
    }
    const auto* order = std::get_if<model::ServiceOrder>(&action);
    if (order == nullptr) {
        return;
    }
    const auto report = [&](model::ServiceEvent event) { post(model::ServiceFact{order->service, std::move(event)}); };
    if (std::holds_alternative<model::Launch>(order->action)) {
        return report(model::LaunchFailed{order->attempt, model::LaunchFailure::no_resources, reason});
    }
    if (const auto* check = std::get_if<model::RunCheck>(&order->action)) {
        return report(model::CheckFinished{order->attempt, check->probe, model::CheckOutcome::bad, reason});
    }
    if (std::holds_alternative<model::RunStopCommand>(order->action)) {
        report(model::StopCommandFinished{order->attempt, model::exited_with(1), reason});
    }
}

void Supervisor::Body::obey(const model::Action& action) {
    std::visit(model::Overloaded{
                   [&](const model::ServiceOrder& order) { obey(order); },
                   [&](const model::RunStep& order) { steps_.run(order); },
                   [&](const model::EndStep& order) { steps_.end(order); },
                   [&](const model::CountConnections&) { count_connections(); },
                   [&](const model::Answer& answer) { listeners_.answer(answer); },
                   [&](const model::EndContainer& order) { end(order); },
                   [&](const model::Remember& order) { state_.keep(order.record); },
                   // First, so that no event that waits already comes between.
                   [&](const model::AdoptSpec& order) { events_.push_front(model::SpecAdopted{order.spec}); },
               },
               action);
}

void Supervisor::Body::obey(const model::ServiceOrder& order) {
    const auto [service, attempt, action] = order;
    std::visit(
        model::Overloaded{
            [&](const model::Launch&) { services_.launch(service, attempt); },
            [&](const model::CancelLaunch&) { services_.cancel_launch(service, attempt); },
            [&](const model::SignalSession& to) { services_.signal_session(service, attempt, to.signal); },
            [&](const model::SignalLeader& to) { services_.signal_leader(service, attempt, to.signal); },
            [&](const model::RunStopCommand& run) { services_.run_stop_command(service, attempt, run.deadline); },
            [&](const model::RunCheck& run) { probes_.run(service, attempt, run.probe); },
            [&](const model::CancelChecks&) { probes_.cancel(service); },
        },
        action);
}

std::optional<TimePoint> Supervisor::Body::stop_deadline_of(model::ServiceIndex service) const {
    const model::Service& state = pod_.services[service];
    return state.state == model::ServiceState::stopping ? state.deadline : std::nullopt;
}

void Supervisor::Body::count_connections() {
    const Result<std::size_t> count = os::count_established(spec_.lifecycle.drain.ports);
    if (!count && !told_count_failure_) {
        told_count_failure_ = true;
        log_.write(LogLevel::warn, count.error().text);
    }
    // Where nobody can count, the drain lasts as long as it may.
    post(model::ConnectionsCounted{static_cast<unsigned>(count.value_or(1))});
}

void Supervisor::Body::take_signal(const os::ReceivedSignal& signal) {
    post(model::SignalReceived{signal.number, signal.origin == os::SignalOrigin::inside});
}

// ---- time ------------------------------------------------------------------------------------------

void Supervisor::Body::notice_stall() {
    if (armed_ && now() - *armed_ > stall_threshold) {
        tell_stall(now() - *armed_);
    }
}

void Supervisor::Body::tell_stall(Duration length) {
    if (now() - length <= stall_told_) {
        return; // Several deadlines fell due in the same stall.
    }
    stall_told_ = now();
    log_.write(LogLevel::warn,
               "stood still for " + model::seconds_text(length) + ": timeouts of that time do not count");
    events_.push_back(model::LoopStalled{length});
    work_off();
}

void Supervisor::Body::arm_timer() {
    const std::optional<TimePoint> next = code_ ? std::nullopt : model::next_deadline(pod_);
    if (next == armed_) {
        return;
    }
    armed_ = next;
    timer_.cancel();
    if (!next) {
        return;
    }
    timer_.expires_at(*next);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error && armed_) {
            notice_stall();
            armed_.reset();
            post(model::TimePassed{});
        }
    });
}

// ---- clients ---------------------------------------------------------------------------------------

model::RequestId Supervisor::Body::ask(model::Request request, Listener listener) {
    request.id = ++last_request_;
    listeners_.add(request, std::move(listener));
    narrator_.tell_phase(request, pod_);
    const model::RequestId id = request.id;
    if (code_) {
        listeners_.answer({id, model::Verdict::failed, "davit is at its end"});
    } else {
        post(std::move(request));
    }
    return id;
}

model::RequestId Supervisor::Body::reload(model::ReloadAsked asked, Listener listener) {
    const model::RequestId id = ++last_request_;
    asked.request.id = id;
    listeners_.add(asked.request, std::move(listener));
    if (code_) {
        listeners_.answer({id, model::Verdict::failed, "davit is at its end"});
    } else {
        post(std::move(asked));
    }
    return id;
}

void Supervisor::Body::forget(model::RequestId id) {
    listeners_.remove(id);
    post(model::ClientLeft{id});
}

// ---- metrics ---------------------------------------------------------------------------------------

Measures Supervisor::Body::measure() {
    Measures measures;
    const std::vector<ServiceUsage>& usage = services_.usage();
    for (model::ServiceIndex service = 0; service < usage.size(); ++service) {
        measures.services.push_back({.usage = usage[service], .probe_failures = tally_.probe_failures(service)});
    }
    for (std::size_t kind = 0; kind < measures.steps.size(); ++kind) {
        measures.steps.at(kind) = tally_.step(static_cast<model::StepKind>(kind));
    }
    measures.orphans_reaped = reaper_.orphans_reaped();
    measures.oom_kills = services_.oom_kills();
    measures.dropped_log_lines = output_.dropped_lines() + (separate_error_ ? separate_error_->dropped_lines() : 0) +
                                 services_.logs().dropped_lines();
    measures.cpus = cpu_count();
    return measures;
}

// ---- the end ---------------------------------------------------------------------------------------

void Supervisor::Body::end(const model::EndContainer& order) {
    code_ = order.code;
    cpu_watch_.stop();
    probes_.cancel_all();
    steps_.kill_all();
    isolation_.stop();
    services_.stop_everything();
    tell_end(order);
    write_log();
    logs_to_write_ = separate_error_ ? 2 : 1;
    output_.drain(patience_with_log, [this] { when_log_is_written(); });
    if (separate_error_) {
        separate_error_->drain(patience_with_log, [this] { when_log_is_written(); });
    }
}

void Supervisor::Body::tell_end(const model::EndContainer& order) {
    const std::string reason = order.lines.empty() ? std::string{} : ": " + order.lines.front();
    if (!spec_.plain_init) {
        const bool was_asked = order.code == 0 || pod_.lifecycle.cause == model::EndCause::stop_asked;
        log_.write(was_asked ? LogLevel::info : LogLevel::error, "ends with " + std::to_string(order.code) + reason);
    }
    if (order.code == 0) {
        return;
    }
    const auto output = std::visit(model::Overloaded{
                                       [](std::monostate) { return std::vector<std::string>{}; },
                                       [&](model::ServiceIndex service) {
                                           return services_.logs().last_lines(service, output_in_termination_log);
                                       },
                                       [&](model::StepKind kind) { return steps_.last_output(kind); },
                                   },
                                   model::output_behind_end(spec_, pod_));
    const auto written =
        write_termination_log(options_.termination_log, model::termination_message(order.lines, output));
    if (!written) {
        log_.write(LogLevel::warn, written.error().text);
    }
}

void Supervisor::Body::when_log_is_written() {
    if (--logs_to_write_ == 0) {
        ended_(*code_);
    }
}

int Supervisor::Body::main_pid() const {
    const auto main = spec_.main();
    return main ? services_.leader_of(*main) : 0;
}

// ---- the face --------------------------------------------------------------------------------------

Supervisor::Supervisor(asio::io_context& loop, model::PodSpec spec, SupervisorOptions options)
    : body_(std::make_unique<Body>(loop, std::move(spec), std::move(options))) {}

Supervisor::~Supervisor() = default;

void Supervisor::start(std::function<void(int code)> ended) {
    body_->start(std::move(ended));
}

model::RequestId Supervisor::ask(model::Request request, Listener listener) {
    return body_->ask(std::move(request), std::move(listener));
}

model::RequestId Supervisor::reload(model::Request request, model::PodSpec loaded, std::vector<model::ChangedKeys> keys,
                                    Listener listener) {
    return body_->reload({.request = std::move(request),
                          .loaded = std::make_shared<const model::PodSpec>(std::move(loaded)),
                          .keys = std::move(keys)},
                         std::move(listener));
}

void Supervisor::report_refused_reload(std::string_view text) {
    body_->report_refused_reload(std::string{text});
}

void Supervisor::forget(model::RequestId id) {
    body_->forget(id);
}

void Supervisor::report_escaped(std::string_view text) {
    body_->report_escaped(std::string{text});
}

const model::PodSpec& Supervisor::spec() const {
    return body_->spec();
}

const model::Pod& Supervisor::pod() const {
    return body_->pod();
}

const Journal& Supervisor::journal() const {
    return body_->journal();
}

Journal& Supervisor::journal() {
    return body_->journal();
}

const model::StartRecord& Supervisor::way_up() const {
    return body_->way_up();
}

std::string Supervisor::wall_clock(TimePoint moment) const {
    const auto ago = std::chrono::duration_cast<std::chrono::system_clock::duration>(now() - moment);
    return os::utc_text(std::chrono::system_clock::now() - ago);
}

std::vector<std::string> Supervisor::last_output(model::ServiceIndex service, std::size_t count) const {
    return body_->logs().last_lines(service, count);
}

os::LogRing& Supervisor::output_of(model::ServiceIndex service) {
    return body_->logs().ring_of(service);
}

ServiceSurroundings Supervisor::surroundings_of(model::ServiceIndex service) const {
    return body_->surroundings_of(service);
}

const model::CpuCount& Supervisor::cpu_count() const {
    return body_->cpu_count();
}

const model::ServiceCpus* Supervisor::cpus_of(model::ServiceIndex service) const {
    return body_->cpus_of(service);
}

Measures Supervisor::measure() {
    return body_->measure();
}

} // namespace davit::runtime
