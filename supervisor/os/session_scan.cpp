// SPDX-License-Identifier: Apache-2.0
#include "os/session_scan.h"

#include "os/files.h"
#include "os/process_setup.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <ctime>
#include <set>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unordered_map>
#include <unordered_set>

namespace davit::os {
namespace {

constexpr std::size_t longest_environment = std::size_t{1} << 20;
constexpr std::size_t longest_children_list = std::size_t{4} << 20;
constexpr std::size_t largest_table = std::size_t{1} << 16;
constexpr int deepest_family = 4096; // against a table that changed while it was read

template <typename Number>
std::optional<Number> next_number(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \n"), text.size()));
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) {
        return std::nullopt;
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return number;
}

bool is_zombie(const ProcessInfo& process) {
    return process.state == 'Z' || process.state == 'X';
}

std::string list_of(std::string path, const std::string& thread) {
    return path.append("/").append(thread).append("/children");
}

void append_pids(std::vector<pid_t>& pids, std::string_view list) {
    while (const auto pid = next_number<pid_t>(list)) {
        pids.push_back(*pid);
    }
}

/// Children belong to the thread that made them. A thread that ends meanwhile has handed its own over.
std::vector<pid_t> children_of(const std::string& process) {
    std::vector<pid_t> children;
    const std::string threads_of_it = "/proc/" + process + "/task";
    const auto threads = list_directory(threads_of_it);
    if (!threads) {
        return children;
    }
    for (const std::string& thread : *threads) {
        append_pids(children, read_kernel_file(list_of(threads_of_it, thread), longest_children_list));
    }
    return children;
}

bool group_exists(pid_t group) {
    return ::kill(-group, 0) == 0 || errno == EPERM;
}

/// Fields 7 to 24 of /proc/PID/stat. What is not there is 0.
void read_further_fields(std::string_view fields, ProcessInfo& process) {
    constexpr int first = 7;
    constexpr int first_of_cpu = 14; // utime, stime, cutime, cstime
    constexpr int last_of_cpu = 17;
    constexpr int born = 22;
    constexpr int resident = 24;
    for (int field = first; field <= resident; ++field) {
        const auto number = next_number<std::int64_t>(fields);
        if (!number) {
            return;
        }
        const auto amount = static_cast<std::uint64_t>(std::max<std::int64_t>(*number, 0));
        if (field >= first_of_cpu && field <= last_of_cpu) {
            process.cpu_ticks += amount;
        } else if (field == born) {
            process.born = amount;
        } else if (field == resident) {
            process.resident_pages = amount;
        }
    }
}

ProcessInfo process_of(const std::string& pid) {
    return parse_process_stat(read_kernel_file("/proc/" + pid + "/stat"));
}

/// A table of processes that is read family by family.
class FamilyTable {
public:
    /// Adds a process and all that descend from it, without what is there already. What ends meanwhile is left out.
    /// False: nothing was new, or the table is full.
    bool add(pid_t eldest) {
        bool found_new = false;
        std::vector<pid_t> to_visit = {eldest};
        while (!to_visit.empty() && processes_.size() < largest_table) {
            const pid_t pid = to_visit.back();
            to_visit.pop_back();
            if (!read_.insert(pid).second) {
                continue;
            }
            found_new = true;
            const std::string name = std::to_string(pid);
            if (const ProcessInfo process = process_of(name); process.pid > 0) {
                processes_.push_back(process);
                const std::vector<pid_t> children = children_of(name);
                to_visit.insert(to_visit.end(), children.begin(), children.end());
            }
        }
        return found_new;
    }

