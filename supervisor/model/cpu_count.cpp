// SPDX-License-Identifier: Apache-2.0
// The way from the texts to the number. See cpu_count.h.
#include "model/cpu_count.h"

#include "model/mount_table.h"
#include "model/text_parts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <span>
#include <tuple>
#include <utility>

namespace davit::model {
namespace {

constexpr int most_cpus = 1 << 16;
constexpr std::int64_t default_period = 100'000; // µs; cpu.max may leave it out
/// A quota of 200000 by 100000 is 2, also where the division says 2.0000000000000004.
constexpr double rounding_slack = 1e-9;
/// Levels of a cgroup tree that are climbed; no kernel allows that many.
constexpr int deepest_tree = 4096;
constexpr std::string_view usual_root = "/sys/fs/cgroup";

template <typename Number>
std::optional<Number> number_in(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() && !text.empty() ? std::optional{number}
                                                                                     : std::nullopt;
}

bool lists(std::string_view words, std::string_view word) {
    while (!words.empty()) {
        const auto end = std::min(words.find(','), words.size());
        if (words.substr(0, end) == word) {
            return true;
        }
        words.remove_prefix(std::min(end + 1, words.size()));
    }
    return false;
}

/// A mounted cgroup hierarchy: its root is the cgroup that is seen at its point.
bool is_cgroup(const Mount& mount) {
    return mount.type == "cgroup" || mount.type == "cgroup2";
}

bool is_unified(const Mount& mount) {
    return mount.type == "cgroup2"; // v2
}

/// One line of /proc/self/cgroup: "ID:CONTROLLERS:PATH"; v2 has no controllers there.
struct Membership {
    std::string_view controllers;
    std::string path;
};

std::optional<Membership> parse_membership(std::string_view line) {
    const auto first = line.find(':');
    const auto second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos || !line.substr(second + 1).starts_with('/')) {
        return std::nullopt;
    }
    std::string path{line.substr(second + 1)};
    constexpr std::string_view deleted = " (deleted)";
    if (path.ends_with(deleted)) {
        path.resize(path.size() - deleted.size());
    }
    return Membership{.controllers = line.substr(first + 1, second - first - 1), .path = std::move(path)};
}

std::string joined(std::string_view directory, std::string_view name) {
    std::string path{directory};
    return path.append(directory.ends_with('/') ? "" : "/").append(name);
}

/// Where a controller's files are: from the process's own directory up to the mount.
struct Place {
    std::vector<std::string> directories; // leaf first
    bool is_v2 = false;
};

/// A directory and its parents up to `top`.
std::vector<std::string> levels(std::string directory, const std::string& top) {
    std::vector<std::string> all;
    while (static_cast<int>(all.size()) < deepest_tree && directory.size() > top.size()) {
        all.push_back(directory);
        directory.resize(directory.rfind('/'));
    }
    all.push_back(top);
    return all;
}

Place place_in(const Mount& mount, std::string_view path) {
    Place place{.directories = {}, .is_v2 = is_unified(mount)};
    std::string_view rest;
    // A process outside of what its namespace shows has a path with `..`: the mount is the nearest that is there.
    if (is_at_or_below(path, mount.root) && !path.contains("/..")) {
        rest = mount.root == "/" ? path : path.substr(mount.root.size());
    }
    while (rest.ends_with('/')) {
        rest.remove_suffix(1);
    }
    place.directories = levels(mount.point + std::string{rest}, mount.point);
    return place;
}

int rounded_quota(double quota, CpuRounding rounding) {
    quota = std::min(quota, static_cast<double>(most_cpus));
    const double whole =
        rounding == CpuRounding::ceil ? std::ceil(quota - rounding_slack) : std::floor(quota + rounding_slack);
    return std::max(1, static_cast<int>(whole));
}

/// The counting of one container.
class Count {
public:
    Count(const TextOfFile& text_of, const CpuSet& affinity) : text_of_(text_of), affinity_(affinity) {}

