// SPDX-License-Identifier: Apache-2.0
#include "runtime/progress.h"

#include "model/why.h"

namespace davit::runtime {
namespace {

constexpr std::chrono::seconds patience{5};

} // namespace

void Progress::look() {
    const std::optional<TimePoint> next = listeners_.next_silence(patience);
    if (!next) {
        armed_.reset();
        timer_.cancel();
        return;
    }
    if (armed_ && *armed_ <= *next) {
        return; // It looks again then: a chatty step does not move the timer at each line.
    }
    armed_ = next;
    timer_.expires_at(*next);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error && armed_) {
            armed_.reset();
            tell();
            look();
        }
    });
}

void Progress::tell() {
    const TimePoint now = std::chrono::steady_clock::now();
    listeners_.tell_silent(patience, now, [&](const model::Request& request) {
        return model::still_waiting(spec_, pod_, request.id, now);
    });
}

} // namespace davit::runtime
