// SPDX-License-Identifier: Apache-2.0
// A workbench for the pod machine: holds the pod and the time in its hand, tells it facts in one word each,
// and remembers every order. Nothing happens by itself: a test says what the world does.
#pragma once

#include "model/pod_machine.h"
#include "model/timeline.h"

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace davit::test {

using namespace std::chrono_literals;

/// Short words for specifications.
model::ServiceSpec helper(std::string name);
model::ProbeSpec tcp_probe(std::uint16_t port = 80);
model::StepSpec step(std::string command = "run.sh");

class PodBench {
public:
    PodBench();

    /// Set up. The service named "main" is main and depends on what it is given.
    PodBench& with(model::ServiceSpec service);
    PodBench& with_dependency(const std::string& service, const std::string& on,
                              model::Condition condition = model::Condition::started, bool required = true);
    model::PodSpec& spec() { return spec_; }
    model::ServiceSpec& service(const std::string& name) { return spec_.services[index(name)]; }

    /// davit starts.
    void begin();
    /// The same, after a run that left this in stateDir, with the key in the isolate file or not.
    void begin_with(const model::PodStarted& start);
    /// Facts.
    void launched(const std::string& name);
    void launch_failed(const std::string& name, model::LaunchFailure failure);
    void exited(const std::string& name, model::ExitStatus status, const std::string& left_behind = "");
    void emptied(const std::string& name);
    void checked(const std::string& name, model::ProbeKind probe, model::CheckOutcome outcome);
    void step_finished(model::StepOutcome outcome = model::StepOutcome::succeeded);
    void connections(unsigned count);
    void signal(int number, bool from_inside = false);
    void ask(model::RequestId id, model::Verb verb, std::initializer_list<std::string> services = {});
    void event(const model::PodEvent& event);
    /// A reload of `loaded`; what the runtime does with AdoptSpec happens by itself.
    void reload(model::RequestId id, model::PodSpec loaded, model::MainRestart main = model::MainRestart::forbidden);
    void client_left(model::RequestId id);
    /// Time goes on to `moment` after the begin; everything that falls due on the way happens.
    void until(Duration moment);

    /// begin, launches of all that is ordered, good readiness checks, steps that succeed: online.
    void come_online();
    /// Answers every order of the world that is outstanding in the friendliest way, once.
    bool please();

    // What is so.
    const model::Pod& pod() const { return pod_; }
    std::string phase() const { return std::string{model::to_string(pod_.lifecycle.phase)}; }
    std::string state(const std::string& name) const;
    model::Timeline timeline() const { return model::timeline(spec_, way_up_, now_); }
    Duration now() const { return now_ - TimePoint{}; }

    /// Orders since the last call, as text; checks are left out.
    std::vector<std::string> take_orders();
    /// All orders since the begin that contain `text`.
    std::size_t count_orders(std::string_view text) const;
    bool ordered(std::string_view text) const { return count_orders(text) > 0; }
    /// The place of the first order that contains `text` among all; npos: none.
    std::size_t place_of(std::string_view text) const;
    /// The answer to a request: "done: ..."; empty: none yet.
    std::string answer_to(model::RequestId id) const;
    /// The container's end; -1: it has not ended.
    int exit_code() const { return exit_code_; }
    const std::vector<std::string>& end_lines() const { return end_lines_; }

private:
    void prepare();
    model::ServiceIndex index(const std::string& name) const;
    void remember(const model::Action& action);

    model::PodSpec spec_;
    model::DependencyGraph graph_;
    model::Pod pod_;
    model::StartRecord way_up_;
    TimePoint now_{};
    std::vector<std::string> orders_;
    std::size_t taken_ = 0;
    std::vector<std::pair<model::RequestId, std::string>> answers_;
    int exit_code_ = -1;
    std::vector<std::string> end_lines_;
};

} // namespace davit::test