    CpuCount result(CpuRounding rounding) {
        count_.rounding = rounding;
        count_.affinity = static_cast<int>(affinity_.size());
        add(CpuSource::Kind::affinity, "", cpu_list(affinity_), count_.affinity);
        read_mounts();
        read_memberships();
        const CpuSet usable = with_cpuset();
        find_quota();
        decide(usable);
        return std::move(count_);
    }

private:
    // ---- where the files are -------------------------------------------------------------------------

    void read_mounts() {
        const auto text = text_of_("/proc/self/mountinfo");
        if (!text) {
            return note("/proc/self/mountinfo cannot be read: no cgroup is known");
        }
        std::string_view rest = *text;
        while (!rest.empty()) {
            if (auto mount = parse_mount(next_line(rest)); mount && is_cgroup(*mount)) {
                mounts_.push_back(*std::move(mount));
            }
        }
    }

    void read_memberships() {
        memberships_text_ = text_of_("/proc/self/cgroup").value_or(std::string{});
        std::string_view rest = memberships_text_;
        while (!rest.empty()) {
            if (auto membership = parse_membership(next_line(rest))) {
                memberships_.push_back(*std::move(membership));
            }
        }
        if (memberships_.empty() && !mounts_.empty()) {
            note("/proc/self/cgroup cannot be read: the top of each mount is taken");
        }
    }

    /// v1 where the controller has a hierarchy of its own, else v2.
    std::optional<Place> place_of(std::string_view controller) const {
        const Membership* own = nullptr;
        const Membership* unified = nullptr;
        for (const Membership& one : memberships_) {
            own = lists(one.controllers, controller) ? &one : own;
            unified = one.controllers.empty() ? &one : unified;
        }
        const bool nothing_known = memberships_.empty();
        const std::string_view path_v1 = own != nullptr ? std::string_view{own->path} : "/";
        if (const Mount* mount = best_mount(path_v1, false, controller);
            mount != nullptr && (own != nullptr || nothing_known)) {
            return place_in(*mount, path_v1);
        }
        const std::string_view path_v2 = unified != nullptr ? std::string_view{unified->path} : "/";
        const Mount* mount = best_mount(path_v2, true, controller);
        return mount == nullptr ? std::nullopt : std::optional{place_in(*mount, path_v2)};
    }

    /// The mount that shows the cgroup itself; of several the usual one, else the one that shows most of its parents.
    const Mount* best_mount(std::string_view path, bool is_v2, std::string_view controller) const {
        const auto rank = [&](const Mount& mount) {
            const bool fits = is_at_or_below(path, mount.root);
            const bool is_usual = is_at_or_below(mount.point, usual_root);
            return std::tuple{fits, is_usual, fits ? -static_cast<long>(mount.root.size()) : 0L};
        };
        const Mount* best = nullptr;
        for (const Mount& mount : mounts_) {
            const bool has_controller = is_unified(mount) == is_v2 && (is_v2 || lists(mount.super_options, controller));
            if (has_controller && (best == nullptr || rank(mount) > rank(*best))) {
                best = &mount;
            }
        }
        return best;
    }

    // ---- the cpuset ------------------------------------------------------------------------------------

    /// The CPUs of the affinity mask that the cpuset has too.
    CpuSet with_cpuset() {
        const auto place = place_of("cpuset");
        if (!place) {
            return affinity_;
        }
        for (const std::string& directory : place->directories) {
            const auto cpuset = cpuset_in(directory, place->is_v2);
            if (!cpuset) {
                continue;
            }
            count_.cpuset = static_cast<int>(cpuset->size());
            CpuSet both;
            std::ranges::set_intersection(affinity_, *cpuset, std::back_inserter(both));
            if (both.empty()) {
                note("the cpuset has no CPU of the affinity mask: it is passed over");
                return affinity_;
            }
            return both;
        }
        return affinity_;
    }

