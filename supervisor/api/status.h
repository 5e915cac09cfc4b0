// SPDX-License-Identifier: Apache-2.0
// Turns the pod's value into the JSON of `status` (contract, section 9), the journal into that of `events`,
// and answers the three probe addresses. What is not in the pod's value (the wall clock, kept output) comes
// in as functions, so that a test needs no running davit.
#pragma once

#include "model/pod_machine.h"
#include "model/spec.h"
#include "runtime/journal.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::api {

/// What the status looks at. The references outlive the call.
struct View {
    const model::PodSpec& spec;
    const model::Pod& pod;
    const runtime::Journal& journal;
    TimePoint now;
    int cpus = 1;
    std::function<std::string(TimePoint)> wall_clock;
    std::function<std::vector<std::string>(model::ServiceIndex, std::size_t count)> last_output;
};

enum class Detail : std::uint8_t {
    plain,    // the documented shape
    explained // also `why` and `advice` of the pod, and `advice` of each service
};

/// The object of `status`, of all services (`services` empty) or of those that are named.
std::string status_json(const View& view, const std::vector<model::ServiceIndex>& services, Detail detail);

/// One object a line, oldest first: {"number", "time", "service", "from", "to", "reason"}; service null: the pod.
std::string events_json(const View& view);
/// One of them, without the line feed.
std::string event_json(const View& view, const runtime::JournalEntry& entry);

enum class ProbeQuestion : std::uint8_t { startup, ready, live };

struct ProbeAnswer {
    bool yes = false;
    std::string line; // says why; at most 1 KiB, no line feed
};
ProbeAnswer answer_probe(const View& view, ProbeQuestion question);

} // namespace davit::api
