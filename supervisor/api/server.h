// SPDX-License-Identifier: Apache-2.0
// Serves HTTP/1.1 with JSON on davit's unix socket: who may call (root or PID 1's own uid, from within its
// PID namespace), how many at once, how long they may take, and what each route answers. It asks, looks and
// listens through runtime/supervisor.h and decides nothing itself. Before the first client comes it owns a
// listening descriptor and little else.
//
//   client ──► peer check ──► a place ──► read (limits, 5 s) ──► router ──► status, events, a probe: one answer
//                                                                  └─────► a verb: Supervisor::ask, lines until its end
#pragma once

#include "config/load.h"
#include "os/fd.h"
#include "runtime/supervisor.h"

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <functional>
#include <memory>

namespace davit::api {

struct ServerOptions {
    /// Connections at the same time, hooks included.
    std::size_t max_connections = 128;
    /// Places among them that only poststart and prestop can hold for long.
    std::size_t reserved_for_hooks = 8;
    /// For one request to arrive, and for the client to take what is written to it.
    Duration io_timeout = std::chrono::seconds{5};
    /// Reads the configuration again, as it was read at the start, for a reload.
    std::function<config::LoadResult()> load = {};
};

class Server {
public:
    /// `loop` and `supervisor` must outlive the server.
    Server(boost::asio::io_context& loop, runtime::Supervisor& supervisor, ServerOptions options);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Accepts clients on a listening unix stream socket.
    void serve(os::Fd listening_socket);

    /// Accepts nobody any more and calls `done`, once, when every answer that is due has been written, at the
    /// latest after `patience`. For the end of PID 1: a client whose verb has an answer still hears it.
    void finish(Duration patience, std::function<void()> done);

private:
    class Body;
    std::shared_ptr<Body> body_;
};

} // namespace davit::api
