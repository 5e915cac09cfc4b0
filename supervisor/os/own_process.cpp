// SPDX-License-Identifier: Apache-2.0
#include "os/own_process.h"

#include "os/files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <linux/capability.h>
#include <string>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace davit::os {
namespace {

/// A company's whole directory fits in.
constexpr std::size_t largest_accounts_file = std::size_t{4} << 20;

struct Resource {
    std::string_view name;
    int number;
};
constexpr std::array resources = {
    Resource{"as", RLIMIT_AS},
    Resource{"core", RLIMIT_CORE},
    Resource{"cpu", RLIMIT_CPU},
    Resource{"data", RLIMIT_DATA},
    Resource{"fsize", RLIMIT_FSIZE},
    Resource{"memlock", RLIMIT_MEMLOCK},
    Resource{"msgqueue", RLIMIT_MSGQUEUE},
    Resource{"nice", RLIMIT_NICE},
    Resource{"nofile", RLIMIT_NOFILE},
    Resource{"nproc", RLIMIT_NPROC},
    Resource{"rtprio", RLIMIT_RTPRIO},
    Resource{"rttime", RLIMIT_RTTIME},
    Resource{"sigpending", RLIMIT_SIGPENDING},
    Resource{"stack", RLIMIT_STACK},
};
static_assert(resources.size() == model::resource_names.size());
static_assert(RLIM_INFINITY == model::unlimited);

std::vector<std::uint32_t> supplementary_groups() {
    const int count = ::getgroups(0, nullptr);
    std::vector<gid_t> groups(static_cast<std::size_t>(std::max(count, 0)));
    const int read = groups.empty() ? 0 : ::getgroups(count, groups.data());
    groups.resize(static_cast<std::size_t>(std::max(read, 0)));
    return {groups.begin(), groups.end()};
}

std::vector<model::ResourceLimit> limits() {
    std::vector<model::ResourceLimit> all;
    for (const Resource& resource : resources) {
        rlimit limit{};
        if (::syscall(SYS_prlimit64, 0, resource.number, nullptr, &limit) == 0) {
            all.push_back({.name = std::string{resource.name}, .soft = limit.rlim_cur, .hard = limit.rlim_max});
        }
    }
    return all;
}

/// There is no way to look at it without setting it; davit has one thread, so nobody sees the moment between.
std::uint32_t own_umask() {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    return mask;
}

std::uint64_t effective_capabilities() {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
    if (::syscall(SYS_capget, &header, data.data()) != 0) {
        return 0;
    }
    constexpr unsigned bits_of_a_word = 32;
    return std::uint64_t{data[1].effective} << bits_of_a_word | data[0].effective;
}

template <typename Number>
std::optional<Number> number_in(const std::string& path) {
    const std::string text = read_kernel_file(path);
    Number number{};
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    return parsed.ec == std::errc{} ? std::optional{number} : std::nullopt;
}

std::string current_directory() {
    std::array<char, 4096> path{};
    return ::getcwd(path.data(), path.size()) == nullptr ? std::string{"/"} : std::string{path.data()};
}

int own_nice() {
    errno = 0;
    const int nice = ::getpriority(PRIO_PROCESS, 0); // -1 is a value as well
    return errno == 0 ? nice : 0;
}

} // namespace

model::OwnProcess read_own_process() {
    model::OwnProcess own;
    own.identity.user = ::geteuid();
    own.identity.group = ::getegid();
    own.identity.groups = supplementary_groups();
    own.identity.umask = own_umask();
    own.identity.limits = limits();
    own.identity.nice = own_nice();
    own.identity.oom_score_adj = number_in<int>("/proc/self/oom_score_adj");
    own.identity.no_new_privileges = ::prctl(PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL) == 1;
    own.directory = current_directory();
    own.capabilities = effective_capabilities();
    own.most_descriptors = number_in<std::uint64_t>("/proc/sys/fs/nr_open").value_or(model::unlimited);
    return own;
}

std::optional<int> resource_of(std::string_view name) {
    const auto* found = std::ranges::find(resources, name, &Resource::name);
    return found == resources.end() ? std::nullopt : std::optional{found->number};
}

model::Accounts read_accounts() {
    return model::parse_accounts(read_file("/etc/passwd", largest_accounts_file).value_or(""),
                                 read_file("/etc/group", largest_accounts_file).value_or(""));
}

} // namespace davit::os
