// SPDX-License-Identifier: Apache-2.0
// The notify sockets of the services that have a notify probe: a fresh one for each attempt, so that nothing of an
// earlier one is heard. What comes is taken only from processes of that service, put together turn by turn, and
// reported as one fact; what it means the machine decides.
#pragma once

#include "os/notify_socket.h"
#include "os/session_scan.h"
#include "runtime/driver_host.h"

#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace davit::runtime {

class NotifySockets {
public:
    using QueryOf = std::function<os::SessionQuery(model::ServiceIndex)>;

    NotifySockets(DriverHost& host, const os::SessionScan& scan, QueryOf query_of);

    /// What this attempt finds in NOTIFY_SOCKET. The one before is closed.
    Result<std::string> open(model::ServiceIndex service, unsigned attempt);
    void close(model::ServiceIndex service);
    void close_all();
    /// A reload brought services with places behind the present ones.
    void make_room(std::size_t services) { slots_.resize(services); }

private:
    struct Slot {
        std::unique_ptr<os::NotifySocket> socket;
        std::set<std::string, std::less<>> told; // what was said to the log of this service, once
    };

    void take(model::ServiceIndex service, unsigned attempt, std::span<const os::NotifyDatagram> datagrams);
    bool is_taken(model::ServiceIndex service, const os::NotifyDatagram& datagram);
    void tell_once(model::ServiceIndex service, std::string_view subject, const std::string& text);

    DriverHost& host_;
    const os::SessionScan& scan_;
    QueryOf query_of_;
    std::vector<Slot> slots_; // as in PodSpec
};

} // namespace davit::runtime
