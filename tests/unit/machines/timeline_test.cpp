// SPDX-License-Identifier: Apache-2.0
// What a way up took, and who made it slow: the record follows a pod that the test leads up.
#include "model/timeline.h"
#include "pod_bench.h"
#include "support/catch.h"

namespace davit::test {

using namespace model;

namespace {

/// "mesh readiness probe 0.5+3.0"; a link a word.
std::vector<std::string> links(const Timeline& timeline) {
    std::vector<std::string> text;
    for (const ChainLink& link : timeline.critical) {
        text.push_back(link.name + ", " + link.what + ": " + std::to_string(link.from / 1ms) + "+" +
                       std::to_string(link.length / 1ms));
    }
    return text;
}

const TimelineRow& row(const Timeline& timeline, const std::string& name) {
    const auto found = std::ranges::find(timeline.rows, name, &TimelineRow::name);
    REQUIRE(found != timeline.rows.end());
    return *found;
}

/// log-agent <- mesh <- main; a probe at mesh.
void add_helpers(PodBench& pod) {
    ServiceSpec mesh = helper("mesh");
    mesh.readiness_probe = tcp_probe();
    pod.with(helper("log-agent")).with(mesh);
    pod.with_dependency("mesh", "log-agent").with_dependency("main", "mesh", Condition::ready);
}

void ready(PodBench& pod, const std::string& name) {
    pod.checked(name, ProbeKind::readiness, CheckOutcome::good);
}

} // namespace

TEST_CASE("the chain goes back from online over what was waited for last", "[timeline]") {
    PodBench pod;
    add_helpers(pod);
    pod.spec().lifecycle.preload = {step("warm.sh")};
    pod.begin();
    pod.until(500ms);
    pod.launched("log-agent");
    pod.until(1s);
    pod.launched("mesh");
    pod.until(4s);
    ready(pod, "mesh");
    pod.launched("main");
    pod.until(6s);
    pod.step_finished();
    REQUIRE(pod.phase() == "online");

    const Timeline made = pod.timeline();
    CHECK(made.sentence == "online after 6.0s; 3.5s of it mesh (readiness probe)");
    CHECK(links(made) == std::vector<std::string>{"log-agent, start: 0+500", "mesh, readiness probe: 500+3500",
                                                  "main, start: 4000+0", "preload, step: 4000+2000"});
    CHECK(row(made, "main").waited_for == "mesh");
    CHECK(row(made, "main").started == 4s);
    CHECK(row(made, "mesh").done == 4s);
    CHECK(row(made, "preload").done == 6s);
    CHECK(row(made, "preload").state == "done");
}

TEST_CASE("a oneshot takes its time until it is completed", "[timeline]") {
    PodBench pod;
    ServiceSpec prepare = helper("prepare");
    prepare.oneshot = true;
    prepare.restart_policy = RestartPolicy::never;
    pod.with(prepare);
    pod.with_dependency("main", "prepare", Condition::completed);
    pod.begin();
    pod.launched("prepare");
    pod.until(1s);
    CHECK(row(pod.timeline(), "prepare").state == "runs");
    CHECK_FALSE(row(pod.timeline(), "prepare").done);
    pod.until(3s);
    pod.exited("prepare", exited_with(0));
    pod.launched("main");
    REQUIRE(pod.phase() == "online");

    const Timeline made = pod.timeline();
    CHECK(row(made, "prepare").state == "completed");
    CHECK(row(made, "prepare").done == 3s);
    CHECK(links(made) == std::vector<std::string>{"prepare, runs to completion: 0+3000", "main, start: 3000+0"});
}

TEST_CASE("a start that runs says how far it is and what it waits for", "[timeline]") {
    PodBench pod;
    add_helpers(pod);
    pod.begin();
    pod.launched("log-agent");
    pod.launched("mesh");
    pod.until(3s);

    const Timeline made = pod.timeline();
    CHECK(made.state == WayUpState::under_way);
    CHECK(made.sentence == "not online yet, 3.0s so far; 3.0s of it mesh (readiness probe)");
    CHECK(row(made, "mesh").state == "not ready");
    CHECK(row(made, "main").state == "waits");
    CHECK_FALSE(row(made, "main").started);
    CHECK(row(made, "main").critical);
}

TEST_CASE("a gate that waited leads to who was ready last, not to preload", "[timeline]") {
    PodBench pod;
    ServiceSpec cache = helper("cache");
    cache.readiness_probe = tcp_probe();
    pod.with(cache);
    pod.service("main").depends_on.clear();
    pod.spec().lifecycle.preload = {step("warm.sh")};
    pod.begin();
    pod.launched("cache");
    pod.launched("main");
    pod.until(1s);
    pod.step_finished();
    REQUIRE(pod.phase() == "checking");
    pod.until(9s);
    ready(pod, "cache");
    REQUIRE(pod.phase() == "online");

    const Timeline made = pod.timeline();
    CHECK(made.sentence == "online after 9.0s; 9.0s of it cache (readiness probe)");
    CHECK(links(made) == std::vector<std::string>{"cache, readiness probe: 0+9000"});
    CHECK(row(made, "ready gate").waited_for == "cache");
    CHECK(row(made, "ready gate").critical);
    CHECK_FALSE(row(made, "preload").critical);
}

TEST_CASE("the manual gate is a link of its own", "[timeline]") {
    PodBench pod;
    pod.spec().lifecycle.go_online = GoOnline::manual;
    pod.begin();
    pod.launched("main");
    pod.until(8s);
    pod.ask(1, Verb::online);
    REQUIRE(pod.phase() == "online");
    CHECK(pod.timeline().sentence == "online after 8.0s; 8.0s of it manual gate (`davit online` by hand)");
}

TEST_CASE("a failed start keeps what led to it", "[timeline]") {
    PodBench pod;
    pod.spec().lifecycle.preload = {step("warm.sh")};
    pod.begin();
    pod.launched("main");
    pod.until(2s);
    pod.step_finished(StepOutcome::failed);

    const Timeline made = pod.timeline();
    CHECK(made.state == WayUpState::failed);
    CHECK(made.sentence.starts_with("failed after 2.0s ("));
    CHECK(made.sentence.ends_with("; 2.0s of it preload (step)"));
    CHECK(row(made, "preload").state == "failed");
}

TEST_CASE("a start that a stop broke off says so", "[timeline]") {
    PodBench pod;
    pod.begin();
    pod.until(2s);
    pod.signal(SIGTERM);
    CHECK(pod.timeline().state == WayUpState::broken_off);
    CHECK(pod.timeline().sentence == "broken off after 2.0s (a stop signal came); 2.0s of it main (start)");
}

TEST_CASE("a helper that restarts later destroys nothing, main's restart begins anew", "[timeline]") {
    PodBench pod;
    add_helpers(pod);
    pod.begin();
    pod.launched("log-agent");
    pod.launched("mesh");
    pod.until(3s);
    ready(pod, "mesh");
    pod.launched("main");
    REQUIRE(pod.phase() == "online");
    const std::string sentence = pod.timeline().sentence;
    pod.until(10s);
    pod.exited("log-agent", exited_with(1));
    pod.until(20s);
    pod.launched("log-agent");
    CHECK(pod.timeline().sentence == sentence);

    pod.ask(1, Verb::restart, {"main"});
    pod.exited("main", killed_by(SIGTERM));
    pod.until(25s);
    pod.launched("main");
    REQUIRE(pod.phase() == "online");
    const Timeline again = pod.timeline();
    CHECK(again.sentence == "online after 5.0s; 5.0s of it main (start)");
    CHECK(again.rows.size() == 1); // the helpers were up before
}

TEST_CASE("what is ready after the container is online still gets its time", "[timeline]") {
    PodBench pod;
    pod.with(helper("late"));
    pod.service("main").depends_on.clear();
    pod.begin();
    pod.launched("main");
    REQUIRE(pod.phase() == "online");
    CHECK_FALSE(row(pod.timeline(), "late").done);
    pod.until(4s);
    pod.launched("late");
    CHECK(row(pod.timeline(), "late").done == 4s);
    CHECK(pod.timeline().sentence == "online after 0.0s");
}

TEST_CASE("in debug mode nothing goes online, and the services still have their times", "[timeline]") {
    PodBench pod;
    pod.spec().mode = Mode::debug;
    add_helpers(pod);
    pod.begin();
    pod.launched("log-agent");
    pod.until(2s);
    pod.launched("mesh");
    CHECK(pod.timeline().state == WayUpState::at_rest);
    CHECK(row(pod.timeline(), "log-agent").done == 0s);
    CHECK(pod.timeline().sentence.starts_with("debug mode: nothing goes online; "));
}

TEST_CASE("starts that failed are counted", "[timeline]") {
    PodBench pod;
    add_helpers(pod);
    pod.begin();
    pod.launched("log-agent");
    pod.launched("mesh");
    pod.until(1s);
    pod.exited("mesh", exited_with(1));
    pod.until(5s);
    pod.launched("mesh");
    ready(pod, "mesh");
    pod.launched("main");
    const Timeline made = pod.timeline();
    CHECK(row(made, "mesh").starts == 2);
    CHECK(made.sentence == "online after 5.0s; 5.0s of it mesh (readiness probe, 2 starts)");
}

TEST_CASE("an offline that a crash has left undone holds up the first services", "[timeline]") {
    PodBench pod;
    pod.spec().state_dir = "/state";
    pod.spec().lifecycle.offline = {step("offline.sh")};
    pod.begin_with({.recalled = PodRecord{.online_owed = 3, .isolated = false, .isolated_because = {}}});
    pod.until(3s);
    CHECK(pod.timeline().sentence == "not online yet, 3.0s so far; 3.0s of it offline (step)");
    pod.step_finished();
    pod.launched("main");
    CHECK(links(pod.timeline()) == std::vector<std::string>{"offline, step: 0+3000", "main, start: 3000+0"});
}

TEST_CASE("before the first event there is nothing to show", "[timeline]") {
    const Timeline made = timeline(PodSpec{}, StartRecord{}, TimePoint{});
    CHECK(made.sentence == "nothing has started yet");
    CHECK(made.rows.empty());
}

} // namespace davit::test
