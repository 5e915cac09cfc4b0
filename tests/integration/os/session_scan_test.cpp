// SPDX-License-Identifier: Apache-2.0
// Who belongs to a service: first by a table of made-up processes, then with real ones that flee.
#include "os/session_scan.h"

#include "os/process_setup.h"
#include "os/signals.h"
#include "support.h"
#include "support/catch.h"

#include <csignal>
#include <fstream>
#include <map>
#include <optional>
#include <set>

using namespace davit;
using namespace davit::os;
using namespace davit::test;

namespace {

constexpr pid_t davit_pid = 1;

ProcessInfo process(pid_t pid, pid_t parent, pid_t group, pid_t session, char state = 'S') {
    return {.pid = pid, .parent = parent, .group = group, .session = session, .state = state, .command = "made-up"};
}

/// Pids that belong to the service `web`, led by 10.
std::set<pid_t> chosen(const std::vector<ProcessInfo>& all, const SessionQuery& query,
                       const std::set<pid_t>& named = {}, const std::set<pid_t>& other_leaders = {}) {
    const SessionRules rules{.davit = davit_pid,
                             .carries_name = [&](pid_t pid) { return named.contains(pid); },
                             .is_other_leader = [&](pid_t pid) { return other_leaders.contains(pid); }};
    std::set<pid_t> pids;
    for (const ProcessInfo& selected : select_processes(all, query, rules)) {
        pids.insert(selected.pid);
    }
    return pids;
}

const SessionQuery web{.leader = 10, .service = "web"};

} // namespace

TEST_CASE("a command may hold anything, also what looks like the rest of the line", "[session_scan]") {
    CHECK(parse_process_stat("41 (a) S 7 (b) R 10 11 12 0 -1 4194304\n") ==
          ProcessInfo{.pid = 41, .parent = 10, .group = 11, .session = 12, .state = 'R', .command = "a) S 7 (b"});
}

TEST_CASE("a text that is no process gives none", "[session_scan]") {
    CHECK(parse_process_stat("").pid == 0);
    CHECK(parse_process_stat("41 (sh").pid == 0);
    CHECK(parse_process_stat("41 (sh) S").pid == 0);
    CHECK(parse_process_stat("x (sh) S 1 2 3").pid == 0);
    CHECK(parse_process_stat("0 (sh) S 1 2 3") == ProcessInfo{});
    CHECK(parse_process_stat("-1 (sh) S 1 2 3") == ProcessInfo{});
    // The kernel's words for a process that is being released: group and session are gone.
    CHECK(parse_process_stat("41 (sh) X 1 -1 -1 0") == ProcessInfo{});
}

TEST_CASE("a service is its leader's session, in whatever group, without the zombies", "[session_scan]") {
    const std::vector all = {process(1, 0, 1, 1),    process(10, 1, 10, 10),      process(11, 10, 11, 10),
                             process(12, 1, 10, 10), process(13, 1, 13, 10, 'Z'), process(20, 1, 20, 20)};

    CHECK(chosen(all, web, {}, {10, 20}) == std::set{10, 11, 12});
}

TEST_CASE("an orphan of davit that carries the service's name belongs to it, and so does its family",
          "[session_scan]") {
    const std::vector all = {process(1, 0, 1, 1), process(30, 1, 30, 30), process(31, 30, 31, 31),
                             process(40, 1, 40, 40), process(41, 40, 40, 40)};

    CHECK(chosen(all, web, {30}) == std::set{30, 31});
}

TEST_CASE("what left the session while its parent lives belongs to the service", "[session_scan]") {
    const std::vector all = {process(1, 0, 1, 1), process(10, 1, 10, 10), process(11, 10, 11, 11)};

    CHECK(chosen(all, web, {}, {10}) == std::set{10, 11});
}