    std::vector<ProcessInfo> take() { return std::move(processes_); }

private:
    std::vector<ProcessInfo> processes_ = {process_of("self")};
    std::unordered_set<pid_t> read_;
};

std::vector<ProcessInfo> all_processes() {
    std::vector<ProcessInfo> all;
    const auto names = list_directory("/proc");
    if (!names) {
        return all;
    }
    for (const std::string& name : *names) {
        if (name.empty() || name.front() < '0' || name.front() > '9') {
            continue;
        }
        if (const ProcessInfo process = process_of(name); process.pid > 0) {
            all.push_back(process);
        }
    }
    return all;
}

/// This thread looks at files as another user while it lives: for /proc, whose files of a process are its user's alone.
class LookingAs {
public:
    LookingAs(uid_t user, gid_t group) {
        ::syscall(SYS_setfsgid, group);
        ::syscall(SYS_setfsuid, user);
    }
    ~LookingAs() {
        ::syscall(SYS_setfsuid, ::geteuid());
        ::syscall(SYS_setfsgid, ::getegid());
    }
    LookingAs(const LookingAs&) = delete;
    LookingAs& operator=(const LookingAs&) = delete;

private:
    KeepOwnProc keep_;
};

/// To look into another user's process takes a right that no container has (CAP_SYS_PTRACE), but that user may, and
/// davit that could start it can look as it. Empty: nobody can say, and it is left alone.
std::string environment_of(pid_t process) {
    const std::string folder = "/proc/" + std::to_string(process);
    const std::string path = folder + "/environ";
    if (auto environment = KernelFile{path}.read(longest_environment)) {
        return *std::move(environment);
    }
    struct stat owner{};
    if (::stat(folder.c_str(), &owner) != 0 || owner.st_uid == ::geteuid()) {
        return {};
    }
    const LookingAs look{owner.st_uid, owner.st_gid};
    return read_kernel_file(path, longest_environment);
}

/// The first DAVIT_SERVICE of its environment; empty: none, or the mark of an outsider.
std::string service_named_by(pid_t process) {
    constexpr std::string_view key = "DAVIT_SERVICE=";
    const std::string environment = environment_of(process);
    std::string_view rest = environment;
    std::string_view found;
    while (!rest.empty()) {
        const auto end = rest.find('\0');
        const std::string_view entry = rest.substr(0, end);
        if (entry.starts_with(marks_outsiders) && entry.substr(marks_outsiders.size()).starts_with('=')) {
            return {};
        }
        if (found.empty() && entry.starts_with(key)) {
            found = entry.substr(key.size());
        }
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    return std::string{found};
}

/// Who descends from whom in one table of processes.
class Ancestry {
public:
    Ancestry(std::span<const ProcessInfo> all, pid_t davit) : davit_(davit) {
        for (const ProcessInfo& process : all) {
            by_pid_.emplace(process.pid, &process);
        }
        const ProcessInfo* of_davit = find(davit);
        davits_session_ = of_davit == nullptr ? 0 : of_davit->session;
    }

    /// Null: it is not in the table.
    const ProcessInfo* find(pid_t pid) const {
        const auto found = by_pid_.find(pid);
        return found == by_pid_.end() ? nullptr : found->second;
    }

    /// 0: not known.
    pid_t davits_session() const { return davits_session_; }

    /// davit's child that `process` is or descends from; null: it descends from somebody else.
    const ProcessInfo* ancestor_below_davit(const ProcessInfo& process) const {
        const ProcessInfo* member = &process;
        for (int generation = 0; generation < deepest_family; ++generation) {
            if (member->parent == davit_) {
                return member;
            }
            member = find(member->parent);
            if (member == nullptr) {
                return nullptr;
            }
        }
        return nullptr;
    }

private:
    pid_t davit_;
    std::unordered_map<pid_t, const ProcessInfo*> by_pid_;
    pid_t davits_session_ = 0;
};

/// Follows parents upwards in one table of processes.
class Family {
public:
    Family(std::span<const ProcessInfo> all, const SessionQuery& query, const SessionRules& rules)
        : query_(query), rules_(rules), ancestry_(all, rules.davit) {}

    bool belongs(const ProcessInfo& process) {
        if (process.pid == rules_.davit || is_excluded(process)) {
            return false;
        }
        return is_in_session(process) || has_escaped(process);
    }

private:
    bool is_excluded(const ProcessInfo& process) const {
        const auto is_excluded_leader = [&](pid_t pid) {
            return std::ranges::find(query_.excluded, pid) != query_.excluded.end();
        };
        if (is_excluded_leader(process.session) || is_excluded_leader(process.group)) {
            return true;
        }
        const ProcessInfo* member = &process;
        for (int generation = 0; generation < deepest_family; ++generation) {
            if (is_excluded_leader(member->pid)) {
                return true;
            }
            const ProcessInfo* parent = ancestry_.find(member->parent);
            if (member->parent == rules_.davit || parent == nullptr) {
                return false;
            }
            member = parent;
        }
        return false;
    }

    bool is_in_session(const ProcessInfo& process) const {
        if (query_.bound == SessionQuery::Bound::session) {
            return process.session == query_.leader;
        }
        if (process.group == query_.leader) {
            return true;
        }
        // davit's session may hold the shell that started davit and whatever else runs in that terminal.
        if (process.session != ancestry_.davits_session()) {
            return false;
        }
        const ProcessInfo* ancestor = ancestry_.ancestor_below_davit(process);
        return ancestor != nullptr && !is_somebody_elses(*ancestor);
    }

    bool has_escaped(const ProcessInfo& process) {
        const ProcessInfo* ancestor = ancestry_.ancestor_below_davit(process);
        if (ancestor == nullptr || is_somebody_elses(*ancestor)) {
            return false;
        }
        if (query_.service.empty() || ancestor->pid == query_.leader) {
            return true;
        }
        const auto [known, is_new] = carries_name_.try_emplace(ancestor->pid, false);
        if (is_new) {
            known->second = rules_.carries_name(ancestor->pid);
        }
        return known->second;
    }

    bool is_somebody_elses(const ProcessInfo& child) const {
        return child.pid != query_.leader && rules_.is_other_leader(child.pid);
    }

    const SessionQuery& query_;
    const SessionRules& rules_;
    Ancestry ancestry_;
    std::unordered_map<pid_t, bool> carries_name_;
};

void signal_selected(std::span<const ProcessInfo> all, std::span<const ProcessInfo> selected, const SessionRules& rules,
                     pid_t leader, int number) {
    std::set<pid_t> chosen;
    for (const ProcessInfo& process : selected) {
        chosen.insert(process.pid);
    }
    // A group that holds others as well (davit's own, a stranger's) is not signalled as a whole.
    std::set<pid_t> mixed = {::getpgrp(), 0, 1};
    for (const ProcessInfo& process : all) {
        if (!is_zombie(process) && !chosen.contains(process.pid)) {
            mixed.insert(process.group);
        }
    }
    std::set<pid_t> done;
    for (const ProcessInfo& process : selected) {
        const bool is_others = process.group != leader && rules.is_other_leader(process.group);
        if (is_others || mixed.contains(process.group)) {
            signal_process(process.pid, number);
        } else if (done.insert(process.group).second) {
            signal_group(process.group, number);
        }
    }
}

} // namespace

BirthTime birth_time_now() {
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    const auto ticks_a_second = static_cast<BirthTime>(::sysconf(_SC_CLK_TCK));
    constexpr BirthTime nanoseconds_a_second = 1'000'000'000;
    return static_cast<BirthTime>(now.tv_sec) * ticks_a_second +
           static_cast<BirthTime>(now.tv_nsec) * ticks_a_second / nanoseconds_a_second;
}

ProcessInfo parse_process_stat(std::string_view text) {
    const auto open = text.find('(');
    const auto close = text.rfind(')');
    if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
        return {};
    }
    ProcessInfo process;
    process.command = text.substr(open + 1, close - open - 1);
    std::string_view before = text.substr(0, open);
    std::string_view after = text.substr(close + 1);
    const auto pid = next_number<pid_t>(before);
    if (!pid || *pid <= 0 || after.size() < 2) { // -1 would be everybody to kill(2)
        return {};
    }
    process.state = after[1];
    after.remove_prefix(2);
    const auto parent = next_number<pid_t>(after);
    const auto group = next_number<pid_t>(after);
    const auto session = next_number<pid_t>(after);
    // Group and session are -1 of a process that is being released.
    if (!parent || *parent < 0 || !group || *group < 0 || !session || *session < 0) {
        return {};
    }
    process.pid = *pid;
    process.parent = *parent;
    process.group = *group;
    process.session = *session;
    read_further_fields(after, process);
    return process;
}

std::vector<ProcessInfo> select_processes(std::span<const ProcessInfo> all, const SessionQuery& query,
                                          const SessionRules& rules) {
    Family family{all, query, rules};
    std::vector<ProcessInfo> selected;
    std::ranges::copy_if(all, std::back_inserter(selected),
                         [&](const ProcessInfo& process) { return !is_zombie(process) && family.belongs(process); });
    return selected;
}

namespace {

/// All queries beside one table of processes.
class Assignment {
public:
    Assignment(std::span<const ProcessInfo> all, std::span<const SessionQuery> queries, const AssignmentRules& rules)
        : rules_(rules), ancestry_(all, rules.davit) {
        for (std::size_t place = 0; place < queries.size(); ++place) {
            add(queries[place], place);
        }
    }

