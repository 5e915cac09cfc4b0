// SPDX-License-Identifier: Apache-2.0
// A supervisor whose pod, answers and output the test decides. It takes the place of davit_runtime at link
// time: the faces see runtime/supervisor.h only, so that is all there is to play.
#pragma once

#include "model/pod_machine.h"
#include "os/log_ring.h"
#include "runtime/measures.h"
#include "runtime/supervisor.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace davit::api {

/// What the test sets and what it sees afterwards. One at a time.
struct MadeUpWorld {
    model::PodSpec spec;
    model::Pod pod;
    runtime::Journal journal;
    model::StartRecord way_up;
    std::vector<std::string> output;
    model::CpuCount cpus;
    std::map<model::ServiceIndex, model::ServiceCpus> given;
    runtime::Measures measures;
    Duration measuring_takes{};
    int measured = 0;

    std::uint64_t last_record = 0;
    std::map<model::ServiceIndex, std::unique_ptr<os::LogRing>> rings;
    os::LogRing& ring_of(model::ServiceIndex service) {
        auto& ring = rings[service];
        if (!ring) {
            ring = std::make_unique<os::LogRing>(last_record);
        }
        return *ring;
    }

    /// Called from inside `ask`; may post answers to the loop.
    std::function<void(const model::Request& request)> on_ask;
    std::vector<model::Request> asked;
    std::vector<model::RequestId> forgotten;
    std::vector<std::string> escaped;
    std::vector<model::PodSpec> reloaded;
    std::vector<model::ChangedKeys> changed_keys;
    std::vector<std::string> refused_reloads;
    std::map<model::RequestId, runtime::Listener> listeners;
};

/// The world that the next supervisor shows.
MadeUpWorld& made_up_world();

/// app "shop" with log-agent, mesh (readiness probe) and web (main), all running and ready, phase online.
void make_shop_online(MadeUpWorld& world);

} // namespace davit::api
