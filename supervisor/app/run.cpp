// SPDX-License-Identifier: Apache-2.0
#include "app/run.h"

#include "api/server.h"
#include "app/out_of_memory.h"
#include "app/run_options.h"
#include "config/load.h"
#include "model/termination_message.h"
#include "os/fd.h"
#include "os/process_setup.h"
#include "os/session_scan.h"
#include "os/signals.h"
#include "os/sockets.h"
#include "os/tcp_listener.h"
#include "runtime/supervisor.h"
#include "runtime/termination_log.h"

#include <boost/asio/io_context.hpp>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fcntl.h>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace davit::app {
namespace {

constexpr int cannot_run = 125;
/// At the end a client whose verb has an answer still hears it.
constexpr std::chrono::milliseconds patience_with_clients{500};

/// A descriptor below 3 that is closed would be given to a socket, and then to every service as its stdout.
void open_standard_descriptors() {
    for (int descriptor = 0; descriptor <= STDERR_FILENO; ++descriptor) {
        if (::fcntl(descriptor, F_GETFD) < 0 && errno == EBADF) {
            // The lowest free number is this one.
            [[maybe_unused]] const int opened = ::open("/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY);
        }
    }
}

std::string from_environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string{} : std::string{value};
}

/// What is addressed to davit by whoever started it (sd_notify(3)); a service must not answer in its place.
bool is_for_davit_alone(std::string_view variable) {
    return variable.starts_with("NOTIFY_SOCKET=") || variable.starts_with("WATCHDOG_USEC=") ||
           variable.starts_with("WATCHDOG_PID=");
}

/// What children inherit. A plain init's command stands in davit's place, and finds all of it.
std::vector<std::string> inherited_environment(const model::PodSpec& spec) {
    std::vector<std::string> variables;
    for (char** variable = environ; *variable != nullptr; ++variable) {
        // A davit that was started from `davit shell` of another has services of its own.
        const std::string_view text{*variable};
        const bool marks_outsider =
            text.starts_with(os::marks_outsiders) && text.substr(os::marks_outsiders.size()).starts_with('=');
        if (!marks_outsider && (spec.plain_init || !is_for_davit_alone(text))) {
            variables.emplace_back(text);
        }
    }
    return variables;
}

config::LoadResult load(const RunOptions& options, const config::Sources& sources) {
    return config::load(
        sources, {.path = options.config, .command = options.command, .more_paths = {}, .app_file = options.app_file});
}

/// What cannot run has a reason in the termination log too; `lines`, the best first.
int cannot_run_because(const std::vector<std::string>& lines) {
    const auto written = runtime::write_termination_log(from_environment("DAVIT_TERMINATION_LOG"),
                                                        model::termination_message(lines, {}));
    if (!written) {
        std::fprintf(stderr, "davit run: %s\n", written.error().text.c_str());
    }
    return cannot_run;
}

int refuse(const std::string& text) {
    std::fprintf(stderr, "davit run: %s\n", text.c_str());
    return cannot_run_because({"cannot run: " + text});
}

/// nullopt: it is no mode.
std::optional<model::Mode> mode_of(const RunOptions& options) {
    const std::string name = options.mode.value_or(from_environment("DAVIT_MODE"));
    if (name == "debug") {
        return model::Mode::debug;
    }
    return name == "normal" || name.empty() ? std::optional{model::Mode::normal} : std::nullopt;
}

/// Tells every problem; nullopt: it cannot be run.
std::optional<model::PodSpec> load_configuration(const RunOptions& options, model::Mode mode,
                                                 const config::Sources& sources) {
    config::LoadResult loaded = load(options, sources);
    std::vector<std::string> lines;
    for (const config::Problem& problem : loaded.problems) {
        lines.push_back(config::describe(problem, config::Purpose::run));
        std::fprintf(stderr, "%s\n", lines.back().c_str());
    }
    if (config::has_error(loaded, config::Purpose::run)) {
        lines.front() = "cannot run: " + lines.front();
        cannot_run_because(lines);
        return std::nullopt;
    }
    if (loaded.pod.plain_init) {
        loaded.pod.signal_group = options.signal_group;
    } else {
        loaded.pod.mode = mode;
    }
    return std::move(loaded.pod);
}

Result<os::ListeningSocket> open_socket(const RunOptions& options) {
    if (options.socket) {
        return os::listen_at({*options.socket});
    }
    if (std::string asked_for = from_environment("DAVIT_SOCKET"); !asked_for.empty()) {
        return os::listen_at({std::move(asked_for)});
    }
    return os::listen_at(os::usual_places(from_environment("XDG_RUNTIME_DIR")));
}

void remove_socket(const std::string& place) {
    if (!place.starts_with('@')) {
        ::unlink(place.c_str());
    }
}

/// An exception ends the turn of the loop that it escaped from, never davit.
void run_loop(boost::asio::io_context& loop, runtime::Supervisor& supervisor) {
    while (true) {
        try {
            loop.run();
            return;
        } catch (const std::exception& error) {
            supervisor.report_escaped(std::string{"an error escaped: "} + error.what());
        }
    }
}

/// The status port's; empty: there is none. Error: it cannot be had.
Result<os::Fd> open_status_port(const model::PodSpec& spec) {
    if (!spec.status_port) {
        return os::Fd{};
    }
    auto socket = os::listen_on_tcp(spec.status_address, *spec.status_port);
    if (!socket) {
        return failure("statusPort: " + socket.error().text + "; free it, or choose another statusPort");
    }
    return std::move(*socket);
}

/// What davit listens on.
struct Doors {
    os::ListeningSocket socket;
    os::Fd status_port;
};

int supervise(model::PodSpec spec, Doors doors, const os::CallersSignals& callers_signals,
              std::function<config::LoadResult()> load_again) {
    boost::asio::io_context loop{1};
    std::vector<std::string> environment = inherited_environment(spec);
    runtime::Supervisor supervisor{loop,
                                   std::move(spec),
                                   {.environment = std::move(environment),
                                    .socket = doors.socket.place,
                                    .open_descriptors = os::raise_descriptor_limit(),
                                    .callers_signals = callers_signals,
                                    .termination_log = from_environment("DAVIT_TERMINATION_LOG")}};
    std::optional<api::Server> server;
    std::optional<api::Server> status_server;
    int exit_code = cannot_run;
    supervisor.start([&](int code) {
        exit_code = code;
        server->finish(patience_with_clients, [&loop] { loop.stop(); });
    });
    // After the first launches: whoever waits for main is not held up by what clients need.
    server.emplace(loop, supervisor, api::ServerOptions{.load = std::move(load_again)});
    server->serve(std::move(doors.socket.socket));
    if (doors.status_port) {
        status_server.emplace(loop, supervisor, api::status_port_options());
        status_server->serve(std::move(doors.status_port));
    }
    run_loop(loop, supervisor);
    remove_socket(doors.socket.place);
    return exit_code;
}

} // namespace

