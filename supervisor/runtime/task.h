// SPDX-License-Identifier: Apache-2.0
// One command that davit runs itself and that is over when its leader exits: an exec step, an exec check, a
// stop command. It has a session of its own. What it leaves in its group is killed, and its output released,
// so that a forgotten background process holds up nobody.
#pragma once

#include "model/exit_status.h"
#include "os/log_relay.h"
#include "os/spawn.h"
#include "runtime/driver_host.h"
#include "runtime/first_line.h"

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace davit::runtime {

/// Line by line to the container's log; the log is never waited for.
struct ToLog {
    std::string prefix;
    std::string json_label; // instead, where davit's own lines are JSON: `"step":"preload"`
    std::function<void(std::string_view line)> on_line;
};
/// Only the first line is kept.
struct KeepFirstLine {};
using TaskOutput = std::variant<ToLog, KeepFirstLine>;

/// What to run; everything else of a task is the same for all.
struct TaskCommand {
    std::vector<std::string> argv;
    Variables environment;
    std::string directory;          // empty: davit's own
    model::IdentityChange identity; // of the service it runs for
};

struct TaskEnd {
    model::ExitStatus status;
    std::string first_line; // of KeepFirstLine
};

struct TaskRefusal {
    os::SpawnFailureKind kind;
    std::string message; // "/opt/check.sh: permission denied (at exec, uid 1000)"
};

class Task {
public:
    /// `on_end` is called once, from the loop, and may destroy the task.
    Task(DriverHost& host, TaskOutput output, std::function<void(TaskEnd)> on_end);
    /// Kills what still runs; nobody is told.
    ~Task();
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;

    std::expected<void, TaskRefusal> start(TaskCommand command);
    /// To its process group.
    void signal(int number);

private:
    struct Ends {
        os::Fd output;
        os::Fd error; // empty: the same as output
    };
    Result<Ends> open_output();
    Result<Ends> open_first_line();
    Result<Ends> open_relay(ToLog& to_log);
    void take_exit(model::ExitStatus status);
    void finish();
    void remove_leader();

    DriverHost& host_;
    TaskOutput output_;
    std::function<void(TaskEnd)> on_end_;
    std::unique_ptr<os::LogRelay> relay_;
    std::unique_ptr<FirstLine> first_line_;
    pid_t leader_ = 0;
    std::optional<model::ExitStatus> status_;
    bool output_ended_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0); // a posted call must not outlive the task
};

} // namespace davit::runtime
