// SPDX-License-Identifier: Apache-2.0
#include "model/timeline.h"

#include "model/contains.h"
#include "model/why.h"

#include <algorithm>
#include <ranges>

namespace davit::model {
namespace {

constexpr Duration nothing_to_speak_of = std::chrono::milliseconds{10};

bool is_over(const StartRecord& record) {
    return record.state != WayUpState::under_way && record.state != WayUpState::at_rest;
}

/// The last moment of the way up.
TimePoint last_moment(const StartRecord& record, TimePoint now) {
    if (is_over(record)) {
        return record.ended;
    }
    if (record.state == WayUpState::under_way) {
        return now;
    }
    TimePoint last = record.began; // at rest: until all that starts is up
    for (const ServiceStart& start : record.services) {
        const bool is_missing = start.wanted && !start.ready && !start.down;
        last = std::max(last, is_missing ? now : start.ready.value_or(start.down.value_or(record.began)));
    }
    return last;
}

std::string step_name(const PodSpec& spec, const StepStart& step) {
    const std::size_t count = spec.lifecycle.steps(step.kind).size();
    std::string name{to_string(step.kind)};
    return count > 1 ? name + " " + std::to_string(step.index + 1) + " of " + std::to_string(count) : name;
}

// ---- the critical chain ------------------------------------------------------------------------------------

/// Collects the chain from its end to its beginning.
class Walk {
public:
    Walk(const PodSpec& spec, const StartRecord& record, TimePoint end) : spec_(spec), record_(record), end_(end) {}

    std::vector<ChainLink> chain() {
        walk_first_steps(walk_pod());
        std::ranges::reverse(chain_);
        return std::move(chain_);
    }

private:
    /// The moment before which nothing is explained yet.
    TimePoint walk_pod() {
        if (record_.state == WayUpState::at_rest) {
            const auto last = last_up();
            return last ? walk_service(*last, end_) : record_.began;
        }
        TimePoint moment = walk_steps(StepKind::online, end_);
        if (const auto& gate = record_.manual_gate) {
            add("manual gate", "`davit online` by hand", gate->began, gate->done.value_or(end_));
            moment = gate->began;
        }
        if (const auto& gate = record_.gate; gate && gate->missing) {
            return walk_service(*gate->missing, gate->done.value_or(end_));
        }
        moment = walk_steps(StepKind::preload, record_.gate ? record_.gate->began : moment);
        const auto main = spec_.main();
        return main && !record_.services[*main].was_ready ? walk_service(*main, moment) : moment;
    }

    TimePoint walk_steps(StepKind kind, TimePoint moment) {
        for (const StepStart& step : std::views::reverse(record_.steps)) {
            if (step.kind == kind) {
                add(step_name(spec_, step), step.tries > 1 ? counted_tries(step.tries) : "step", step.began,
                    step.done.value_or(end_));
                moment = step.began;
            }
        }
        return moment;
    }

    static std::string counted_tries(int tries) { return "step, " + std::to_string(tries) + " tries"; }

    TimePoint walk_service(ServiceIndex index, TimePoint until) {
        const ServiceStart& start = record_.services[index];
        const std::string& name = spec_.services[index].name;
        if (contains(seen_, index)) {
            return until; // A cycle cannot be, but an optional dependency may have been waited for twice.
        }
        seen_.push_back(index);
        if (start.was_ready || !start.wanted) {
            add(name, "readiness probe", record_.began, until); // it ran before, and lost it
            return record_.began;
        }
        const TimePoint launched = start.launched.value_or(until);
        if (start.launched) {
            add(name, what_took_long(index, launched, until), launched, until);
        }
        if (!start.launched && start.waits_for) {
            add(name, "waits", until, until);
        }
        if (start.waits_for) {
            return walk_service(start.waits_for->service, launched);
        }
        if (waits_for_first_steps(launched)) {
            return launched;
        }
        if (launched - *start.wanted > nothing_to_speak_of) {
            add(name, start.launched ? "waits to be started" : "start", *start.wanted, launched);
        }
        return *start.wanted;
    }

