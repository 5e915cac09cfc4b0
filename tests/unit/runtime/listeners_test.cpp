// SPDX-License-Identifier: Apache-2.0
// Who waits is told what concerns him, in order, and never from inside a call.
#include "runtime/listeners.h"

#include "support/catch.h"

#include <vector>

namespace davit::runtime {
namespace {

using Heard = std::vector<std::string>;

Listener listener_of(Heard& heard) {
    return {.progress = [&](std::string_view line) { heard.emplace_back(line); },
            .answer =
                [&](model::Verdict verdict, std::string_view message) {
                    heard.push_back(std::string{model::to_string(verdict)} + " " + std::string{message});
                }};
}

model::Request request(model::RequestId id, model::Verb verb, std::vector<model::ServiceIndex> services = {}) {
    model::Request made;
    made.id = id;
    made.verb = verb;
    made.services = std::move(services);
    return made;
}

} // namespace

TEST_CASE("a client hears its lines and then its answer, in a later turn of the loop", "[listeners]") {
    boost::asio::io_context loop;
    Listeners listeners{loop};
    Heard heard;
    listeners.add(request(1, model::Verb::prestop), listener_of(heard));

    listeners.tell_pod("phase draining");
    listeners.answer({1, model::Verdict::done, "stopped"});
    listeners.tell_pod("too late");
    CHECK(heard.empty());
    loop.run();

    CHECK(heard == Heard{"phase draining", "done stopped"});
    CHECK(listeners.is_empty());
}

TEST_CASE("a client that left hears nothing, not even what was on its way", "[listeners]") {
    boost::asio::io_context loop;
    Listeners listeners{loop};
    Heard heard;
    listeners.add(request(1, model::Verb::poststart), listener_of(heard));

    listeners.tell_pod("phase online");
    listeners.answer({1, model::Verdict::done, "online"});
    listeners.remove(1);
    loop.run();

    CHECK(heard.empty());
}

TEST_CASE("a change of a service is told to those whom it concerns", "[listeners]") {
    boost::asio::io_context loop;
    Listeners listeners{loop};
    Heard of_web;
    Heard of_log;
    Heard of_hook;
    listeners.add(request(1, model::Verb::restart, {0}), listener_of(of_web));
    listeners.add(request(2, model::Verb::wait_service, {1}), listener_of(of_log));
    listeners.add(request(3, model::Verb::poststart), listener_of(of_hook));

    listeners.tell_service(0, "web running");
    loop.run();

    CHECK(of_web == Heard{"web running"});
    CHECK(of_log.empty());
    CHECK(of_hook == Heard{"web running"});
}

TEST_CASE("who has heard nothing for a while is told, who has is not", "[listeners]") {
    boost::asio::io_context loop;
    Listeners listeners{loop};
    Heard heard;
    const TimePoint began = std::chrono::steady_clock::now();
    const Duration patience = std::chrono::hours{1};
    CHECK_FALSE(listeners.next_silence(patience));
    listeners.add(request(1, model::Verb::poststart), listener_of(heard));
    REQUIRE(listeners.next_silence(patience) >= began + patience);

    const auto text = [](const model::Request&) { return std::string{"still starting"}; };
    listeners.tell_silent(patience, began, text);
    loop.run();
    CHECK(heard.empty());
    listeners.tell_silent(patience, began + 2 * patience, text);
    loop.restart();
    loop.run();
    CHECK(heard == Heard{"still starting"});

    listeners.answer({1, model::Verdict::done, "online"});
    CHECK_FALSE(listeners.next_silence(patience)); // it has its answer
    loop.restart();
    loop.run();
}

} // namespace davit::runtime
