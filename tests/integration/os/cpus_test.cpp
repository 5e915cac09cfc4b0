// SPDX-License-Identifier: Apache-2.0
// The count of this process's CPUs, again and again, while what it depends on changes.
#include "os/cpus.h"

#include "support.h"
#include "support/catch.h"

#include <fstream>
#include <sched.h>
#include <sstream>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace davit;
using namespace davit::os;
using namespace davit::test;

namespace {

void run_on(const model::CpuSet& cpus) {
    cpu_set_t mask;
    CPU_ZERO(&mask);
    for (const int cpu : cpus) {
        CPU_SET(cpu, &mask);
    }
    REQUIRE(::sched_setaffinity(0, sizeof mask, &mask) == 0);
}

bool write_to(const std::filesystem::path& path, const std::string& text) {
    std::ofstream file{path};
    return static_cast<bool>(file << text << std::flush);
}

/// Where this process is in the hierarchy of the cpu controller; empty: there is none of v1.
std::filesystem::path own_cpu_cgroup() {
    std::ifstream memberships{"/proc/self/cgroup"};
    for (std::string line; std::getline(memberships, line);) {
        std::istringstream parts{line};
        std::string id;
        std::string controllers;
        std::string path;
        if (std::getline(parts, id, ':') && std::getline(parts, controllers, ':') && std::getline(parts, path) &&
            ("," + controllers + ",").contains(",cpu,")) {
            std::filesystem::path directory{"/sys/fs/cgroup/cpu" + path};
            return std::filesystem::exists(directory) ? directory : "/sys/fs/cgroup/cpu";
        }
    }
    return {};
}

/// A cgroup below this process's own, which the process is in while this lives.
class InnerCgroup {
public:
    InnerCgroup() : outer_(own_cpu_cgroup()) {
        std::error_code failed;
        inner_ = outer_ / ("davit-cpus-" + std::to_string(::getpid()));
        is_entered_ = !outer_.empty() && std::filesystem::create_directory(inner_, failed) &&
                      write_to(inner_ / "cgroup.procs", std::to_string(::getpid()));
    }
    InnerCgroup(const InnerCgroup&) = delete;
    InnerCgroup& operator=(const InnerCgroup&) = delete;
    ~InnerCgroup() { leave(); }

    bool is_entered() const { return is_entered_; }
    bool set_quota(int microseconds) const {
        return write_to(inner_ / "cpu.cfs_quota_us", std::to_string(microseconds));
    }
    void leave() {
        if (std::exchange(is_entered_, false)) {
            write_to(outer_ / "cgroup.procs", std::to_string(::getpid()));
        }
        std::error_code failed;
        std::filesystem::remove(inner_, failed);
    }

private:
    std::filesystem::path outer_;
    std::filesystem::path inner_;
    bool is_entered_ = false;
};

} // namespace

TEST_CASE("the CPU count follows the affinity mask", "[cpus]") {
    const model::CpuSet all = affinity();
    if (all.size() < 2) {
        WARN("skipped: needs two CPUs");
        return;
    }
    CpuFiles files;
    const model::CpuCount before = files.count();
    CHECK(before.affinity == static_cast<int>(all.size()));
    CHECK(files.count() == before);

    run_on({all.back()});
    CHECK(files.count().affinity == 1);
    CHECK(files.count().cpus == 1);
    CHECK(files.count() == CpuFiles{}.count());

    run_on(all);
    CHECK(files.count() == before);
}

TEST_CASE("the CPU count follows a quota, and the process into another cgroup and back", "[cpus]") {
    CpuFiles files;
    const model::CpuCount outside = files.count();
    InnerCgroup cgroup;
    if (!cgroup.is_entered()) {
        WARN("skipped: needs root and the cpu controller of cgroup v1");
        return;
    }
    CHECK(files.count().own_quota == std::nullopt);

    REQUIRE(cgroup.set_quota(50'000)); // of 100000 µs
    CHECK(files.count().own_quota == 0.5);
    CHECK(files.count().cpus == 1);
    CHECK(files.count() == CpuFiles{}.count());

    REQUIRE(cgroup.set_quota(150'000));
    CHECK(files.count().own_quota == 1.5);
    CHECK(files.count(model::CpuRounding::floor).rounding == model::CpuRounding::floor);
    CHECK(files.count(model::CpuRounding::floor).cpus == 1);

    cgroup.leave();
    CHECK(files.count() == outside);
}

TEST_CASE("the CPU count follows the mount table: a file that is kept open behind it says nothing more", "[cpus]") {
    InnerCgroup cgroup;
    if (!cgroup.is_entered() || !cgroup.set_quota(50'000)) {
        WARN("skipped: needs root and the cpu controller of cgroup v1");
        return;
    }
    enum Answer : int { follows, no_namespace, no_quota_before, quota_after };
    // In a process and a mount namespace of its own.
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
            ::_exit(no_namespace);
        }
        CpuFiles files;
        if (files.count().own_quota != 0.5) {
            ::_exit(no_quota_before);
        }
        ::mount("none", "/sys/fs/cgroup", "tmpfs", 0, nullptr);
        ::_exit(files.count().own_quota ? quota_after : follows);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == follows);
}
