// SPDX-License-Identifier: Apache-2.0
#include "runtime/listeners.h"

#include "model/contains.h"

#include <boost/asio/post.hpp>

namespace davit::runtime {
namespace {

TimePoint now() {
    return std::chrono::steady_clock::now();
}

} // namespace

void Listeners::add(const model::Request& request, Listener listener) {
    waiting_.emplace(request.id, std::make_shared<Waiting>(request, std::move(listener), false, now()));
}

void Listeners::remove(model::RequestId id) {
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) {
        return;
    }
    // What was posted for it already finds nobody.
    found->second->listener = {};
    waiting_.erase(found);
}

void Listeners::tell_pod(std::string_view line) {
    for (const auto& [id, waiting] : waiting_) {
        if (waits_for_pod(waiting->request)) {
            tell(waiting, line);
        }
    }
}

void Listeners::tell_service(model::ServiceIndex service, std::string_view line) {
    for (const auto& [id, waiting] : waiting_) {
        if (is_concerned(waiting->request, service)) {
            tell(waiting, line);
        }
    }
}

void Listeners::tell(model::RequestId id, std::string_view line) {
    if (const auto found = waiting_.find(id); found != waiting_.end()) {
        tell(found->second, line);
    }
}

void Listeners::tell(const Shared& waiting, std::string_view line) {
    if (waiting->has_answer) {
        return;
    }
    waiting->heard = now();
    boost::asio::post(loop_, [waiting, text = std::string{line}] {
        if (waiting->listener.progress) {
            waiting->listener.progress(text);
        }
    });
}

void Listeners::answer(const model::Answer& answer) {
    const auto found = waiting_.find(answer.request);
    if (found == waiting_.end()) {
        return;
    }
    // It stays in the map until it is told: a client that leaves before that hears nothing.
    found->second->has_answer = true;
    boost::asio::post(loop_, [this, answer] {
        const auto taken = waiting_.extract(answer.request);
        if (taken && taken.mapped()->listener.answer) {
            taken.mapped()->listener.answer(answer.verdict, answer.message);
        }
    });
}

std::optional<TimePoint> Listeners::next_silence(Duration patience) const {
    std::optional<TimePoint> next;
    for (const auto& [id, waiting] : waiting_) {
        if (!waiting->has_answer && (!next || waiting->heard + patience < *next)) {
            next = waiting->heard + patience;
        }
    }
    return next;
}

void Listeners::tell_silent(Duration patience, TimePoint now,
                            const std::function<std::string(const model::Request& request)>& text_of) {
    for (const auto& [id, waiting] : waiting_) {
        if (waiting->has_answer || waiting->heard + patience > now) {
            continue;
        }
        waiting->heard = now;
        if (const std::string text = text_of(waiting->request); !text.empty()) {
            tell(waiting, text);
        }
    }
}

bool Listeners::waits_for_pod(const model::Request& request) {
    switch (request.verb) {
    case model::Verb::poststart:
    case model::Verb::prestop:
    case model::Verb::online:
    case model::Verb::offline:
    case model::Verb::isolate:
    case model::Verb::rejoin:
    case model::Verb::wait_phase:
    case model::Verb::start:
    case model::Verb::stop:
    case model::Verb::restart:
    case model::Verb::reload: return true;
    case model::Verb::signal:
    case model::Verb::wait_service: break;
    }
    return false;
}

bool Listeners::is_concerned(const model::Request& request, model::ServiceIndex service) {
    switch (request.verb) {
    case model::Verb::poststart:
    case model::Verb::prestop:
    case model::Verb::online:
    case model::Verb::offline:
    case model::Verb::isolate:
    case model::Verb::rejoin:
    case model::Verb::wait_phase:
    case model::Verb::reload: return true;
    case model::Verb::start:
    case model::Verb::stop:
    case model::Verb::restart:
    case model::Verb::wait_service: return model::contains(request.services, service);
    case model::Verb::signal: break;
    }
    return false;
}

} // namespace davit::runtime
