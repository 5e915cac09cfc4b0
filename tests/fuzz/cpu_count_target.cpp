// SPDX-License-Identifier: Apache-2.0
// The texts behind the CPU count: /proc/self/cgroup, mountinfo, quotas, periods and CPU lists, divided by lines of ==.
// They come from the kernel, but a sandbox may write its own. A number that no text justifies is a finding.
#include "model/cpu_count.h"
#include "model/text_parts.h"

#include "target.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <numeric>
#include <set>
#include <vector>

namespace davit::fuzz {

namespace {

using model::CpuCount;
using model::CpuRounding;
using model::CpuSet;
using model::CpuSource;

enum Part : std::uint8_t { membership, mounts, quota, cpuset, period, weight, quota_above, cpuset_above, parts };

std::array<std::string_view, parts> divided(std::string_view input) {
    constexpr std::string_view border = "\n==\n";
    std::array<std::string_view, parts> found;
    for (std::string_view& part : found) {
        const std::size_t end = input.find(border);
        part = input.substr(0, end);
        input.remove_prefix(end == std::string_view::npos ? input.size() : end + border.size());
    }
    return found;
}

/// Every other level of a tree has the second of two texts; an empty part is a file that is not there.
Part part_of(std::string_view path) {
    const bool is_above = path.size() % 2 == 0;
    if (path.contains("cpuset.")) {
        return is_above ? cpuset_above : cpuset;
    }
    if (path.ends_with("cpu.cfs_period_us")) {
        return period;
    }
    if (path.ends_with("cpu.weight") || path.ends_with("cpu.shares")) {
        return weight;
    }
    return is_above ? quota_above : quota;
}

class MadeUpFiles {
public:
    explicit MadeUpFiles(std::string_view input) : texts_(divided(input)) {}

    std::optional<std::string> text_of(const std::string& path) const {
        const Part part = path == "/proc/self/cgroup"      ? membership
                          : path == "/proc/self/mountinfo" ? mounts
                                                           : part_of(path);
        const std::string_view text = texts_[part];
        return text.empty() || missing_.contains(path) ? std::nullopt : std::optional{std::string{text}};
    }

    void remove(std::string path) { missing_.insert(std::move(path)); }

    CpuCount count(const CpuSet& affinity, CpuRounding rounding) const {
        return model::count_cpus([this](const std::string& path) { return text_of(path); }, affinity, rounding);
    }

private:
    std::array<std::string_view, parts> texts_;
    std::set<std::string> missing_;
};

CpuSet affinity_for(std::string_view input) {
    CpuSet cpus(input.size() % 3 == 0 ? 1 : 8);
    std::iota(cpus.begin(), cpus.end(), 0);
    if (input.size() % 3 == 2) {
        cpus = {1, 3, 4, 5, 64, 65, 130, 1023};
    }
    return cpus;
}

/// What `word` is as a whole number above 0; 0: it is none. Read digit by digit, unlike in the model.
double whole_number(std::string_view word) {
    double number = 0;
    for (const char digit : word) {
        if (digit < '0' || digit > '9') {
            return 0;
        }
        number = number * 10 + (digit - '0');
    }
    return number;
}

void check_quota(const CpuSource& source, const MadeUpFiles& files) {
    const std::string text = files.text_of(source.path).value_or("");
    std::string_view rest = model::trimmed(text);
    const double allowed = whole_number(model::next_word(rest));
    std::string written_period{model::next_word(rest)};
    if (source.path.ends_with("cpu.cfs_quota_us")) {
        const std::string directory = source.path.substr(0, source.path.rfind('/'));
        written_period = model::trimmed(files.text_of(directory + "/cpu.cfs_period_us").value_or(""));
    }
    const double every = written_period.empty() ? 100'000 : whole_number(written_period);
    demand(allowed > 0 && every > 0, "a quota is made of two numbers");
    demand(std::abs(source.cpus * every - allowed) <= allowed * 1e-9, "a quota is what its file says");
    demand(!source.text.empty(), "a quota is told in words");
}

void check_cpuset(const CpuSource& source, const MadeUpFiles& files) {
    const auto cpus = model::parse_cpu_list(files.text_of(source.path).value_or(""));
    demand(cpus && static_cast<double>(cpus->size()) == source.cpus, "a cpuset is what its file says");
}

/// The formula once more, from what was looked at.
void check_number(const CpuCount& counted, const CpuSet& affinity, const MadeUpFiles& files) {
    const auto most = static_cast<int>(affinity.size());
    demand(counted.cpus >= 1, "there is at least one CPU");
    demand(counted.cpus <= most && counted.affinity == most, "no more CPUs than the affinity mask has");
    CpuSet usable = affinity;
    double allowed = most;
    for (const CpuSource& source : counted.sources) {
        if (source.kind == CpuSource::Kind::quota) {
            check_quota(source, files);
            allowed = std::min(allowed, source.cpus);
        } else if (source.kind == CpuSource::Kind::cpuset) {
            check_cpuset(source, files);
            CpuSet both;
            std::ranges::set_intersection(affinity, *model::parse_cpu_list(*files.text_of(source.path)),
                                          std::back_inserter(both));
            usable = both.empty() ? affinity : both;
        }
    }
    const double rounded =
        counted.rounding == CpuRounding::ceil ? std::ceil(allowed - 1e-9) : std::floor(allowed + 1e-9);
    const double expected = std::max(1.0, std::min(static_cast<double>(usable.size()), rounded));
    demand(counted.cpus == static_cast<int>(expected), "the number follows from what was looked at");
}

/// A file that is passed over is as if it were not there.
void check_notes(const CpuCount& counted, const CpuSet& affinity, MadeUpFiles files) {
    constexpr std::string_view passed_over = " is passed over: it holds ";
    for (const std::string& note : counted.notes) {
        if (const std::size_t end = note.find(passed_over); end != std::string::npos) {
            files.remove(note.substr(0, end));
        }
    }
    demand(files.count(affinity, counted.rounding).cpus == counted.cpus, "what cannot be understood changes nothing");
}

void check_list(std::string_view text) {
    const std::optional<CpuSet> cpus = model::parse_cpu_list(text);
    if (!cpus) {
        return;
    }
    demand(std::ranges::is_sorted(*cpus, std::ranges::less_equal{}) || cpus->size() < 2, "a set is in ascending order");
    demand(cpus->empty() || cpus->front() >= 0, "no CPU has a number below 0");
    demand(model::parse_cpu_list(model::cpu_list(*cpus)) == cpus, "a list of CPUs is read as it was written");
}

} // namespace

void run(std::string_view input) {
    const MadeUpFiles files{input};
    const CpuSet affinity = affinity_for(input);
    const CpuCount up = files.count(affinity, CpuRounding::ceil);
    const CpuCount down = files.count(affinity, CpuRounding::floor);
    check_number(up, affinity, files);
    check_number(down, affinity, files);
    demand(down.cpus <= up.cpus, "rounding down gives no more than rounding up");
    if (!up.notes.empty()) {
        check_notes(up, affinity, files);
    }
    check_list(input);
}

} // namespace davit::fuzz
