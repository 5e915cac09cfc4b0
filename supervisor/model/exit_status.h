// SPDX-License-Identifier: Apache-2.0
// How a process ended, and how that is said: as a number of a container (128+n for a signal), and in
// words ("exit code 3", "SIGKILL, out of memory"). Also names and numbers of signals, as users write
// them (TERM, SIGTERM, RTMIN+3). Pure: wait statuses come in as numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace davit::model {

/// The end of one process. `signal` is 0 when it exited by itself; `code` counts only then.
struct ExitStatus {
    int code = 0;
    int signal = 0;
    bool core_dumped = false;
    /// The kernel's out-of-memory killer ended it (told by the cgroup's counters, not by the status).
    bool out_of_memory = false;
    /// Bytes that the container may take, of an end out of memory; 0: not known, or no limit.
    std::uint64_t memory_limit = 0;

    friend bool operator==(const ExitStatus&, const ExitStatus&) = default;
};

inline ExitStatus exited_with(int code) {
    return ExitStatus{.code = code};
}
inline ExitStatus killed_by(int signal) {
    return ExitStatus{.signal = signal};
}

/// What a shell and a container runtime report: the code itself, or 128 plus the signal.
int container_code(const ExitStatus& status);

/// "exit code 3", "SIGTERM", "SIGSEGV, core dumped", "SIGKILL, out of memory (container limit 512 MiB)".
std::string describe(const ExitStatus& status);

/// Accepts `TERM`, `SIGTERM`, `term`, `15`, `RTMIN+3`, `RTMAX-1`. nullopt: no such signal on Linux.
std::optional<int> signal_from_name(std::string_view name);

/// `TERM` for 15, `RTMIN+3` for 37; the number as text for what has no name.
std::string signal_name(int signal);

} // namespace davit::model
