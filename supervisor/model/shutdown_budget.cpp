// SPDX-License-Identifier: Apache-2.0
// The body of shutdown_budget.h. Every limit is `main_deadline` less what must come after; shares (half, a quarter)
// keep all parts positive when more is written than there is time.
#include "model/shutdown_budget.h"

#include <algorithm>

namespace davit::model {
namespace {

constexpr Duration gone_before_end = 1s;
constexpr Duration helpers_share = 2s;
constexpr Duration main_reserve = 2s;

/// How long one attempt may take as written: its timeout; a sleep says so itself.
std::optional<Duration> written_time(const StepSpec& step) {
    const auto* sleep = std::get_if<SleepStep>(&step.action);
    return sleep != nullptr && !step.timeout ? sleep->length : step.timeout;
}

/// Written times of all steps of a list, every attempt and pause counted.
Duration written_time(const std::vector<StepSpec>& steps) {
    Duration sum{};
    for (const StepSpec& step : steps) {
        if (const auto attempt = written_time(step)) {
            sum += step.attempts * *attempt + (step.attempts - 1) * step.period;
        }
    }
    return sum;
}

/// What must be left at `now` for main's own end.
Duration reserve_for_main(const ShutdownBudget& budget, TimePoint now) {
    const Duration left = std::max(main_deadline(budget) - now, Duration::zero());
    return std::min(main_reserve, left / 4);
}

} // namespace

TimePoint planned_end(const ShutdownBudget& budget) {
    return budget.began + budget.total - std::min(gone_before_end, budget.total / 4);
}

TimePoint main_deadline(const ShutdownBudget& budget) {
    return planned_end(budget) - std::min(helpers_share, budget.total / 4);
}

TimePoint step_deadline(const ShutdownBudget& budget, const PodSpec& spec, StepKind kind, TimePoint now) {
    Duration later = reserve_for_main(budget, now);
    if (kind == StepKind::offline) {
        later += spec.lifecycle.drain.min + written_time(spec.lifecycle.stop);
    }
    // What is written for later may be more than is left of a stop that began late: half is kept for now.
    const Duration left = std::max(main_deadline(budget) - now, Duration::zero());
    return main_deadline(budget) - std::min(later, left / 2);
}

TimePoint drain_limit(const ShutdownBudget& budget, const PodSpec& spec, TimePoint now) {
    return step_deadline(budget, spec, StepKind::stop, now) -
           std::min(written_time(spec.lifecycle.stop), std::max((main_deadline(budget) - now) / 2, Duration::zero()));
}

TimePoint main_stop_deadline(const ShutdownBudget& budget, std::optional<Duration> own_grace, TimePoint now) {
    const TimePoint latest = main_deadline(budget);
    return own_grace ? std::min(now + *own_grace, latest) : latest;
}

TimePoint helper_deadline(const ShutdownBudget& budget, Duration own_grace, int levels, TimePoint now) {
    const Duration left = std::max(planned_end(budget) - now, Duration::zero());
    return now + std::min(own_grace, left / std::max(levels, 1));
}

} // namespace davit::model