    /// nullopt: this level says nothing that can be used.
    std::optional<CpuSet> cpuset_in(const std::string& directory, bool is_v2) {
        static constexpr std::array<std::string_view, 1> names_v2 = {"cpuset.cpus.effective"};
        static constexpr std::array<std::string_view, 2> names_v1 = {"cpuset.effective_cpus", "cpuset.cpus"};
        const auto names =
            is_v2 ? std::span<const std::string_view>{names_v2} : std::span<const std::string_view>{names_v1};
        for (const std::string_view name : names) {
            const std::string path = joined(directory, name);
            const auto text = text_of_(path);
            if (!text || trimmed(*text).empty()) {
                continue;
            }
            const auto cpus = parse_cpu_list(*text);
            if (!cpus || cpus->empty()) {
                note(path + " is passed over: it holds no list of CPUs");
                continue;
            }
            add(CpuSource::Kind::cpuset, path, cpu_list(*cpus), static_cast<double>(cpus->size()));
            return cpus;
        }
        return std::nullopt;
    }

    // ---- the quota -------------------------------------------------------------------------------------

    void find_quota() {
        const auto place = place_of("cpu");
        if (!place) {
            return;
        }
        count_.is_v2 = place->is_v2;
        for (const std::string& directory : place->directories) {
            if (place->is_v2) {
                read_quota_v2(joined(directory, "cpu.max"));
            } else {
                read_quota_v1(directory);
            }
            if (&directory == &place->directories.front()) {
                count_.own_quota = count_.quota;
            }
        }
        find_shares(*place);
    }

    void find_shares(const Place& place) {
        const std::string& leaf = place.directories.front();
        const std::string path = joined(leaf, place.is_v2 ? "cpu.weight" : "cpu.shares");
        const auto text = text_of_(path);
        const auto number = text ? number_in<std::int64_t>(trimmed(*text)) : std::nullopt;
        const std::int64_t unset = place.is_v2 ? 100 : 1024; // the kernel's default
        if (number && *number > 0 && *number != unset) {
            count_.shares = place.is_v2 ? shares_of_weight(*number) : static_cast<double>(*number);
        }
    }

    /// As container runtimes turned shares (2 to 262144) into weights (1 to 10000), read backwards, and then to whole
    /// CPUs, as a JVM does.
    static double shares_of_weight(std::int64_t weight) {
        const double shares = std::floor((262142.0 * static_cast<double>(weight) - 1) / 9999.0) + 2;
        return std::max(1.0, std::round(shares / 1024.0)) * 1024.0;
    }

    /// "max 100000", "150000 100000" or "150000".
    void read_quota_v2(const std::string& path) {
        const auto text = text_of_(path);
        if (!text) {
            return; // the root has none
        }
        std::string_view line = trimmed(*text);
        const std::string_view quota = next_word(line);
        const std::string_view period = next_word(line);
        if (quota == "max") {
            return;
        }
        take_quota(path, number_in<std::int64_t>(quota),
                   period.empty() ? std::optional{default_period} : as_period(period));
    }

    void read_quota_v1(const std::string& directory) {
        const std::string path = joined(directory, "cpu.cfs_quota_us");
        const auto text = text_of_(path);
        if (!text) {
            return; // the root of some kernels has none
        }
        const auto quota = number_in<std::int64_t>(trimmed(*text));
        if (quota == -1) {
            return;
        }
        const auto period = text_of_(joined(directory, "cpu.cfs_period_us"));
        take_quota(path, quota, period ? as_period(trimmed(*period)) : std::optional{default_period});
    }

    static std::optional<std::int64_t> as_period(std::string_view text) {
        const auto period = number_in<std::int64_t>(text);
        return period && *period > 0 ? period : std::nullopt;
    }

    void take_quota(const std::string& path, std::optional<std::int64_t> quota, std::optional<std::int64_t> period) {
        if (!quota || *quota <= 0 || !period) {
            return note(path + " is passed over: it holds no quota and period in microseconds");
        }
        const double cpus = static_cast<double>(*quota) / static_cast<double>(*period);
        add(CpuSource::Kind::quota, path, std::to_string(*quota) + " of every " + std::to_string(*period) + " µs",
            cpus);
        if (!count_.quota || cpus < *count_.quota) {
            count_.quota = cpus;
            count_.quota_from = path;
        }
    }

