// SPDX-License-Identifier: Apache-2.0
#include "model/mount_table.h"

#include "model/contains.h"
#include "model/text_parts.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace davit::model {
namespace {

/// The kernel writes a space in a path as \040, and so on.
std::string without_escapes(std::string_view text) {
    std::string plain;
    for (std::size_t index = 0; index < text.size(); ++index) {
        int code = 0;
        const auto* digits = text.data() + index + 1;
        const bool is_escape = text[index] == '\\' && index + 3 < text.size() &&
                               std::from_chars(digits, digits + 3, code, 8).ptr == digits + 3;
        plain += is_escape ? static_cast<char>(code) : text[index];
        index += is_escape ? 3 : 0;
    }
    return plain;
}

constexpr std::array<std::string_view, 16> served_types{"nfs",   "nfs4",      "cifs", "smb3",   "smbfs",  "ceph",
                                                        "9p",    "afs",       "coda", "gfs2",   "lustre", "gpfs",
                                                        "ocfs2", "glusterfs", "fuse", "fuseblk"};

} // namespace

std::optional<Mount> parse_mount(std::string_view line) {
    std::array<std::string_view, 5> first;
    std::ranges::generate(first, [&] { return next_word(line); });
    const auto dash = line.find(" - ");
    if (dash == std::string_view::npos || !first[3].starts_with('/') || !first[4].starts_with('/')) {
        return std::nullopt;
    }
    line.remove_prefix(dash + 3);
    const std::string_view type = next_word(line);
    next_word(line); // the source
    return Mount{.root = without_escapes(first[3]),
                 .point = without_escapes(first[4]),
                 .type = std::string{type},
                 .super_options = std::string{next_word(line)}};
}

bool is_at_or_below(std::string_view path, std::string_view directory) {
    return directory == "/" || path == directory ||
           (path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/');
}

std::optional<Mount> mount_of(std::string_view mountinfo, std::string_view path) {
    std::optional<Mount> deepest;
    while (!mountinfo.empty()) {
        auto mount = parse_mount(next_line(mountinfo));
        if (mount && is_at_or_below(path, mount->point) && (!deepest || mount->point.size() >= deepest->point.size())) {
            deepest = std::move(mount);
        }
    }
    return deepest;
}

bool is_served_from_outside(std::string_view type) {
    return contains(served_types, type) || type.starts_with("fuse.");
}

} // namespace davit::model
