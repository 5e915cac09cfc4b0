// SPDX-License-Identifier: Apache-2.0
// A client at davit's socket, or at its status port, that sends anything, whole or in two pieces, and hangs up.
// Session, parser and routes are the real ones; the supervisor is the made-up one of tests/unit/api.
#include "api/session.h"
#include "unit/api/made_up_supervisor.h"

#include "target.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>

#include <array>
#include <set>
#include <sys/socket.h>

namespace davit::fuzz {

namespace {

using Socket = boost::asio::local::stream_protocol::socket;

struct House {
    boost::asio::io_context loop{1};
    runtime::Supervisor supervisor{loop, model::PodSpec{}, {}};
    api::SessionHost socket_host{.supervisor = supervisor,
                                 .options = {},
                                 .take_place = [](api::SessionState) { return true; },
                                 .metrics = [] { return "davit_ready 1\n"; }};
    api::SessionHost status_host{.supervisor = supervisor,
                                 .options = api::status_port_options(),
                                 .take_place = [](api::SessionState) { return true; },
                                 .metrics = [] { return "davit_ready 1\n"; }};

    House() {
        api::make_shop_online(api::made_up_world());
        // Some verbs are answered at once, some in a later turn, some never.
        api::made_up_world().on_ask = [this](const model::Request& request) {
            if (request.id % 3 == 0) {
                api::made_up_world().listeners[request.id].answer(model::Verdict::refused, "not now");
            } else if (request.id % 3 == 1) {
                boost::asio::post(loop, [id = request.id] {
                    api::made_up_world().listeners[id].progress("phase draining");
                    api::made_up_world().listeners[id].answer(model::Verdict::done, "done");
                });
            }
        };
    }
};

House& house() {
    static House house;
    return house;
}

/// A socket's buffer takes all of it: the limits of a request are below.
void send(Socket& client, std::string_view text) {
    while (!text.empty()) {
        const ssize_t size = ::send(client.native_handle(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size <= 0) {
            return; // the session has closed, or reads no more
        }
        text.remove_prefix(static_cast<std::size_t>(size));
    }
}

void receive(Socket& client, std::string& text) {
    std::array<char, 64 * 1024> buffer;
    for (ssize_t size = 1; size > 0;) {
        size = ::recv(client.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        text.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    }
}

void check_answers(std::string_view text) {
    static const std::set<std::string_view> known = {"200", "400", "404", "405", "409", "413", "431", "503"};
    demand(text.empty() || text.starts_with("HTTP/1.1 "), "an answer is HTTP");
    for (std::size_t at = text.find("HTTP/1.1 "); at != std::string_view::npos; at = text.find("HTTP/1.1 ", at + 1)) {
        demand(known.contains(text.substr(at + 9, 3)), "an answer has a status of the API");
    }
    const std::size_t head = text.find("\r\n\r\n");
    demand(text.empty() || head != std::string_view::npos, "an answer has a head");
}

std::string answers_to(std::string_view first, std::string_view second, const api::SessionHost& host) {
    House& home = house();
    Socket client{home.loop};
    Socket served{home.loop};
    boost::asio::local::connect_pair(client, served);
    bool ended = false;
    auto session = std::make_shared<api::Session>(api::Session::Socket{std::move(served)}, host);
    send(client, first);
    api::Session::run(session, [&] { ended = true; });
    home.loop.restart();
    home.loop.poll();
    std::string answers;
    receive(client, answers);
    send(client, second);
    ::shutdown(client.native_handle(), SHUT_WR);
    for (int turn = 0; turn < 10'000 && !ended; ++turn) {
        home.loop.restart();
        home.loop.poll();
        receive(client, answers);
    }
    demand(ended, "a session ends when its client has left");
    receive(client, answers);
    session.reset();
    home.loop.restart();
    home.loop.poll();
    return answers;
}

} // namespace

void run(std::string_view input) {
    api::MadeUpWorld& world = api::made_up_world();
    house();
    world.asked.clear();
    world.forgotten.clear();
    world.listeners.clear();
    world.escaped.clear();
    const std::size_t half = input.empty() ? 0 : static_cast<unsigned char>(input.front()) * input.size() / 256;
    check_answers(answers_to(input.substr(0, half), input.substr(half), house().status_host));
    demand(world.asked.empty(), "nothing can be done at the status port");
    check_answers(answers_to(input.substr(0, half), input.substr(half), house().socket_host));
    demand(world.escaped.empty(), "no exception leaves a session");
}

} // namespace davit::fuzz