    // ---- the number ------------------------------------------------------------------------------------

    void decide(const CpuSet& usable) {
        count_.usable = std::max(1, static_cast<int>(usable.size()));
        count_.cpus = count_.usable;
        CpuSource::Kind winner = usable.size() < affinity_.size() ? CpuSource::Kind::cpuset : CpuSource::Kind::affinity;
        if (count_.quota && rounded_quota(*count_.quota, count_.rounding) < count_.cpus) {
            count_.cpus = rounded_quota(*count_.quota, count_.rounding);
            winner = CpuSource::Kind::quota;
        }
        for (CpuSource& source : count_.sources) {
            source.decides =
                source.kind == winner && (winner != CpuSource::Kind::quota || source.path == count_.quota_from);
        }
    }

    void add(CpuSource::Kind kind, std::string path, std::string text, double cpus) {
        count_.sources.push_back({.kind = kind, .path = std::move(path), .text = std::move(text), .cpus = cpus});
    }
    void note(std::string text) { count_.notes.push_back(std::move(text)); }

    const TextOfFile& text_of_;
    const CpuSet& affinity_;
    CpuCount count_;
    std::vector<Mount> mounts_;
    std::string memberships_text_;
    std::vector<Membership> memberships_;
};

} // namespace

std::string_view to_string(CpuRounding rounding) {
    switch (rounding) {
    case CpuRounding::ceil: return "ceil";
    case CpuRounding::floor: return "floor";
    }
    std::unreachable();
}

int count_for(const CpuCount& count, const CpusSpec& settings) {
    if (settings.count) {
        return *settings.count;
    }
    return count.quota ? std::min(count.usable, rounded_quota(*count.quota, settings.rounding)) : count.usable;
}

std::string cpu_text(double cpus) {
    // std::to_chars of a fraction would bring 90 KiB of tables into the binary.
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", cpus);
    return text;
}

std::optional<CpuSet> parse_cpu_list(std::string_view text) {
    std::vector<std::pair<int, int>> ranges;
    text = trimmed(text);
    while (!text.empty()) {
        const auto end = std::min(text.find(','), text.size());
        const std::string_view range = text.substr(0, end);
        const auto dash = range.find('-');
        const auto first = number_in<int>(range.substr(0, dash));
        const auto last = dash == std::string_view::npos ? first : number_in<int>(range.substr(dash + 1));
        const bool is_range = first && last && *first >= 0 && *last >= *first && *last < most_cpus;
        if (!is_range || end + 1 == text.size()) { // a comma with nothing behind it
            return std::nullopt;
        }
        ranges.emplace_back(*first, *last);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    // The ranges, not what is in them: a text of a few bytes may say 65536 CPUs again and again.
    std::ranges::sort(ranges);
    CpuSet cpus;
    for (const auto& [first, last] : ranges) {
        for (int cpu = cpus.empty() ? first : std::max(first, cpus.back() + 1); cpu <= last; ++cpu) {
            cpus.push_back(cpu);
        }
    }
    return cpus;
}

std::string cpu_list(const CpuSet& cpus) {
    std::string text;
    for (std::size_t index = 0; index < cpus.size();) {
        std::size_t last = index;
        while (last + 1 < cpus.size() && cpus[last + 1] == cpus[last] + 1) {
            ++last;
        }
        text += (text.empty() ? "" : ",") + std::to_string(cpus[index]);
        text += last > index ? "-" + std::to_string(cpus[last]) : std::string{};
        index = last + 1;
    }
    return text;
}

CpuCount count_cpus(const TextOfFile& text_of, const CpuSet& affinity, CpuRounding rounding) {
    return Count{text_of, affinity}.result(rounding);
}

} // namespace davit::model
