// SPDX-License-Identifier: Apache-2.0
// What is meant where nothing is written.
#include "model/spec_defaults.h"

#include "made_up_pod.h"

#include "support/catch.h"

#include <string>
#include <vector>

namespace davit::model {
namespace {

using Names = std::vector<std::string>;

WrittenService helper(std::string name) {
    WrittenService service;
    service.name = std::move(name);
    service.command = {"/bin/true"};
    return service;
}

WrittenService oneshot(std::string name) {
    WrittenService service = helper(std::move(name));
    service.oneshot = true;
    return service;
}

WrittenService main_service(std::string name) {
    WrittenService service = helper(std::move(name));
    service.main = true;
    return service;
}

WrittenService depending(WrittenService service, const std::vector<std::string>& on) {
    service.depends_on.emplace();
    for (const std::string& name : on) {
        service.depends_on->push_back({.service = name, .condition = {}});
    }
    return service;
}

WrittenService with_readiness(WrittenService service) {
    service.readiness_probe.emplace();
    return service;
}

WrittenService with_startup(WrittenService service) {
    service.startup_probe.emplace();
    return service;
}

WrittenService disabled(WrittenService service) {
    service.enabled = false;
    return service;
}

PodSpec resolved(std::vector<WrittenService> services) {
    WrittenPod pod;
    pod.services = std::move(services);
    return resolve_defaults(pod, "host");
}

const ServiceSpec& service_of(const PodSpec& pod, std::string_view name) {
    return pod.services[index_of(pod, name)];
}

std::string main_of(const PodSpec& pod) {
    const auto main = pod.main();
    return main ? pod.services[*main].name : "none";
}

Names dependencies_of(const PodSpec& pod, std::string_view name) {
    std::vector<ServiceIndex> services;
    for (const Dependency& dependency : service_of(pod, name).depends_on) {
        services.push_back(dependency.service);
    }
    return names_of(pod, services);
}

DrainSpec drain_of(WrittenDrain drain) {
    WrittenPod pod;
    pod.drain = std::move(drain);
    return resolve_defaults(pod, "host").lifecycle.drain;
}

} // namespace

// ---- main --------------------------------------------------------------------------------------------

TEST_CASE("the service that says so is main", "[spec_defaults]") {
    CHECK(main_of(resolved({helper("log"), main_service("web"), helper("mesh")})) == "web");
}

TEST_CASE("the only enabled service that is no oneshot is main", "[spec_defaults]") {
    CHECK(main_of(resolved({oneshot("init"), helper("web")})) == "web");
    CHECK(main_of(resolved({disabled(helper("log")), helper("web")})) == "web");
    CHECK(main_of(resolved({helper("log"), helper("web")})) == "none");
    CHECK(main_of(resolved({oneshot("init")})) == "none");
    CHECK(main_of(resolved({})) == "none");
}

TEST_CASE("a service that says it is not main never is", "[spec_defaults]") {
    WrittenService log = helper("log");
    log.main = false;

    CHECK(main_of(resolved({log})) == "none");
    CHECK(main_of(resolved({log, helper("web")})) == "web");
}

// ---- CMD ---------------------------------------------------------------------------------------------

TEST_CASE("CMD replaces the command of the service that says it is main", "[spec_defaults]") {
    WrittenPod pod;
    pod.services = {helper("log"), main_service("web")};

    apply_command(pod, {"sleep", "5"});

    CHECK(pod.services.size() == 2);
    CHECK(pod.services[1].command == std::vector<Text>{"sleep", "5"});
    CHECK(pod.services[0].command == std::vector<Text>{"/bin/true"});
}

TEST_CASE("CMD is a new service main where none says it is main, also beside a single helper", "[spec_defaults]") {
    WrittenPod pod;
    pod.services = {helper("log")};

    apply_command(pod, {"sleep", "5"});
    const PodSpec spec = resolve_defaults(pod, "host");

    CHECK(main_of(spec) == "main");
    CHECK(service_of(spec, "main").command == std::vector<Text>{"sleep", "5"});
    CHECK(dependencies_of(spec, "main") == Names{"log"});
}

// ---- what main waits for -----------------------------------------------------------------------------

TEST_CASE("main waits for every enabled oneshot and helper", "[spec_defaults]") {
    const PodSpec pod =
        resolved({oneshot("init"), main_service("web"), disabled(helper("old")), with_readiness(helper("mesh"))});

    CHECK(dependencies_of(pod, "web") == Names{"init", "mesh"});
    for (const Dependency& dependency : service_of(pod, "web").depends_on) {
        CHECK(dependency.required);
    }
}

TEST_CASE("main does not wait for what depends on it, directly or not", "[spec_defaults]") {
    const PodSpec pod = resolved({main_service("web"), depending(helper("cron"), {"web"}),
                                  depending(helper("report"), {"cron"}), helper("log")});

    CHECK(dependencies_of(pod, "web") == Names{"log"});
}

TEST_CASE("a way through a service that is not enabled is none", "[spec_defaults]") {
    const PodSpec pod = resolved(
        {main_service("web"), disabled(depending(helper("cron"), {"web"})), depending(helper("report"), {"cron"})});

    CHECK(dependencies_of(pod, "web") == Names{"report"});
}

TEST_CASE("what is written for main stands, also an empty list", "[spec_defaults]") {
    CHECK(dependencies_of(resolved({depending(main_service("web"), {}), helper("log")}), "web").empty());
    CHECK(dependencies_of(resolved({depending(main_service("web"), {"b"}), helper("a"), helper("b")}), "web") ==
          Names{"b"});
}

TEST_CASE("others depend on nothing that they do not name", "[spec_defaults]") {
    CHECK(dependencies_of(resolved({main_service("web"), helper("log")}), "log").empty());
}

// ---- conditions --------------------------------------------------------------------------------------

TEST_CASE("a dependency has to be ready with a probe that says so, completed as a oneshot, else started",
          "[spec_defaults]") {
    WrittenService alive = helper("alive");
    alive.liveness_probe.emplace();
    const PodSpec pod = resolved({main_service("web"), with_readiness(helper("ready")),
                                  with_startup(helper("started_up")), oneshot("init"), helper("log"), alive});

    const auto& dependencies = service_of(pod, "web").depends_on;
    REQUIRE(dependencies.size() == 5);
    CHECK(dependencies[0].condition == Condition::ready);
    CHECK(dependencies[1].condition == Condition::ready);
    CHECK(dependencies[2].condition == Condition::completed);
    CHECK(dependencies[3].condition == Condition::started);
    CHECK(dependencies[4].condition == Condition::started);
}

TEST_CASE("a written condition and `required` stand", "[spec_defaults]") {
    WrittenService web = main_service("web");
    web.depends_on = {{.service = "mesh", .condition = Condition::started, .required = false},
                      {.service = "log", .condition = {}}};

    const PodSpec pod = resolved({web, with_readiness(helper("mesh")), helper("log")});

    CHECK(service_of(pod, "web").depends_on ==
          std::vector<Dependency>{{.service = 1, .condition = Condition::started, .required = false},
                                  {.service = 2, .condition = Condition::started, .required = true}});
}

TEST_CASE("a dependency on a service that is not there is left out", "[spec_defaults]") {
    CHECK(dependencies_of(resolved({depending(main_service("web"), {"datbase"})}), "web").empty());
}

TEST_CASE("a condition that can never be met is told with its reason", "[spec_defaults]") {
    WrittenService web = main_service("web");
    web.depends_on = {{.service = "log", .condition = Condition::ready},
                      {.service = "mesh", .condition = Condition::completed}};
    const auto found = find_impossible_conditions(resolved({web, helper("log"), with_readiness(helper("mesh"))}));

    REQUIRE(found.size() == 2);
    CHECK(found[0].service == "web");
    CHECK(found[0].dependency == "log");
    CHECK(found[0].text == "log has neither a startup nor a readiness probe");
    CHECK(found[1].dependency == "mesh");
    CHECK(found[1].text == "mesh restarts for ever (restartPolicy Always)");
}

TEST_CASE("a oneshot that is restarted for ever never completes, written or not", "[spec_defaults]") {
    WrittenService init = oneshot("init");
    init.restart_policy = RestartPolicy::always;

    CHECK(find_impossible_conditions(resolved({main_service("web"), init})).size() == 1);
}

TEST_CASE("conditions that can be met are not told", "[spec_defaults]") {
    WrittenService web = main_service("web");
    WrittenService once = helper("once");
    once.restart_policy = RestartPolicy::on_failure;
    web.depends_on = {{.service = "log", .condition = Condition::started},
                      {.service = "mesh", .condition = Condition::ready},
                      {.service = "slow", .condition = Condition::ready},
                      {.service = "init", .condition = Condition::completed},
                      {.service = "once", .condition = Condition::completed}};

    CHECK(find_impossible_conditions(resolved({web, helper("log"), with_readiness(helper("mesh")),
                                               with_startup(helper("slow")), oneshot("init"), once}))
              .empty());
}

TEST_CASE("what is not enabled has no impossible condition", "[spec_defaults]") {
    WrittenService waits = depending(helper("waits"), {});
    waits.depends_on->push_back({.service = "log", .condition = Condition::ready});

    CHECK(find_impossible_conditions(resolved({main_service("web"), waits, disabled(helper("log"))})).empty());
    CHECK(find_impossible_conditions(resolved({main_service("web"), disabled(waits), helper("log")})).empty());
}

// ---- a service ---------------------------------------------------------------------------------------

TEST_CASE("helpers restart always, oneshots and main never", "[spec_defaults]") {
    const PodSpec pod = resolved({main_service("web"), oneshot("init"), helper("log")});

    CHECK(service_of(pod, "web").restart_policy == RestartPolicy::never);
    CHECK(service_of(pod, "init").restart_policy == RestartPolicy::never);
    CHECK(service_of(pod, "log").restart_policy == RestartPolicy::always);
}

TEST_CASE("main writes raw, all others with a prefix", "[spec_defaults]") {
    const PodSpec pod = resolved({main_service("web"), oneshot("init"), helper("log")});

    CHECK(service_of(pod, "web").log_mode == LogMode::raw);
    CHECK(service_of(pod, "init").log_mode == LogMode::prefix);
    CHECK(service_of(pod, "log").log_mode == LogMode::prefix);
}

TEST_CASE("helpers have 10 s to stop, main what the budget leaves", "[spec_defaults]") {
    const PodSpec pod = resolved({main_service("web"), oneshot("init"), helper("log")});

    CHECK_FALSE(service_of(pod, "web").grace);
    CHECK(service_of(pod, "init").grace == 10s);
    CHECK(service_of(pod, "log").grace == 10s);
}

TEST_CASE("main is always critical, others when they say so", "[spec_defaults]") {
    WrittenService mesh = helper("mesh");
    mesh.critical = true;
    const PodSpec pod = resolved({main_service("web"), mesh, helper("log")});

    CHECK(service_of(pod, "web").critical);
    CHECK(service_of(pod, "mesh").critical);
    CHECK_FALSE(service_of(pod, "log").critical);
}

TEST_CASE("what is written for a service stands", "[spec_defaults]") {
    WrittenService web = main_service("web");
    web.env = {{.name = "A", .value = Text{"secret", "${A}"}}};
    web.working_dir = "/srv";
    web.liveness_probe.emplace();
    web.restart_policy = RestartPolicy::on_failure;
    web.backoff.limit = 7;
    web.success_exit_codes = {0, 143};
    web.stop_signal = SIGQUIT;
    web.stop_command = {"/bin/stop"};
    web.grace = 12s;
    web.log_mode = LogMode::prefix;

    const ServiceSpec spec = service_of(resolved({web}), "web");

    CHECK(spec.env == web.env);
    CHECK(spec.working_dir == web.working_dir);
    CHECK(spec.liveness_probe == web.liveness_probe);
    CHECK(spec.command == web.command);
    CHECK(spec.restart_policy == RestartPolicy::on_failure);
    CHECK(spec.backoff.limit == 7);
    CHECK(spec.success_exit_codes == std::vector<int>{0, 143});
    CHECK(spec.stop_signal == SIGQUIT);
    CHECK(spec.stop_command == web.stop_command);
    CHECK(spec.grace == 12s);
    CHECK(spec.log_mode == LogMode::prefix);
}

// ---- the pod -----------------------------------------------------------------------------------------

TEST_CASE("the pod is called after the host and has 30 s, where nothing else is written", "[spec_defaults]") {
    WrittenPod pod;
    CHECK(resolve_defaults(pod, "host").app == "host");
    CHECK(resolve_defaults(pod, "host").grace == 30s);

    pod.app = "shop";
    pod.grace = 40s;
    pod.lifecycle.ready_timeout = 5s;
    CHECK(resolve_defaults(pod, "host").app == "shop");
    CHECK(resolve_defaults(pod, "host").grace == 40s);
    CHECK(resolve_defaults(pod, "host").lifecycle.ready_timeout == 5s);
}

TEST_CASE("a drain without ports takes no time, with ports 5 to 15 s", "[spec_defaults]") {
    CHECK(drain_of({}) == DrainSpec{});
    CHECK(drain_of({.ports = {8080}}) == DrainSpec{.min = 5s, .max = 15s, .ports = {8080}});
}

TEST_CASE("without ports the maximum of a drain is its minimum", "[spec_defaults]") {
    CHECK(drain_of({.min = 3s}) == DrainSpec{.min = 3s, .max = 3s});
}

TEST_CASE("the default of one end of a drain never contradicts the other", "[spec_defaults]") {
    CHECK(drain_of({.min = 20s, .ports = {80}}) == DrainSpec{.min = 20s, .max = 20s, .ports = {80}});
    CHECK(drain_of({.max = 3s, .ports = {80}}) == DrainSpec{.min = 3s, .max = 3s, .ports = {80}});
    CHECK(drain_of({.max = 60s, .ports = {80}}) == DrainSpec{.min = 5s, .max = 60s, .ports = {80}});
    CHECK(drain_of({.max = 4s}) == DrainSpec{.min = 0s, .max = 4s});
}

TEST_CASE("what is written for a drain stands, for config to judge", "[spec_defaults]") {
    CHECK(drain_of({.min = 9s, .max = 2s, .ports = {80}}) == DrainSpec{.min = 9s, .max = 2s, .ports = {80}});
}

} // namespace davit::model
