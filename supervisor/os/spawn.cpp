// SPDX-License-Identifier: Apache-2.0
#include "os/spawn.h"

#include "os/errno_text.h"
#include "os/files.h"
#include "os/identity_plan.h"
#include "os/in_child.h"
#include "os/process_setup.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <fcntl.h>
#include <string_view>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace davit::os {
namespace {

constexpr std::string_view path_without_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr int first_other_descriptor = 3;
// From linux/close_range.h, which is newer than some systems that build davit.
constexpr unsigned close_range_cloexec = 1U << 2;

/// Everything the child needs, made by the parent: a vforked child shares the parent's memory and must not
/// allocate. What failed is written here by the child and read by the parent.
struct ChildPlan {
    const SpawnRequest& request;
    std::vector<std::string> candidates; // paths to try, in order
    std::vector<char*> argv;
    std::vector<char*> environment;
    IdentityPlan identity;
    sigset_t mask;
    volatile SpawnStage stage = SpawnStage::fork;
    volatile unsigned limit = 0;
    volatile int error = 0;
};

std::vector<std::string> candidates_for(const SpawnRequest& request) {
    const std::string& command = request.argv.front();
    if (command.find('/') != std::string::npos || command.empty()) {
        return {command};
    }
    std::vector<std::string> candidates;
    std::string_view rest = search_path_in(request.environment);
    while (true) {
        const auto end = rest.find(':');
        const std::string_view directory = rest.substr(0, end);
        // An empty part of PATH is the current directory, as for a shell.
        candidates.push_back(directory.empty() ? "./" + command : std::string{directory} + "/" + command);
        if (end == std::string_view::npos) {
            return candidates;
        }
        rest.remove_prefix(end + 1);
    }
}

std::vector<char*> pointers_to(const std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (const std::string& text : texts) {
        // execve(2) wants char* and does not write.
        pointers.push_back(const_cast<char*>(text.c_str()));
    }
    pointers.push_back(nullptr);
    return pointers;
}

// ---- in the child: system calls only, no allocation, no return to the parent's frames -----------------------

DAVIT_IN_CHILD void set_disposition(int number, void (*handler)(int)) {
    struct sigaction action{};
    action.sa_handler = handler;
    ::sigaction(number, &action, nullptr);
}

/// davit ignores SIGPIPE and nothing else (take_over_signals), and exec takes handlers away: no other signal has to be
/// touched. Sixty calls for each child are what a chain of short ones would feel.
DAVIT_IN_CHILD void reset_signals(const ChildPlan& plan) {
    set_disposition(SIGPIPE, SIG_DFL);
    if (!plan.request.ignored_signals) {
        return;
    }
    for (int number = 1; number < NSIG; ++number) {
        if (::sigismember(&*plan.request.ignored_signals, number) == 1) {
            set_disposition(number, SIG_IGN);
        }
    }
}

DAVIT_IN_CHILD bool place(Placement placement) {
    switch (placement) {
    case Placement::own_session: return ::setsid() >= 0;
    case Placement::own_group: return ::setpgid(0, 0) == 0;
    case Placement::foreground_group:
        if (::setpgid(0, 0) != 0) {
            return false;
        }
        // No terminal, or not davit's: then there is no foreground. All signals are blocked: no SIGTTOU.
        ::tcsetpgrp(STDIN_FILENO, ::getpid());
        return true;
    }
    return true;
}

/// The descriptor for a stream, at 3 or above where it must not be in the way; -1: inherit; -2: failed.
DAVIT_IN_CHILD int source_of(const Stream& stream, int target) {
    if (std::get_if<InheritStream>(&stream) != nullptr) {
        return -1;
    }
    int descriptor = -1;
    if (const auto* given = std::get_if<GivenStream>(&stream)) {
        descriptor = given->descriptor;
    } else {
        descriptor = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    }
    if (descriptor >= 0 && descriptor < first_other_descriptor && descriptor != target) {
        descriptor = ::fcntl(descriptor, F_DUPFD_CLOEXEC, first_other_descriptor);
    }
    return descriptor < 0 ? -2 : descriptor;
}

DAVIT_IN_CHILD bool put_streams(const SpawnRequest& request) {
    int sources[3];
    for (int target = 0; target < 3; ++target) {
        sources[target] = source_of(request.streams[static_cast<unsigned>(target)], target);
        if (sources[target] == -2) {
            return false;
        }
    }
    for (int target = 0; target < 3; ++target) {
        const int source = sources[target];
        if (source == target) {
            ::fcntl(target, F_SETFD, 0);
        } else if (source >= 0 && ::dup2(source, target) < 0) {
            return false;
        }
    }
    return true;
}

/// Where close_range is missing or forbidden: every number that can be open.
DAVIT_IN_CHILD void mark_one_by_one() {
    rlimit limit{};
    constexpr rlim_t most = 65536;
    const bool known = ::getrlimit(RLIMIT_NOFILE, &limit) == 0;
    const int end = static_cast<int>(known && limit.rlim_cur < most ? limit.rlim_cur : most);
    for (int descriptor = first_other_descriptor; descriptor < end; ++descriptor) {
        ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    }
}

struct KernelDirectoryEntry { // getdents64(2)
    std::uint64_t inode;
    std::int64_t offset;
    unsigned short size;
    unsigned char type;
    char name[1];
};

DAVIT_IN_CHILD void mark_by_proc() {
    const int directory = ::open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        return mark_one_by_one();
    }
    alignas(KernelDirectoryEntry) char buffer[4096];
    long size = 0;
    while ((size = ::syscall(SYS_getdents64, directory, buffer, sizeof buffer)) > 0) {
        for (long position = 0; position < size;) {
            const auto* entry = reinterpret_cast<const KernelDirectoryEntry*>(buffer + position);
            int descriptor = 0;
            for (const char* digit = entry->name; *digit >= '0' && *digit <= '9'; ++digit) {
                descriptor = descriptor * 10 + (*digit - '0');
            }
            if (descriptor >= first_other_descriptor) {
                ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
            }
            position += entry->size;
        }
    }
}

