// SPDX-License-Identifier: Apache-2.0
// One try of one step and what is reported of it.
#include "runtime/step_runner.h"

#include "integration/runtime/workshop.h"
#include "support/catch.h"

namespace davit::test {
namespace {

model::PodSpec pod_with(decltype(model::StepSpec::action) action) {
    model::ServiceSpec main = service("web", "exit 0");
    main.main = true;
    main.env = {{"LEVEL", "main's"}};
    main.working_dir = model::Text{"/usr"};
    model::PodSpec pod;
    pod.services = {std::move(main)};
    pod.lifecycle.online = {model::StepSpec{.action = std::move(action)}};
    return pod;
}

struct Stepping {
    explicit Stepping(model::PodSpec pod)
        : workshop(std::move(pod)), client(workshop.loop),
          runner(workshop.host, client,
                 {.main_pid = [] { return 41; }, .tell = [this](std::string_view line) { told.emplace_back(line); }}) {}

    void run() {
        runner.run({.run = 5,
                    .kind = model::StepKind::online,
                    .index = 0,
                    .attempt = 2,
                    .reason = model::StepReason::manual,
                    .remaining = 9500ms});
    }

    Workshop workshop;
    os::HttpClient client;
    std::vector<std::string> told;
    runtime::StepRunner runner;
};

} // namespace

TEST_CASE("an exec step runs as main does and knows why it runs", "[step_runner]") {
    Stepping stepping{pod_with(model::ExecStep{shell("echo $PWD $LEVEL $DAVIT_SERVICE; echo $DAVIT_STEP $DAVIT_REASON "
                                                     "$DAVIT_ATTEMPT $DAVIT_REMAINING_SECONDS $DAVIT_MAIN_PID")})};

    stepping.run();
    const auto finished = stepping.workshop.next_step_end();

    REQUIRE(finished);
    CHECK(finished->run == 5);
    CHECK(finished->outcome == model::StepOutcome::succeeded);
    CHECK(stepping.told == std::vector<std::string>{"[online] /usr main's web", "[online] online manual 2 9 41"});
    CHECK(stepping.workshop.log_text() == "[online] /usr main's web\n[online] online manual 2 9 41\n");
}

TEST_CASE("an exec step is over when its leader exits, and what it left is ended", "[step_runner]") {
    Stepping stepping{pod_with(model::ExecStep{shell("sleep 1000 & echo $$; exit 6")})};

    stepping.run();
    const auto finished = stepping.workshop.next_step_end();

    REQUIRE(finished);
    CHECK(finished->outcome == model::StepOutcome::failed);
    CHECK(finished->message == "exit code 6");
    REQUIRE(stepping.told.size() == 1);
    const pid_t group = std::stoi(stepping.told.front().substr(std::string{"[online] "}.size()));
    CHECK(stepping.workshop.run_until([&] { return !group_lives(group); }));
}

TEST_CASE("a step that is ended reports how its leader ended", "[step_runner]") {
    Stepping stepping{pod_with(model::ExecStep{shell("echo up; exec sleep 1000")})};
    stepping.run();
    REQUIRE(stepping.workshop.run_until([&] { return !stepping.told.empty(); }));

    stepping.runner.end({5, SIGTERM});

    const auto finished = stepping.workshop.next_step_end();
    REQUIRE(finished);
    CHECK(finished->outcome == model::StepOutcome::failed);
    CHECK(finished->message == "SIGTERM");
}

TEST_CASE("a step without a process ends at once", "[step_runner]") {
    Stepping stepping{pod_with(model::SleepStep{1000s})};
    stepping.run();

    stepping.runner.end({5, SIGTERM});

    const auto finished = stepping.workshop.next_step_end();
    REQUIRE(finished);
    CHECK(finished->outcome == model::StepOutcome::cancelled);
}

TEST_CASE("a step that cannot be executed has failed, with the reason", "[step_runner]") {
    Stepping stepping{pod_with(model::ExecStep{{model::Text{"/nowhere/step"}}})};
    stepping.run();
    const auto finished = stepping.workshop.next_step_end();
    REQUIRE(finished);
    CHECK(finished->outcome == model::StepOutcome::failed);
    CHECK(finished->message.starts_with("/nowhere/step: no such file or directory"));
}

} // namespace davit::test
