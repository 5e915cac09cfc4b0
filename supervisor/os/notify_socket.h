// SPDX-License-Identifier: Apache-2.0
// The socket to which one attempt of one service sends what it says of itself (sd_notify(3), NOTIFY_SOCKET): datagrams
// with the sender's credentials, which the kernel vouches for. Whoever floods it is read slowly, so that nobody else
// notices. Descriptors that come with a datagram are closed once it has been handled, which is what BARRIER=1 waits
// for.
#pragma once

#include "model/result.h"
#include "os/reach.h"

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace davit::os {

struct NotifyDatagram {
    std::string text;
    pid_t sender = 0; // 0: not in this PID namespace
    uid_t uid = 0;
    bool is_cut = false; // it was longer than is read
};

/// Where the socket can be, best first: beside davit's own socket, else in the abstract namespace. A path whose
/// directories not everybody may enter is of no use to another user. `number` tells the services apart.
std::vector<std::string> notify_places(std::string_view davits_place, std::string_view service, std::size_t number,
                                       Reach reach);

class NotifySocket {
public:
    /// Datagrams that came, at most `datagrams_in_one_turn`.
    using OnDatagrams = std::function<void(std::span<const NotifyDatagram>)>;
    static constexpr std::size_t datagrams_in_one_turn = 16;

    /// `loop` must outlive it.
    NotifySocket(boost::asio::io_context& loop, OnDatagrams on_datagrams);
    /// Closes it and removes its path; nothing more is told.
    ~NotifySocket();
    NotifySocket(const NotifySocket&) = delete;
    NotifySocket& operator=(const NotifySocket&) = delete;

    /// Listens at the first of `places` that can be had, for every user; a path that is there is replaced. Gives the
    /// place, as NOTIFY_SOCKET wants it.
    Result<std::string> open(const std::vector<std::string>& places);

private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace davit::os
