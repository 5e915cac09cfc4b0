// SPDX-License-Identifier: Apache-2.0
// Who a process is and what it may take, whole: PID 1's own, a service's (PID 1's with what the configuration says),
// and the steps from one to the other. A child takes on only what is different, so "already that user" needs no right
// at all; what does need one (capabilities(7)) and is missing is known before anything starts.
// Pure: os/own_process reads PID 1's, os/spawn takes the steps.
#pragma once

#include "model/spec.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::model {

/// Resources of setrlimit(2) by the names of limits.conf(5) and docker compose. `rss` and `locks` are not among them:
/// Linux takes these two and does nothing with them.
inline constexpr std::array<std::string_view, 14> resource_names = {
    "as",   "core",   "cpu",   "data",   "fsize",  "memlock",    "msgqueue",
    "nice", "nofile", "nproc", "rtprio", "rttime", "sigpending", "stack"};

struct ProcessIdentity {
    std::uint32_t user = 0;
    std::uint32_t group = 0;
    std::vector<std::uint32_t> groups; // supplementary
    std::uint32_t umask = 0;
    std::vector<ResourceLimit> limits; // of every resource
    int nice = 0;
    std::optional<int> oom_score_adj; // nullopt: there is no /proc to tell
    bool no_new_privileges = false;
    friend bool operator==(const ProcessIdentity&, const ProcessIdentity&) = default;
};

/// The capabilities that a key can need, with the kernel's numbers.
enum class Capability : std::uint8_t { kill = 5, setgid = 6, setuid = 7, sys_nice = 23, sys_resource = 24 };

/// davit itself.
struct OwnProcess {
    ProcessIdentity identity;
    std::string directory;
    std::uint64_t capabilities = 0;             // effective: bit n is capability n
    std::uint64_t most_descriptors = unlimited; // fs.nr_open: no process may have more

    bool has(Capability capability) const { return (capabilities >> static_cast<unsigned>(capability) & 1U) != 0; }
};

/// What a process of a service with `wanted` is, where davit is `own`. Its user's own groups replace davit's; a user
/// that the system's files do not know has davit's primary group (0 where davit is root, as in Docker) and no other.
ProcessIdentity identity_of(const Identity& wanted, const ProcessIdentity& own);

/// The steps from one identity to another; what is alike already is left out.
struct IdentityChange {
    std::optional<std::uint32_t> user;
    std::optional<std::uint32_t> group;
    std::optional<std::vector<std::uint32_t>> groups;
    std::optional<std::uint32_t> umask;
    std::vector<ResourceLimit> limits;
    std::optional<int> nice;
    std::optional<int> oom_score_adj;
    bool no_new_privileges = false;
    friend bool operator==(const IdentityChange&, const IdentityChange&) = default;
};
IdentityChange change_between(const ProcessIdentity& from, const ProcessIdentity& to);

/// A key that davit cannot fulfil, and why.
struct MissingRight {
    std::string key; // "user", "rlimits.nofile"
    std::string text;
    friend bool operator==(const MissingRight&, const MissingRight&) = default;
};
std::vector<MissingRight> find_missing_rights(const Identity& wanted, const OwnProcess& own);

} // namespace davit::model