    std::string what_took_long(ServiceIndex index, TimePoint launched, TimePoint until) const {
        const ServiceSpec& service = spec_.services[index];
        const ServiceStart& start = record_.services[index];
        const TimePoint running = start.running.value_or(until);
        std::string what = "start";
        if (service.oneshot) {
            what = "runs to completion";
        } else if (service.startup_probe && (!service.readiness_probe || running - launched >= until - running)) {
            what = "startup probe";
        } else if (service.readiness_probe && until > launched) {
            what = "readiness probe";
        }
        return start.launches > 1 ? what + ", " + std::to_string(start.launches) + " starts" : what;
    }

    /// In debug mode: what came up last, or is still missing.
    std::optional<ServiceIndex> last_up() const {
        std::optional<ServiceIndex> last;
        const auto up_at = [&](ServiceIndex index) { return record_.services[index].ready.value_or(end_); };
        for (ServiceIndex index = 0; index < record_.services.size(); ++index) {
            const bool counts = record_.services[index].wanted && !record_.services[index].down;
            if (counts && (!last || up_at(index) > up_at(*last))) {
                last = index;
            }
        }
        return last;
    }

    /// An offline that a crash has left undone holds up the first services.
    static bool is_first_step(const StepStart& step) { return step.kind == StepKind::offline; }

    bool waits_for_first_steps(TimePoint launched) const {
        return std::ranges::any_of(record_.steps,
                                   [&](const StepStart& step) { return is_first_step(step) && step.began < launched; });
    }

    void walk_first_steps(TimePoint moment) {
        for (const StepStart& step : std::views::reverse(record_.steps)) {
            if (is_first_step(step) && step.began < moment) {
                add(step_name(spec_, step), "step", step.began, step.done.value_or(moment));
            }
        }
    }

    void add(std::string name, std::string what, TimePoint from, TimePoint to) {
        chain_.push_back({.name = std::move(name),
                          .what = std::move(what),
                          .from = from - record_.began,
                          .length = std::max(to - from, Duration::zero())});
    }

