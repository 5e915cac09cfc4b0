// SPDX-License-Identifier: Apache-2.0
#include "os/cgroup_memory.h"

#include "model/text_parts.h"

#include <charconv>
#include <string_view>

namespace davit::os {
namespace {

constexpr std::uint64_t least_no_limit = std::uint64_t{1} << 62; // v1 says "none" as a huge number of pages

/// One hierarchy of /proc/self/cgroup: "ID:CONTROLLERS:PATH" (cgroups(7)).
struct Membership {
    std::string_view controllers;
    std::string_view path;
};

std::optional<Membership> parse_membership(std::string_view line) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) {
        return std::nullopt;
    }
    return Membership{.controllers = line.substr(first + 1, second - first - 1), .path = line.substr(second + 1)};
}

bool has_memory(std::string_view controllers) {
    const std::string listed = "," + std::string{controllers} + ",";
    return listed.find(",memory,") != std::string::npos;
}

std::optional<std::uint64_t> number_in(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end != text.data() ? std::optional{number} : std::nullopt;
}

/// The first of the two files that is there: the cgroup's own path, or the root where the container sees only
/// its own part of the tree.
std::string existing(const std::string& root, std::string_view path, const std::string& name) {
    std::string own = root + std::string{path} + "/" + name;
    if (is_regular_file(own)) {
        return own;
    }
    std::string at_root = root + "/" + name;
    return is_regular_file(at_root) ? at_root : std::string{};
}

} // namespace

std::vector<MemoryCgroup> memory_cgroups_in(std::string_view text) {
    std::vector<MemoryCgroup> found;
    while (!text.empty()) {
        const auto membership = parse_membership(model::next_line(text));
        if (!membership) {
            continue;
        }
        if (has_memory(membership->controllers)) {
            found.push_back({.version = MemoryCgroup::Version::v1, .path = std::string{membership->path}});
        } else if (membership->controllers.empty()) {
            found.push_back({.version = MemoryCgroup::Version::v2, .path = std::string{membership->path}});
        }
    }
    return found;
}

std::optional<std::uint64_t> oom_kills_in(std::string_view text) {
    constexpr std::string_view key = "oom_kill ";
    while (!text.empty()) {
        const std::string_view line = model::next_line(text);
        if (line.starts_with(key)) {
            return number_in(line.substr(key.size()));
        }
    }
    return std::nullopt;
}

std::optional<std::uint64_t> memory_limit_in(std::string_view text) {
    const auto bytes = number_in(text); // "max" is no number
    return bytes && *bytes < least_no_limit ? bytes : std::nullopt;
}

CgroupMemory::CgroupMemory(const std::string& cgroup_root, const std::string& own_cgroup) {
    for (const MemoryCgroup& cgroup : memory_cgroups_in(read_kernel_file(own_cgroup))) {
        std::string events;
        switch (cgroup.version) {
        case MemoryCgroup::Version::v1:
            events = existing(cgroup_root + "/memory", cgroup.path, "memory.oom_control");
            limit_path_ = existing(cgroup_root + "/memory", cgroup.path, "memory.limit_in_bytes");
            break;
        case MemoryCgroup::Version::v2:
            events = existing(cgroup_root, cgroup.path, "memory.events");
            limit_path_ = existing(cgroup_root, cgroup.path, "memory.max");
            break;
        }
        if (!events.empty()) {
            events_.emplace(std::move(events));
            return;
        }
    }
}

std::optional<std::uint64_t> CgroupMemory::oom_kills() const {
    const std::optional<std::string> text = events_ ? events_->read() : std::nullopt;
    return text ? oom_kills_in(*text) : std::nullopt;
}

std::optional<std::uint64_t> CgroupMemory::limit() const {
    return limit_path_.empty() ? std::nullopt : memory_limit_in(read_kernel_file(limit_path_));
}

} // namespace davit::os
