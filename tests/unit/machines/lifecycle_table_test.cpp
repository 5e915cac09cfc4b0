// SPDX-License-Identifier: Apache-2.0
// Every phase of the pod against every event: the table in the header is what the code does.
#include "header_table.h"
#include "model/lifecycle_machine.h"
#include "support/catch.h"

#include <array>
#include <map>

namespace davit::model {
namespace {

const TimePoint start{};

PodSpec a_pod() {
    PodSpec spec;
    ServiceSpec main;
    main.name = "main";
    main.main = true;
    spec.services.push_back(main);
    const StepSpec step{.action = ExecStep{.command = {"run.sh"}}};
    spec.lifecycle.preload = {step};
    spec.lifecycle.online = {step};
    spec.lifecycle.offline = {step};
    spec.lifecycle.stop = {step};
    spec.lifecycle.drain = DrainSpec{.min = 1s, .max = 5s, .ports = {80}};
    return spec;
}

StepList running_list(StepKind kind) {
    StepList list{.kind = kind};
    list.running = StepRun{.run = 7, .kind = kind, .began = start, .deadline = start + 10s};
    return list;
}

/// The pod in the middle of each phase, as it comes there in the plainest way: up by itself, down by `offline`
/// as far as offline, and by `davit stop` of main after that.
Lifecycle in_phase(Phase phase) {
    Lifecycle state;
    state.phase = phase;
    state.runs = 7;
    const bool up = phase <= Phase::online;
    state.goal = up ? Goal::online : Goal::offline;
    if (!up) {
        state.budget = ShutdownBudget{.began = start, .total = 30s};
    }
    state.online_ever = state.offline_owed = phase == Phase::online;
    state.preloaded_for = phase >= Phase::checking && phase != Phase::failed ? 1 : 0;
    switch (phase) {
    case Phase::starting:
    case Phase::checking:
    case Phase::online:
    case Phase::offline:
    case Phase::failed: break;
    case Phase::preloading: state.steps = running_list(StepKind::preload); break;
    case Phase::going_online:
        state.steps = running_list(StepKind::online);
        state.offline_owed = true;
        break;
    case Phase::going_offline: state.steps = running_list(StepKind::offline); break;
    case Phase::draining:
        state.drain = begin_drain(a_pod().lifecycle.drain, start, start + 20s);
        state.drain = sample_asked(*state.drain);
        break;
    case Phase::stopping:
        state.goal = Goal::main_held;
        state.steps = running_list(StepKind::stop);
        break;
    case Phase::stopped: state.goal = Goal::main_held; break;
    }
    return state;
}

ServicesView view_in(Phase phase) {
    ServicesView view;
    view.main = phase == Phase::starting  ? MainView::starting
                : phase == Phase::stopped ? MainView::down
                                          : MainView::running;
    view.main_attempt = 1;
    view.gate_good = phase > Phase::checking;
    return view;
}

const std::map<std::string, LifecycleEvent> events{
    {"StepDone", StepFinished{7, StepOutcome::succeeded, ""}},
    {"StepFailed", StepFinished{7, StepOutcome::failed, "exit code 1"}},
    {"Counted", ConnectionsCounted{0}},
    {"Signal", StopSignalled{SIGTERM, false}},
    {"Prestop", PrestopAsked{}},
    {"Online", OnlineAsked{}},
    {"Offline", OfflineAsked{}},
    {"Isolate", IsolateAsked{"test"}},
    {"Rejoin", RejoinAsked{}},
    {"KeyGone", IsolationKeyRead{false}},
    {"StopMain", MainStopAsked{Goal::main_held}},
    {"StartMain", MainStartAsked{}},
    {"MainEnded", MainEnded{}},
};

/// At rest at offline, isolated.
Lifecycle isolated() {
    Lifecycle state = in_phase(Phase::offline);
    state.budget.reset();
    state.isolated = true;
    state.isolation_key = true;
    return state;
}

/// The phase after the event and all that follows from it at once; "." nothing happened, "=" noted or acted.
std::string cell(const Lifecycle& before, const LifecycleEvent& event) {
    const Phase phase = before.phase;
    ServicesView view = view_in(phase);
    if (std::holds_alternative<MainEnded>(event)) {
        view.main = MainView::down;
    }
    LifecycleTransition turn = on_event(a_pod(), before, event, view, start + 1s);
    bool acted = !turn.actions.empty() || !(turn.next == before);
    for (int round = 0; round < 20; ++round) {
        const Lifecycle last = turn.next;
        turn = on_event(a_pod(), std::move(turn.next), ViewChanged{}, view, start + 1s);
        if (turn.next == last) {
            break;
        }
    }
    if (turn.next.phase != phase) {
        return std::string{to_string(turn.next.phase)};
    }
    return acted ? "=" : ".";
}

} // namespace

TEST_CASE("the table in lifecycle_machine.h is what the life cycle machine does", "[lifecycle_machine]") {
    const test::HeaderTable table = test::read_header_table("model/lifecycle_machine.h");
    std::string code;
    std::string header;
    const auto compare_row = [&](const std::string& row, const Lifecycle& before) {
        for (const auto& [column, event] : events) {
            code += row + " " + column + " " + cell(before, event) + "\n";
            const auto found = table.cells.find(row);
            const bool listed = found != table.cells.end() && found->second.contains(column);
            header += row + " " + column + " " + (listed ? found->second.at(column) : "(not in the header)") + "\n";
        }
    };
    for (int number = 0; number <= static_cast<int>(Phase::failed); ++number) {
        const auto phase = static_cast<Phase>(number);
        compare_row(std::string{to_string(phase)}, in_phase(phase));
    }
    compare_row("isolated", isolated());
    CHECK(header == code);
    CHECK(table.columns.size() == events.size());
    CHECK(table.rows.size() == 12);
}

TEST_CASE("a result of an earlier try of a step concerns nobody", "[lifecycle_machine]") {
    for (int number = 0; number <= static_cast<int>(Phase::failed); ++number) {
        const auto phase = static_cast<Phase>(number);
        const Lifecycle before = in_phase(phase);
        const LifecycleTransition turn =
            on_event(a_pod(), before, StepFinished{6, StepOutcome::failed, ""}, view_in(phase), start);
        CHECK(turn.next == before);
        CHECK(turn.actions.empty());
    }
}

TEST_CASE("after the end nothing moves any more", "[lifecycle_machine]") {
    Lifecycle ended = in_phase(Phase::stopped);
    ended.ended = true;
    for (const auto& [name, event] : events) {
        INFO(name);
        const LifecycleTransition turn = on_event(a_pod(), ended, event, view_in(Phase::stopped), start);
        CHECK(turn.next == ended);
        CHECK(turn.actions.empty());
    }
}

} // namespace davit::model
