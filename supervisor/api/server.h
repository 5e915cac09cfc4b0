// SPDX-License-Identifier: Apache-2.0
// Serves HTTP/1.1 behind one door of davit: with JSON on its unix socket, where root and PID 1's own uid may call from
// within its PID namespace, or on the status port, where everybody may look at the probes and the metrics and do
// nothing. It says how many may come at once and how long they may take, asks, looks and listens through
// runtime/supervisor.h and decides nothing itself. Before the first client comes it owns a listening descriptor and
// little else.
//
//   client ──► peer check ──► a place ──► read (limits, 5 s) ──► router ──► status, events, a probe: one answer
//              (unix socket)                                       └─────► a verb: Supervisor::ask, lines until its end
//
// Where every place is taken who has not asked anything yet makes room, the oldest first; then who is slow to take an
// answer. Who follows a stream may pause in it; where no place to wait is left he is the one that goes. So idle and
// slow clients keep nobody out.
#pragma once

#include "config/load.h"
#include "os/fd.h"
#include "runtime/supervisor.h"

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace davit::api {

/// Where clients come in.
enum class Door : std::uint8_t { unix_socket, status_port };

struct ServerOptions {
    Door door = Door::unix_socket;
    /// Connections at the same time, hooks included.
    std::size_t max_connections = 128;
    /// Places among them that only poststart and prestop can hold for long.
    std::size_t reserved_for_hooks = 8;
    /// For one request to arrive, and for the client to take what is written to it.
    Duration io_timeout = std::chrono::seconds{5};
    /// Reads the configuration again, as it was read at the start, for a reload.
    std::function<config::LoadResult()> load = {};
};

/// For the status port: its clients take no place of those of the unix socket.
inline ServerOptions status_port_options() {
    return {.door = Door::status_port, .max_connections = 64, .reserved_for_hooks = 0};
}

class Server {
public:
    /// `loop` and `supervisor` must outlive the server.
    Server(boost::asio::io_context& loop, runtime::Supervisor& supervisor, ServerOptions options);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Accepts clients on a listening stream socket: a unix one, or of TCP on the status port.
    void serve(os::Fd listening_socket);

    /// Accepts nobody any more and calls `done`, once, when every answer that is due has been written, at the
    /// latest after `patience`. For the end of PID 1: a client whose verb has an answer still hears it.
    void finish(Duration patience, std::function<void()> done);

private:
    class Body;
    std::shared_ptr<Body> body_;
};

} // namespace davit::api
