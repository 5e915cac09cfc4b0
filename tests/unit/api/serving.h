// SPDX-License-Identifier: Apache-2.0
// A server with a supervisor that the test plays, and clients of it. Server and client take turns in one thread: the
// client never blocks, the loop runs while it waits.
#pragma once

#include "api/server.h"
#include "made_up_supervisor.h"
#include "os/tcp_listener.h"

#include "support/catch.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace davit::api {

/// Where the server of a test listens, and clients connect.
struct ServerAddress {
    sockaddr_storage address{};
    socklen_t size = sizeof address;

    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

inline os::Fd listen_on_unix_socket() {
    static int counter = 0;
    const std::string name = "davit-test-" + std::to_string(::getpid()) + "-" + std::to_string(++counter);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(&address.sun_path[1], name.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    os::Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(socket.get(), 64) == 0);
    return socket;
}

/// On some port.
inline os::Fd listen_on_loopback() {
    auto socket = os::listen_on_tcp("127.0.0.1", 0);
    REQUIRE(socket);
    return std::move(*socket);
}

class Fixture {
public:
    explicit Fixture(const ServerOptions& options = {})
        : supervisor_(loop, model::PodSpec{}, {}), server(loop, supervisor_, options) {
        make_shop_online(world());
        os::Fd listener = options.door == Door::unix_socket ? listen_on_unix_socket() : listen_on_loopback();
        REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address.address), &address.size) == 0);
        server.serve(std::move(listener));
    }

    static MadeUpWorld& world() { return made_up_world(); }

    /// Runs the loop until `condition` holds.
    template <typename Condition>
    bool reaches(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{60};
        while (!condition()) {
            if (std::chrono::steady_clock::now() > deadline) {
                return false;
            }
            loop.restart();
            loop.run_for(std::chrono::milliseconds{1});
        }
        return true;
    }

    /// Answers every request in a later turn of the loop.
    void answer_all(model::Verdict verdict, std::string message) {
        world().on_ask = [this, verdict, message](const model::Request& request) {
            boost::asio::post(loop,
                              [id = request.id, verdict, message] { world().listeners[id].answer(verdict, message); });
        };
    }

    boost::asio::io_context loop{1};
    ServerAddress address;

private:
    runtime::Supervisor supervisor_;

public:
    Server server;
};

class Client {
public:
    explicit Client(Fixture& fixture)
        : fixture_(fixture), socket_(::socket(fixture.address.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        REQUIRE(::connect(socket_, fixture.address.get(), fixture.address.size) == 0);
    }
    ~Client() { leave(); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void send(std::string_view text) { ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT); }
    void get(std::string_view target) { send("GET " + std::string{target} + " HTTP/1.1\r\nHost: davit\r\n\r\n"); }
    void post(std::string_view target) {
        send("POST " + std::string{target} + " HTTP/1.1\r\nHost: davit\r\nContent-Length: 0\r\n\r\n");
    }

    bool hears(std::string_view text) {
        return fixture_.reaches([&] { return pump() || received_.contains(text); }) && received_.contains(text);
    }
    bool is_closed() {
        return fixture_.reaches([&] { return pump(); });
    }
    const std::string& received() const { return received_; }
    void forget_received() { received_.clear(); }

    void leave() {
        if (socket_ >= 0) {
            ::close(socket_);
            socket_ = -1;
        }
    }

private:
    /// Takes what is there; true: the server closed.
    bool pump() {
        std::array<char, std::size_t{64} * 1024> buffer;
        while (!closed_) {
            const ssize_t size = ::recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
            if (size < 0 && errno == EAGAIN) {
                return false;
            }
            closed_ = size <= 0;
            received_.append(buffer.data(), closed_ ? 0 : static_cast<std::size_t>(size));
        }
        return true;
    }

    Fixture& fixture_;
    int socket_;
    bool closed_ = false;
    std::string received_;
};

} // namespace davit::api