    const PodSpec& spec_;
    const StartRecord& record_;
    TimePoint end_;
    std::vector<ChainLink> chain_;
    std::vector<ServiceIndex> seen_;
};

// ---- rows --------------------------------------------------------------------------------------------------

std::string state_of(const ServiceSpec& spec, const ServiceStart& start) {
    if (start.ready) {
        return spec.oneshot ? "completed" : "ready";
    }
    if (start.down) {
        return "ended";
    }
    if (!start.launched) {
        return "waits";
    }
    return spec.oneshot ? "runs" : start.running ? "not ready" : "starting";
}

std::optional<Duration> offset(const std::optional<TimePoint>& moment, TimePoint began) {
    return moment ? std::optional{*moment - began} : std::nullopt;
}

TimelineRow row_of(const PodSpec& spec, const StartRecord& record, ServiceIndex index) {
    const ServiceStart& start = record.services[index];
    const ServiceSpec& service = spec.services[index];
    return {.kind = RowKind::service,
            .name = service.name,
            .main = service.main,
            .critical = false,
            .wanted = *start.wanted - record.began,
            .started = offset(start.launched, record.began),
            .running = service.startup_probe ? offset(start.running, record.began) : std::nullopt,
            .done = offset(start.ready ? start.ready : start.down, record.began),
            .waited_for = start.waits_for ? spec.services[start.waits_for->service].name : std::string{},
            .state = state_of(service, start),
            .starts = start.launches};
}

TimelineRow row_of(const PodSpec& spec, const StartRecord& record, const StepStart& step) {
    return {.kind = RowKind::step,
            .name = step_name(spec, step),
            .wanted = step.began - record.began,
            .started = step.began - record.began,
            .running = {},
            .done = offset(step.done, record.began),
            .waited_for = {},
            .state = step.failed ? "failed"
                     : step.done ? "done"
                                 : "runs",
            .starts = static_cast<unsigned>(step.tries)};
}

TimelineRow row_of(const PodSpec& spec, const StartRecord& record, const GateWait& gate, std::string name) {
    return {.kind = RowKind::gate,
            .name = std::move(name),
            .wanted = gate.began - record.began,
            .started = gate.began - record.began,
            .running = {},
            .done = offset(gate.done, record.began),
            .waited_for = gate.missing ? spec.services[*gate.missing].name : std::string{},
            .state = gate.done ? "done" : "waits",
            .starts = 1};
}

/// What has not started comes last; what starts at the same moment stays in the order of the configuration.
auto place_of(const TimelineRow& row) {
    return std::pair{!row.started.has_value(), row.started.value_or(row.wanted)};
}

void insert(std::vector<TimelineRow>& rows, TimelineRow row) {
    const auto place = std::ranges::upper_bound(rows, place_of(row), {}, place_of);
    rows.insert(place, std::move(row));
}

std::vector<TimelineRow> rows_of(const PodSpec& spec, const StartRecord& record) {
    std::vector<TimelineRow> rows;
    for (ServiceIndex index = 0; index < record.services.size(); ++index) {
        if (record.services[index].wanted && !spec.services[index].removed) {
            insert(rows, row_of(spec, record, index));
        }
    }
    for (const StepStart& step : record.steps) {
        insert(rows, row_of(spec, record, step));
    }
    if (record.gate) {
        insert(rows, row_of(spec, record, *record.gate, "ready gate"));
    }
    if (record.manual_gate) {
        insert(rows, row_of(spec, record, *record.manual_gate, "manual gate"));
    }
    return rows;
}

// ---- the sentence ------------------------------------------------------------------------------------------

std::string outcome_text(const PodSpec& spec, const StartRecord& record, Duration length) {
    const std::string took = describe(length);
    switch (record.state) {
    case WayUpState::none: return "nothing has started yet";
    case WayUpState::under_way: return "not online yet, " + took + " so far";
    case WayUpState::online: return "online after " + took;
    case WayUpState::failed: return "failed after " + took + " (" + record.reason + ")";
    case WayUpState::broken_off: return "broken off after " + took + " (" + record.reason + ")";
    case WayUpState::at_rest: break;
    }
    return std::string{spec.mode == Mode::debug ? "debug mode" : "isolated"} + ": nothing goes online; " + took +
           " for the services";
}

std::string sentence_of(const PodSpec& spec, const StartRecord& record, const Timeline& made) {
    std::string text = outcome_text(spec, record, made.length);
    const auto longest = std::ranges::max_element(made.critical, {}, &ChainLink::length);
    if (longest == made.critical.end() || longest->length < nothing_to_speak_of) {
        return text;
    }
    return text + "; " + describe(longest->length) + " of it " + longest->name + " (" + longest->what + ")";
}

} // namespace

std::string_view to_string(RowKind kind) {
    switch (kind) {
    case RowKind::service: return "service";
    case RowKind::step: return "step";
    case RowKind::gate: break;
    }
    return "gate";
}

Timeline timeline(const PodSpec& spec, const StartRecord& record, TimePoint now) {
    Timeline made{.state = record.state, .length = {}, .sentence = {}, .rows = {}, .critical = {}};
    if (record.state == WayUpState::none) {
        made.sentence = outcome_text(spec, record, {});
        return made;
    }
    const TimePoint end = last_moment(record, now);
    made.length = end - record.began;
    made.rows = rows_of(spec, record);
    made.critical = Walk{spec, record, end}.chain();
    for (TimelineRow& row : made.rows) {
        row.critical =
            std::ranges::any_of(made.critical, [&](const ChainLink& link) { return link.name == row.name; }) ||
            (row.kind == RowKind::gate && row.name == "ready gate" && record.gate->missing.has_value());
    }
    made.sentence = sentence_of(spec, record, made);
    return made;
}

} // namespace davit::model
