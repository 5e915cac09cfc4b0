// SPDX-License-Identifier: Apache-2.0
// Everything that a driver needs, for one test: a loop, a reaper that is told of children, logs into a pipe, and
// the facts that the driver reported.
#pragma once

#include "os/child_reaper.h"
#include "os/fd.h"
#include "os/log_output.h"
#include "os/process_setup.h"
#include "os/signals.h"
#include "runtime/driver_host.h"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <optional>
#include <string>
#include <unistd.h>
#include <variant>
#include <vector>

namespace davit::test {

using namespace std::chrono_literals;

inline std::vector<model::Text> shell(const std::string& script) {
    return {model::Text{"/bin/sh"}, model::Text{"-c"}, model::Text{script}};
}

inline model::ServiceSpec service(const std::string& name, const std::string& script) {
    model::ServiceSpec spec;
    spec.name = name;
    spec.command = shell(script);
    return spec;
}

class Workshop {
public:
    explicit Workshop(model::PodSpec pod)
        : spec(std::move(pod)), options{.environment = {"PATH=/usr/bin:/bin"}, .socket = {}, .termination_log = {}},
          pipe_(os::open_pipe()), output(loop, pipe_.write.get()), error(loop, pipe_.write.get()),
          log([](std::string_view) {}, [] { return model::LogFormat::text; }), reaper(loop),
          signals_(
              loop, [](const os::ReceivedSignal&) {}, [this] { reaper.reap(); }),
          host{.loop = loop,
               .spec = spec,
               .options = options,
               .reaper = reaper,
               .output = output,
               .error = error,
               .log = log,
               .post = [this](model::PodEvent event) { facts.push_back(std::move(event)); },
               .stop_deadline_of = [](model::ServiceIndex) { return std::optional<TimePoint>{}; },
               .stalled = [](Duration) {},
               .task_leaders = {},
               .own = {},
               .cpu_counter = {},
               .last_cpus = {}} {
        static const os::CallersSignals callers = os::take_over_signals();
        static_cast<void>(callers);
        static_cast<void>(os::adopt_orphans());
        static_cast<void>(signals_.start());
        ::fcntl(pipe_.read.get(), F_SETFL, O_NONBLOCK);
    }

    /// Runs the loop until `holds()`; false: it did not within many seconds.
    template <typename Condition>
    bool run_until(Condition holds) {
        const auto deadline = std::chrono::steady_clock::now() + 60s;
        while (!holds()) {
            if (std::chrono::steady_clock::now() > deadline) {
                return false;
            }
            loop.restart();
            loop.run_one_for(10ms);
        }
        return true;
    }

    /// The next fact of this type about a service, which is taken out; nullopt: it never came.
    template <typename Fact>
    std::optional<Fact> next_service_fact() {
        std::optional<Fact> found;
        run_until([&] {
            for (auto fact = facts.begin(); fact != facts.end() && !found; ++fact) {
                const auto* of_service = std::get_if<model::ServiceFact>(&*fact);
                if (of_service != nullptr && std::holds_alternative<Fact>(of_service->event)) {
                    found = std::get<Fact>(of_service->event);
                    facts.erase(fact);
                    return true;
                }
            }
            return false;
        });
        return found;
    }

    std::optional<model::StepFinished> next_step_end() {
        std::optional<model::StepFinished> found;
        run_until([&] {
            if (!facts.empty() && std::holds_alternative<model::StepFinished>(facts.front())) {
                found = std::get<model::StepFinished>(facts.front());
                facts.erase(facts.begin());
            }
            return found.has_value();
        });
        return found;
    }

    /// What the log holds by now.
    std::string log_text() {
        char buffer[4096];
        ssize_t size = 0;
        while ((size = ::read(pipe_.read.get(), buffer, sizeof buffer)) > 0) {
            log_text_.append(buffer, static_cast<std::size_t>(size));
        }
        return log_text_;
    }

    boost::asio::io_context loop;
    model::PodSpec spec;
    runtime::SupervisorOptions options;

private:
    os::Pipe pipe_;
    std::string log_text_;

public:
    os::LogOutput output;
    os::LogOutput error;
    runtime::Log log;
    os::ChildReaper reaper;
    std::vector<model::PodEvent> facts;

private:
    os::SignalReceiver signals_;

public:
    runtime::DriverHost host;
};

/// A process group that somebody is alive in.
inline bool group_lives(pid_t group) {
    return ::kill(-group, 0) == 0;
}

} // namespace davit::test