TEST_CASE("another leader never belongs to it, whatever its environment says", "[session_scan]") {
    const std::vector all = {process(1, 0, 1, 1), process(50, 1, 50, 50), process(51, 50, 50, 50)};

    CHECK(chosen(all, web, {50, 51}, {50}).empty());
}

TEST_CASE("a running step's session and family do not belong to it, also after they were orphaned", "[session_scan]") {
    SessionQuery query = web;
    query.excluded = {60};
    const std::vector all = {process(1, 0, 1, 1), process(60, 1, 60, 60), process(61, 60, 61, 61),
                             process(62, 1, 60, 60), process(64, 1, 60, 70)};

    CHECK(chosen(all, query, {60, 62, 64}).empty());
}

TEST_CASE("what came from outside the container belongs to no service", "[session_scan]") {
    // kubectl exec: its parent is not in this namespace.
    const std::vector all = {process(1, 0, 1, 1), process(80, 0, 80, 80), process(81, 80, 80, 80)};

    CHECK(chosen(all, web, {80, 81}).empty());
}

TEST_CASE("a main in davit's own session is its group and what descends from davit there, not the shell around it",
          "[session_scan]") {
    SessionQuery query{.leader = 10, .bound = SessionQuery::Bound::group, .service = "main"};
    const std::vector all = {process(1, 5, 1, 5),   process(5, 0, 5, 5),    process(6, 5, 6, 5),
                             process(10, 1, 10, 5), process(11, 10, 11, 5), process(12, 1, 12, 5),
                             process(20, 1, 20, 20)};

    CHECK(chosen(all, query, {}, {10, 20}) == std::set{10, 11, 12});
}

TEST_CASE("in plain init every orphan belongs to the one program", "[session_scan]") {
    SessionQuery query{.leader = 10, .bound = SessionQuery::Bound::group, .service = ""};
    const std::vector all = {process(1, 0, 1, 1), process(30, 1, 30, 30)};

    CHECK(chosen(all, query) == std::set{30});
}

TEST_CASE("birth, CPU ticks and resident pages are read behind any command", "[session_scan]") {
    const ProcessInfo process =
        parse_process_stat("41 (a) S (b) R 10 11 12 0 -1 4194304 20 21 22 23 100 20 3 4 20 0 1 0 "
                           "9000 123456 77 18446744073709551615 1 1\n");
    CHECK(process.born == 9000);
    CHECK(process.cpu_ticks == 127);
    CHECK(process.resident_pages == 77);
}

namespace {

/// The place of the service in `queries` for each process that belongs to one.
std::map<pid_t, std::size_t> assigned(const std::vector<ProcessInfo>& all, const std::vector<SessionQuery>& queries,
                                      const std::map<pid_t, std::string>& names, const std::set<pid_t>& watched) {
    const auto places = assign_processes(
        all, queries,
        {.davit = davit_pid,
         .service_named_by = [&](pid_t pid) { return names.contains(pid) ? names.at(pid) : std::string{}; },
         .is_watched = [&](pid_t pid) { return watched.contains(pid); },
         .excluded = queries.front().excluded});
    std::map<pid_t, std::size_t> found;
    for (std::size_t index = 0; index < all.size(); ++index) {
        if (places[index]) {
            found.emplace(all[index].pid, *places[index]);
        }
    }
    return found;
}

/// The same, query by query.
std::map<pid_t, std::size_t> selected(const std::vector<ProcessInfo>& all, const std::vector<SessionQuery>& queries,
                                      const std::map<pid_t, std::string>& names, const std::set<pid_t>& watched) {
    std::map<pid_t, std::size_t> found;
    for (std::size_t place = 0; place < queries.size(); ++place) {
        std::set<pid_t> named;
        for (const auto& [pid, name] : names) {
            if (name == queries[place].service) {
                named.insert(pid);
            }
        }
        for (const pid_t pid : chosen(all, queries[place], named, watched)) {
            found.emplace(pid, place);
        }
    }
    return found;
}

} // namespace

