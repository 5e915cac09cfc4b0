// SPDX-License-Identifier: Apache-2.0
// Who waits and hears nothing is told every five seconds what is still missing and for how long, so that the last line
// that a hook or a person sees is the most useful one. It wakes davit only while somebody waits.
#pragma once

#include "model/pod_machine.h"
#include "runtime/listeners.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <optional>

namespace davit::runtime {

class Progress {
public:
    /// All must outlive it.
    Progress(boost::asio::io_context& loop, Listeners& listeners, const model::PodSpec& spec, const model::Pod& pod)
        : listeners_(listeners), spec_(spec), pod_(pod), timer_(loop) {}

    /// After each turn: somebody may have come, heard something or gone.
    void look();

private:
    void tell();

    Listeners& listeners_;
    const model::PodSpec& spec_;
    const model::Pod& pod_;
    boost::asio::steady_timer timer_;
    std::optional<TimePoint> armed_;
};

} // namespace davit::runtime
