// SPDX-License-Identifier: Apache-2.0
// Every state of a service against every event: the table in the header is what the code does.
#include "header_table.h"
#include "model/service_machine.h"
#include "support/catch.h"

#include <array>
#include <map>

namespace davit::model {
namespace {

const TimePoint start{};

/// A helper of the plainest kind in the middle of each state's life.
Service in_state(ServiceState state) {
    Service service;
    service.state = state;
    service.attempt = 1;
    switch (state) {
    case ServiceState::starting:
    case ServiceState::running:
        service.process = Process::alive;
        service.pid = 41;
        service.launched_at = start;
        service.liveness.in_flight = true;
        break;
    case ServiceState::backoff: service.deadline = start; break;
    case ServiceState::stopping:
        service.process = Process::alive;
        service.pid = 41;
        service.launched_at = start;
        service.deadline = start;
        service.after_stop = AfterStop::rest;
        break;
    case ServiceState::inactive:
    case ServiceState::blocked:
    case ServiceState::stopped:
    case ServiceState::completed:
    case ServiceState::failed:
    case ServiceState::held: break;
    }
    return service;
}

ServiceSpec plain_helper() {
    ServiceSpec spec;
    spec.name = "web";
    spec.command = {"/opt/web/run.sh"};
    spec.liveness_probe = ProbeSpec{.check = TcpCheck{.port = 80}, .failure_threshold = 1};
    spec.readiness_probe = ProbeSpec{.check = LogCheck{.pattern = "up"}};
    spec.grace = default_helper_grace;
    return spec;
}

const std::map<std::string, ServiceEvent> events{
    {"Start", StartRequested{"by hand"}},
    {"Met", DependenciesMet{}},
    {"Stop", StopRequested{start + 10s, AfterStop::rest, "by hand"}},
    {"Kill", KillRequested{AfterStop::rest, "now"}},
    {"Launched", Launched{1, 41}},
    {"LaunchFailed", LaunchFailed{1, LaunchFailure::not_found, "no such file"}},
    {"Exited", LeaderExited{1, exited_with(3), ""}},
    {"Left", LeaderExited{1, exited_with(0), "java (pid 42)"}},
    {"Emptied", SessionEmptied{1}},
    {"BadCheck", CheckFinished{1, ProbeKind::liveness, CheckOutcome::bad, "refused"}},
    {"Notified", Notified{1, Notification{.status = "warm"}}},
    {"Matched", LineMatched{1, ProbeKind::readiness}},
    {"StopCommand", StopCommandFinished{1, exited_with(1), ""}},
    {"Deadline", DeadlineReached{}},
    {"Stall", LoopStalled{3s}},
    {"Probes", ProbesChanged{.startup = true, .readiness = true, .liveness = true}},
};

constexpr std::array all_states{ServiceState::inactive, ServiceState::blocked,   ServiceState::starting,
                                ServiceState::running,  ServiceState::backoff,   ServiceState::stopping,
                                ServiceState::stopped,  ServiceState::completed, ServiceState::failed,
                                ServiceState::held};

/// The fact comes at its stage: a launch is answered once, a session empties after its leader.
Service fitting(ServiceState state, const ServiceEvent& event) {
    Service service = in_state(state);
    if (service.process == Process::none) {
        return service;
    }
    if (std::holds_alternative<Launched>(event) || std::holds_alternative<LaunchFailed>(event)) {
        service.process = Process::launching;
    }
    if (std::holds_alternative<SessionEmptied>(event)) {
        service.process = Process::leaving;
    }
    return service;
}

/// "." nothing happened, "=" it stays in its state and did or noted something, else the next state.
std::string cell(ServiceState state, const ServiceEvent& event) {
    const Service before = fitting(state, event);
    const ServiceTransition after = on_event(plain_helper(), before, event, Moment{start + 1s});
    if (after.next.state != state) {
        return std::string{to_string(after.next.state)};
    }
    return after.next == before && after.actions.empty() ? "." : "=";
}

} // namespace

TEST_CASE("the table in service_machine.h is what the service machine does", "[service_machine]") {
    const test::HeaderTable table = test::read_header_table("model/service_machine.h");
    std::string code;
    std::string header;
    for (const ServiceState state : all_states) {
        const std::string row{to_string(state)};
        for (const auto& [column, event] : events) {
            code += row + " " + column + " " + cell(state, event) + "\n";
            const auto found = table.cells.find(row);
            const bool listed = found != table.cells.end() && found->second.contains(column);
            header += row + " " + column + " " + (listed ? found->second.at(column) : "(not in the header)") + "\n";
        }
    }
    CHECK(header == code);
    CHECK(table.columns.size() == events.size());
    CHECK(table.rows.size() == all_states.size());
}

TEST_CASE("facts of an earlier attempt concern nobody", "[service_machine]") {
    const auto state = GENERATE(from_range(all_states));
    Service service = in_state(state);
    service.attempt = 2;
    const std::vector<ServiceEvent> late{Launched{1, 9},
                                         LaunchFailed{1, LaunchFailure::not_found, ""},
                                         LeaderExited{1, exited_with(0), ""},
                                         SessionEmptied{1},
                                         CheckFinished{1, ProbeKind::liveness, CheckOutcome::bad, ""},
                                         Notified{1, Notification{.said_ready = true, .status = "late"}},
                                         LineMatched{1, ProbeKind::readiness},
                                         StopCommandFinished{1, exited_with(1), ""}};
    for (const ServiceEvent& event : late) {
        const ServiceTransition after = on_event(plain_helper(), service, event, Moment{start});
        CHECK(after.next == service);
        CHECK(after.actions.empty());
    }
}

} // namespace davit::model
