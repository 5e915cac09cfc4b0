// SPDX-License-Identifier: Apache-2.0
// A server in a thread that answers as the test says and then falls silent, as a davit does that is stopped
// (SIGSTOP) in the middle of its work.
#pragma once

#include "os/fd.h"

#include <atomic>
#include <functional>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <vector>

namespace davit::cli {

/// An abstract socket that nobody else has.
class MadeUpPlace {
public:
    MadeUpPlace();
    const std::string& name() const { return name_; } // "@..."

    /// Listens with room for `backlog` connections that nobody has taken.
    os::Fd listen(int backlog) const;
    os::Fd connect_without_waiting() const; // no descriptor: refused or full

private:
    std::string name_;
    sockaddr_un address_{};
    socklen_t size_ = 0;
};

enum class Then : std::uint8_t {
    freeze, // keeps the connection open and says nothing more
    close,
};

class MadeUpServer {
public:
    /// Takes one client, reads its request, sends `answer`.
    MadeUpServer(std::string answer, Then then);
    ~MadeUpServer();
    MadeUpServer(const MadeUpServer&) = delete;
    MadeUpServer& operator=(const MadeUpServer&) = delete;

    const std::string& place() const { return place_.name(); }
    /// What the client sent; waits for the end of the exchange.
    std::string request();

private:
    void serve();
    bool wait_readable(int descriptor) const;

    MadeUpPlace place_;
    os::Fd listener_;
    std::string answer_;
    Then then_;
    os::Pipe stop_;
    std::string request_;
    std::thread thread_;
};

/// A whole answer as davit's server writes it.
std::string plain_answer(const std::string& status, const std::string& body);
/// The head of a stream and its lines, each a chunk; without the end.
std::string stream_answer(const std::vector<std::string>& lines);
inline const std::string stream_end = "0\r\n\r\n";

} // namespace davit::cli