TEST_CASE("every process is assigned to the service that selects it", "[session_scan]") {
    const std::vector<SessionQuery> queries = {
        {.leader = 10, .service = "web", .excluded = {60}},
        {.leader = 20, .service = "mesh", .excluded = {60}},
        {.leader = 90, .bound = SessionQuery::Bound::group, .service = "main", .excluded = {60}}};
    const std::vector all = {
        process(1, 5, 1, 5),     process(5, 0, 5, 5),                              // davit, and the shell around it
        process(6, 5, 6, 5),     process(10, 1, 10, 10),  process(11, 10, 11, 10), // in web's session
        process(12, 1, 12, 10),  process(13, 10, 13, 13),                          // an orphan in it, one that left
        process(20, 1, 20, 20),  process(21, 20, 21, 21), process(22, 21, 22, 22), // mesh, and two that left
        process(30, 1, 30, 30),  process(31, 30, 31, 31),                          // escaped of web
        process(40, 1, 40, 40),  process(41, 40, 41, 41),                          // escaped of mesh
        process(50, 1, 50, 50),                                                    // nobody's
        process(60, 1, 60, 60),  process(61, 60, 61, 61), process(62, 1, 60, 60),  // a step
        process(80, 0, 80, 80),  process(81, 80, 81, 81),                          // kubectl exec
        process(90, 1, 90, 5),   process(91, 90, 90, 5),  process(92, 1, 92, 5),   // main with a terminal
        process(93, 90, 93, 93), process(70, 1, 70, 70)};                          // it left; a leader of another
    const std::map<pid_t, std::string> names = {{30, "web"}, {40, "mesh"}, {62, "web"}, {80, "web"}, {50, "gone"}};
    const std::set<pid_t> watched = {10, 20, 60, 90, 70};

    const auto found = assigned(all, queries, names, watched);

    CHECK(found == selected(all, queries, names, watched));
    CHECK(found == std::map<pid_t, std::size_t>{{10, 0},
                                                {11, 0},
                                                {12, 0},
                                                {13, 0},
                                                {20, 1},
                                                {21, 1},
                                                {22, 1},
                                                {30, 0},
                                                {31, 0},
                                                {40, 1},
                                                {41, 1},
                                                {90, 2},
                                                {91, 2},
                                                {92, 2},
                                                {93, 2}});
}

TEST_CASE("in plain init every orphan is assigned to the one program", "[session_scan]") {
    const std::vector<SessionQuery> queries = {{.leader = 10, .bound = SessionQuery::Bound::group, .service = ""}};
    const std::vector all = {process(1, 0, 1, 1), process(10, 1, 10, 1), process(30, 1, 30, 30),
                             process(31, 30, 31, 31)};

    CHECK(assigned(all, queries, {}, {10}) == std::map<pid_t, std::size_t>{{10, 0}, {30, 0}, {31, 0}});
}

TEST_CASE("a zombie is assigned: nobody has waited for its CPU time", "[session_scan]") {
    const std::vector all = {process(1, 0, 1, 1), process(10, 1, 10, 10), process(11, 10, 10, 10, 'Z')};

    CHECK(assigned(all, {web}, {}, {10}) == std::map<pid_t, std::size_t>{{10, 0}, {11, 0}});
}

namespace {

/// davit with one service and the processes that its script makes; each writes its pid to a file.
struct Service {
    explicit Service(const std::string& script) {
        REQUIRE(adopt_orphans());
        take_over_signals();
        REQUIRE(signals.start());
        SpawnRequest request = shell(script);
        request.environment.emplace_back("DAVIT_SERVICE=web");
        request.directory = folder / "";
        const auto child = spawn(request);
        REQUIRE(child);
        query.leader = *child;
        reaper.watch(*child, [this](model::ExitStatus) {
            leader_ended = true;
            if (asked_at) {
                scan.signal_newborn_orphans(query, SIGTERM, *asked_at);
            }
        });
    }

    ~Service() { scan.signal(query, SIGKILL); }

