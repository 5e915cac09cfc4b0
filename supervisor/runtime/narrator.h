// SPDX-License-Identifier: Apache-2.0
// Tells what changed: one line of davit's log a change, one entry of the journal, and a line for the clients
// whom it concerns. It decides nothing; the words of the reason come with the change.
#pragma once

#include "model/pod_machine.h"
#include "runtime/journal.h"
#include "runtime/listeners.h"
#include "runtime/log.h"

#include <string>
#include <string_view>

namespace davit::runtime {

class Narrator {
public:
    Narrator(const model::PodSpec& spec, Log& log, Journal& journal, Listeners& listeners)
        : spec_(spec), log_(log), journal_(journal), listeners_(listeners) {}

    /// `pod` is the value after the change.
    void tell(const model::Change& change, const model::Pod& pod, TimePoint now);

    /// While somebody waits at the ready gate: what it waits for, each time that it is something else.
    void tell_missing(const model::Pod& pod);

    /// For a client that begins to wait for the pod or a service: where that is.
    void tell_phase(const model::Request& request, const model::Pod& pod);

private:
    void log(LogLevel level, std::string_view line);
    void tell_pod(const model::Change& change, TimePoint now);
    void tell_service(const model::Change& change, const model::Service& service);

    const model::PodSpec& spec_;
    Log& log_;
    Journal& journal_;
    Listeners& listeners_;
    TimePoint way_up_began_ = {}; // of the cycle that leads online
    std::string told_missing_;
};

} // namespace davit::runtime
