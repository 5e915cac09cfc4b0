// SPDX-License-Identifier: Apache-2.0
// Texts of /proc and of cgroup files. They come from the kernel, but a sandbox may write its own, and a process chooses
// its name.
#include "os/cgroup_memory.h"
#include "os/session_scan.h"
#include "os/tcp_connections.h"
#include "os/tcp_listener.h"

#include "target.h"

#include <algorithm>
#include <array>

namespace davit::fuzz {

namespace {

void check_stat(std::string_view text) {
    const os::ProcessInfo process = os::parse_process_stat(text);
    demand(process.pid != 0 || process == os::ProcessInfo{}, "what is not understood is nothing");
    demand(process.pid >= 0 && process.parent >= 0 && process.group >= 0 && process.session >= 0,
           "a number that is read is one of a process");
    demand(text.contains(process.command), "a name stands in the text");
}

/// A name cannot pretend to be the rest of the line.
void check_name(std::string_view name) {
    const std::string line = "17 (" + std::string{name} + ") S 1 16 15 0 -1 4194560 ";
    const os::ProcessInfo process = os::parse_process_stat(line);
    demand(process.pid == 17 && process.parent == 1 && process.group == 16 && process.session == 15,
           "a process's name changes nothing of what is read");
    demand(process.command == name && process.state == 'S', "a process's name is read whole");
}

void check_connections(std::string_view text) {
    constexpr std::array<std::uint16_t, 2> ports = {80, 8080};
    constexpr std::array<std::uint16_t, 3> more_ports = {80, 443, 8080};
    const std::size_t found = os::count_established_in(text, ports);
    const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
    demand(found <= lines, "a line is at most one connection");
    demand(found <= os::count_established_in(text, more_ports), "more ports have no fewer connections");
    demand(os::count_established_in(text, {}) == 0, "no ports have no connections");
}

void check_listeners(std::string_view text) {
    const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
    demand(os::listeners_in(text, 80).size() <= lines, "a line is at most one listener");
}

void check_cgroups(std::string_view text) {
    for (const os::MemoryCgroup& cgroup : os::memory_cgroups_in(text)) {
        demand(text.contains(cgroup.path), "a path stands in the text");
        demand(!cgroup.path.contains('\n'), "a path is part of a line");
    }
    const auto kills = os::oom_kills_in(text);
    demand(!kills || text.contains("oom_kill "), "kills are counted where they are told");
    demand(!os::memory_limit_in("max\n"), "max is no limit");
    os::memory_limit_in(text);
}

} // namespace

void run(std::string_view input) {
    check_stat(input);
    if (!input.contains('\0')) {
        check_name(input);
    }
    check_connections(input);
    check_listeners(input);
    check_cgroups(input);
}

} // namespace davit::fuzz
