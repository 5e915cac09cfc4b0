// SPDX-License-Identifier: Apache-2.0
// The clients that wait for an answer of the pod machine, and what each of them is told meanwhile: changes
// of the phase, of the services that concern it, lines of a step's output, what the ready gate waits for.
// Everything is handed over in a later turn of the loop, so a client may come and go from inside a call.
#pragma once

#include "model/pod_machine.h"
#include "runtime/supervisor.h"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace davit::runtime {

class Listeners {
public:
    explicit Listeners(boost::asio::io_context& loop) : loop_(loop) {}

    void add(const model::Request& request, Listener listener);
    void remove(model::RequestId id);
    bool is_empty() const { return waiting_.empty(); }

    /// To everybody who waits for the pod (hooks, online, offline, a phase).
    void tell_pod(std::string_view line);
    /// To everybody whom this service concerns.
    void tell_service(model::ServiceIndex service, std::string_view line);
    /// To one.
    void tell(model::RequestId id, std::string_view line);
    void answer(const model::Answer& answer);

    /// When somebody will have heard nothing for `patience`; nullopt: nobody waits.
    std::optional<TimePoint> next_silence(Duration patience) const;
    /// To each who has heard nothing for `patience`: what `text_of` gives for its request, if that is something.
    void tell_silent(Duration patience, TimePoint now,
                     const std::function<std::string(const model::Request& request)>& text_of);

private:
    struct Waiting {
        model::Request request;
        Listener listener;
        bool has_answer = false;
        TimePoint heard; // the last line, or when it began to wait
    };
    using Shared = std::shared_ptr<Waiting>;

    static bool waits_for_pod(const model::Request& request);
    static bool is_concerned(const model::Request& request, model::ServiceIndex service);
    void tell(const Shared& waiting, std::string_view line);

    boost::asio::io_context& loop_;
    std::map<model::RequestId, Shared> waiting_;
};

} // namespace davit::runtime