    /// As a driver stops it: what the signal missed gets it when the leader has ended.
    void stop() {
        asked_at = birth_time_now();
        scan.signal(query, SIGTERM);
    }

    pid_t pid_in(const std::string& name) {
        pid_t pid = 0;
        REQUIRE(run_until(loop, [&] { return (std::ifstream{folder / name} >> pid) && pid > 0; }));
        return pid;
    }

    std::set<pid_t> pids() const {
        std::set<pid_t> found;
        for (const ProcessInfo& left : scan.processes_of(query)) {
            found.insert(left.pid);
        }
        return found;
    }

    Folder folder;
    boost::asio::io_context loop{1};
    ChildReaper reaper{loop};
    SignalReceiver signals{loop, [](const ReceivedSignal&) {}, [this] { reaper.reap(); }};
    SessionScan scan{reaper};
    SessionQuery query{.service = "web"};
    std::optional<BirthTime> asked_at;
    bool leader_ended = false;
};

} // namespace

TEST_CASE("a service without a process is empty once its leader was reaped", "[session_scan]") {
    Service service{"exit 0"};
    REQUIRE(run_until(service.loop, [&] { return service.leader_ended; }));

    CHECK(service.scan.is_empty(service.query));
    CHECK(service.pids().empty());
}

TEST_CASE("what a leader left in its session is seen by name, and a signal ends it", "[session_scan]") {
    Service service{"sleep 600 & echo $! > left"};
    const pid_t left = service.pid_in("left");
    REQUIRE(run_until(service.loop, [&] { return service.leader_ended; }));

    CHECK_FALSE(service.scan.is_empty(service.query));
    REQUIRE(
        run_until(service.loop, [&] { return service.scan.processes_of(service.query).front().command == "sleep"; }));
    CHECK(service.pids() == std::set{left});

    service.scan.signal(service.query, SIGTERM);
    CHECK(run_until(service.loop, [&] { return service.scan.is_empty(service.query); }));
}

TEST_CASE("a daemon that made a session of its own is found by DAVIT_SERVICE and ended with its family",
          "[session_scan]") {
    Service service{"setsid sh -c 'sleep 600 & echo $! > child; echo $$ > daemon; wait' &"};
    const pid_t daemon = service.pid_in("daemon");
    const pid_t child = service.pid_in("child");
    REQUIRE(run_until(service.loop, [&] { return service.leader_ended; }));

    CHECK(service.pids() == std::set{daemon, child});
    service.scan.signal(service.query, SIGKILL);
    CHECK(run_until(service.loop, [&] { return service.scan.is_empty(service.query); }));
}

TEST_CASE("another service's daemon is left alone", "[session_scan]") {
    Service service{"setsid sh -c 'echo $$ > daemon; exec sleep 600' &"};
    const pid_t daemon = service.pid_in("daemon");
    REQUIRE(run_until(service.loop, [&] { return service.leader_ended; }));
    SessionQuery other{.leader = service.query.leader, .service = "we"};

    CHECK(service.scan.is_empty(other));
    service.scan.signal(other, SIGKILL);
    CHECK(::kill(daemon, 0) == 0);
    service.scan.signal(service.query, SIGKILL);
    CHECK(run_until(service.loop, [&] { return service.scan.is_empty(service.query); }));
}

TEST_CASE("a living leader is signalled with all of its session", "[session_scan]") {
    Service service{"sleep 600 & echo $! > left; sleep 600"};
    service.pid_in("left");

    service.scan.signal(service.query, SIGKILL);

    CHECK(run_until(service.loop, [&] { return service.leader_ended && service.scan.is_empty(service.query); }));
}