DAVIT_IN_CHILD void mark_other_descriptors(OtherDescriptors others) {
    if (others == OtherDescriptors::pass_through) {
        return;
    }
    if (::syscall(SYS_close_range, first_other_descriptor, ~0U, close_range_cloexec) != 0) {
        mark_by_proc();
    }
}

/// A part of PATH that the child's user may not enter has nothing for it, as to a shell; a file that it may see but not
/// execute does.
DAVIT_IN_CHILD bool is_refused(const ChildPlan& plan, const std::string& path) {
    return plan.candidates.size() == 1 || ::access(path.c_str(), F_OK) == 0;
}

/// Gives errno of the last word on the command: a permission that is missing beats a file that is missing.
DAVIT_IN_CHILD int execute(const ChildPlan& plan) {
    int refused = 0;
    for (const std::string& path : plan.candidates) {
        ::execve(path.c_str(), plan.argv.data(), plan.environment.data());
        switch (errno) {
        case EACCES: refused = is_refused(plan, path) ? EACCES : refused; break;
        case ENOENT:
        case ENOTDIR:
        case ENODEV:
        case ESTALE:
        case ETIMEDOUT: break;
        default: return errno;
        }
    }
    return refused != 0 ? refused : errno == EACCES ? ENOENT : errno;
}

/// The limit is a courtesy: a kernel that refuses to lower it refuses nothing that the command needs.
DAVIT_IN_CHILD void set_descriptor_limit(const std::optional<rlim_t>& wanted) {
    rlimit limit{};
    if (wanted && ::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = *wanted;
        ::setrlimit(RLIMIT_NOFILE, &limit);
    }
}

DAVIT_IN_CHILD bool take_place(ChildPlan& plan) {
    plan.stage = SpawnStage::session;
    if (!place(plan.request.placement)) {
        return false;
    }
    plan.stage = SpawnStage::descriptors;
    return put_streams(plan.request);
}

