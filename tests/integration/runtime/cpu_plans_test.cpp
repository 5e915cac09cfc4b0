// SPDX-License-Identifier: Apache-2.0
// What a service is given at its launch, with JVMs on disk that have to be read first, in a child.
#include "runtime/service_runner.h"

#include "integration/runtime/workshop.h"
#include "model/contains.h"
#include "support/catch.h"
#include "support/made_up_jvm.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sys/wait.h>

namespace davit::test {
namespace {

using model::contains;

/// More than any machine has: every JVM counts wrong.
constexpr int wanted = 5000;
const std::string flag = "-XX:ActiveProcessorCount=5000";

model::PodSpec pod_that_runs(std::vector<model::Text> command) {
    model::ServiceSpec web;
    web.name = "web";
    web.command = std::move(command);
    web.cpus.count = wanted;
    model::PodSpec pod;
    pod.services = {std::move(web)};
    return pod;
}

bool says(runtime::DriverHost& host, std::string_view part) {
    const auto& reasons = host.last_cpus.at(0).reasons;
    return std::ranges::any_of(reasons, [&](const std::string& reason) { return reason.contains(part); });
}

/// The children of this process that are there now.
std::vector<pid_t> children() {
    std::ifstream file{"/proc/self/task/" + std::to_string(::getpid()) + "/children"};
    std::vector<pid_t> pids;
    for (pid_t pid = 0; file >> pid;) {
        pids.push_back(pid);
    }
    return pids;
}

model::PodSpec pod_that_runs_twice(const std::vector<model::Text>& command) {
    model::PodSpec pod = pod_that_runs(command);
    pod.services.push_back(pod.services[0]);
    pod.services[1].name = "other";
    return pod;
}

/// Reading it takes long enough to be stopped in it. On a busy machine that may be longer than davit has patience: for
/// readers that are not to come to their end.
void make_large(const MadeUpJvm& jvm) {
    std::filesystem::resize_file(jvm.library(), std::uintmax_t{64} << 20);
}

} // namespace

TEST_CASE("java starts when its library has been read, with the flag; the next time at once", "[cpu_plans]") {
    const MadeUpJvm jvm{"first"};
    Workshop workshop{pod_that_runs({jvm.java(), "-jar", "x.jar"})};
    runtime::ServiceRunner runner{workshop.host};

    runner.launch(0, 1);

    CHECK(workshop.facts.empty());
    REQUIRE(workshop.next_service_fact<model::Launched>());
    REQUIRE(workshop.next_service_fact<model::LeaderExited>());
    CHECK(workshop.run_until([&] { return workshop.log_text() == "[web] " + flag + " -jar x.jar\n"; }));

    runner.launch(0, 2);

    CHECK(workshop.facts.size() == 1);
    REQUIRE(workshop.next_service_fact<model::LeaderExited>());
}

TEST_CASE("a library that changed is read again", "[cpu_plans]") {
    const MadeUpJvm jvm{"replaced"};
    Workshop workshop{pod_that_runs({jvm.java(), "x"})};
    runtime::ServiceRunner runner{workshop.host};
    runner.launch(0, 1);
    REQUIRE(workshop.next_service_fact<model::LeaderExited>());
    workshop.facts.clear();

    jvm.write("lib/server/libjvm.so", MadeUpJvm::library_with({"UseSerialGC", "and nothing else, but it is longer"}));
    workshop.spec.services[0].cpus.shim = model::ShimSetting::off;
    runner.launch(0, 2);

    CHECK(workshop.facts.empty());
    REQUIRE(workshop.next_service_fact<model::LeaderExited>());
    CHECK(workshop.host.last_cpus.at(0).leader_arguments.empty());
    CHECK(says(workshop.host, "cpus.shim is off: left alone"));
}

TEST_CASE("a script gets the flag by the environment, and nobody else does", "[cpu_plans]") {
    const MadeUpJvm jvm{"script"};
    Workshop workshop{pod_that_runs(shell("echo $JAVA_TOOL_OPTIONS $DAVIT_CPUS"))};
    workshop.spec.services[0].env = {{"JAVA_HOME", jvm.home()}, {"PATH", "/nowhere"}};
    runtime::ServiceRunner runner{workshop.host};

    runner.launch(0, 1);

    CHECK(workshop.run_until([&] { return workshop.log_text() == "[web] " + flag + " 5000\n"; }));
    const auto of_probe = workshop.host.environment_of(0);
    CHECK(contains(of_probe, std::string{"DAVIT_CPUS=5000"}));
    CHECK_FALSE(contains(of_probe, "JAVA_TOOL_OPTIONS=" + flag));
    CHECK(contains(workshop.host.surroundings_of(0).environment, "JAVA_TOOL_OPTIONS=" + flag));
}

TEST_CASE("of JAVA_HOME, JRE_HOME and PATH those count that are there", "[cpu_plans]") {
    const MadeUpJvm jvm{"home"};
    const MadeUpJvm old{"path", MadeUpJvm::oldest};
    Workshop workshop{pod_that_runs(shell("exit 0"))};
    model::ServiceSpec& web = workshop.spec.services[0];
    web.cpus.shim = model::ShimSetting::off;
    runtime::ServiceRunner runner{workshop.host};
    const auto given = [&](std::vector<model::EnvVariable> env) {
        web.env = std::move(env);
        runner.launch(0, 1);
        REQUIRE(workshop.next_service_fact<model::LeaderExited>());
        return workshop.host.last_cpus.at(0).leader_variables.size();
    };

    CHECK(given({{"JAVA_HOME", jvm.home()}, {"PATH", "/nowhere"}}) == 1);
    CHECK(given({{"JRE_HOME", jvm.home()}, {"JAVA_HOME", "/non\nsense"}, {"PATH", "/nowhere"}}) == 1);
    CHECK(given({{"PATH", "/nowhere:" + jvm.home() + "/bin"}}) == 1);
    CHECK(given({{"JAVA_HOME", jvm.home()}, {"PATH", old.home() + "/bin"}}) == 0);
    CHECK(says(workshop.host, "not every JVM that could be meant knows"));
    CHECK(given({{"JAVA_HOME", old.home()}, {"JRE_HOME", jvm.home()}, {"PATH", "/nowhere"}}) == 0);
    CHECK(given({{"JAVA_HOME", ""}, {"PATH", "/nowhere"}}) == 0);
    CHECK(says(workshop.host, "there is none in JAVA_HOME, JRE_HOME or PATH"));
    jvm.write("bin/java", "#!/bin/sh\n");
    CHECK(given({{"JAVA_HOME", jvm.home()}, {"PATH", "/nowhere"}}) == 0);
    CHECK(says(workshop.host, "a script: what it starts is not known"));
}

TEST_CASE("a JVM that cannot be read is left alone, and starts", "[cpu_plans]") {
    const MadeUpJvm jvm{"empty"};
    jvm.write("lib/server/libjvm.so", "");
    Workshop workshop{pod_that_runs({jvm.java(), "x"})};
    runtime::ServiceRunner runner{workshop.host};

    runner.launch(0, 1);

    REQUIRE(workshop.next_service_fact<model::LeaderExited>());
    CHECK(workshop.log_text() == "[web] x\n");
    CHECK(says(workshop.host, "libjvm.so: cannot be read"));
}

TEST_CASE("a reader that hangs is given up, and the service starts without", "[cpu_plans]") {
    const MadeUpJvm jvm{"hangs"};
    make_large(jvm);
    Workshop workshop{pod_that_runs({jvm.java(), "x"})};
    runtime::ServiceRunner runner{workshop.host};

    runner.launch(0, 1);
    REQUIRE(children().size() == 1);
    const pid_t reader = children().front();
    ::kill(reader, SIGSTOP);

    REQUIRE(workshop.next_service_fact<model::Launched>());
    CHECK(says(workshop.host, "was not read within 2"));
    REQUIRE(workshop.next_service_fact<model::LeaderExited>());
    CHECK(workshop.run_until([&] { return !contains(children(), reader); }));
    CHECK(workshop.log_text() == "[web] x\n");
}

TEST_CASE("two services with one JVM wait for one reader", "[cpu_plans]") {
    const MadeUpJvm jvm{"shared"};
    Workshop workshop{pod_that_runs_twice({jvm.java(), "x"})};
    runtime::ServiceRunner runner{workshop.host};

    runner.launch(0, 1);
    runner.launch(1, 1);

    CHECK(children().size() == 1);
    REQUIRE(workshop.next_service_fact<model::LeaderExited>());
    REQUIRE(workshop.next_service_fact<model::LeaderExited>());
    CHECK(workshop.host.last_cpus.at(1).leader_arguments == std::vector{flag});
}

TEST_CASE("a stop ends the reading at once, and the next start reads again", "[cpu_plans]") {
    const MadeUpJvm jvm{"stopped"};
    Workshop workshop{pod_that_runs({jvm.java(), "x"})};
    runtime::ServiceRunner runner{workshop.host};
    runner.launch(0, 1);
    REQUIRE(children().size() == 1);
    ::kill(children().front(), SIGSTOP);

    runner.cancel_launch(0, 1);

    const auto failed = workshop.next_service_fact<model::LaunchFailed>();
    REQUIRE(failed);
    CHECK(failed->attempt == 1);
    CHECK(failed->message == "it was stopped before it was known how its JVM counts");
    CHECK(workshop.run_until([] { return children().empty(); }));
    runner.launch(0, 2);
    REQUIRE(workshop.next_service_fact<model::LeaderExited>());
    CHECK(workshop.run_until([&] { return workshop.log_text() == "[web] " + flag + " x\n"; }));
}

TEST_CASE("a reading that another service waits for goes on when one is stopped", "[cpu_plans]") {
    const MadeUpJvm jvm{"half"};
    Workshop workshop{pod_that_runs_twice({jvm.java(), "x"})};
    runtime::ServiceRunner runner{workshop.host};
    runner.launch(0, 1);
    runner.launch(1, 1);
    REQUIRE(children().size() == 1);
    const pid_t reader = children().front();
    ::kill(reader, SIGSTOP);

    runner.cancel_launch(0, 1);

    CHECK(contains(children(), reader));
    ::kill(reader, SIGCONT);
    REQUIRE(workshop.next_service_fact<model::LeaderExited>());
    CHECK(workshop.run_until([&] { return workshop.log_text() == "[other] " + flag + " x\n"; }));
    CHECK_FALSE(workshop.host.last_cpus.contains(0));
}

TEST_CASE("a launch that has its process already is not cancelled", "[cpu_plans]") {
    model::PodSpec pod;
    pod.services = {service("web", "exit 3")}; // counts as davit does: no JVM is looked for
    Workshop workshop{std::move(pod)};
    runtime::ServiceRunner runner{workshop.host};
    runner.launch(0, 1);
    REQUIRE(workshop.next_service_fact<model::Launched>());

    runner.cancel_launch(0, 1);

    const auto exited = workshop.next_service_fact<model::LeaderExited>();
    REQUIRE(exited);
    CHECK(exited->status == model::exited_with(3));
}

TEST_CASE("a reload between launch and spawn changes nothing of what is started", "[cpu_plans]") {
    const MadeUpJvm jvm{"reloaded"};
    Workshop workshop{pod_that_runs({jvm.java(), "before"})};
    runtime::ServiceRunner runner{workshop.host};

    runner.launch(0, 1);
    workshop.spec.services[0] = model::ServiceSpec{.name = "web", .enabled = false, .removed = true};
    workshop.spec.services.emplace_back().name = "new";
    runner.make_room(2);

    REQUIRE(workshop.next_service_fact<model::LeaderExited>());
    CHECK(workshop.log_text() == "[web] " + flag + " before\n");
}

TEST_CASE("the end of davit ends a reader, and starts nothing", "[cpu_plans]") {
    const MadeUpJvm jvm{"end"};
    make_large(jvm);
    Workshop workshop{pod_that_runs({jvm.java(), "x"})};
    runtime::ServiceRunner runner{workshop.host};

    runner.launch(0, 1);
    runner.stop_everything();

    CHECK(workshop.run_until([] { return children().empty(); }));
    CHECK(workshop.facts.empty());
}

TEST_CASE("a count is kept for a moment, and made anew for another rounding", "[cpu_counter]") {
    runtime::CpuCounter counter;
    const model::CpuCount* first = &counter.now(model::CpuRounding::ceil);
    CHECK(first->cpus >= 1);
    CHECK(first->rounding == model::CpuRounding::ceil);
    CHECK(counter.now(model::CpuRounding::floor).rounding == model::CpuRounding::floor);
}

} // namespace davit::test
