// SPDX-License-Identifier: Apache-2.0
// Starts a program as a child of davit: the one launcher of the whole program. It returns when exec has begun,
// so a command that cannot run is known at once, with the stage and the reason. The caller hands the pid to the
// ChildReaper in the same turn of the loop.
//
// Why not Boost.Process: what davit needs (vfork, a stage with every failure, no pipe and no allocation in the
// child, PATH searched as a shell does) is the launcher itself, and what Boost would put around it, the process
// handle, waits by itself and must not be used beside a reaper.
//
//   parent: block all signals ─► vfork ┬─► restore the mask ─► failed? wait for that pid, give stage and errno
//                                      │
//   child:  signals ─► session ─► descriptors ─► identity ─► directory ─► mask ─► execve ─► (else note stage, errno;
//           _exit)
//
// The directory comes after the user: whether it can be entered is that user's matter.
#pragma once

#include "model/process_identity.h"
#include "os/spawn_stage.h"

#include <array>
#include <csignal>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/types.h>
#include <variant>
#include <vector>

namespace davit::os {

/// davit's own descriptor of the same number.
struct InheritStream {};
struct NullStream {};
/// This descriptor of davit, which stays the caller's.
struct GivenStream {
    int descriptor;
};
using Stream = std::variant<InheritStream, NullStream, GivenStream>;

/// Where the child stands among sessions and process groups (setsid(2), setpgid(2)).
enum class Placement : std::uint8_t {
    own_session,      // services and steps
    own_group,        // a process group in davit's session
    foreground_group, // the same, and the terminal at descriptor 0 (if there is one) belongs to it
};

/// What becomes of descriptors above 2.
enum class OtherDescriptors : std::uint8_t {
    close,        // the child sees 0, 1 and 2
    pass_through, // plain init: those without close-on-exec
};

struct SpawnRequest {
    /// argv[0] without a slash is looked for in PATH of `environment`. Must not be empty.
    std::vector<std::string> argv;
    /// NAME=value, all of it.
    std::vector<std::string> environment;
    /// Empty: davit's own.
    std::string directory;
    std::array<Stream, 3> streams = {NullStream{}, InheritStream{}, InheritStream{}};
    Placement placement = Placement::own_session;
    OtherDescriptors others = OtherDescriptors::close;
    /// nullopt: empty. Plain init passes the mask on that davit was started with.
    std::optional<sigset_t> signal_mask;
    /// Signals that stay ignored in the child (plain init). nullopt: none, all are at their default, which they are in
    /// davit too since take_over_signals.
    std::optional<sigset_t> ignored_signals;
    /// Soft limit of open descriptors (setrlimit(2)). nullopt: davit's own, which it may have raised.
    std::optional<rlim_t> open_descriptors;
    /// Who the child becomes, where that is not who davit is.
    model::IdentityChange identity;
};

struct SpawnFailure {
    SpawnStage stage;
    int error;          // errno
    unsigned limit = 0; // at limits: which of the request's
    friend bool operator==(const SpawnFailure&, const SpawnFailure&) = default;
};

/// Where a command without a slash is looked for: PATH of that environment, else what a shell takes without one.
std::string_view search_path_in(const std::vector<std::string>& environment);

/// The pid of the child, which is past exec. It registers nowhere.
std::expected<pid_t, SpawnFailure> spawn(const SpawnRequest& request);

/// This very process takes on the identity and becomes the command, with the descriptors 0, 1 and 2 and the session
/// that it has. Comes back only if that failed, as what it has become by then. For clients.
SpawnFailure become(const SpawnRequest& request);

enum class SpawnFailureKind : std::uint8_t {
    not_found,      // 127 to a shell
    not_executable, // 126
    no_resources,   // processes, memory or descriptors are short: try again later
};
SpawnFailureKind kind_of(const SpawnFailure& failure);

/// "/opt/web/run.sh: permission denied (at exec, uid 1000)". Names the interpreter where that is what is missing.
std::string describe(const SpawnFailure& failure, const SpawnRequest& request);

} // namespace davit::os
