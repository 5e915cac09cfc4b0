// SPDX-License-Identifier: Apache-2.0
#include "cli/exec.h"

#include "api/protocol.h"
#include "cli/fetch.h"
#include "cli/service_env.h"
#include "cli/status_text.h"
#include "model/accounts.h"
#include "model/contains.h"
#include "os/fd.h"
#include "os/files.h"
#include "os/own_process.h"
#include "os/process_setup.h"
#include "os/session_scan.h"
#include "os/spawn.h"

#include <algorithm>
#include <array>
#include <utility>

namespace davit::cli {
namespace {

using api::ClientExit;

constexpr int cannot_execute = 126;
constexpr int not_found = 127;

enum class Values : std::uint8_t { masked, revealed };

int as_code(ClientExit exit) {
    return static_cast<int>(exit);
}

Output output_of(const Arguments& arguments) {
    const Duration patience = arguments.timeout.value_or(api::default_client_timeout);
    return {to_string(arguments.command), std::chrono::steady_clock::now() + patience};
}

std::string env_target(std::string_view service, Values values) {
    return std::string{api::services_prefix} + query_escaped(service) + "/" + std::string{api::env_word} +
           (values == Values::revealed ? "?reveal=1" : "");
}

/// What is not davit's answer counts as nobody there.
std::expected<ServiceEnv, ClientExit> fetch_env(const Arguments& arguments, Environment environment, Output& output,
                                                std::string_view service) {
    const auto body = fetch_body(arguments, environment, output, env_target(service, Values::revealed));
    if (!body) {
        return std::unexpected{body.error()};
    }
    auto env = parse_service_env(*body);
    if (!env) {
        output.error("cannot read the answer: is this davit as old as the one that runs?");
        return std::unexpected{ClientExit::unreachable};
    }
    return *std::move(env);
}

// ---- becoming a process of the service ------------------------------------------------------------------------

/// Limits, nice and oom score are a matter of exactness, the user one of safety: only the first may be missing.
bool go_on_without(model::IdentityChange& change, const os::SpawnFailure& failure) {
    switch (failure.stage) {
    case os::SpawnStage::oom_score: change.oom_score_adj.reset(); return true;
    case os::SpawnStage::nice: change.nice.reset(); return true;
    case os::SpawnStage::limits:
        change.limits.erase(change.limits.begin() + static_cast<std::ptrdiff_t>(failure.limit));
        return true;
    case os::SpawnStage::fork:
    case os::SpawnStage::session:
    case os::SpawnStage::descriptors:
    case os::SpawnStage::groups:
    case os::SpawnStage::group:
    case os::SpawnStage::user:
    case os::SpawnStage::no_new_privileges:
    case os::SpawnStage::directory:
    case os::SpawnStage::exec: break;
    }
    return false;
}

/// Comes back only if it failed, with the exit code.
int become(ServiceEnv env, std::vector<std::string> argv, Output& output, Environment environment) {
    constexpr int standard_input = 0;
    if (os::is_terminal(standard_input) && variable_of(env.variables, "TERM").empty()) {
        // The terminal is the caller's, so its kind is as well.
        env.variables.push_back("TERM=" + environment("TERM"));
    }
    env.variables.push_back(std::string{os::marks_outsiders} + "=1");
    os::SpawnRequest request{
        .argv = std::move(argv),
        .environment = std::move(env.variables),
        .directory = std::move(env.directory),
        .identity = model::change_between(os::read_own_process().identity, env.identity),
    };
    // A service that says no directory is in davit's, whether or not its user may enter it.
    if (os::enter_directory(request.directory)) {
        request.directory.clear();
    }
    while (true) {
        const os::SpawnFailure failure = os::become(request);
        if (!go_on_without(request.identity, failure)) {
            output.error(os::describe(failure, request));
            return os::kind_of(failure) == os::SpawnFailureKind::not_found ? not_found : cannot_execute;
        }
        output.error("warning: not quite as " + env.service + " is: " + os::describe(failure, request));
    }
}

// ---- a shell ----------------------------------------------------------------------------------------------------

bool is_shell(const std::string& path) {
    // What stands in /etc/passwd for those who must not log in.
    constexpr std::array<std::string_view, 2> no_shells{"nologin", "false"};
    const auto slash = path.rfind('/');
    return path.starts_with('/') && !model::contains(no_shells, std::string_view{path}.substr(slash + 1)) &&
           os::is_executable_file(path);
}

/// Empty: there is none.
std::string find_shell(const ServiceEnv& env) {
    const model::Accounts accounts = os::read_accounts();
    const model::UserAccount* account = accounts.find_user(env.identity.user);
    const std::array<std::string, 4> candidates{std::string{variable_of(env.variables, "SHELL")},
                                                account == nullptr ? std::string{} : account->shell, "/bin/bash",
                                                "/bin/sh"};
    const auto* found = std::ranges::find_if(candidates, is_shell);
    return found == candidates.end() ? std::string{} : *found;
}

} // namespace

int exec_in_service(const Arguments& arguments, Environment environment) {
    Output output = output_of(arguments);
    auto env = fetch_env(arguments, environment, output, arguments.words.front());
    if (!env) {
        return as_code(env.error());
    }
    return become(*std::move(env), arguments.program, output, environment);
}

int open_shell(const Arguments& arguments, Environment environment) {
    Output output = output_of(arguments);
    std::string service = arguments.words.empty() ? std::string{} : arguments.words.front();
    if (service.empty()) {
        const auto status = fetch_body(arguments, environment, output, std::string{api::status_path});
        if (!status) {
            return as_code(status.error());
        }
        service = main_service(*status);
    }
    if (service.empty()) {
        output.error("no service is main: name one");
        return as_code(ClientExit::negative);
    }
    auto env = fetch_env(arguments, environment, output, service);
    if (!env) {
        return as_code(env.error());
    }
    std::string shell = find_shell(*env);
    if (shell.empty()) {
        output.error("there is no shell here: neither $SHELL, nor that of the user, nor /bin/bash, nor /bin/sh");
        return not_found;
    }
    return become(*std::move(env), {std::move(shell)}, output, environment);
}

int show_env(const Arguments& arguments, Environment environment) {
    Output output = output_of(arguments);
    const Values values = arguments.reveal ? Values::revealed : Values::masked;
    const auto body = fetch_body(arguments, environment, output, env_target(arguments.words.front(), values));
    if (!body) {
        return as_code(body.error());
    }
    const auto env = arguments.format == Format::json ? std::nullopt : parse_service_env(*body);
    output.text(env ? env_text(*env) : *body);
    return as_code(ClientExit::done);
}

} // namespace davit::cli