    std::optional<std::size_t> place_of(const ProcessInfo& process) {
        if (process.pid == rules_.davit || is_excluded(process.session) || is_excluded(process.group)) {
            return std::nullopt;
        }
        const ProcessInfo* ancestor = ancestry_.ancestor_below_davit(process);
        if (ancestor != nullptr && is_excluded(ancestor->pid)) {
            return std::nullopt;
        }
        if (const auto in_session = find(by_session_, process.session)) {
            return in_session;
        }
        if (const auto in_group = find(by_group_, process.group)) {
            return in_group;
        }
        return ancestor == nullptr ? std::nullopt : place_of_child(*ancestor, process);
    }

private:
    using Places = std::unordered_map<pid_t, std::size_t>;

    void add(const SessionQuery& query, std::size_t place) {
        by_leader_.emplace(query.leader, place);
        if (query.bound == SessionQuery::Bound::session) {
            by_session_.emplace(query.leader, place);
        } else {
            by_group_.emplace(query.leader, place);
            in_davits_session_ = place;
        }
        if (query.service.empty()) {
            of_every_orphan_ = place;
        } else {
            by_name_.emplace(query.service, place);
        }
    }

    static std::optional<std::size_t> find(const Places& places, pid_t pid) {
        const auto found = places.find(pid);
        return found == places.end() ? std::nullopt : std::optional{found->second};
    }