TEST_CASE("a group of its own inside the leader's session is signalled as well", "[session_scan]") {
    Service service{"python3 -c 'import os, time; os.setpgid(0, 0); open(\"left\", \"w\").write(str(os.getpid())); "
                    "time.sleep(600)' & sleep 600"};
    const pid_t left = service.pid_in("left");
    CHECK(service.pids().contains(left));

    service.scan.signal(service.query, SIGTERM);

    CHECK(run_until(service.loop, [&] { return service.leader_ended && service.scan.is_empty(service.query); }));
}

TEST_CASE("what a leader forks after the signal is signalled when the leader has ended", "[session_scan]") {
    Service service{
        "exec bash -c 'set -m; trap \"while [ ! -e go ]; do :; done; sleep 600 & exit\" TERM; echo $$ > up; "
        "while :; do :; done'"};
    service.pid_in("up");
    service.stop();
    CHECK_FALSE(service.leader_ended);

    std::ofstream{service.folder / "go"};

    CHECK(run_until(service.loop, [&] { return service.leader_ended && service.scan.is_empty(service.query); }));
}

TEST_CASE("what an older process forks after the signal is its own business", "[session_scan]") {
    Service service{"trap '' TERM; sh -c 'echo $$ > older; while [ ! -e go ]; do :; done; sleep 600 & echo $! > child; "
                    "wait' & exec sleep 600"};
    const pid_t older = service.pid_in("older");
    const BirthTime asked_at = birth_time_now();
    std::ofstream{service.folder / "go"};
    const pid_t child = service.pid_in("child");
    ::kill(service.query.leader, SIGKILL);
    REQUIRE(run_until(service.loop, [&] { return service.leader_ended; }));

    service.scan.signal_newborn_orphans(service.query, SIGKILL, asked_at + 1);
    CHECK(service.pids() == std::set{older, child});

    service.scan.signal_newborn_orphans(service.query, SIGKILL, 0);
    CHECK(run_until(service.loop, [&] { return service.scan.is_empty(service.query); }));
}

TEST_CASE("what a dying leader hands over at this moment is signalled as well", "[session_scan]") {
    // bash: its `set -m` gives each job a group of its own without a terminal.
    for (int round = 0; round < 100; ++round) {
        Service service{"exec bash -c 'set -m; sleep 600 & echo $! > left; sleep 600 & exec sleep 600'"};
        service.pid_in("left");

        service.stop();

        REQUIRE(run_until(service.loop, [&] { return service.leader_ended && service.scan.is_empty(service.query); }));
    }
}

TEST_CASE("davit never signals itself, its group or everybody", "[session_scan]") {
    signal_group(::getpgrp(), SIGKILL);
    signal_group(1, SIGKILL);
    signal_group(0, SIGKILL);
    signal_group(-1, SIGKILL);
    signal_process(0, SIGKILL);
    signal_process(-1, SIGKILL);

    CHECK(::getpid() > 0); // still here
}

TEST_CASE("usage is of the whole session and of what escaped, with CPU time and memory", "[session_scan]") {
    Service service{"setsid sh -c 'echo $$ > flown; exec sleep 100' & "
                    "sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo done > burnt; exec sleep 100' & "
                    "echo $$ > up; wait"};
    const pid_t flown = service.pid_in("flown");
    REQUIRE(run_until(service.loop, [&] { return std::filesystem::exists(service.folder / "burnt"); }));
    ::kill(service.query.leader, SIGKILL);
    REQUIRE(run_until(service.loop, [&] { return service.leader_ended; }));
    REQUIRE(run_until(service.loop, [&] {
        const auto usage = service.scan.usage_of(std::vector{service.query}, {});
        return usage && std::ranges::find(usage->front().orphans, flown) != usage->front().orphans.end();
    }));

    const auto usage = service.scan.usage_of(std::vector{service.query}, {});

    REQUIRE(usage);
    CHECK(usage->front().orphans.size() == 2);
    CHECK(usage->front().cpu > Duration::zero());
    CHECK(usage->front().resident_bytes > 2 * 4096);
    CHECK(service.scan.usage_of(std::vector{service.query}, {flown})->front().orphans.size() == 1);
}