int run(int argc, char** argv, std::string_view help, const config::Sources& sources) {
    const os::CallersSignals callers_signals = os::take_over_signals();
    open_standard_descriptors();
    survive_lack_of_memory();
    const auto options = parse_run_options({argv + 2, argv + argc});
    if (!options) {
        return refuse(options.error().text + "; see davit run --help");
    }
    if (options->help) {
        std::fwrite(help.data(), 1, help.size(), stdout);
        return 0;
    }
    const std::optional<model::Mode> mode = mode_of(*options);
    if (!mode) {
        const std::string_view from = options->mode ? "--mode" : "DAVIT_MODE";
        return refuse(std::string{from} + ": there are normal and debug, not \"" +
                      options->mode.value_or(from_environment("DAVIT_MODE")) + "\"");
    }
    std::optional<model::PodSpec> spec = load_configuration(*options, *mode, sources);
    if (!spec) {
        return cannot_run;
    }
    if (const auto adopted = os::adopt_orphans(); !adopted) {
        return refuse(adopted.error().text);
    }
    auto status_port = open_status_port(*spec);
    if (!status_port) {
        return refuse(status_port.error().text);
    }
    auto socket = open_socket(*options);
    if (!socket) {
        return refuse(socket.error().text);
    }
    config::Sources later = sources;
    later.read_stream = {}; // PID 1 waits for no writer of a pipe
    return supervise(std::move(*spec), {std::move(*socket), std::move(*status_port)}, callers_signals,
                     [&, later = std::move(later)] { return load(*options, later); });
}

} // namespace davit::app