/// What a child and a client that becomes one have in common.
DAVIT_IN_CHILD bool become_somebody(ChildPlan& plan) {
    mark_other_descriptors(plan.request.others);
    set_descriptor_limit(plan.request.open_descriptors);
    if (!plan.identity.take(plan.stage, plan.limit)) {
        return false;
    }
    plan.stage = SpawnStage::directory;
    if (!plan.request.directory.empty() && ::chdir(plan.request.directory.c_str()) != 0) {
        return false;
    }
    plan.stage = SpawnStage::exec;
    return true;
}

[[noreturn]] DAVIT_IN_CHILD void be_child(ChildPlan& plan) {
    reset_signals(plan);
    if (!take_place(plan) || !become_somebody(plan)) {
        plan.error = errno;
        ::_exit(EXIT_FAILURE);
    }
    ::sigprocmask(SIG_SETMASK, &plan.mask, nullptr);
    plan.error = execute(plan);
    ::_exit(EXIT_FAILURE);
}

/// A frame of its own: the child leaves nothing behind in its caller's.
[[gnu::noinline]] DAVIT_IN_CHILD pid_t launch(ChildPlan& plan) {
    // vfork is the point: the cost does not grow with davit's memory. What its child may do, be_child keeps to.
    const pid_t child = ::vfork(); // NOLINT(bugprone-unsafe-functions,clang-analyzer-security.insecureAPI.vfork)
    if (child == 0) {
        be_child(plan); // NOLINT(clang-analyzer-unix.Vfork)
    }
    return child;
}

// ---- in the parent again ---------------------------------------------------------------------------------

void wait_for_failed_child(pid_t child) {
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
}

std::string_view name_of(SpawnStage stage) {
    switch (stage) {
    case SpawnStage::fork: return "fork";
    case SpawnStage::session: return "session";
    case SpawnStage::descriptors: return "descriptors";
    case SpawnStage::oom_score: return "oom score";
    case SpawnStage::nice: return "nice";
    case SpawnStage::limits: return "limits";
    case SpawnStage::groups: return "groups";
    case SpawnStage::group: return "group";
    case SpawnStage::user: return "user";
    case SpawnStage::no_new_privileges: return "no new privileges";
    case SpawnStage::directory: return "directory";
    case SpawnStage::exec: return "exec";
    }
    return "";
}

/// "/bin/bash" of a script's first line "#! /bin/bash -e"; empty: no script.
std::string interpreter_of(const std::string& path) {
    std::string line = read_kernel_file(path, PATH_MAX);
    if (!line.starts_with("#!")) {
        return {};
    }
    line.erase(std::min(line.find('\n'), line.size()));
    const auto begin = line.find_first_not_of(" \t\r", 2);
    if (begin == std::string::npos) {
        return {};
    }
    return line.substr(begin, line.find_first_of(" \t", begin) - begin);
}

/// What is missing when exec says ENOENT though the file is there.
std::string why_not_found(const SpawnRequest& request) {
    const bool was_searched = request.argv.front().find('/') == std::string::npos;
    if (was_searched && request.identity.user) {
        return "not found in PATH, as that user sees it"; // what davit sees proves nothing
    }
    for (const std::string& path : candidates_for(request)) {
        if (!is_regular_file(path)) {
            continue;
        }
        const std::string interpreter = interpreter_of(path);
        return interpreter.empty() ? "its dynamic loader is missing" : "its interpreter " + interpreter + " is missing";
    }
    return was_searched ? "not found in PATH" : errno_text(ENOENT);
}

ChildPlan plan_for(const SpawnRequest& request) {
    ChildPlan plan{.request = request,
                   .candidates = candidates_for(request),
                   .argv = pointers_to(request.argv),
                   .environment = pointers_to(request.environment),
                   .identity = IdentityPlan{request.identity},
                   .mask = {}};
    sigemptyset(&plan.mask);
    plan.mask = request.signal_mask.value_or(plan.mask);
    return plan;
}

SpawnFailure failure_of(const ChildPlan& plan, int error) {
    const SpawnStage stage = plan.stage;
    return {.stage = stage, .error = error, .limit = stage == SpawnStage::limits ? plan.limit : 0};
}

