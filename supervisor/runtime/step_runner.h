// SPDX-License-Identifier: Apache-2.0
// Runs one try of one step of the life cycle and reports how it ended: exec, http, tcpSocket or sleep. An exec
// step runs as main would, and tells its output line by line to the container's log and to who waits.
#pragma once

#include "model/pod_machine.h"
#include "os/http_client.h"
#include "runtime/driver_host.h"
#include "runtime/network_try.h"
#include "runtime/task.h"

#include <boost/asio/steady_timer.hpp>

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace davit::runtime {

class StepRunner {
public:
    /// `main_pid` gives 0 while main does not run; `tell` gets each line with its prefix.
    struct Outside {
        std::function<int()> main_pid;
        std::function<void(std::string_view line)> tell;
    };

    StepRunner(DriverHost& host, os::HttpClient& client, Outside outside)
        : host_(host), client_(client), outside_(std::move(outside)) {}

    void run(const model::RunStep& order);
    void end(const model::EndStep& order);
    void kill_all() { running_.clear(); }

    /// The newest lines that the last try of such a step wrote, oldest first.
    std::vector<std::string> last_output(model::StepKind kind) const {
        const auto& lines = last_output_.at(static_cast<std::size_t>(kind));
        return {lines.begin(), lines.end()};
    }

private:
    struct Running {
        std::unique_ptr<Task> task;
        std::unique_ptr<NetworkTry> network;
        std::unique_ptr<boost::asio::steady_timer> sleep;
    };

    void run_exec(const model::RunStep& order, const model::ExecStep& step);
    void run_http(const model::RunStep& order, const model::HttpStep& step);
    void run_tcp(const model::RunStep& order, const model::TcpStep& step);
    void run_sleep(const model::RunStep& order, const model::SleepStep& step);
    TaskCommand command_of(const model::RunStep& order, const model::ExecStep& step) const;
    void keep(model::StepKind kind, std::string_view line);
    void finish_network(unsigned run, TryEnd end);
    void finish(unsigned run, model::StepOutcome outcome, std::string message);

    DriverHost& host_;
    os::HttpClient& client_;
    Outside outside_;
    std::array<std::deque<std::string>, 4> last_output_; // by model::StepKind
    std::map<unsigned, Running> running_; // by number of the try; more than one only while a late one ends
};

} // namespace davit::runtime
