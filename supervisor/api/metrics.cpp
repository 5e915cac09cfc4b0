// SPDX-License-Identifier: Apache-2.0
// One function a group of metrics. See metrics.h.
#include "api/metrics.h"

#include "config/number_text.h"
#include "model/cpu_count.h"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <utility>

namespace davit::api {
namespace {

using model::Phase;
using model::ProbeKind;
using model::ServiceIndex;
using model::StepKind;
using model::StepOutcome;

constexpr std::array all_probes{ProbeKind::startup, ProbeKind::readiness, ProbeKind::liveness};
constexpr std::array all_steps{StepKind::preload, StepKind::online, StepKind::offline, StepKind::stop};
constexpr std::array all_outcomes{StepOutcome::succeeded, StepOutcome::failed, StepOutcome::timed_out,
                                  StepOutcome::cancelled};
constexpr std::array all_phases{Phase::starting, Phase::preloading,    Phase::checking, Phase::going_online,
                                Phase::online,   Phase::going_offline, Phase::draining, Phase::offline,
                                Phase::stopping, Phase::stopped,       Phase::failed};

struct Label {
    std::string_view name;
    std::string_view value;
};
using Labels = std::initializer_list<Label>;

/// The documented word of a result.
std::string_view result_name(StepOutcome outcome) {
    switch (outcome) {
    case StepOutcome::succeeded: return "ok";
    case StepOutcome::failed: return "failed";
    case StepOutcome::timed_out: return "timeout";
    case StepOutcome::cancelled: break;
    }
    return "cancelled";
}

void append_escaped(std::string& out, std::string_view text) {
    for (const char letter : text) {
        switch (letter) {
        case '\\': out += "\\\\"; break;
        case '"': out += "\\\""; break;
        case '\n': out += "\\n"; break;
        default: out += letter;
        }
    }
}

class Page {
public:
    void gauge(std::string_view name, std::string_view help) { begin(name, help, "gauge"); }
    void counter(std::string_view name, std::string_view help) { begin(name, help, "counter"); }

    /// Of the metric that was begun last.
    void sample(Labels labels, std::uint64_t value) { line(labels, value); }
    void sample(Labels labels, double value) { line(labels, value); }
    void sample(Labels labels, bool value) { line(labels, std::uint64_t{value}); }

    std::string take() { return std::move(text_); }

private:
    void begin(std::string_view name, std::string_view help, std::string_view type) {
        name_ = name;
        text_.append("# HELP ").append(name).append(" ").append(help).append("\n");
        text_.append("# TYPE ").append(name).append(" ").append(type).append("\n");
    }

    template <typename Number>
    void line(Labels labels, Number value) {
        text_ += name_;
        char separator = '{';
        for (const auto& [name, label] : labels) {
            text_ += std::exchange(separator, ',');
            text_.append(name).append("=\"");
            append_escaped(text_, label);
            text_ += '"';
        }
        text_ += labels.size() == 0 ? " " : "} ";
        text_.append(text_of(value)).append("\n");
    }

    static std::string text_of(double value) { return config::number_text(value); }
    static std::string text_of(std::uint64_t value) { return std::to_string(value); }

