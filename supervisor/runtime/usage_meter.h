// SPDX-License-Identifier: Apache-2.0
// How much CPU time and memory each service takes, with everything in its session, for the metrics. Nothing is read
// but when somebody asks. CPU time is a counter that never falls: what ended is kept as it is reaped, what runs is read
// from /proc, and what nobody waited for (the kernel forgets it) makes the sum stand still, not fall.
//
//   a child was reaped ──► take: by its session, or as an orphan that was seen ──► ended CPU of its service ─┐
//   read ──► os/session_scan: all sessions in one walk ──► CPU and pages of what runs ───────────────────────┴─► usage
#pragma once

#include "model/spec.h"
#include "os/child_reaper.h"
#include "os/session_scan.h"
#include "runtime/driver_host.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <sys/types.h>
#include <unordered_map>
#include <vector>

namespace davit::runtime {

struct ServiceUsage {
    Duration cpu{}; // of all its processes since davit started
    /// A page that several processes share counts in each. nullopt: without /proc nobody can say.
    std::optional<std::uint64_t> resident_bytes;
};

class UsageMeter {
public:
    struct Session {
        model::ServiceIndex service = 0;
        os::SessionQuery query;
    };

    /// Both must outlive it.
    UsageMeter(DriverHost& host, const os::SessionScan& scan) : host_(host), scan_(scan) {}

    /// A service has a session from here on.
    void begin(const Session& session);
    /// It is empty: what is still to be reaped of it is in the queue now.
    void end(model::ServiceIndex service);
    void take(const os::ReapedChild& child);

    /// One for each of `services` services. It looks at all processes.
    const std::vector<ServiceUsage>& read(std::size_t services, const std::vector<Session>& sessions);

private:
    std::optional<model::ServiceIndex> owner_of(const os::ReapedChild& child) const;
    Duration& ended_of(model::ServiceIndex service);

    DriverHost& host_;
    const os::SessionScan& scan_;
    std::unordered_map<pid_t, model::ServiceIndex> leaders_;
    std::unordered_map<pid_t, model::ServiceIndex> orphans_; // as of the last reading
    std::optional<model::ServiceIndex> in_davits_session_;   // the service that has no session of its own
    std::vector<Duration> ended_;                            // of processes that were reaped, by service
    std::vector<ServiceUsage> usage_;                        // the last answer
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // a posted call must not outlive it
};

} // namespace davit::runtime
