// SPDX-License-Identifier: Apache-2.0
// Runs one check of one probe at a time and reports what came of it: exec, httpGet, tcpSocket, grpc or file. When a
// check is due, and what its outcome means, the machine decides.
#pragma once

#include "model/pod_machine.h"
#include "os/http_client.h"
#include "runtime/driver_host.h"
#include "runtime/network_try.h"
#include "runtime/task.h"

#include <boost/asio/steady_timer.hpp>

#include <map>
#include <memory>
#include <utility>

namespace davit::runtime {

class ProbeRunner {
public:
    ProbeRunner(DriverHost& host, os::HttpClient& client) : host_(host), client_(client) {}

    void run(model::ServiceIndex service, unsigned attempt, model::ProbeKind kind);
    /// Ends all checks of this service; their outcomes are not reported.
    void cancel(model::ServiceIndex service);
    void cancel_all() { running_.clear(); }

private:
    using Key = std::pair<model::ServiceIndex, model::ProbeKind>;
    struct Running {
        unsigned attempt = 0;
        TimePoint deadline;
        std::unique_ptr<Task> task;
        std::unique_ptr<boost::asio::steady_timer> timer; // of the task
        bool timed_out = false;
        std::unique_ptr<NetworkTry> network;
    };

    void run_exec(Key key, const model::ExecCheck& check, Duration timeout);
    void run_http(Key key, const model::HttpCheck& check, Duration timeout);
    void run_tcp(Key key, const model::TcpCheck& check, Duration timeout);
    void run_grpc(Key key, const model::GrpcCheck& check, Duration timeout);
    void run_file(Key key, const model::FileCheck& check);
    void arm_timeout(Key key);
    void take_exec_end(Key key, const TaskEnd& end);
    void finish(Key key, TryEnd end);

    DriverHost& host_;
    os::HttpClient& client_;
    std::map<Key, Running> running_;
};

} // namespace davit::runtime