    std::string text_;
    std::string_view name_;
};

void put_pod(Page& page, const View& view) {
    page.gauge("davit_build_info", "Always 1; the labels say which davit runs, for which application.");
    page.sample({{"version", DAVIT_VERSION}, {"app", view.spec.app}}, true);
    page.gauge("davit_phase", "1 for the phase of the pod, 0 for every other.");
    for (const Phase phase : all_phases) {
        page.sample({{"phase", to_string(phase)}}, phase == view.pod.lifecycle.phase);
    }
    page.gauge("davit_ready", "Whether the pod is ready for traffic, as davit probe ready says.");
    page.sample({}, model::is_ready(view.spec, view.pod));
    page.gauge("davit_isolated", "Whether the pod is isolated.");
    page.sample({}, view.pod.lifecycle.isolated);
}

bool is_shown(const model::ServiceSpec& service) {
    return service.enabled && !service.removed;
}

/// `put_service(name, index)` for each service that is shown.
template <typename PutService>
void for_each_service(const View& view, PutService put_service) {
    for (ServiceIndex index = 0; index < view.spec.services.size(); ++index) {
        if (is_shown(view.spec.services[index])) {
            put_service(std::string_view{view.spec.services[index].name}, index);
        }
    }
}

void put_services(Page& page, const View& view) {
    page.gauge("davit_service_up", "Whether the process of the service runs.");
    for_each_service(view, [&](std::string_view name, ServiceIndex index) {
        page.sample({{"service", name}}, view.pod.services[index].process == model::Process::alive);
    });
    page.gauge("davit_service_ready", "Whether the service runs and its probes are good.");
    for_each_service(view, [&](std::string_view name, ServiceIndex index) {
        page.sample({{"service", name}}, model::is_ready(view.spec.services[index], view.pod.services[index]));
    });
    page.counter("davit_service_restarts_total", "Starts of the service that followed an end of it.");
    for_each_service(view, [&](std::string_view name, ServiceIndex index) {
        page.sample({{"service", name}}, std::uint64_t{view.pod.services[index].restarts});
    });
}

runtime::ServiceMeasures measures_of(const runtime::Measures& measures, ServiceIndex index) {
    return index < measures.services.size() ? measures.services[index] : runtime::ServiceMeasures{};
}

void put_usage(Page& page, const View& view, const runtime::Measures& measures) {
    page.counter("davit_service_cpu_seconds_total", "CPU time of all processes of the service, ended ones included.");
    for_each_service(view, [&](std::string_view name, ServiceIndex index) {
        page.sample({{"service", name}}, to_seconds(measures_of(measures, index).usage.cpu));
    });
    page.gauge("davit_service_resident_memory_bytes",
               "Resident memory of all processes of the service; what they share counts in each.");
    for_each_service(view, [&](std::string_view name, ServiceIndex index) {
        if (const auto bytes = measures_of(measures, index).usage.resident_bytes) {
            page.sample({{"service", name}}, *bytes);
        }
    });
}

void put_steps(Page& page, const runtime::Measures& measures) {
    page.counter("davit_step_runs_total", "Tries of the steps of the life cycle, by how they ended.");
    for (const StepKind kind : all_steps) {
        for (const StepOutcome outcome : all_outcomes) {
            page.sample({{"step", to_string(kind)}, {"result", result_name(outcome)}},
                        measures.steps.at(static_cast<std::size_t>(kind)).runs.at(static_cast<std::size_t>(outcome)));
        }
    }
    page.gauge("davit_step_duration_seconds", "How long the last try of a step took.");
    for (const StepKind kind : all_steps) {
        if (const auto last = measures.steps.at(static_cast<std::size_t>(kind)).last) {
            page.sample({{"step", to_string(kind)}}, to_seconds(*last));
        }
    }
}

void put_probes(Page& page, const View& view, const runtime::Measures& measures) {
    page.counter("davit_probe_failures_total", "Tries of a probe that failed.");
    for_each_service(view, [&](std::string_view name, ServiceIndex index) {
        for (const ProbeKind kind : all_probes) {
            if (model::probe_spec(view.spec.services[index], kind) != nullptr) {
                page.sample({{"service", name}, {"probe", to_string(kind)}},
                            measures_of(measures, index).probe_failures.at(static_cast<std::size_t>(kind)));
            }
        }
    });
}

void put_container(Page& page, const View& view, const runtime::Measures& measures) {
    page.counter("davit_orphans_reaped_total", "Processes without a parent that davit has reaped.");
    page.sample({}, measures.orphans_reaped);
    page.counter("davit_oom_kills_total", "Processes of the container that the kernel has killed for memory.");
    page.sample({}, measures.oom_kills);
    page.gauge("davit_cpus_effective", "How many CPUs the container may keep busy.");
    const int cpus = model::count_for(measures.cpus, view.spec.cpus);
    page.sample({}, static_cast<std::uint64_t>(cpus));
    if (measures.cpus.quota) {
        page.gauge("davit_cpu_quota_cores", "The CPU quota, in CPUs.");
        page.sample({}, *measures.cpus.quota);
    }
    page.counter("davit_log_dropped_lines_total",
                 "Lines of davit and of steps that the log did not take, and of services that log files did not take.");
    page.sample({}, measures.dropped_log_lines);
}

} // namespace

std::string metrics_text(const View& view, const runtime::Measures& measures) {
    Page page;
    put_pod(page, view);
    put_services(page, view);
    put_usage(page, view, measures);
    put_steps(page, measures);
    put_probes(page, view, measures);
    put_container(page, view, measures);
    return page.take();
}

} // namespace davit::api
