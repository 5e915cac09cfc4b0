// SPDX-License-Identifier: Apache-2.0
#include "runtime/jvm_look_ups.h"

#include "model/words.h"
#include "os/session_scan.h"

#include <boost/asio/post.hpp>

#include <chrono>
#include <csignal>
#include <utility>

namespace davit::runtime {
namespace {

/// 40 ms are usual; a cold disk takes longer. A service waits for it.
constexpr std::chrono::seconds patience{2};
/// Nobody has so many JVMs; one that changes again and again must not fill the memory.
constexpr std::size_t most_known = 32;

} // namespace

std::optional<os::JvmLibrary> JvmLookUps::known(const os::JvmPlace& place) const {
    const auto found = known_.find(place.identity);
    if (found == known_.end()) {
        return std::nullopt;
    }
    return os::JvmLibrary{
        .java = place.java, .library = place.library, .version = found->second.version, .facts = found->second.facts};
}

void JvmLookUps::ask(const os::JvmPlace& place, std::weak_ptr<const void> asker, Told told) {
    Listener listener{.asker = std::move(asker), .told = std::move(told)};
    if (const auto found = running_.find(place.identity); found != running_.end()) {
        found->second->listeners.push_back(std::move(listener));
    } else {
        begin(place, std::move(listener));
    }
}

void JvmLookUps::begin(const os::JvmPlace& place, Listener listener) {
    auto look_up = os::begin_jvm_look_up(place);
    if (!look_up) {
        boost::asio::post(loop_, [told = std::move(listener.told), error = std::unexpected{look_up.error()},
                                  alive = std::weak_ptr{alive_}] {
            if (!alive.expired()) {
                told(error);
            }
        });
        return;
    }
    const pid_t child = look_up->child;
    const os::FileIdentity identity = place.identity;
    // In the turn of the fork: SIGCHLD is handled in a later one, so no exit can slip between.
    reaper_.watch(child, [this, identity](model::ExitStatus) { take(identity); });
    auto running = std::make_unique<Running>(Running{.place = place,
                                                     .look_up = *std::move(look_up),
                                                     .deadline = boost::asio::steady_timer{loop_, patience},
                                                     .listeners = {}});
    running->listeners.push_back(std::move(listener));
    running->deadline.async_wait([this, identity](const boost::system::error_code& error) {
        if (!error) {
            give_up(identity);
        }
    });
    running_.insert_or_assign(identity, std::move(running));
}

void JvmLookUps::take(const os::FileIdentity& identity) {
    const auto ended = running_.extract(identity);
    if (!ended) {
        return;
    }
    const Running& running = *ended.mapped();
    const auto library = os::take_answer(running.look_up, running.place);
    if (library) {
        remember(identity, *library);
    }
    for (const Listener& listener : running.listeners) {
        listener.told(library);
    }
}

void JvmLookUps::give_up(const os::FileIdentity& identity) {
    const auto ended = running_.extract(identity);
    if (!ended) {
        return;
    }
    const Running& running = *ended.mapped();
    // It may have answered while davit stood still.
    auto library = os::take_answer(running.look_up, running.place);
    if (library) {
        remember(identity, *library);
    } else {
        library = failure(running.place.library + ": was not read within " + model::seconds_text(patience));
    }
    end(running.look_up);
    for (const Listener& listener : running.listeners) {
        listener.told(library);
    }
}

void JvmLookUps::remember(const os::FileIdentity& identity, const os::JvmLibrary& library) {
    if (known_.size() >= most_known) {
        known_.erase(known_.begin());
    }
    known_.insert_or_assign(identity, Known{.version = library.version, .facts = library.facts});
}

/// The reaper takes it as it takes any stranger.
void JvmLookUps::end(const os::JvmLookUp& look_up) {
    reaper_.forget(look_up.child);
    os::signal_process(look_up.child, SIGKILL);
}

void JvmLookUps::end_unwanted() {
    std::erase_if(running_, [this](const auto& entry) {
        const auto& [identity, running] = entry;
        std::erase_if(running->listeners, [](const Listener& listener) { return listener.asker.expired(); });
        if (!running->listeners.empty()) {
            return false;
        }
        end(running->look_up);
        return true;
    });
}

void JvmLookUps::cancel_all() {
    for (const auto& [identity, running] : running_) {
        end(running->look_up);
    }
    running_.clear();
}

} // namespace davit::runtime
