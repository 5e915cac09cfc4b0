// SPDX-License-Identifier: Apache-2.0
#include "runtime/usage_meter.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <unistd.h>

namespace davit::runtime {

void UsageMeter::begin(const Session& session) {
    leaders_.insert_or_assign(session.query.leader, session.service);
    if (session.query.bound == os::SessionQuery::Bound::group) {
        in_davits_session_ = session.service;
    }
}

void UsageMeter::end(model::ServiceIndex service) {
    const auto found = std::ranges::find(leaders_, service, [](const auto& entry) { return entry.second; });
    if (found == leaders_.end()) {
        return;
    }
    boost::asio::post(host_.loop, [this, alive = std::weak_ptr{alive_}, leader = found->first, service] {
        if (alive.expired()) {
            return;
        }
        const auto left = leaders_.find(leader);
        if (left != leaders_.end() && left->second == service) {
            leaders_.erase(left);
        }
    });
}

void UsageMeter::take(const os::ReapedChild& child) {
    if (const auto owner = owner_of(child)) {
        ended_of(*owner) += child.cpu;
    }
    orphans_.erase(child.pid);
}

std::optional<model::ServiceIndex> UsageMeter::owner_of(const os::ReapedChild& child) const {
    for (const pid_t leader : {child.session, child.pid}) {
        if (const auto found = leaders_.find(leader); found != leaders_.end()) {
            return found->second;
        }
    }
    if (const auto found = orphans_.find(child.pid); found != orphans_.end()) {
        return found->second;
    }
    const bool is_its_own = host_.spec.plain_init || (in_davits_session_ && child.session == ::getsid(0));
    return is_its_own ? in_davits_session_ : std::nullopt;
}

Duration& UsageMeter::ended_of(model::ServiceIndex service) {
    if (service >= ended_.size()) {
        ended_.resize(service + 1);
    }
    return ended_[service];
}

const std::vector<ServiceUsage>& UsageMeter::read(std::size_t services, const std::vector<Session>& sessions) {
    usage_.resize(services);
    std::vector<os::SessionQuery> queries;
    queries.reserve(sessions.size());
    std::ranges::transform(sessions, std::back_inserter(queries), &Session::query);
    const auto running = scan_.usage_of(queries, host_.task_leaders);
    std::vector<Duration> cpu(usage_.size());
    for (model::ServiceIndex service = 0; service < usage_.size(); ++service) {
        cpu[service] = ended_of(service);
        usage_[service].resident_bytes = running ? std::optional<std::uint64_t>{0} : std::nullopt;
    }
    orphans_.clear();
    for (std::size_t place = 0; running && place < sessions.size(); ++place) {
        const os::SessionUsage& session = (*running)[place];
        const model::ServiceIndex service = sessions[place].service;
        cpu[service] += session.cpu;
        usage_[service].resident_bytes = session.resident_bytes;
        for (const pid_t orphan : session.orphans) {
            orphans_.emplace(orphan, service);
        }
    }
    for (model::ServiceIndex service = 0; service < usage_.size(); ++service) {
        usage_[service].cpu = std::max(usage_[service].cpu, cpu[service]);
    }
    return usage_;
}

} // namespace davit::runtime
