// SPDX-License-Identifier: Apache-2.0
// Which processes a service still has, and how to signal all of them. A service is its leader's session, plus
// what escaped it: orphans that became davit's children and carry its DAVIT_SERVICE, with their descendants.
// What carries DAVIT_EXEC as well came from
// `davit exec` and belongs to nobody. Zombies do not count. The first question is cheap: has davit children that nobody
// watches? Then only their families and the leader's are read, all of /proc only where the kernel keeps no lists of
// children. Without /proc the leader's process group is all that is known.
#pragma once

#include "model/time.h"
#include "os/child_reaper.h"
#include "os/files.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace davit::os {

/// In the environment of what `davit exec` and `davit shell` start, with all that it leaves behind: no part of a
/// service.
inline constexpr std::string_view marks_outsiders = "DAVIT_EXEC";

/// The processes of one service, described.
struct SessionQuery {
    /// The pid its leader has or had: also the number of its session, or of its group where it has no session
    /// of its own.
    pid_t leader = 0;
    enum class Bound : std::uint8_t {
        session, // the leader called setsid
        group,   // the leader has a group in davit's session (a main with a terminal, plain init)
    };
    Bound bound = Bound::session;
    /// What escaped is known by DAVIT_SERVICE=<this>. Empty (plain init): every orphan belongs to it.
    std::string service;
    /// Leaders of what never counts: running steps and checks. Neither do their sessions and descendants.
    std::vector<pid_t> excluded;
};

/// In the kernel's clock ticks since the machine started, as /proc/PID/stat says it (10 ms on Linux).
using BirthTime = std::uint64_t;
BirthTime birth_time_now();

struct ProcessInfo {
    pid_t pid = 0;
    pid_t parent = 0;
    pid_t group = 0;
    pid_t session = 0;
    char state = '?';
    BirthTime born = 0;
    std::string command;              // the kernel's short name, at most 15 bytes
    std::uint64_t cpu_ticks = 0;      // its own, and those of the children that it waited for
    std::uint64_t resident_pages = 0; // those that it shares with others included

    friend bool operator==(const ProcessInfo&, const ProcessInfo&) = default;
};

/// Reads the text of /proc/PID/stat (proc(5)); the command may hold anything, also parentheses.
/// pid 0: the text is not understood.
ProcessInfo parse_process_stat(std::string_view text);

/// Which of `all` belong to the query, by the table alone. `davit` is davit's own pid; `carries_name` says
/// whether a process has the service's DAVIT_SERVICE in its environment.
/// Children of davit for which `is_other_leader` is true belong to somebody else.
struct SessionRules {
    pid_t davit = 0;
    std::function<bool(pid_t)> carries_name;
    std::function<bool(pid_t)> is_other_leader;
};
std::vector<ProcessInfo> select_processes(std::span<const ProcessInfo> all, const SessionQuery& query,
                                          const SessionRules& rules);

/// As select_processes for many queries at once, in one pass, and with zombies: for each of `all` the place in
/// `queries` of its service; nullopt: it belongs to none. `service_named_by` gives the DAVIT_SERVICE of a process that
/// escaped (empty: none); the `excluded` of the queries are not looked at.
struct AssignmentRules {
    pid_t davit = 0;
    std::function<std::string(pid_t)> service_named_by;
    std::function<bool(pid_t)> is_watched;
    std::vector<pid_t> excluded; // leaders of what never counts
};
std::vector<std::optional<std::size_t>>
assign_processes(std::span<const ProcessInfo> all, std::span<const SessionQuery> queries, const AssignmentRules& rules);

/// What the processes of one service take at one moment.
struct SessionUsage {
    Duration cpu{};                   // of those that nobody has waited for, with the children that they waited for
    std::uint64_t resident_bytes = 0; // a page that several of them share counts in each
    std::vector<pid_t> orphans;       // davit's own children among them, but for the leader
};

class SessionScan {
public:
    /// The reaper knows which of davit's children are nobody's orphans; it must outlive the scan.
    explicit SessionScan(const ChildReaper& reaper);

    /// Nothing but zombies is left of it. Cheap unless there are orphans.
    bool is_empty(const SessionQuery& query) const;
    /// What is left of it, the leader included if it runs.
    std::vector<ProcessInfo> processes_of(const SessionQuery& query) const;
    /// A process of it sent something, or one that has ended already, of which nobody can tell: its descendants, and
    /// what carries its DAVIT_SERVICE.
    bool may_have_sent(const SessionQuery& query, pid_t process) const;
    /// What the processes of each of `queries` take, in one walk over the processes; nullopt: /proc is not there.
    std::optional<std::vector<SessionUsage>> usage_of(std::span<const SessionQuery> queries,
                                                      std::vector<pid_t> excluded) const;
    /// Signals each process group of it, and what escaped. Never davit's own group, never everybody.
    void signal(const SessionQuery& query, int number) const;
    /// Signals what a leader left behind as davit's child and was born since `since`, with its family: a signal that
    /// was sent then may have missed it, for it was forked at that moment. What an older process that lives on has
    /// forked since is left alone: that may be how it ends.
    void signal_newborn_orphans(const SessionQuery& query, int number, BirthTime since) const;

private:
    std::optional<std::vector<pid_t>> children_of_davit() const;
    bool may_have_processes(const SessionQuery& query) const;
    std::vector<ProcessInfo> table_for(const SessionQuery& query) const;
    template <typename Choice>
    std::vector<ProcessInfo> table_of_families(Choice is_wanted) const;
    SessionRules rules_of(const SessionQuery& query) const;

    const ChildReaper& reaper_;
    KernelFile children_; // of davit
};

/// One process; one that is gone is no error.
void signal_process(pid_t process, int number);
/// One process group (never davit's own); for what a step left behind.
void signal_group(pid_t group, int number);

} // namespace davit::os
