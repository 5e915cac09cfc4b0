// SPDX-License-Identifier: Apache-2.0
#include "runtime/service_runner.h"

#include "model/told_probe.h"
#include "os/fd.h"
#include "runtime/line_watch.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <csignal>
#include <exception>
#include <unistd.h>
#include <utility>

namespace davit::runtime {
namespace {

constexpr std::chrono::milliseconds look_again_after{100};
constexpr std::size_t processes_named = 3;

/// "java (pid 41), sh (pid 42)".
std::string names_of(const std::vector<os::ProcessInfo>& processes) {
    std::string text;
    for (std::size_t index = 0; index < std::min(processes_named, processes.size()); ++index) {
        text +=
            (index == 0 ? "" : ", ") + processes[index].command + " (pid " + std::to_string(processes[index].pid) + ")";
    }
    if (processes.size() > processes_named) {
        text += " and " + std::to_string(processes.size() - processes_named) + " more";
    }
    return text;
}

model::LaunchFailure failure_of(os::SpawnFailureKind kind) {
    switch (kind) {
    case os::SpawnFailureKind::not_found: return model::LaunchFailure::not_found;
    case os::SpawnFailureKind::not_executable: return model::LaunchFailure::not_executable;
    case os::SpawnFailureKind::no_resources: break;
    }
    return model::LaunchFailure::no_resources;
}

} // namespace

ServiceRunner::ServiceRunner(DriverHost& host)
    : host_(host), scan_(host.reaper), usage_(host, scan_), stop_commands_(host), logs_(host),
      slots_(host.spec.services.size()),
      notify_sockets_(host, scan_, [this](model::ServiceIndex service) { return query_of(service); }), cpu_plans_(host),
      look_timer_(host.loop) {}

void ServiceRunner::launch(model::ServiceIndex service, unsigned attempt) {
    const model::ServiceSpec& spec = host_.spec.services[service];
    Variables environment = host_.base_environment_of(spec);
    const auto cpus =
        cpu_plans_.plan(service, spec, environment,
                        [this, service, attempt](const model::ServiceCpus& later) { go_on(service, attempt, later); });
    if (!cpus) {
        slots_[service].waiting = Waiting{attempt, spec, std::move(environment)};
        return;
    }
    host_.last_cpus.insert_or_assign(service, *cpus);
    start(service, attempt, spec, request_of(spec, std::move(environment), *cpus));
}

/// The JVM was read, or could not be in time.
void ServiceRunner::go_on(model::ServiceIndex service, unsigned attempt, const model::ServiceCpus& cpus) {
    Slot& slot = slots_[service];
    if (stopped_ || !slot.waiting || slot.waiting->attempt != attempt) {
        return;
    }
    Waiting waiting = *std::move(slot.waiting);
    slot.waiting.reset();
    try {
        host_.last_cpus.insert_or_assign(service, cpus);
        start(service, attempt, waiting.spec, request_of(waiting.spec, std::move(waiting.environment), cpus));
    } catch (const std::exception& error) {
        // Nobody else answers the machine from here.
        report(service, model::LaunchFailed{attempt, model::LaunchFailure::no_resources, error.what()});
    }
}

void ServiceRunner::cancel_launch(model::ServiceIndex service, unsigned attempt) {
    Slot& slot = slots_[service];
    if (!slot.waiting || slot.waiting->attempt != attempt) {
        return;
    }
    slot.waiting.reset();
    cpu_plans_.cancel(service);
    report(service, model::LaunchFailed{attempt, model::LaunchFailure::no_resources,
                                        "it was stopped before it was known how its JVM counts"});
}

void ServiceRunner::start(model::ServiceIndex service, unsigned attempt, const model::ServiceSpec& spec,
                          os::SpawnRequest request) {
    Slot& slot = slots_[service];
    if (const auto listening = listen_to(service, attempt, spec, request); !listening) {
        return report(service,
                      model::LaunchFailed{attempt, model::LaunchFailure::no_resources, listening.error().text});
    }
    os::LogRelayEnds ends;
    if (is_relayed(spec)) {
        auto opened = open_relay(service, attempt, spec);
        if (!opened) {
            return report(service,
                          model::LaunchFailed{attempt, model::LaunchFailure::no_resources, opened.error().text});
        }
        ends = std::move(*opened);
        request.streams[1] = os::GivenStream{ends.output.get()};
        request.streams[2] = os::GivenStream{ends.error.get()};
    }
    if (!ends.output && spec.log_mode == model::LogMode::discard) {
        request.streams[1] = os::NullStream{};
        request.streams[2] = os::NullStream{};
    }
    give_streams(request, ends);
    if (spec.log_mode == model::LogMode::raw && !ends.output && request.identity.user) {
        // They stay davit's, and other raw services may have them too: none of their users becomes the owner.
        os::let_others_write(STDOUT_FILENO);
        os::let_others_write(STDERR_FILENO);
    }
    const auto leader = os::spawn(request);
    if (!leader) {
        close(service);
        return report(service, model::LaunchFailed{
                                   attempt, failure_of(os::kind_of(leader.error())),
                                   as_written(os::describe(leader.error(), request), spec.command, spec.working_dir)});
    }
    // In the turn of the spawn: SIGCHLD is handled in a later one, so no exit can slip between.
    host_.reaper.watch(*leader,
                       [this, service, attempt](model::ExitStatus status) { take_exit(service, attempt, status); });
    slot.attempt = attempt;
    slot.stage = Stage::alive;
    slot.leader = *leader;
    slot.bound = request.placement == os::Placement::own_session ? os::SessionQuery::Bound::session
                                                                 : os::SessionQuery::Bound::group;
    slot.killed = false;
    slot.asked.reset();
    usage_.begin({.service = service, .query = query_of(service)});
    report(service, model::Launched{attempt, *leader});
}

/// A raw service that has the terminal keeps it.
bool ServiceRunner::is_relayed(const model::ServiceSpec& spec) const {
    const bool needs_terminal =
        spec.log_mode == model::LogMode::raw && placement_of(spec) == os::Placement::foreground_group;
    return (host_.spec.keeps_output_of(spec) || model::has_log_probe(spec)) && !needs_terminal;
}

os::SpawnRequest ServiceRunner::request_of(const model::ServiceSpec& spec, Variables environment,
                                           const model::ServiceCpus& cpus) {
    set_variables(environment, cpus.variables);
    set_variables(environment, cpus.leader_variables);
    os::SpawnRequest request{
        .argv = values_of(spec.command),
        .environment = std::move(environment),
        .directory = spec.working_dir ? spec.working_dir->value : std::string{},
        .placement = placement_of(spec),
        .open_descriptors = host_.options.open_descriptors,
        .identity = host_.identity_of(spec),
    };
    request.argv.insert(request.argv.begin() + 1, cpus.leader_arguments.begin(), cpus.leader_arguments.end());
    if (spec.main) {
        request.streams[0] = os::InheritStream{};
    }
    if (host_.spec.plain_init) {
        request.others = os::OtherDescriptors::pass_through;
        request.signal_mask = host_.options.callers_signals.mask;
        request.ignored_signals = host_.options.callers_signals.ignored;
    }
    return request;
}

/// Another user than davit's can use what it was given, and now also open it again by name.
void ServiceRunner::give_streams(const os::SpawnRequest& request, const os::LogRelayEnds& ends) {
    if (!request.identity.user) {
        return;
    }
    if (ends.output) {
        os::give_to_user(ends.output.get(), *request.identity.user);
        os::give_to_user(ends.error.get(), *request.identity.user);
    }
    if (request.placement == os::Placement::foreground_group && os::is_terminal(STDIN_FILENO)) {
        os::give_to_user(STDIN_FILENO, *request.identity.user);
    }
}

os::Placement ServiceRunner::placement_of(const model::ServiceSpec& spec) const {
    const bool shares_terminal = spec.main && (host_.spec.plain_init || os::is_terminal(STDIN_FILENO));
    return shares_terminal ? os::Placement::foreground_group : os::Placement::own_session;
}

/// The service finds where to send what it says of itself, and how often it is to be heard. WATCHDOG_PID is left out:
/// a shell in front of the program would hide it, and without it everybody is meant (sd_watchdog_enabled(3)).
Result<void> ServiceRunner::listen_to(model::ServiceIndex service, unsigned attempt, const model::ServiceSpec& spec,
                                      os::SpawnRequest& request) {
    if (!model::has_notify_probe(spec)) {
        return {};
    }
    const auto place = notify_sockets_.open(service, attempt);
    if (!place) {
        return std::unexpected{place.error()};
    }
    set_variable(request.environment, "NOTIFY_SOCKET", *place);
    const model::ProbeSpec* liveness = model::probe_spec(spec, model::ProbeKind::liveness);
    if (liveness != nullptr && std::holds_alternative<model::NotifyCheck>(liveness->check)) {
        const auto patience = std::chrono::duration_cast<std::chrono::microseconds>(model::patience_of(*liveness));
        set_variable(request.environment, "WATCHDOG_USEC", std::to_string(patience.count()));
    }
    return {};
}

Result<os::LogRelayEnds> ServiceRunner::open_relay(model::ServiceIndex service, unsigned attempt,
                                                   const model::ServiceSpec& spec) {
    Slot& slot = slots_[service];
    if (slot.relay && !slot.relay->has_ended()) {
        keep_until_ended(std::move(slot.relay));
    }
    std::function<void(std::string_view line)> on_line;
    if (model::has_log_probe(spec)) {
        // Later: what follows from it may make another relay read into the bytes that are being looked at.
        const auto watch = std::make_shared<LineWatch>(spec, [this, service, attempt](model::ProbeKind probe) {
            boost::asio::post(host_.loop,
                              [this, service, attempt, probe] { report(service, model::LineMatched{attempt, probe}); });
        });
        on_line = [watch](std::string_view line) { watch->take(line); };
    }
    slot.relay = logs_.relay_for(service, spec, std::move(on_line));
    return slot.relay->open();
}

void ServiceRunner::keep_until_ended(std::unique_ptr<os::LogRelay> relay) {
    std::erase_if(ending_relays_, [](const auto& other) { return other->has_ended(); });
    ending_relays_.push_back(std::move(relay));
}

void ServiceRunner::signal_session(model::ServiceIndex service, unsigned attempt, int number) {
    Slot* slot = find(service, attempt);
    if (slot == nullptr) {
        return;
    }
    if (number == SIGKILL) {
        slot->killed = true;
        stop_commands_.kill(service);
    } else if (number == host_.spec.services[service].stop_signal) {
        slot->asked = {.signal = number, .at = os::birth_time_now()};
    }
    scan_.signal(query_of(service), number);
}

void ServiceRunner::signal_leader(model::ServiceIndex service, unsigned attempt, int number) {
    if (const Slot* slot = find(service, attempt); slot != nullptr && slot->stage == Stage::alive) {
        os::signal_process(slot->leader, number);
    }
}

void ServiceRunner::run_stop_command(model::ServiceIndex service, unsigned attempt, TimePoint deadline) {
    stop_commands_.run(service, attempt, deadline);
}

void ServiceRunner::take_exit(model::ServiceIndex service, unsigned attempt, model::ExitStatus status) {
    Slot* slot = find(service, attempt);
    if (stopped_ || slot == nullptr) {
        return;
    }
    if (model::container_code(status) == 128 + SIGKILL && !slot->killed) {
        status.out_of_memory = oom_.claims_kill(std::chrono::steady_clock::now());
        status.memory_limit = status.out_of_memory ? oom_.limit() : 0;
    }
    slot->stage = Stage::leaving;
    if (slot->asked) {
        scan_.signal_newborn_orphans(query_of(service), slot->asked->signal, slot->asked->at);
    }
    slot->untold = status;
    slot->tell_at = std::chrono::steady_clock::now() + look_again_after;
    look_at(service);
    look_later();
}

void ServiceRunner::look_at_sessions() {
    for (model::ServiceIndex service = 0; service < slots_.size() && !stopped_; ++service) {
        if (slots_[service].stage == Stage::leaving) {
            look_at(service);
        }
    }
    look_later();
}

void ServiceRunner::look_at(model::ServiceIndex service) {
    Slot& slot = slots_[service];
    const os::SessionQuery query = query_of(service);
    const auto untold = slot.untold;
    if (scan_.is_empty(query)) {
        close(service);
        return untold ? report(service, model::LeaderExited{slot.attempt, *untold, {}})
                      : report(service, model::SessionEmptied{slot.attempt});
    }
    if (slot.killed) {
        scan_.signal(query, SIGKILL); // what was forked at that moment
    }
    if (untold && std::chrono::steady_clock::now() >= slot.tell_at) {
        slot.untold.reset();
        report(service, model::LeaderExited{slot.attempt, *untold, names_of(scan_.processes_of(query))});
    }
}

void ServiceRunner::look_later() {
    const bool any_left = std::ranges::any_of(slots_, [](const Slot& slot) { return slot.stage == Stage::leaving; });
    if (looks_later_ || stopped_ || !any_left) {
        return;
    }
    looks_later_ = true;
    look_timer_.expires_after(look_again_after);
    look_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) {
            looks_later_ = false;
            look_at_sessions();
        }
    });
}

