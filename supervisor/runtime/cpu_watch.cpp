// SPDX-License-Identifier: Apache-2.0
#include "runtime/cpu_watch.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace davit::runtime {
namespace {

bool is_alive(const model::Service& service) {
    return service.process == model::Process::alive;
}

/// "quota 1.5 of /sys/fs/cgroup/cpu.max", "cpuset 0-1 of ...", "affinity 0-3".
std::string reason_of(const model::CpuCount& count, const model::CpusSpec& settings) {
    const auto source = std::ranges::find(count.sources, true, &model::CpuSource::decides);
    if (settings.count || source == count.sources.end()) {
        return settings.count ? "cpus.count" : "";
    }
    switch (source->kind) {
    case model::CpuSource::Kind::affinity: return "affinity " + source->text;
    case model::CpuSource::Kind::cpuset: return "cpuset " + source->text + " of " + source->path;
    case model::CpuSource::Kind::quota: break;
    }
    return "quota " + model::cpu_text(source->cpus) + " of " + source->path;
}

} // namespace

void CpuWatch::look_at_services() {
    if (!limits_) {
        const model::CpuCount& first = host_.cpu_count(); // of the launch a moment ago
        limits_ = {.usable = first.usable, .quota = first.quota};
        pod_cpus_ = model::count_for(first, host_.spec.cpus);
    }
    told_.resize(pod_.services.size());
    for (model::ServiceIndex index = 0; index < told_.size(); ++index) {
        const model::Service& service = pod_.services[index];
        if (!is_alive(service)) {
            told_[index] = {};
        } else if (told_[index].attempt != service.attempt) {
            const auto given = host_.last_cpus.find(index);
            const int cpus = given == host_.last_cpus.end() ? 0 : given->second.cpus;
            told_[index] = {.attempt = service.attempt, .cpus = cpus};
        }
    }
    const std::optional<Duration> period = needed_period();
    if (period != std::exchange(period_, period)) {
        arm();
    }
}

std::optional<Duration> CpuWatch::needed_period() const {
    std::optional<Duration> shortest;
    for (model::ServiceIndex index = 0; index < pod_.services.size(); ++index) {
        if (!is_alive(pod_.services[index])) {
            continue;
        }
        const model::CpusSpec& settings = host_.spec.services[index].cpus;
        const auto given = host_.last_cpus.find(index);
        const bool has_library = given != host_.last_cpus.end() && given->second.shim;
        if (has_library || settings.on_change) {
            shortest = std::min(shortest.value_or(settings.watch), settings.watch);
        }
    }
    return shortest;
}

void CpuWatch::arm() {
    timer_.cancel();
    if (!period_ || stopped_) {
        return;
    }
    timer_.expires_after(*period_);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error && !stopped_) {
            arm(); // first: what is told may stop it
            take(host_.cpu_count());
        }
    });
}

void CpuWatch::notice(const model::CpuCount& count) {
    if (notices_ || !limits_ || limits_ == Limits{.usable = count.usable, .quota = count.quota}) {
        return;
    }
    notices_ = true;
    boost::asio::post(host_.loop, [this] {
        notices_ = false;
        if (!stopped_) {
            take(host_.cpu_count());
        }
    });
}

void CpuWatch::take(const model::CpuCount& count) {
    const int pod_cpus = model::count_for(count, host_.spec.cpus);
    limits_ = {.usable = count.usable, .quota = count.quota};
    model::CpusChanged fact{.from = std::exchange(pod_cpus_, pod_cpus),
                            .to = pod_cpus,
                            .reason = reason_of(count, host_.spec.cpus),
                            .services = take_services(count)};
    if (fact.from != fact.to || !fact.services.empty()) {
        host_.post(std::move(fact));
    }
}

/// The pages come first: who gets a signal looks at once.
std::vector<model::CpuNotice> CpuWatch::take_services(const model::CpuCount& count) {
    std::vector<model::CpuNotice> notices;
    for (model::ServiceIndex index = 0; index < told_.size(); ++index) {
        Told& told = told_[index];
        const int cpus = model::count_for(count, host_.spec.services[index].cpus);
        if (told.attempt == 0 || told.cpus == cpus) {
            continue;
        }
        pages_.write(index, cpus);
        notices.push_back(
            {.service = index, .attempt = told.attempt, .from = std::exchange(told.cpus, cpus), .to = cpus});
    }
    return notices;
}

void CpuWatch::stop() {
    stopped_ = true;
    timer_.cancel();
}

} // namespace davit::runtime
