// SPDX-License-Identifier: Apache-2.0
// The one driver: it owns the pod's value, gives every fact to the pod machine, writes one log line a
// change, keeps the journal and obeys the actions. No policy lives here. The faces (api/) talk to the
// rest of davit through this header only: they ask, look and listen.
//
//   os/ (exits, signals, checks, lines) ──► post(fact) ──► model::on_event ──► actions ──► drivers ──► os/
//   api/ ──► ask(request) ────────────────►      │
//   api/ ◄── answer, progress lines, changes ◄───┘
#pragma once

#include "model/dependency_graph.h"
#include "model/pod_machine.h"
#include "model/process_identity.h"
#include "model/service_cpus.h"
#include "model/spec.h"
#include "model/start_record.h"
#include "os/signals.h"
#include "runtime/journal.h"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <vector>

namespace davit::os {
class LogRing;
}

namespace davit::runtime {

/// What a client of a request hears. All are called from the loop, never from inside `ask`.
struct Listener {
    /// A line for the person who waits: a change of phase, a line of a step's output, what is missing.
    std::function<void(std::string_view line)> progress;
    /// Once, last.
    std::function<void(model::Verdict verdict, std::string_view message)> answer;
};

/// What `app` decides before anything runs.
struct SupervisorOptions {
    std::vector<std::string> environment;   // PID 1's own, as NAME=value
    std::string socket;                     // for DAVIT_SOCKET
    std::optional<rlim_t> open_descriptors; // the soft limit that children get; nullopt: davit's
    os::CallersSignals callers_signals{};   // plain init passes them on
    std::string termination_log; // path asked for ($DAVIT_TERMINATION_LOG); empty: the kubelet's, if it is there
};

/// What a process of a service finds and is; what the configuration does not say is as PID 1 has it.
struct ServiceSurroundings {
    std::vector<std::string> environment; // NAME=value
    model::ProcessIdentity identity;
    std::string directory;
};

struct Measures;

class Supervisor {
public:
    Supervisor(boost::asio::io_context& loop, model::PodSpec spec, SupervisorOptions options);
    ~Supervisor();
    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;

    /// Begins to start services. `ended` is called once with the container's exit code.
    void start(std::function<void(int code)> ended);

    /// Hands a request to the pod machine. The id is for `forget`.
    model::RequestId ask(model::Request request, Listener listener);
    /// As `ask`, for `loaded`, a configuration that was read anew and is good. `keys` says for the log what changed.
    model::RequestId reload(model::Request request, model::PodSpec loaded, std::vector<model::ChangedKeys> keys,
                            Listener listener);
    /// A configuration was read anew and is bad: tells the first of its problems. Nothing changes.
    void report_refused_reload(std::string_view text);
    /// The client went away: nothing is cancelled, nothing more is told.
    void forget(model::RequestId id);

    /// An exception ended one turn of the loop: tells it. Everything goes on.
    void report_escaped(std::string_view text);

    const model::PodSpec& spec() const;
    const model::Pod& pod() const;
    const Journal& journal() const;
    Journal& journal(); // for a JournalReader
    /// How the last way up went.
    const model::StartRecord& way_up() const;

    /// Wall clock time (RFC 3339, UTC, milliseconds) of a moment of the monotonic clock.
    std::string wall_clock(TimePoint moment) const;
    /// The newest lines that a relayed service or step wrote, oldest first, at most `count`.
    std::vector<std::string> last_output(model::ServiceIndex service, std::size_t count) const;
    /// What the service wrote, for a reader. Stays where it is as long as the supervisor does.
    os::LogRing& output_of(model::ServiceIndex service);
    ServiceSurroundings surroundings_of(model::ServiceIndex service) const;

    /// The CPU count of the container, at most 100 ms old. Valid until the next call.
    const model::CpuCount& cpu_count() const;
    /// What the service was given at its last launch so that it counts its CPUs right; null: it was never launched.
    const model::ServiceCpus* cpus_of(model::ServiceIndex service) const;

    /// Counters, and what services take at this moment: it looks at all their processes.
    Measures measure();

private:
    class Body;
    std::unique_ptr<Body> body_;
};

} // namespace davit::runtime
