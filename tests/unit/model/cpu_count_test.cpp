// SPDX-License-Identifier: Apache-2.0
// The CPU count over made-up trees of /proc and cgroup files: each is what some real machine shows.
#include "model/cpu_count.h"

#include "support/catch.h"

#include <map>
#include <numeric>

using namespace davit::model;

namespace {

using Files = std::map<std::string, std::string>;

CpuSet first_cpus(int count) {
    CpuSet cpus(static_cast<std::size_t>(count));
    std::iota(cpus.begin(), cpus.end(), 0);
    return cpus;
}

CpuCount count(const Files& files, int affinity = 8, CpuRounding rounding = CpuRounding::ceil) {
    const auto text_of = [&](const std::string& path) -> std::optional<std::string> {
        const auto file = files.find(path);
        return file == files.end() ? std::nullopt : std::optional{file->second};
    };
    return count_cpus(text_of, first_cpus(affinity), rounding);
}

const std::string mount_v2 = "31 23 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw\n";
const std::string v1_root = "/docker/4f";

/// A container with a cgroup namespace: it sees its own cgroup as the root.
Files v2(const std::string& cpu_max, const std::string& cpuset = "0-7\n") {
    return {{"/proc/self/cgroup", "0::/\n"},
            {"/proc/self/mountinfo", "22 1 0:20 / / rw - overlay overlay rw\n" + mount_v2},
            {"/sys/fs/cgroup/cpu.max", cpu_max},
            {"/sys/fs/cgroup/cpuset.cpus.effective", cpuset}};
}

/// A container without one: its paths are the host's, and each mount shows its own cgroup only.
Files v1(const std::string& quota, const std::string& period = "100000\n") {
    const std::string cpu = "/sys/fs/cgroup/cpu,cpuacct/";
    return {
        {"/proc/self/cgroup", "9:cpuset:" + v1_root + "\n5:cpu,cpuacct:" + v1_root + "\n1:name=systemd:/x\n0::/x\n"},
        {"/proc/self/mountinfo", "33 31 0:30 " + v1_root +
                                     " /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
                                     "34 31 0:31 " +
                                     v1_root + " /sys/fs/cgroup/cpuset ro master:3 - cgroup cgroup rw,cpuset\n"},
        {cpu + "cpu.cfs_quota_us", quota},
        {cpu + "cpu.cfs_period_us", period},
        {cpu + "cpu.shares", "2\n"},
        {"/sys/fs/cgroup/cpuset/cpuset.effective_cpus", "0-3\n"}};
}

} // namespace

TEST_CASE("without cgroups the affinity mask counts", "[cpu_count]") {
    const CpuCount counted = count({}, 5);
    CHECK(counted.cpus == 5);
    CHECK(counted.affinity == 5);
    CHECK(counted.quota == std::nullopt);
    CHECK(counted.cpuset == std::nullopt);
    CHECK(counted.notes == std::vector<std::string>{"/proc/self/mountinfo cannot be read: no cgroup is known"});
    CHECK(counted.sources == std::vector{CpuSource{.text = "0-4", .cpus = 5, .decides = true}});
}

TEST_CASE("a quota of v2 is rounded as it is asked for, and is at least one", "[cpu_count]") {
    CHECK(count(v2("150000 100000\n")).cpus == 2);
    CHECK(count(v2("150000 100000\n"), 8, CpuRounding::floor).cpus == 1);
    CHECK(count(v2("300000 100000\n")).cpus == 3);
    CHECK(count(v2("10000 100000\n"), 8, CpuRounding::floor).cpus == 1);
    CHECK(count(v2("210000 70000\n")).cpus == 3);
    CHECK(count(v2("250000\n")).cpus == 3);
    CHECK(count(v2("max 100000\n")).cpus == 8);
    CHECK(count(v2("max\n")).quota == std::nullopt);
    CHECK(count(v2("150000 100000\n")).quota == 1.5);
    CHECK(count(v2("150000 100000\n")).quota_from == "/sys/fs/cgroup/cpu.max");
}

TEST_CASE("a quota of v1 is read from the two files of its controller, and shares never count", "[cpu_count]") {
    CHECK(count(v1("250000\n")).cpus == 3);
    CHECK(count(v1("250000\n", "50000\n")).cpus == 4); // the cpuset has 4
    CHECK(count(v1("-1\n")).cpus == 4);
    CHECK(count(v1("-1\n")).notes.empty());
    CHECK(count(v1("250000\n")).quota_from == "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us");
    Files without_period = v1("250000\n");
    without_period.erase("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us");
    CHECK(count(without_period).cpus == 3);
}

TEST_CASE("what is larger than the affinity mask changes nothing", "[cpu_count]") {
    const CpuCount counted = count(v2("900000 100000\n"), 2);
    CHECK(counted.cpus == 2);
    CHECK(counted.quota == 9);
    CHECK(counted.cpuset == 8);
}

