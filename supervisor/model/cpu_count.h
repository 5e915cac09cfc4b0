// SPDX-License-Identifier: Apache-2.0
// How many CPUs a process of this container may keep busy: the smallest of what its affinity mask, its cpuset and its
// CPU quota leave (cgroups(7), Documentation/admin-guide/cgroup-v1/ and cgroup-v2.rst of the kernel). Texts in, a
// number and its story out: where the texts come from, os/ or a test's map, is the caller's business. Shares and weight
// are no limits and never count.
//
//   /proc/self/cgroup ──────┐
//   /proc/self/mountinfo ───┼──► the directory of each controller, v1 or v2 ──► its files, from the leaf up to the
//   mount
//                           ┘                                                                   │
//   affinity mask ──► count ──┐                                                                 │
//   cpuset ────────► count ───┼──► the smallest, at least 1 ◄── smallest quota / period, rounded ┘
//
// A text that cannot be understood never makes the number smaller: it is passed over, with a note.
#pragma once

#include "model/cpus_spec.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::model {

/// The whole text of a file; nullopt: it is not there or cannot be read.
using TextOfFile = std::function<std::optional<std::string>(const std::string& path)>;

/// One thing that was looked at, for `davit cpus --explain`.
struct CpuSource {
    enum class Kind : std::uint8_t { affinity, cpuset, quota };
    Kind kind = Kind::affinity;
    std::string path; // of the file; empty: a system call
    std::string text; // what it says, in words: "150000 of every 100000 µs", "0-3,8"
    double cpus = 0;  // what it leaves
    bool decides = false;
    friend bool operator==(const CpuSource&, const CpuSource&) = default;
};

struct CpuCount {
    int cpus = 1;
    std::optional<double> quota; // in CPUs, the smallest of all levels; nullopt: none is set
    std::string quota_from;      // the file that says so
    std::optional<int> cpuset;   // nullopt: there is no cpuset to be seen
    int affinity = 1;
    int usable = 1; // what affinity and cpuset leave together
    // What some JVMs look at instead: only their own cgroup, or its shares.
    std::optional<double> own_quota; // of the leaf
    std::optional<double> shares;    // of the leaf, 1024 = one CPU; nullopt: nobody has set them
    bool is_v2 = false;              // the cpu controller's hierarchy
    CpuRounding rounding = CpuRounding::ceil;
    std::vector<CpuSource> sources;
    std::vector<std::string> notes; // what was passed over, and why
    friend bool operator==(const CpuCount&, const CpuCount&) = default;
};

/// What a service with these settings is told: its fixed count, else what the smallest quota leaves when it is rounded
/// as they say, at most `usable`, at least 1.
int count_for(const CpuCount& count, const CpusSpec& settings);

/// "1.5": four digits, for a person.
std::string cpu_text(double cpus);

/// A set of CPUs as numbers in ascending order.
using CpuSet = std::vector<int>;

/// Reads `0-3,8` (cpuset(7), list format). nullopt: it is something else; an empty text is an empty set.
std::optional<CpuSet> parse_cpu_list(std::string_view text);

/// `0-3,8`.
std::string cpu_list(const CpuSet& cpus);

/// `affinity` must not be empty: at least one CPU runs the caller.
CpuCount count_cpus(const TextOfFile& text_of, const CpuSet& affinity, CpuRounding rounding = CpuRounding::ceil);

} // namespace davit::model
