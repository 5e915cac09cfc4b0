// SPDX-License-Identifier: Apache-2.0
// Reload: what keeps its process, what stops, in which order, and what is refused.
#include "model/reload.h"
#include "pod_bench.h"
#include "support/catch.h"

#include <algorithm>

namespace davit::test {

using namespace model;
using Orders = std::vector<std::string>;

namespace {

ServiceSpec& service_of(PodSpec& spec, const std::string& name) {
    return spec.services[spec.find(name).value()];
}

/// As a loader would give it: the services behind move up.
PodSpec without(PodSpec spec, const std::string& name) {
    const ServiceIndex gone = spec.find(name).value();
    spec.services.erase(spec.services.begin() + static_cast<std::ptrdiff_t>(gone));
    for (ServiceSpec& service : spec.services) {
        std::erase_if(service.depends_on, [&](const Dependency& dependency) { return dependency.service == gone; });
        for (Dependency& dependency : service.depends_on) {
            dependency.service -= dependency.service > gone ? 1 : 0;
        }
    }
    return spec;
}

/// What a loader makes of the bench's own specification: no places of removed services.
PodSpec loaded_of(PodBench& pod) {
    PodSpec spec = pod.spec();
    while (true) {
        const auto removed = std::ranges::find(spec.services, true, &ServiceSpec::removed);
        if (removed == spec.services.end()) {
            return spec;
        }
        removed->removed = false;
        removed->name = "(removed)";
        spec = without(spec, "(removed)");
    }
}

PodBench shop() {
    PodBench pod;
    pod.with(helper("log")).with(helper("mesh")).with(helper("cron"));
    pod.with_dependency("mesh", "log");
    pod.spec().lifecycle.offline = {step()};
    pod.come_online();
    pod.take_orders();
    return pod;
}

int pid_of(const PodBench& pod, ServiceIndex index) {
    return pod.pod().services[index].pid;
}

} // namespace

TEST_CASE("a reload of the same configuration does nothing", "[reload]") {
    PodBench pod = shop();
    const Pod before = pod.pod();
    pod.reload(1, pod.spec());
    CHECK(pod.answer_to(1) == "done: nothing changed");
    CHECK(pod.pod() == before);
}

TEST_CASE("what only the pod has counts at once", "[reload]") {
    PodBench pod = shop();
    PodSpec loaded = pod.spec();
    SECTION("the file of the isolation") {
        loaded.isolate_file = Text{"/podinfo/labels"};
    }
    SECTION("its key") {
        loaded.isolate_key = "davit.io/isolated";
    }
    SECTION("the CPUs of the container") {
        loaded.cpus.rounding = CpuRounding::floor;
    }
    SECTION("its name") {
        loaded.app = "store";
    }
    pod.reload(1, loaded);
    CHECK(pod.answer_to(1) == "done: reloaded: pod and life cycle changed");
    CHECK(pod.spec() == loaded);
}

TEST_CASE("the status port stays where it is, with what was written for it, and the answer says so", "[reload]") {
    PodBench pod = shop();
    pod.spec().status_port = 9100;
    pod.spec().written_values = {{"statusPort", "${P}"}};
    PodSpec loaded = pod.spec();
    loaded.status_port = 9101;
    loaded.status_address = "::1";
    loaded.written_values = {{"app", "${A}"}, {"statusAddress", "${B}"}};
    const auto plan = plan_reload(pod.spec(), pod.pod(), loaded, MainRestart::forbidden);
    REQUIRE(plan);
    CHECK(plan->other_fixed_keys == FixedKeys{.status_port = 9101, .status_address = "::1", .state_dir = {}});
    CHECK_FALSE(plan->changes_nothing());
    CHECK_FALSE(plan->pod_changed);
    CHECK_FALSE(plan->lifecycle_changed);

    pod.reload(1, loaded);

    CHECK(pod.answer_to(1) ==
          "done: reloaded; statusPort and statusAddress stay as they are: start the container anew for others");
    CHECK(pod.spec().status_port == 9100);
    CHECK(pod.spec().status_address.empty());
    CHECK(pod.spec().written_values == std::vector<WrittenValue>{{"app", "${A}"}, {"statusPort", "${P}"}});
    CHECK(pod.phase() == "online");
}

TEST_CASE("a reload with another stateDir keeps the present one and says so", "[reload]") {
    PodBench pod = shop();
    pod.spec().state_dir = "/state";
    PodSpec loaded = pod.spec();
    loaded.state_dir = "/elsewhere";
    pod.reload(1, loaded);
    CHECK(pod.answer_to(1) == "done: reloaded; stateDir stays as it is: start the container anew for another");
    CHECK(pod.spec().state_dir.value == "/state");
    loaded.status_port = 9101;
    pod.reload(2, loaded);
    CHECK(
        pod.answer_to(2) ==
        "done: reloaded; statusPort, statusAddress and stateDir stay as they are: start the container anew for others");
}

TEST_CASE("what its process depends on restarts a service, everything else runs on", "[reload]") {
    PodBench pod = shop();
    PodSpec loaded = pod.spec();
    service_of(loaded, "cron").env = {{"LEVEL", Text{"debug"}}};
    pod.reload(1, loaded);
    CHECK(pod.take_orders() == Orders{"cron: SignalSession{TERM}"});
    CHECK(pod.answer_to(1) == "");
    pod.exited("cron", killed_by(SIGTERM));
    CHECK(pod.take_orders() ==
          Orders{"AdoptSpec", "cron: Launch", "pod reloaded: reloaded: 1 restarted", "cron changed: restarts"});
    pod.launched("cron");
    CHECK(pod.answer_to(1) == "done: reloaded: 1 restarted");
    CHECK(pod.phase() == "online");
    CHECK(service_of(pod.spec(), "cron").env.size() == 1);
}

TEST_CASE("a reload stops a process as it was specified when it started", "[reload]") {
    PodBench pod = shop();
    PodSpec loaded = pod.spec();
    service_of(loaded, "cron").command = {"/bin/other"};
    service_of(loaded, "cron").stop_signal = SIGINT;
    pod.reload(1, loaded);
    CHECK(pod.take_orders() == Orders{"cron: SignalSession{TERM}"});
    pod.exited("cron", killed_by(SIGTERM));
    pod.launched("cron");
    pod.take_orders();
    pod.ask(2, Verb::stop, {"cron"});
    CHECK(pod.take_orders() == Orders{"cron: SignalSession{INT}"});
}

TEST_CASE("what no process depends on counts at once and restarts nothing", "[reload]") {
    PodBench pod = shop();
    PodSpec loaded = pod.spec();
    ServiceSpec& cron = service_of(loaded, "cron");
    cron.backoff.limit = 7;
    cron.restart_policy = RestartPolicy::never;
    cron.critical = true;
    cron.grace = 99s;
    cron.stop_command = {"/bin/stop"};
    cron.stop_signal = SIGINT;
    cron.success_exit_codes = {0, 3};
    cron.depends_on = {Dependency{.service = 1}};
    cron.cpus.watch = 5s;
    cron.cpus.on_change = SIGHUP;
    pod.reload(1, loaded);
    CHECK(pod.answer_to(1) == "done: reloaded: 1 changed without a restart");
    CHECK(pod.take_orders() == Orders{"AdoptSpec", "Answer{1, done}",
                                      "pod reloaded: reloaded: 1 changed without a restart",
                                      "cron changed: without a restart"});
    CHECK(pod.spec() == loaded);
}

TEST_CASE("each thing that is built into a process asks for a restart", "[reload]") {
    const ServiceSpec web = helper("web");
    const auto differs = [&](auto change) {
        ServiceSpec changed = web;
        change(changed);
        return process_differs(web, changed);
    };
    CHECK(differs([](ServiceSpec& spec) { spec.command = {"/bin/web", "-x"}; }));
    CHECK(differs([](ServiceSpec& spec) { spec.env = {{"A", Text{"b"}}}; }));
    CHECK(differs([](ServiceSpec& spec) { spec.env_from_files = {{"A", Text{"b"}}}; }));
    CHECK(differs([](ServiceSpec& spec) { spec.working_dir = Text{"/tmp"}; }));
    CHECK(differs([](ServiceSpec& spec) { spec.identity.user = Principal{.written = "app", .id = 7}; }));
    CHECK(differs([](ServiceSpec& spec) { spec.identity.group = Principal{.written = "app", .id = 7}; }));
    CHECK(differs([](ServiceSpec& spec) { spec.identity.umask = 022; }));
    CHECK(differs([](ServiceSpec& spec) { spec.identity.limits = {{"nofile", 5, 5}}; }));
    CHECK(differs([](ServiceSpec& spec) { spec.identity.nice = 3; }));
    CHECK(differs([](ServiceSpec& spec) { spec.identity.oom_score_adj = 3; }));
    CHECK(differs([](ServiceSpec& spec) { spec.identity.no_new_privileges = true; }));
    CHECK(differs([](ServiceSpec& spec) { spec.log_mode = LogMode::raw; }));
    CHECK(differs([](ServiceSpec& spec) { spec.cpus.count = 2; }));
    CHECK(differs([](ServiceSpec& spec) { spec.cpus.shim = ShimSetting::on; }));
    CHECK(differs([](ServiceSpec& spec) { spec.oneshot = true; }));
    CHECK(differs([](ServiceSpec& spec) { spec.readiness_probe = ProbeSpec{.check = NotifyCheck{}}; }));
    CHECK(differs([](ServiceSpec& spec) { spec.startup_probe = ProbeSpec{.check = LogCheck{.pattern = "up"}}; }));
    CHECK_FALSE(differs([](ServiceSpec& spec) { spec.readiness_probe = tcp_probe(); }));
    CHECK_FALSE(differs([](ServiceSpec& spec) { spec.env_files = {"/etc/none.env"}; }));
    CHECK_FALSE(differs([](ServiceSpec& spec) { spec.command = {Text{"/bin/web", "${WEB}"}}; }));

    // A file's variable that `env` has too is no change of the environment.
    ServiceSpec with_env = web;
    with_env.env = {{"A", Text{"b"}}};
    ServiceSpec with_both = with_env;
    with_both.env_from_files = {{"A", Text{"other"}}};
    CHECK_FALSE(process_differs(with_env, with_both));
}

TEST_CASE("a removed service stops, dependents first, and its place stays empty", "[reload]") {
    PodBench pod = shop();
    pod.reload(1, without(without(pod.spec(), "log"), "mesh"));
    CHECK(pod.take_orders() == Orders{"mesh: SignalSession{TERM}"});
    pod.exited("mesh", killed_by(SIGTERM));
    CHECK(pod.take_orders() == Orders{"log: SignalSession{TERM}"});
    pod.exited("log", killed_by(SIGTERM));
    CHECK(pod.answer_to(1) == "done: reloaded: 2 removed");
    CHECK(pod.spec().find("log") == std::nullopt);
    CHECK(pod.spec().services[1].removed);
    CHECK(pod.state("cron") == "running");
    CHECK(pod.pod().services[1].state == ServiceState::inactive);

    // The end of the container does not look for it.
    pod.signal(SIGTERM);
    while (pod.please()) {
    }
    CHECK(pod.exit_code() == 143);
}

TEST_CASE("a service that is disabled stops, and starts when it is enabled again", "[reload]") {
    PodBench pod = shop();
    PodSpec loaded = pod.spec();
    service_of(loaded, "cron").enabled = false;
    pod.reload(1, loaded);
    pod.exited("cron", killed_by(SIGTERM));
    CHECK(pod.answer_to(1) == "done: reloaded: 1 disabled");
    CHECK(pod.state("cron") == "inactive");
    pod.ask(2, Verb::start, {"cron"});
    CHECK(pod.answer_to(2) == "refused: cron is disabled (enabled: false)");
    service_of(loaded, "cron").enabled = true;
    pod.reload(3, loaded);
    pod.launched("cron");
    CHECK(pod.answer_to(3) == "done: reloaded: 1 added");
    CHECK(pod.state("cron") == "running");
}

TEST_CASE("a new service starts when its dependencies are met", "[reload]") {
    PodBench pod = shop();
    PodSpec loaded = pod.spec();
    ServiceSpec init = helper("init");
    init.oneshot = true;
    init.restart_policy = RestartPolicy::never;
    loaded.services.push_back(init);
    ServiceSpec agent = helper("agent");
    agent.depends_on = {Dependency{.service = 4, .condition = Condition::completed}};
    loaded.services.push_back(agent);
    pod.reload(1, loaded);
    CHECK(pod.ordered("init: Launch"));
    CHECK_FALSE(pod.ordered("agent: Launch"));
    pod.launched("init");
    pod.exited("init", exited_with(0));
    CHECK(pod.ordered("agent: Launch"));
    CHECK(pod.answer_to(1) == "");
    pod.launched("agent");
    CHECK(pod.answer_to(1) == "done: reloaded: 2 added");
}

TEST_CASE("a reload that ends in a failed service says so", "[reload]") {
    PodBench pod = shop();
    PodSpec loaded = pod.spec();
    ServiceSpec agent = helper("agent");
    agent.restart_policy = RestartPolicy::never;
    loaded.services.push_back(agent);
    pod.reload(1, loaded);
    pod.launch_failed("agent", LaunchFailure::not_found);
    CHECK(pod.answer_to(1) == "failed: reloaded: 1 added; agent is failed: cannot start agent: cannot");
}

TEST_CASE("a failed service starts again when anything of it changed", "[reload]") {
    PodBench pod;
    ServiceSpec cron = helper("cron");
    cron.restart_policy = RestartPolicy::never;
    pod.with(cron);
    pod.come_online();
    pod.exited("cron", exited_with(1));
    CHECK(pod.state("cron") == "failed");
    PodSpec loaded = pod.spec();
    service_of(loaded, "cron").restart_policy = RestartPolicy::always;
    pod.reload(1, loaded);
    CHECK(pod.state("cron") == "starting");
}

TEST_CASE("a completed oneshot runs again only if its process changed", "[reload]") {
    PodBench pod;
    ServiceSpec init = helper("init");
    init.oneshot = true;
    init.restart_policy = RestartPolicy::never;
    pod.with(init);
    pod.come_online();
    PodSpec loaded = pod.spec();
    service_of(loaded, "init").backoff.limit = 3;
    pod.reload(1, loaded);
    CHECK(pod.state("init") == "completed");
    service_of(loaded, "init").command = {"/bin/other"};
    pod.reload(2, loaded);
    CHECK(pod.state("init") == "starting");
    CHECK(pod.phase() == "online");
}

TEST_CASE("what was stopped by hand stays so and has the new specification when it starts", "[reload]") {
    PodBench pod = shop();
    pod.ask(1, Verb::stop, {"cron"});
    pod.exited("cron", killed_by(SIGTERM));
    PodSpec loaded = pod.spec();
    service_of(loaded, "cron").command = {"/bin/other"};
    pod.reload(2, loaded);
    CHECK(pod.answer_to(2) == "done: reloaded: 1 changed without a restart");
    CHECK(pod.state("cron") == "stopped");
    CHECK(service_of(pod.spec(), "cron").command.front().value == "/bin/other");
}

TEST_CASE("a changed main is left alone without --main, with all of its keys but dependsOn", "[reload]") {
    PodBench pod = shop();
    const int pid = pid_of(pod, 0);
    PodSpec loaded = without(pod.spec(), "cron");
    ServiceSpec& main = service_of(loaded, "main");
    main.command = {"/bin/main", "--new"};
    main.readiness_probe = tcp_probe(81);
    pod.reload(1, loaded);
    pod.exited("cron", killed_by(SIGTERM));
    CHECK(pod.answer_to(1) == "done: reloaded: 1 removed; main changed (main): restart it with --main");
    CHECK(pid_of(pod, 0) == pid);
    CHECK(pod.phase() == "online");
    CHECK(service_of(pod.spec(), "main").command.size() == 1);
    CHECK_FALSE(service_of(pod.spec(), "main").readiness_probe);
    CHECK(service_of(pod.spec(), "main").depends_on.size() == 2);

    pod.reload(2, loaded); // it is still told
    CHECK(pod.answer_to(2) == "done: reloaded; main changed (main): restart it with --main");
}

TEST_CASE("with --main a changed main restarts by way of offline", "[reload]") {
    PodBench pod = shop();
    PodSpec loaded = pod.spec();
    service_of(loaded, "main").command = {"/bin/main", "--new"};
    loaded.lifecycle.online = {step("new-online")};
    pod.reload(1, loaded, MainRestart::allowed);
    CHECK(pod.phase() == "going-offline");
    pod.step_finished();
    CHECK(pod.phase() == "stopping");
    CHECK(service_of(pod.spec(), "main").command.size() == 1);
    pod.exited("main", killed_by(SIGTERM));
    CHECK(service_of(pod.spec(), "main").command.size() == 2);
    CHECK(pod.state("main") == "starting");
    CHECK(pod.state("mesh") == "running");
    pod.launched("main");
    CHECK(pod.answer_to(1) == "");
    CHECK(pod.phase() == "going-online"); // the new life cycle counts already
    pod.step_finished();
    CHECK(pod.answer_to(1) == "done: reloaded: 1 restarted, pod and life cycle changed");
}

TEST_CASE("a helper that main depends on restarts after main is down, with --main", "[reload]") {
    PodBench pod = shop();
    PodSpec loaded = pod.spec();
    service_of(loaded, "main").command = {"/bin/main", "--new"};
    service_of(loaded, "log").command = {"/bin/log", "--new"};
    pod.reload(1, loaded, MainRestart::allowed);
    pod.step_finished();
    CHECK_FALSE(pod.ordered("log: SignalSession"));
    pod.exited("main", killed_by(SIGTERM));
    CHECK(pod.ordered("log: SignalSession{TERM}"));
    CHECK(pod.count_orders("main: Launch") == 1);
    pod.exited("log", killed_by(SIGTERM));
    pod.launched("log");
    pod.launched("main");
    CHECK(pod.answer_to(1) == "done: reloaded: 2 restarted");
}

TEST_CASE("a main without a process takes its new specification without --main", "[reload]") {
    PodBench pod = shop();
    pod.ask(1, Verb::stop, {"main"});
    pod.step_finished();
    pod.exited("main", killed_by(SIGTERM));
    PodSpec loaded = pod.spec();
    service_of(loaded, "main").command = {"/bin/main", "--new"};
    pod.reload(2, loaded);
    CHECK(pod.answer_to(2) == "done: reloaded: 1 changed without a restart");
    CHECK(service_of(pod.spec(), "main").command.size() == 2);
    CHECK(pod.state("main") == "held");
}

TEST_CASE("a changed readiness probe leaves a ready service ready until it has failed", "[reload]") {
    PodBench pod;
    ServiceSpec web = helper("web");
    web.readiness_probe = tcp_probe(80);
    pod.with(web);
    pod.come_online();
    PodSpec loaded = pod.spec();
    service_of(loaded, "web").readiness_probe = tcp_probe(81);
    service_of(loaded, "web").readiness_probe->failure_threshold = 2;
    pod.reload(1, loaded);
    CHECK(pod.answer_to(1) == "done: reloaded: 1 changed without a restart");
    CHECK(is_ready(pod.spec(), pod.pod()));
    pod.checked("web", ProbeKind::readiness, CheckOutcome::bad);
    CHECK(is_ready(pod.spec(), pod.pod()));
    pod.until(pod.now() + 10s);
    pod.checked("web", ProbeKind::readiness, CheckOutcome::bad);
    CHECK_FALSE(is_ready(pod.spec(), pod.pod()));
    pod.until(pod.now() + 10s);
    pod.checked("web", ProbeKind::readiness, CheckOutcome::good);
    CHECK(is_ready(pod.spec(), pod.pod()));
}

TEST_CASE("a first readiness probe leaves a running service ready, the last one that goes makes it so", "[reload]") {
    PodBench pod;
    pod.with(helper("web"));
    pod.come_online();
    PodSpec loaded = pod.spec();
    service_of(loaded, "web").readiness_probe = tcp_probe(81);
    pod.reload(1, loaded);
    CHECK(is_ready(pod.spec(), pod.pod()));
    for (int time = 0; time < 3; ++time) {
        pod.checked("web", ProbeKind::readiness, CheckOutcome::bad);
        pod.until(pod.now() + 10s);
    }
    CHECK_FALSE(is_ready(pod.spec(), pod.pod()));
    service_of(loaded, "web").readiness_probe.reset();
    pod.reload(2, loaded);
    CHECK(is_ready(pod.spec(), pod.pod()));
}

TEST_CASE("a check of the old probe says nothing about the new one", "[reload]") {
    PodBench pod;
    ServiceSpec web = helper("web");
    web.liveness_probe = tcp_probe(80);
    web.liveness_probe->failure_threshold = 1;
    pod.with(web);
    pod.come_online();
    pod.until(pod.now() + 10s);
    pod.event(TimePassed{});
    REQUIRE(pod.pod().services[1].liveness.in_flight);
    PodSpec loaded = pod.spec();
    service_of(loaded, "web").liveness_probe->period = 3s;
    pod.take_orders();
    pod.reload(1, loaded);
    CHECK(pod.ordered("web: CancelChecks"));
    pod.event(ServiceFact{1, CheckFinished{1, ProbeKind::liveness, CheckOutcome::bad, "late"}});
    CHECK(pod.state("web") == "running");
}

TEST_CASE("a startup probe that goes ends the wait for it", "[reload]") {
    PodBench pod;
    ServiceSpec web = helper("web");
    web.startup_probe = tcp_probe(80);
    pod.with(web);
    pod.begin();
    pod.launched("web");
    CHECK(pod.state("web") == "starting");
    PodSpec loaded = pod.spec();
    service_of(loaded, "web").startup_probe.reset();
    service_of(loaded, "main").depends_on.front().condition = Condition::started;
    pod.reload(1, loaded);
    CHECK(pod.state("web") == "running");
    CHECK(pod.ordered("main: Launch"));
}

TEST_CASE("steps that run keep their list, and the new life cycle counts after them", "[reload]") {
    PodBench pod;
    pod.spec().lifecycle.preload = {step("one"), step("two"), step("three")};
    pod.begin();
    pod.launched("main");
    CHECK(pod.phase() == "preloading");
    PodSpec loaded = pod.spec();
    loaded.lifecycle.preload.clear();
    loaded.lifecycle.online = {step("online")};
    pod.reload(1, loaded);
    CHECK(pod.answer_to(1) == "done: reloaded: pod and life cycle changed");
    pod.step_finished();
    pod.step_finished();
    CHECK(pod.phase() == "preloading");
    pod.step_finished();
    CHECK(pod.phase() == "going-online");
    CHECK(pod.spec().lifecycle == loaded.lifecycle);
}

TEST_CASE("a way down keeps the budget and the drain that it began with", "[reload]") {
    PodBench pod;
    pod.spec().lifecycle.drain = {.min = 5s, .max = 5s, .ports = {}};
    pod.come_online();
    pod.ask(1, Verb::offline);
    CHECK(pod.phase() == "draining");
    PodSpec loaded = pod.spec();
    loaded.lifecycle.drain = {};
    loaded.grace = 7s;
    pod.reload(2, loaded);
    CHECK(pod.phase() == "draining");
    CHECK(pod.spec().grace == 30s);
    pod.until(pod.now() + 6s);
    CHECK(pod.phase() == "offline");
    CHECK(pod.spec().grace == 7s);
}

TEST_CASE("a life cycle that is taken back before it counts never counts", "[reload]") {
    PodBench pod;
    pod.spec().lifecycle.preload = {step("one")};
    pod.begin();
    pod.launched("main");
    const PodSpec before = pod.spec();
    PodSpec loaded = before;
    loaded.lifecycle.online = {step("online")};
    pod.reload(1, loaded);
    pod.reload(2, before);
    CHECK(pod.answer_to(2) == "done: nothing changed");
    pod.step_finished();
    CHECK(pod.phase() == "online");
}

TEST_CASE("a reload opens a gate that was closed by a wrong probe", "[reload]") {
    PodBench pod;
    ServiceSpec web = helper("web");
    web.readiness_probe = tcp_probe(80);
    pod.with(web);
    pod.service("main").depends_on.clear();
    pod.begin();
    pod.launched("web");
    pod.launched("main");
    CHECK(pod.phase() == "checking");
    PodSpec loaded = pod.spec();
    service_of(loaded, "web").readiness_probe.reset();
    pod.reload(1, loaded);
    CHECK(pod.phase() == "online");
}

TEST_CASE("goOnline auto opens the manual gate", "[reload]") {
    PodBench pod;
    pod.spec().lifecycle.go_online = GoOnline::manual;
    pod.begin();
    pod.launched("main");
    CHECK(pod.phase() == "checking");
    PodSpec loaded = pod.spec();
    loaded.lifecycle.go_online = GoOnline::automatic;
    pod.reload(1, loaded);
    CHECK(pod.phase() == "online");
}

TEST_CASE("what cannot be reloaded is refused and changes nothing", "[reload]") {
    PodBench pod = shop();
    const Pod before = pod.pod();
    PodSpec loaded = pod.spec();
    service_of(loaded, "main").name = "other";
    pod.reload(1, loaded);
    CHECK(pod.answer_to(1) ==
          "refused: main is main and would be other: only a new container can have another main; nothing was changed");
    loaded = pod.spec();
    loaded.services.front().main = false;
    pod.reload(2, loaded);
    CHECK(pod.answer_to(2) == "refused: no service is main; nothing was changed");
    loaded = pod.spec();
    loaded.plain_init = true;
    pod.reload(3, loaded);
    CHECK(pod.answer_to(3) == "refused: there is no configuration any more; nothing was changed");
    CHECK(pod.pod() == before);

    pod.signal(SIGTERM);
    pod.reload(4, pod.spec());
    CHECK(pod.answer_to(4) == "refused: the pod is being stopped");
}

TEST_CASE("a second reload and verbs for services are refused while one is under way", "[reload]") {
    PodBench pod = shop();
    pod.reload(1, without(pod.spec(), "cron"));
    pod.reload(2, pod.spec());
    CHECK(pod.answer_to(2) == "refused: a reload is under way; ask again when it is done");
    pod.ask(3, Verb::restart, {"cron"});
    CHECK(pod.answer_to(3) == "refused: a reload is under way; ask again when it is done");
    pod.exited("cron", killed_by(SIGTERM));
    CHECK(pod.answer_to(1) == "done: reloaded: 1 removed");
    pod.reload(4, loaded_of(pod));
    CHECK(pod.answer_to(4) == "done: nothing changed");
}

TEST_CASE("a stop of the pod breaks a reload off", "[reload]") {
    PodBench pod = shop();
    PodSpec loaded = pod.spec();
    service_of(loaded, "log").command = {"/bin/other"};
    pod.reload(1, loaded);
    pod.signal(SIGTERM);
    pod.step_finished();
    pod.exited("main", killed_by(SIGTERM));
    CHECK(pod.answer_to(1) == "failed: the pod is being stopped; the reload was broken off");
    while (pod.please()) {
    }
    CHECK(pod.exit_code() == 143);
}

TEST_CASE("prestop lets a reload bring back the helpers that it stopped", "[reload]") {
    PodBench pod = shop();
    PodSpec loaded = pod.spec();
    service_of(loaded, "cron").command = {"/bin/other"};
    pod.reload(1, loaded);
    pod.ask(2, Verb::prestop);
    pod.exited("cron", killed_by(SIGTERM));
    CHECK(pod.state("cron") == "starting");
    CHECK(pod.answer_to(1) == "failed: reloaded: 1 restarted; cron is starting: start 2"); // nobody waits in a stop
}

TEST_CASE("prestop overtakes the restart of main, which keeps its specification", "[reload]") {
    PodBench pod = shop();
    PodSpec loaded = pod.spec();
    service_of(loaded, "main").command = {"/bin/main", "--new"};
    pod.reload(1, loaded, MainRestart::allowed);
    pod.ask(2, Verb::prestop);
    pod.step_finished();
    pod.exited("main", killed_by(SIGTERM));
    CHECK(pod.phase() == "stopped");
    CHECK(pod.answer_to(2).starts_with("done: "));
    CHECK(pod.answer_to(1) == "failed: reloaded; main changed (main): restart it with --main");
    CHECK(pod.count_orders("main: Launch") == 1);
}

TEST_CASE("isolation in the middle of a restart of main keeps it and its specification", "[reload]") {
    PodBench pod = shop();
    PodSpec loaded = pod.spec();
    loaded.services[0].command = {Text{"/bin/new-main"}};
    loaded.services[1].backoff.limit = 7;
    pod.reload(1, loaded, MainRestart::allowed);
    REQUIRE(pod.phase() == "going-offline");
    const int pid = pid_of(pod, 0);

    pod.ask(2, Verb::isolate);
    pod.step_finished();

    CHECK(pod.answer_to(2) == "done: isolated; offline");
    CHECK(pod.answer_to(1) ==
          "failed: reloaded: 1 changed without a restart; main changed (main): restart it with --main");
    CHECK(pod.state("main") == "running");
    CHECK(pid_of(pod, 0) == pid);
    CHECK(pod.spec().services[0].command.front().value == "/bin/main");
    CHECK(pod.spec().services[1].backoff.limit == 7);
}

TEST_CASE("a place that was removed is not used again, and their number is bounded", "[reload]") {
    PodBench pod = shop();
    const PodSpec with_cron = pod.spec();
    pod.reload(1, without(with_cron, "cron"));
    pod.exited("cron", killed_by(SIGTERM));
    pod.reload(2, with_cron);
    CHECK(pod.spec().services.size() == 5);
    CHECK(pod.spec().find("cron") == 4U);
    pod.launched("cron");
    CHECK(pod.answer_to(2) == "done: reloaded: 1 added");

    PodSpec full = pod.spec();
    full.services.resize(4 + most_removed_services, ServiceSpec{.enabled = false, .removed = true});
    const auto plan = plan_reload(full,
                                  Pod{.services = std::vector<Service>(full.services.size()),
                                      .pending = std::vector<Pending>(full.services.size())},
                                  without(with_cron, "mesh"), MainRestart::forbidden);
    REQUIRE_FALSE(plan);
    CHECK(plan.error().text.starts_with("1001 services would have been removed since davit started"));
}

TEST_CASE("somebody who waits for a service that is removed hears that it never will be", "[reload]") {
    PodBench pod;
    ServiceSpec web = helper("web");
    web.readiness_probe = tcp_probe(80);
    pod.with(web);
    pod.service("main").depends_on.clear();
    pod.begin();
    pod.launched("web");
    pod.launched("main");
    pod.ask(1, Verb::wait_service, {"web"});
    pod.reload(2, without(pod.spec(), "web"));
    pod.exited("web", killed_by(SIGTERM));
    CHECK(pod.answer_to(1) == "failed: web is inactive: removed from the configuration");
    CHECK(pod.answer_to(2) == "done: reloaded: 1 removed");
}

} // namespace davit::test