TEST_CASE("a service's settings fix the count, or round the quota in their own way", "[cpu_count]") {
    const CpuCount counted = count(v2("150000 100000\n"));
    CHECK(count_for(counted, {}) == 2);
    CHECK(count_for(counted, {.rounding = CpuRounding::floor}) == 1);
    CHECK(count_for(counted, {.count = 12, .rounding = CpuRounding::floor}) == 12);
    CHECK(count_for(count(v2("10000 100000\n")), {.rounding = CpuRounding::floor}) == 1);
    CHECK(count_for(count(v2("9000000 100000\n")), {}) == 8);
    CHECK(count_for(count(v2("max\n", "1-3\n")), {}) == 3);
}

TEST_CASE("only CPUs of the affinity mask and the cpuset count", "[cpu_count]") {
    CHECK(count(v2("max\n", "2,4-5\n")).cpus == 3);
    CHECK(count(v2("max\n", "6-9\n")).cpus == 2); // 8 and 9 are not in the mask
    const CpuCount apart = count(v2("max\n", "20-21\n"));
    CHECK(apart.cpus == 8);
    CHECK(apart.cpuset == 2);
    CHECK(apart.notes == std::vector<std::string>{"the cpuset has no CPU of the affinity mask: it is passed over"});
}

TEST_CASE("the smallest quota between the leaf and the mount counts", "[cpu_count]") {
    Files files = v2("400000 100000\n");
    files["/proc/self/cgroup"] = "0::/pod/main/worker\n";
    files["/sys/fs/cgroup/pod/cpu.max"] = "200000 100000\n";
    files["/sys/fs/cgroup/pod/main/cpu.max"] = "300000 100000\n";
    files["/sys/fs/cgroup/pod/main/worker/cpu.max"] = "max 100000\n";
    const CpuCount counted = count(files);
    CHECK(counted.cpus == 2);
    CHECK(counted.quota_from == "/sys/fs/cgroup/pod/cpu.max");
    CHECK(counted.sources.size() == 5); // the mask, the cpuset of the mount, three quotas
    CHECK(counted.sources[3] ==
          CpuSource{CpuSource::Kind::quota, "/sys/fs/cgroup/pod/cpu.max", "200000 of every 100000 µs", 2, true});
    CHECK_FALSE(counted.sources[2].decides);
}

TEST_CASE("in a hybrid each controller is read where it is", "[cpu_count]") {
    Files files = v1("100000\n");
    files["/proc/self/mountinfo"] += "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
    files["/sys/fs/cgroup/unified/x/cpu.max"] = "700000 100000\n"; // no such controller there
    CHECK(count(files).cpus == 1);
    files["/proc/self/cgroup"] = "0::/x\n9:cpuset:" + v1_root + "\n";
    CHECK(count(files).quota == 7);
    CHECK(count(files).cpuset == 4);
}

TEST_CASE("what some JVMs look at instead is told as well", "[cpu_count]") {
    Files above = v2("200000 100000\n");
    above["/proc/self/cgroup"] = "0::/main\n";
    above["/sys/fs/cgroup/main/cpu.max"] = "max 100000\n";
    CHECK(count(above).own_quota == std::nullopt);
    CHECK(count(above).quota == 2);
    CHECK(count(above).is_v2);
    CHECK(count(v1("150000\n")).own_quota == 1.5);
    CHECK(count(v1("150000\n")).shares == 2);
    CHECK(count(v1("150000\n")).usable == 4);
    CHECK_FALSE(count(v1("150000\n")).is_v2);
    Files weighed = v2("max\n");
    for (const auto& [weight, shares] : std::map<std::string, std::optional<double>>{{"100\n", std::nullopt},
                                                                                     {"39\n", 1024},
                                                                                     {"79\n", 2048},
                                                                                     {"1\n", 1024},
                                                                                     {"x\n", std::nullopt},
                                                                                     {"", std::nullopt}}) {
        weighed["/sys/fs/cgroup/cpu.weight"] = weight;
        CHECK(count(weighed).shares == shares);
    }
}

TEST_CASE("a cgroup that is not to be seen climbs to the nearest that is", "[cpu_count]") {
    Files files = v2("200000 100000\n");
    for (const char* path : {"/../other", "/gone (deleted)", "/a/b/c", "/gone/", ""}) {
        files["/proc/self/cgroup"] = "0::" + std::string{path} + "\n";
        CHECK(count(files).cpus == 2);
    }
    files["/proc/self/cgroup"] = "0::/\n";
    files["/proc/self/mountinfo"] = "31 23 0:28 /../.. /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
    CHECK(count(files).cpus == 2);
    files["/proc/self/mountinfo"] = "31 23 0:28 /kubepods/a /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
    CHECK(count(files).cpus == 2);
    files["/proc/self/cgroup"] = "0::/kubepods/ab\n"; // not below /kubepods/a
    CHECK(count(files).cpus == 2);
}

