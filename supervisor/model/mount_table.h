// SPDX-License-Identifier: Apache-2.0
// What is mounted where, from the text of /proc/self/mountinfo (proc(5)). Pure: nothing is looked at, so a server that
// is away cannot make it hang.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace davit::model {

struct Mount {
    std::string root;          // of the filesystem, as it is seen at `point`
    std::string point;         // absolute
    std::string type;          // "tmpfs", "nfs4", "fuse.sshfs"
    std::string super_options; // of a cgroup v1 hierarchy: its controllers
};

/// One line: "36 35 98:0 ROOT POINT rw,relatime master:1 - TYPE SOURCE OPTIONS". nullopt: no line of the kernel's.
std::optional<Mount> parse_mount(std::string_view line);

/// The same directory, or below it. Both absolute, without "." and "..".
bool is_at_or_below(std::string_view path, std::string_view directory);

/// The mount that holds `path` (absolute, without "." and ".."; symbolic links are not followed): the last of those
/// with the deepest point, for a later one lies over an earlier one. nullopt: none does.
std::optional<Mount> mount_of(std::string_view mountinfo, std::string_view path);

/// Calls to it may wait for a server, or a process in user space, that is away: nfs, smb, ceph, 9p, FUSE and the like.
/// Not virtiofs, whose server is the machine below a virtual one.
bool is_served_from_outside(std::string_view type);

} // namespace davit::model
