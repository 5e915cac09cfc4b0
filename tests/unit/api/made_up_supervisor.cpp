// SPDX-License-Identifier: Apache-2.0
#include "made_up_supervisor.h"

#include <thread>

namespace davit::api {

MadeUpWorld& made_up_world() {
    static MadeUpWorld world;
    return world;
}

void make_shop_online(MadeUpWorld& world) {
    using namespace model;
    world = {};
    world.spec.app = "shop";
    world.spec.services = {ServiceSpec{.name = "log-agent"}, ServiceSpec{.name = "mesh"},
                           ServiceSpec{.name = "web", .main = true}};
    world.spec.services[1].readiness_probe = ProbeSpec{.check = HttpCheck{.port = 15021, .path = "/ready"}};
    world.spec.services[2].log_mode = LogMode::raw;
    world.pod = initial_pod(world.spec);
    int pid = 17;
    for (Service& service : world.pod.services) {
        service.state = ServiceState::running;
        service.process = Process::alive;
        service.pid = pid++;
        service.attempt = 1;
        service.since = TimePoint{std::chrono::seconds{100}};
        service.launched_at = service.since;
        service.readiness.tracker.good = true;
        service.readiness.last_message = "GET http://127.0.0.1:15021/ready 200";
    }
    world.pod.lifecycle.phase = Phase::online;
    world.pod.lifecycle.since = TimePoint{std::chrono::seconds{105}};
}

} // namespace davit::api

namespace davit::runtime {

class Supervisor::Body {
public:
    api::MadeUpWorld& world = api::made_up_world();
    model::RequestId last_id = 0;
};

Supervisor::Supervisor(boost::asio::io_context&, model::PodSpec, SupervisorOptions) : body_(std::make_unique<Body>()) {}
Supervisor::~Supervisor() = default;

model::RequestId Supervisor::ask(model::Request request, Listener listener) {
    request.id = ++body_->last_id;
    body_->world.asked.push_back(request);
    body_->world.listeners[request.id] = std::move(listener);
    if (body_->world.on_ask) {
        body_->world.on_ask(request);
    }
    return request.id;
}

model::RequestId Supervisor::reload(model::Request request, model::PodSpec loaded, std::vector<model::ChangedKeys> keys,
                                    Listener listener) {
    body_->world.reloaded.push_back(std::move(loaded));
    body_->world.changed_keys = std::move(keys);
    return ask(std::move(request), std::move(listener));
}

void Supervisor::report_refused_reload(std::string_view text) {
    body_->world.refused_reloads.emplace_back(text);
}

void Supervisor::report_escaped(std::string_view text) {
    body_->world.escaped.emplace_back(text);
}
void Supervisor::forget(model::RequestId id) {
    body_->world.forgotten.push_back(id);
}
const model::PodSpec& Supervisor::spec() const {
    return body_->world.spec;
}
const model::Pod& Supervisor::pod() const {
    return body_->world.pod;
}
const model::StartRecord& Supervisor::way_up() const {
    return body_->world.way_up;
}

const Journal& Supervisor::journal() const {
    return body_->world.journal;
}

Journal& Supervisor::journal() {
    return body_->world.journal;
}

std::string Supervisor::wall_clock(TimePoint moment) const {
    return "T" + std::to_string(std::chrono::duration_cast<std::chrono::seconds>(moment.time_since_epoch()).count());
}

ServiceSurroundings Supervisor::surroundings_of(model::ServiceIndex service) const {
    return {.environment = {"PATH=/bin", "TOKEN=secret of " + body_->world.spec.services[service].name},
            .identity = {},
            .directory = "/"};
}

const model::CpuCount& Supervisor::cpu_count() const {
    return body_->world.cpus;
}

const model::ServiceCpus* Supervisor::cpus_of(model::ServiceIndex service) const {
    const auto found = body_->world.given.find(service);
    return found == body_->world.given.end() ? nullptr : &found->second;
}

Measures Supervisor::measure() {
    ++body_->world.measured;
    std::this_thread::sleep_for(body_->world.measuring_takes);
    return body_->world.measures;
}

os::LogRing& Supervisor::output_of(model::ServiceIndex service) {
    return body_->world.ring_of(service);
}

std::vector<std::string> Supervisor::last_output(model::ServiceIndex, std::size_t count) const {
    const auto& all = body_->world.output;
    return {all.end() - static_cast<std::ptrdiff_t>(std::min(count, all.size())), all.end()};
}

} // namespace davit::runtime