TEST_CASE("paths with escapes are followed", "[cpu_count]") {
    Files files = {{"/proc/self/cgroup", "0::/my pod/a\\b\n"},
                   {"/proc/self/mountinfo", "31 23 0:28 /my\\040pod /sys/fs/my\\040group rw - cgroup2 cgroup rw\n"},
                   {"/sys/fs/my group/a\\b/cpu.max", "100000 100000\n"}};
    CHECK(count(files).cpus == 1);
}

TEST_CASE("of several mounts of a hierarchy the usual one counts", "[cpu_count]") {
    Files files = v2("200000 100000\n");
    files["/proc/self/mountinfo"] = "50 23 0:28 / /host/cgroup rw - cgroup2 cgroup rw\n" + mount_v2;
    files["/host/cgroup/cpu.max"] = "100000 100000\n";
    CHECK(count(files).quota_from == "/sys/fs/cgroup/cpu.max");
}

TEST_CASE("a text that cannot be understood never makes the number smaller", "[cpu_count]") {
    for (const char* text : {"", "soon\n", "0 100000\n", "-5 100000\n", "100000 0\n", "100000 x\n", "1e5 100000\n",
                             "99999999999999999999 1\n"}) {
        const CpuCount counted = count(v2(text));
        CHECK(counted.cpus == 8);
        CHECK(counted.notes ==
              std::vector<std::string>{
                  "/sys/fs/cgroup/cpu.max is passed over: it holds no quota and period in microseconds"});
    }
    for (const char* text : {"x", "3-1", "-1", "0-", "1,,2", "0-99999999", "1,"}) {
        const CpuCount counted = count(v2("max\n", text));
        CHECK(counted.cpus == 8);
        CHECK(counted.notes == std::vector<std::string>{
                                   "/sys/fs/cgroup/cpuset.cpus.effective is passed over: it holds no list of CPUs"});
    }
    CHECK(count(v2("max\n", "\n")).notes.empty()); // a cpuset that was never set up
    CHECK(count(v1("0\n")).cpus == 4);
    CHECK(count(v1("100000\n", "0\n")).cpus == 4);
    CHECK(count(v1("100000\n", "\n")).cpus == 4);
}

TEST_CASE("without /proc/self/cgroup the top of each mount is taken, with a note", "[cpu_count]") {
    for (Files files : {v1("100000\n"), v2("100000\n")}) {
        files.erase("/proc/self/cgroup");
        const CpuCount counted = count(files);
        CHECK(counted.cpus == 1);
        CHECK(counted.notes ==
              std::vector<std::string>{"/proc/self/cgroup cannot be read: the top of each mount is taken"});
    }
}

TEST_CASE("lines that are none of the kernel's are passed over", "[cpu_count]") {
    Files files = v2("100000 100000\n");
    files["/proc/self/mountinfo"] = "\n- -\na - cgroup2\n31 23 0:28 / /x rw cgroup2\n" + mount_v2;
    files["/proc/self/cgroup"] = "0\n:\n\n0::/\n";
    CHECK(count(files).cpus == 1);
}

TEST_CASE("more CPUs than a fixed mask holds are counted", "[cpu_count]") {
    CHECK(count(v2("max\n", "0-2047\n"), 1500).cpus == 1500);
}

TEST_CASE("lists of CPUs are read and written as the kernel does", "[cpu_count]") {
    CHECK(parse_cpu_list("0-3,8\n") == CpuSet{0, 1, 2, 3, 8});
    CHECK(parse_cpu_list("5,1,1-2") == CpuSet{1, 2, 5});
    CHECK(parse_cpu_list("") == CpuSet{});
    CHECK(parse_cpu_list("0-65536") == std::nullopt);
    CHECK(cpu_list({0, 1, 2, 8, 10, 11}) == "0-2,8,10-11");
    CHECK(cpu_list({}) == "");
    std::string endless;
    for (int times = 0; times < 1000; ++times) {
        endless += "0-65535,";
    }
    CHECK(parse_cpu_list(endless + "1")->size() == 65536);
    CHECK(parse_cpu_list("2-5,4-7,0,4") == CpuSet{0, 2, 3, 4, 5, 6, 7});
}

TEST_CASE("a mount or a cgroup that is no path is passed over", "[cpu_count]") {
    const Files files{{"/proc/self/cgroup", "0::foo\n"},
                      {"/proc/self/mountinfo", "1 2 3 / - - cgroup2 x rw\n1 2 3 x /y - cgroup2 x rw\n"},
                      {"foo/cpu.max", "100000\n"},
                      {"-/cpu.max", "100000\n"}};
    CHECK(count(files, 4).cpus == 4);
}