void ServiceRunner::close(model::ServiceIndex service) {
    Slot& slot = slots_[service];
    notify_sockets_.close(service);
    usage_.end(service);
    slot.stage = Stage::gone;
    slot.leader = 0;
    slot.untold.reset();
    if (slot.relay) {
        slot.relay->release();
    }
}

void ServiceRunner::stop_everything() {
    stopped_ = true;
    look_timer_.cancel();
    stop_commands_.kill_all();
    notify_sockets_.close_all();
    cpu_plans_.stop_everything();
    for (model::ServiceIndex service = 0; service < slots_.size(); ++service) {
        if (slots_[service].stage != Stage::gone) {
            scan_.signal(query_of(service), SIGKILL);
        }
    }
}

const std::vector<ServiceUsage>& ServiceRunner::usage() {
    std::vector<UsageMeter::Session> sessions;
    for (model::ServiceIndex service = 0; service < slots_.size(); ++service) {
        if (slots_[service].stage != Stage::gone) {
            sessions.push_back({.service = service, .query = query_of(service)});
        }
    }
    return usage_.read(slots_.size(), sessions);
}

pid_t ServiceRunner::leader_of(model::ServiceIndex service) const {
    return slots_[service].stage == Stage::alive ? slots_[service].leader : 0;
}

os::SessionQuery ServiceRunner::query_of(model::ServiceIndex service) const {
    return {.leader = slots_[service].leader,
            .bound = slots_[service].bound,
            .service = host_.spec.plain_init ? std::string{} : host_.spec.services[service].name,
            .excluded = host_.task_leaders};
}

ServiceRunner::Slot* ServiceRunner::find(model::ServiceIndex service, unsigned attempt) {
    Slot& slot = slots_[service];
    return slot.stage != Stage::gone && slot.attempt == attempt ? &slot : nullptr;
}

void ServiceRunner::report(model::ServiceIndex service, model::ServiceEvent event) {
    host_.post(model::ServiceFact{service, std::move(event)});
}

} // namespace davit::runtime
