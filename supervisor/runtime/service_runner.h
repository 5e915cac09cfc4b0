// SPDX-License-Identifier: Apache-2.0
// Starts, signals and watches the processes of the services. A service's attempt begins with a launch and is
// over when its session is empty: the leader's exit is told with what it left behind, and the rest is looked
// for after each reaped child and every 100 ms, only while something is left. What is about to end as well (the
// other half of a pipeline) is not left behind: it has 100 ms before it is called so.
//
//   Launch ──► which JVM? ──► spawn ─┬─► Launched ... leader exits ─┬─ nothing left ──► LeaderExited
//                                    └─► LaunchFailed               └─ after 100 ms ──► LeaderExited{"java (pid 41)"}
//                                                                                           ──► SessionEmptied
//
// Which JVM a service could start, and what that counts, may have to be read from disk first (cpu_plans.h): then the
// spawn comes in a later turn of the loop, with what the specification said at the launch.
#pragma once

#include "model/pod_machine.h"
#include "os/cgroup_memory.h"
#include "os/log_relay.h"
#include "os/session_scan.h"
#include "os/spawn.h"
#include "runtime/cpu_plans.h"
#include "runtime/driver_host.h"
#include "runtime/notify_sockets.h"
#include "runtime/oom_watch.h"
#include "runtime/service_logs.h"
#include "runtime/stop_commands.h"
#include "runtime/usage_meter.h"

#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace davit::runtime {

class ServiceRunner {
public:
    explicit ServiceRunner(DriverHost& host);

    void launch(model::ServiceIndex service, unsigned attempt);
    /// Of a launch whose JVM is still being read: ends that. LaunchFailed follows.
    void cancel_launch(model::ServiceIndex service, unsigned attempt);
    void signal_session(model::ServiceIndex service, unsigned attempt, int number);
    void signal_leader(model::ServiceIndex service, unsigned attempt, int number);
    void run_stop_command(model::ServiceIndex service, unsigned attempt, TimePoint deadline);

    /// Children were reaped: looks whether a session that was waited for is empty now.
    void look_at_sessions();
    /// Reads the counters that later exits are compared with.
    void begin_to_watch_memory() { oom_.begin(); }
    /// A reload brought services with places behind the present ones.
    void make_room(std::size_t services) {
        slots_.resize(services);
        notify_sockets_.make_room(services);
        cpu_plans_.pages().make_room(services);
        logs_.make_room(services);
    }
    /// Of its CPU time nothing is lost to the metrics.
    void take_reaped(const os::ReapedChild& child) { usage_.take(child); }
    /// What each service takes, with everything in its session.
    const std::vector<ServiceUsage>& usage();
    /// In davit's cgroup, since it began to watch memory.
    std::uint64_t oom_kills() const { return oom_.kills(); }
    /// The end of davit: nothing is told any more.
    void stop_everything();

    ShimPages& shim_pages() { return cpu_plans_.pages(); }

    /// Of main, while its leader runs; 0: it does not.
    pid_t leader_of(model::ServiceIndex service) const;
    ServiceLogs& logs() { return logs_; }

private:
    enum class Stage : unsigned char { gone, alive, leaving }; // leaving: the leader ended, its session is not empty
    /// A launch whose JVM is being read.
    struct Waiting {
        unsigned attempt;
        model::ServiceSpec spec;
        Variables environment;
    };
    struct Asked {
        int signal;
        os::BirthTime at;
    };
    struct Slot {
        unsigned attempt = 0;
        Stage stage = Stage::gone;
        pid_t leader = 0;
        os::SessionQuery::Bound bound = os::SessionQuery::Bound::session;
        bool killed = false;                     // by davit
        std::optional<Asked> asked;              // to stop
        std::optional<model::ExitStatus> untold; // how the leader ended, while what it left may still end by itself
        TimePoint tell_at;
        std::unique_ptr<os::LogRelay> relay;
        std::optional<Waiting> waiting;
    };

    bool is_relayed(const model::ServiceSpec& spec) const;
    void go_on(model::ServiceIndex service, unsigned attempt, const model::ServiceCpus& cpus);
    void start(model::ServiceIndex service, unsigned attempt, const model::ServiceSpec& spec, os::SpawnRequest request);
    os::SpawnRequest request_of(const model::ServiceSpec& service, Variables environment,
                                const model::ServiceCpus& cpus);
    static void give_streams(const os::SpawnRequest& request, const os::LogRelayEnds& ends);
    os::Placement placement_of(const model::ServiceSpec& service) const;
    Result<os::LogRelayEnds> open_relay(model::ServiceIndex service, unsigned attempt, const model::ServiceSpec& spec);
    Result<void> listen_to(model::ServiceIndex service, unsigned attempt, const model::ServiceSpec& spec,
                           os::SpawnRequest& request);
    void keep_until_ended(std::unique_ptr<os::LogRelay> relay);
    void take_exit(model::ServiceIndex service, unsigned attempt, model::ExitStatus status);
    void look_at(model::ServiceIndex service);
    void close(model::ServiceIndex service);
    void look_later();
    os::SessionQuery query_of(model::ServiceIndex service) const;
    Slot* find(model::ServiceIndex service, unsigned attempt);
    void report(model::ServiceIndex service, model::ServiceEvent event);

    DriverHost& host_;
    os::SessionScan scan_;
    UsageMeter usage_;
    OomWatch oom_;
    StopCommands stop_commands_;
    ServiceLogs logs_;        // before the relays
    std::vector<Slot> slots_; // as in PodSpec
    NotifySockets notify_sockets_;
    CpuPlans cpu_plans_;
    std::vector<std::unique_ptr<os::LogRelay>>
        ending_relays_; // of earlier attempts: the log has not taken their lines yet
    boost::asio::steady_timer look_timer_;
    bool looks_later_ = false;
    bool stopped_ = false;
};

} // namespace davit::runtime
