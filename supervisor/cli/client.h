// SPDX-License-Identifier: Apache-2.0
// A client of davit's API: finds the socket, makes sure that davit answers on it, sends one request and
// reads the answer, all before one deadline. Blocking and small: it lives for one command. Whatever PID 1
// does (not there yet, frozen, full, half an answer), every call returns by the deadline.
#pragma once

#include "api/protocol.h"
#include "model/time.h"
#include "os/fd.h"

#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::cli {

/// Why there is no answer, as the exit code of the client and a line for the user.
struct Failure {
    api::ClientExit exit = api::ClientExit::negative;
    std::string text;
};

template <typename T>
using Outcome = std::expected<T, Failure>;

struct ApiRequest {
    std::string_view method = "GET";
    std::string target;
    std::string body; // JSON; empty: none
};

struct Reply {
    unsigned status = 0;
    std::string body; // what `on_line` did not take
};

class Client {
public:
    /// Nothing takes longer than until `deadline`.
    explicit Client(TimePoint deadline) : deadline_(deadline) {}

    /// Connects to the first of `sockets` (paths, `@NAME`) that davit answers on, and tries again until
    /// `patience`; one attempt is made in any case. A davit that is there but takes nobody is waited for
    /// until the deadline.
    Outcome<void> connect(const std::vector<std::string>& sockets, TimePoint patience);

    /// One request on the connection. The lines of a stream (without line feed) go to `on_line` as they come.
    Outcome<Reply> call(const ApiRequest& request, const std::function<void(std::string_view line)>& on_line);

    /// Sends the request and hands the connection over, for who only wants to see that something comes on it.
    Outcome<os::Fd> hand_over(const ApiRequest& request);

    TimePoint deadline() const { return deadline_; }
    /// For a stream that tells how long to wait.
    void set_deadline(TimePoint deadline) { deadline_ = deadline; }

private:
    enum class Attempt : std::uint8_t { connected, busy, absent };
    Attempt try_all(const std::vector<std::string>& sockets, std::string& problems);

    TimePoint deadline_;
    os::Fd socket_;
};

} // namespace davit::cli
