// SPDX-License-Identifier: Apache-2.0
// The whole of runtime in this process: a small pod from its start to its exit code.
#include "runtime/supervisor.h"

#include "integration/runtime/workshop.h"
#include "model/spec_defaults.h"
#include "support/catch.h"

namespace davit::test {
namespace {

/// main `web` and what its tests add.
model::PodSpec pod_with_main(const std::string& script) {
    model::WrittenPod written;
    written.app = "test";
    model::WrittenService web;
    web.name = "web";
    web.main = true;
    web.command = shell(script);
    web.log_mode = model::LogMode::prefix;
    written.services = {web};
    return model::resolve_defaults(written, "host");
}

struct Running {
    explicit Running(model::PodSpec pod) : supervisor(loop, std::move(pod), {.environment = {"PATH=/usr/bin:/bin"}}) {
        static const os::CallersSignals callers = os::take_over_signals();
        static_cast<void>(callers);
    }

    void start() {
        supervisor.start([this](int with) { code = with; });
    }

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

    boost::asio::io_context loop;
    runtime::Supervisor supervisor;
    std::optional<int> code;
};

} // namespace

TEST_CASE("the container ends with main's code, and the journal tells the way", "[supervisor]") {
    Running running{pod_with_main("exit 9")};
    running.start();
    REQUIRE(running.run_until([&] { return running.code.has_value(); }));
    CHECK(running.code == 9);
    const auto& entries = running.supervisor.journal().entries();
    REQUIRE(!entries.empty());
    CHECK(entries.front().service == "web");
    CHECK(entries.back().to == "stopped");
}

TEST_CASE("a prestop client hears the phases and its answer, last", "[supervisor]") {
    Running running{pod_with_main("exec sleep 1000")};
    running.start();
    REQUIRE(running.run_until([&] { return running.supervisor.pod().lifecycle.phase == model::Phase::online; }));

    std::vector<std::string> heard;
    std::optional<model::Verdict> verdict;
    model::Request prestop;
    prestop.verb = model::Verb::prestop;
    running.supervisor.ask(prestop, {.progress = [&](std::string_view line) { heard.emplace_back(line); },
                                     .answer = [&](model::Verdict with, std::string_view) { verdict = with; }});
    CHECK(heard.empty());
    REQUIRE(running.run_until([&] { return verdict.has_value(); }));

    CHECK(verdict == model::Verdict::done);
    REQUIRE(heard.size() > 2);
    CHECK(heard.front().starts_with("phase online"));
    CHECK(heard.back().starts_with("phase stopped"));
    CHECK(!running.code);
}

} // namespace davit::test