/// What the stage is about, for the person who reads why it failed.
std::string subject_of(const SpawnFailure& failure, const SpawnRequest& request) {
    const model::IdentityChange& identity = request.identity;
    switch (failure.stage) {
    case SpawnStage::oom_score: return "oomScoreAdj " + std::to_string(identity.oom_score_adj.value_or(0));
    case SpawnStage::nice: return "nice " + std::to_string(identity.nice.value_or(0));
    case SpawnStage::limits:
        return failure.limit < identity.limits.size() ? "rlimits." + identity.limits[failure.limit].name : "rlimits";
    case SpawnStage::groups: return "supplementary groups";
    case SpawnStage::group: return "group " + std::to_string(identity.group.value_or(0));
    case SpawnStage::user: return "user " + std::to_string(identity.user.value_or(0));
    case SpawnStage::no_new_privileges: return "noNewPrivileges";
    case SpawnStage::directory: return request.directory;
    case SpawnStage::fork:
    case SpawnStage::session:
    case SpawnStage::descriptors:
    case SpawnStage::exec: break;
    }
    return request.argv.front();
}

/// The user that the child was when it failed.
uid_t user_at(const SpawnFailure& failure, const SpawnRequest& request) {
    const bool has_changed = failure.stage > SpawnStage::user;
    return has_changed ? request.identity.user.value_or(::geteuid()) : ::geteuid();
}

} // namespace

std::string_view search_path_in(const std::vector<std::string>& environment) {
    constexpr std::string_view name = "PATH=";
    const auto found = std::ranges::find_if(environment, [&](const auto& entry) { return entry.starts_with(name); });
    return found == environment.end() ? path_without_path : std::string_view{*found}.substr(name.size());
}

std::expected<pid_t, SpawnFailure> spawn(const SpawnRequest& request) {
    ChildPlan plan = plan_for(request);
    // Until exec the child runs in davit's memory: no handler of davit may run there.
    sigset_t everything;
    sigset_t before;
    sigfillset(&everything);
    ::sigprocmask(SIG_SETMASK, &everything, &before);
    std::optional<KeepOwnProc> keep;
    if (plan.identity.changes_user()) {
        keep.emplace();
    }
    const pid_t child = launch(plan);
    const int error = child < 0 ? errno : plan.error;
    keep.reset();
    ::sigprocmask(SIG_SETMASK, &before, nullptr);

    if (error == 0) {
        return child;
    }
    if (child > 0) {
        wait_for_failed_child(child);
    }
    return std::unexpected{failure_of(plan, error)};
}

SpawnFailure become(const SpawnRequest& request) {
    ChildPlan plan = plan_for(request);
    reset_signals(plan);
    if (!become_somebody(plan)) {
        return failure_of(plan, errno);
    }
    ::sigprocmask(SIG_SETMASK, &plan.mask, nullptr);
    const int error = execute(plan);
    return failure_of(plan, error);
}

SpawnFailureKind kind_of(const SpawnFailure& failure) {
    switch (failure.error) {
    case EAGAIN:
    case ENOMEM:
    case EMFILE:
    case ENFILE: return SpawnFailureKind::no_resources;
    case ENOENT:
    case ENOTDIR:
        return failure.stage == SpawnStage::exec ? SpawnFailureKind::not_found : SpawnFailureKind::not_executable;
    default:
        // A kernel or sandbox that forbids fork for now: no fault of the command.
        return failure.stage == SpawnStage::fork ? SpawnFailureKind::no_resources : SpawnFailureKind::not_executable;
    }
}

std::string describe(const SpawnFailure& failure, const SpawnRequest& request) {
    const bool is_not_found = failure.stage == SpawnStage::exec && failure.error == ENOENT;
    const std::string reason = is_not_found ? why_not_found(request) : errno_text(failure.error);
    return subject_of(failure, request) + ": " + reason + " (at " + std::string{name_of(failure.stage)} + ", uid " +
           std::to_string(user_at(failure, request)) + ")";
}

} // namespace davit::os