    /// As the child of davit that it is or descends from.
    std::optional<std::size_t> place_of_child(const ProcessInfo& child, const ProcessInfo& process) {
        if (const auto led = find(by_leader_, child.pid)) {
            return led;
        }
        if (rules_.is_watched(child.pid)) {
            return std::nullopt;
        }
        // davit's session may hold the shell that started davit and whatever else runs in that terminal; this is none.
        if (in_davits_session_ && process.session == ancestry_.davits_session()) {
            return in_davits_session_;
        }
        return of_every_orphan_ ? of_every_orphan_ : place_of_orphan(child.pid);
    }

    std::optional<std::size_t> place_of_orphan(pid_t orphan) {
        const auto [known, is_new] = by_orphan_.try_emplace(orphan, std::nullopt);
        if (is_new) {
            const auto named = by_name_.find(rules_.service_named_by(orphan));
            known->second = named == by_name_.end() ? std::nullopt : std::optional{named->second};
        }
        return known->second;
    }

    bool is_excluded(pid_t pid) const { return std::ranges::find(rules_.excluded, pid) != rules_.excluded.end(); }

    const AssignmentRules& rules_;
    Ancestry ancestry_;
    Places by_leader_;
    Places by_session_;
    Places by_group_;
    std::unordered_map<std::string, std::size_t> by_name_;
    std::unordered_map<pid_t, std::optional<std::size_t>> by_orphan_;
    std::optional<std::size_t> in_davits_session_;
    std::optional<std::size_t> of_every_orphan_;
};

Duration length_of(std::uint64_t ticks) {
    static const long per_second = std::max(::sysconf(_SC_CLK_TCK), 1L);
    return std::chrono::nanoseconds{std::chrono::seconds{1}} / per_second * static_cast<std::int64_t>(ticks);
}

} // namespace

std::vector<std::optional<std::size_t>> assign_processes(std::span<const ProcessInfo> all,
                                                         std::span<const SessionQuery> queries,
                                                         const AssignmentRules& rules) {
    Assignment assignment{all, queries, rules};
    std::vector<std::optional<std::size_t>> places;
    places.reserve(all.size());
    std::ranges::transform(all, std::back_inserter(places),
                           [&](const ProcessInfo& process) { return assignment.place_of(process); });
    return places;
}

SessionRules SessionScan::rules_of(const SessionQuery& query) const {
    return {.davit = ::getpid(),
            .carries_name = [name = query.service](pid_t process) { return service_named_by(process) == name; },
            .is_other_leader = [&reaper = reaper_](pid_t process) { return reaper.is_watched(process); }};
}

SessionScan::SessionScan(const ChildReaper& reaper)
    // davit has one thread, so there is one list.
    : reaper_(reaper), children_(list_of("/proc/self/task", std::to_string(::getpid()))) {}

/// nullopt: this kernel keeps no lists of children, or /proc is not there.
std::optional<std::vector<pid_t>> SessionScan::children_of_davit() const {
    const auto list = children_.read(longest_children_list);
    if (!list) {
        return std::nullopt;
    }
    std::vector<pid_t> children;
    append_pids(children, *list);
    return children;
}

bool SessionScan::may_have_processes(const SessionQuery& query) const {
    if (reaper_.is_watched(query.leader)) {
        return true;
    }
    // Whatever is left of a service descends from a child of davit that nobody watches.
    const auto children = children_of_davit();
    return !children || !std::ranges::all_of(*children, [&](pid_t child) { return reaper_.is_watched(child); });
}

std::vector<ProcessInfo> SessionScan::table_for(const SessionQuery& query) const {
    return table_of_families([&](pid_t child) { return child == query.leader || !reaper_.is_watched(child); });
}

/// davit's children that are wanted, and all that descends from them.
template <typename Choice>
std::vector<ProcessInfo> SessionScan::table_of_families(Choice is_wanted) const {
    FamilyTable table;
    // A process that ends while the table is read hands its children to davit: read until no child of davit is new.
    for (bool found_new = true; found_new;) {
        const auto children = children_of_davit();
        if (!children) {
            return all_processes();
        }
        found_new = false;
        for (const pid_t child : *children) {
            if (is_wanted(child)) {
                found_new |= table.add(child);
            }
        }
    }
    return table.take();
}

bool SessionScan::is_empty(const SessionQuery& query) const {
    return !may_have_processes(query) || processes_of(query).empty();
}

std::vector<ProcessInfo> SessionScan::processes_of(const SessionQuery& query) const {
    const std::vector<ProcessInfo> table = table_for(query);
    if (table.empty() && group_exists(query.leader)) {
        // Without /proc: a group is there, and that is all that is known.
        return {{.pid = query.leader, .parent = ::getpid(), .group = query.leader, .session = query.leader}};
    }
    return select_processes(table, query, rules_of(query));
}

std::optional<std::vector<SessionUsage>> SessionScan::usage_of(std::span<const SessionQuery> queries,
                                                               std::vector<pid_t> excluded) const {
    const AssignmentRules rules{.davit = ::getpid(),
                                .service_named_by = service_named_by,
                                .is_watched = [this](pid_t process) { return reaper_.is_watched(process); },
                                .excluded = std::move(excluded)};
    // As PID 1 davit has nearly all there is below it. Elsewhere there may be a whole machine beside it.
    const std::vector<ProcessInfo> table =
        rules.davit == 1 ? all_processes() : table_of_families([](pid_t) { return true; });
    if (table.empty()) {
        return std::nullopt;
    }
    static const auto page_size = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    const auto places = assign_processes(table, queries, rules);
    std::vector<SessionUsage> usages(queries.size());
    for (std::size_t index = 0; index < table.size(); ++index) {
        if (!places[index]) {
            continue;
        }
        const ProcessInfo& process = table[index];
        SessionUsage& usage = usages[*places[index]];
        usage.cpu += length_of(process.cpu_ticks);
        usage.resident_bytes += process.resident_pages * page_size;
        if (process.parent == rules.davit && process.pid != queries[*places[index]].leader) {
            usage.orphans.push_back(process.pid);
        }
    }
    return usages;
}

bool SessionScan::may_have_sent(const SessionQuery& query, pid_t process) const {
    const ProcessInfo sender = process_of(std::to_string(process));
    if (process <= 0 || sender.pid == 0) {
        return process > 0;
    }
    const pid_t whole = query.bound == SessionQuery::Bound::session ? sender.session : sender.group;
    if (whole == query.leader || service_named_by(process) == query.service) {
        return true;
    }
    ProcessInfo member = sender;
    for (int generation = 0; generation < deepest_family && member.pid > 1; ++generation) {
        if (member.pid == query.leader) {
            return true;
        }
        member = process_of(std::to_string(member.parent));
    }
    return false;
}

void SessionScan::signal(const SessionQuery& query, int number) const {
    const bool leader_lives = reaper_.is_watched(query.leader);
    if (leader_lives) {
        // First: it is what waits for the signal. Whole, also what forks at this moment. Nobody else can have this
        // group: its number is in use.
        signal_group(query.leader, number);
    }
    const std::vector<ProcessInfo> table = table_for(query);
    if (table.empty() && !leader_lives) {
        signal_group(query.leader, number);
    }
    const SessionRules rules = rules_of(query);
    std::vector<ProcessInfo> selected = select_processes(table, query, rules);
    if (leader_lives) {
        std::erase_if(selected, [&](const ProcessInfo& process) { return process.group == query.leader; });
    }
    signal_selected(table, selected, rules, query.leader, number);
}

void SessionScan::signal_newborn_orphans(const SessionQuery& query, int number, BirthTime since) const {
    const std::vector<ProcessInfo> table = table_for(query);
    const SessionRules rules = rules_of(query);
    std::vector<ProcessInfo> newborn;
    std::unordered_set<pid_t> pids;
    // A family stands in the table with its eldest first.
    for (const ProcessInfo& process : select_processes(table, query, rules)) {
        const bool is_orphan = process.parent == rules.davit && !rules.is_other_leader(process.pid);
        if ((is_orphan && process.born >= since) || pids.contains(process.parent)) {
            pids.insert(process.pid);
            newborn.push_back(process);
        }
    }
    signal_selected(table, newborn, rules, query.leader, number);
}

void signal_process(pid_t process, int number) {
    if (process > 1) {
        ::kill(process, number);
    }
}

void signal_group(pid_t group, int number) {
    if (group > 1 && group != ::getpgrp()) {
        ::kill(-group, number);
    }
}

} // namespace davit::os
