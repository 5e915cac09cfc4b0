// SPDX-License-Identifier: Apache-2.0
// Good configurations: which files are read, what the values become, what CMD and the scripts add.
#include "made_up_files.h"

#include "support/catch.h"

#include <csignal>

namespace davit::config {

using namespace std::chrono_literals;
using model::PodSpec;
using model::Text;

namespace {

const char* const the_example = R"(
app: trade-order
terminationGracePeriodSeconds: 40
services:
  log-agent:
    command: [/opt/log-agent/bin/agent, --config, /etc/log-agent.conf]
    startupProbe: {tcpSocket: {port: 5140}}
  mesh:
    command: /opt/mesh/bin/sidecar --app ${APP_NAME:-un known}
    dependsOn: [log-agent]
    readinessProbe: {httpGet: {path: /ready, port: 15021}, periodSeconds: 2}
  trade-order:
    main: true
    command: [java, -jar, /app/app.jar]
    readinessProbe: {httpGet: {path: /actuator/health/readiness, port: 8080}}
lifecycle:
  preload: {exec: {command: [/app/bin/preload.sh]}, timeoutSeconds: 120}
  online:  {exec: {command: [/app/bin/online.sh]}}
  offline: {exec: {command: [/app/bin/offline.sh]}}
  drain:   {minSeconds: 2, maxSeconds: 15, ports: [8080]}
  stop:    {exec: {command: [/app/bin/stop.sh]}}
)";

std::vector<std::string> names_of(const PodSpec& pod) {
    std::vector<std::string> names;
    for (const model::ServiceSpec& service : pod.services) {
        names.push_back(service.name);
    }
    return names;
}

std::vector<Text> words(std::initializer_list<const char*> texts) {
    return {texts.begin(), texts.end()};
}

} // namespace

TEST_CASE("the example of the contract loads", "[load]") {
    LoadResult result = load_text(the_example);

    REQUIRE(lines_of(result.problems).empty());
    const PodSpec& pod = result.pod;
    CHECK(pod.app == "trade-order");
    CHECK(pod.grace == 40s);
    CHECK(!pod.plain_init);
    CHECK(names_of(pod) == std::vector<std::string>{"log-agent", "mesh", "trade-order"});
    CHECK(pod.main() == 2U);
    CHECK(pod.services[0].startup_probe == model::ProbeSpec{.check = model::TcpCheck{.host = {}, .port = 5140}});
    const model::ServiceSpec& mesh = pod.services[1];
    CHECK(mesh.command == std::vector<Text>{"/opt/mesh/bin/sidecar", "--app", {"un known", "${APP_NAME:-un known}"}});
    CHECK(mesh.depends_on == std::vector<model::Dependency>{{.service = 0, .condition = model::Condition::ready}});
    CHECK(mesh.readiness_probe->period == 2s);
    CHECK(std::get<model::HttpCheck>(mesh.readiness_probe->check).port == 15021);
    CHECK(pod.services[2].depends_on.size() == 2);
    CHECK(pod.lifecycle.preload ==
          std::vector<model::StepSpec>{
              {.action = model::ExecStep{.command = words({"/app/bin/preload.sh"})}, .timeout = 120s}});
    CHECK(pod.lifecycle.drain == model::DrainSpec{.min = 2s, .max = 15s, .ports = {8080}});
}

TEST_CASE("every key of a service has its value", "[load]") {
    LoadResult result = load_text(R"(
services:
  web:
    main: false
    command: [a, 7, true]
    args: "b 'c d'"
    dependsOn: {init: {condition: completed, required: false}}
    env: {A: 1, B: "${HOME}/x", EMPTY: ""}
    workingDir: /srv
    startupProbe: {exec: {command: check it}, initialDelaySeconds: 0.5, timeoutSeconds: 3, failureThreshold: 30}
    livenessProbe:
      httpGet: {path: live, port: 80, host: example, scheme: HTTPS, httpHeaders: [{name: X, value: y}, {name: X, value: z}]}
      successThreshold: 1
    readinessProbe: {tcpSocket: {port: "${PORT:-81}", host: "::1"}, successThreshold: 2}
    restartPolicy: OnFailure
    backoff: {initialSeconds: 0, factor: 1.5, maxSeconds: 9, resetAfterSeconds: 60, limit: 2}
    critical: true
    successExitCodes: [0, 143]
    stopSignal: SIGINT
    stopCommand: quit now
    terminationGracePeriodSeconds: 7.5
    logs: raw
    enabled: ${WEB:-true}
  init: {command: i, oneshot: true}
  app: {command: x, main: true, successExitCodes: 143}
)",
                                  {{"HOME", "/root"}});

    REQUIRE(lines_of(result.problems).empty());
    const model::ServiceSpec& web = result.pod.services[0];
    CHECK(web.command == words({"a", "7", "true", "b", "c d"}));
    CHECK(web.depends_on ==
          std::vector<model::Dependency>{{.service = 1, .condition = model::Condition::completed, .required = false}});
    CHECK(web.env == std::vector<model::EnvVariable>{{"A", "1"}, {"B", {"/root/x", "${HOME}/x"}}, {"EMPTY", ""}});
    CHECK(web.working_dir == Text{"/srv"});
    CHECK(web.startup_probe == model::ProbeSpec{.check = model::ExecCheck{.command = words({"check", "it"})},
                                                .initial_delay = 500ms,
                                                .timeout = 3s,
                                                .failure_threshold = 30});
    CHECK(std::get<model::HttpCheck>(web.liveness_probe->check) ==
          model::HttpCheck{.host = "example",
                           .port = 80,
                           .path = {"/live", "live"},
                           .scheme = "https",
                           .headers = {{"X", "y"}, {"X", "z"}}});
    CHECK(std::get<model::TcpCheck>(web.readiness_probe->check) == model::TcpCheck{.host = "::1", .port = 81});
    CHECK(web.readiness_probe->success_threshold == 2);
    CHECK(web.restart_policy == model::RestartPolicy::on_failure);
    CHECK(web.backoff == model::BackoffSpec{.initial = 0s, .factor = 1.5, .max = 9s, .reset_after = 60s, .limit = 2});
    CHECK(web.critical);
    CHECK(web.success_exit_codes == std::vector{0, 143});
    CHECK(web.stop_signal == SIGINT);
    CHECK(web.stop_command == words({"quit", "now"}));
    CHECK(web.grace == 7500ms);
    CHECK(web.log_mode == model::LogMode::raw);
    CHECK(web.enabled);
    CHECK(result.pod.services[2].success_exit_codes == std::vector{143});
}

TEST_CASE("grpc, file, log and notify probes have their values", "[load]") {
    LoadResult result = load_text(R"(
services:
  a:
    command: x
    startupProbe: {notify: {}, failureThreshold: 60}
    readinessProbe: {grpc: {port: 9090, service: "${NAME}", host: db}, periodSeconds: 2}
    livenessProbe: {log: {pattern: "^tick ${NAME}$$"}}
  b: {command: x, startupProbe: {file: {path: "/run/${NAME}"}}, readinessProbe: {grpc: {port: 1, service: ""}}}
  m: {command: x, main: true, readinessProbe: {notify: {}}}
)",
                                  {{"NAME", "web"}});

    REQUIRE(lines_of(result.problems).empty());
    const auto& services = result.pod.services;
    CHECK(services[0].startup_probe == model::ProbeSpec{.check = model::NotifyCheck{}, .failure_threshold = 60});
    CHECK(services[0].readiness_probe ==
          model::ProbeSpec{.check = model::GrpcCheck{.host = "db", .port = 9090, .service = {"web", "${NAME}"}},
                           .period = 2s});
    CHECK(services[0].liveness_probe ==
          model::ProbeSpec{.check = model::LogCheck{.pattern = {"^tick web$", "^tick ${NAME}$$"}}});
    CHECK(services[1].startup_probe ==
          model::ProbeSpec{.check = model::FileCheck{.path = {"/run/web", "/run/${NAME}"}}});
    CHECK(services[1].readiness_probe == model::ProbeSpec{.check = model::GrpcCheck{.host = {}, .port = 1}});
    CHECK(services[2].readiness_probe == model::ProbeSpec{.check = model::NotifyCheck{}});
}

TEST_CASE("every key of the life cycle has its value", "[load]") {
    LoadResult result = load_text(R"(
services: {app: {command: x}}
lifecycle:
  preload: [{sleep: {seconds: 0.5}}, {tcpSocket: {port: 9}, attempts: 3, periodSeconds: 0}]
  online: {http: {method: PUT, url: "http://lb/on", headers: {A: b}, body: "{}", expectStatus: 204}, timeoutSeconds: 4}
  offline: {http: {url: "https://lb/off", expectStatus: [200, 404]}}
  stop: []
  readyTimeoutSeconds: 30
  postStart: {timeoutSeconds: 9, onTimeout: fail}
  goOnline: manual
  onFailure: hold
)");

    REQUIRE(lines_of(result.problems).empty());
    const model::LifecycleSpec& lifecycle = result.pod.lifecycle;
    CHECK(lifecycle.preload ==
          std::vector<model::StepSpec>{{.action = model::SleepStep{.length = 500ms}},
                                       {.action = model::TcpStep{.host = {}, .port = 9}, .attempts = 3, .period = 0s}});
    CHECK(lifecycle.online == std::vector<model::StepSpec>{{.action = model::HttpStep{.method = "PUT",
                                                                                      .url = "http://lb/on",
                                                                                      .headers = {{"A", "b"}},
                                                                                      .body = "{}",
                                                                                      .expect_status = {204}},
                                                            .timeout = 4s}});
    CHECK(std::get<model::HttpStep>(lifecycle.offline.at(0).action).expect_status == std::vector{200, 404});
    CHECK(lifecycle.stop.empty());
    CHECK(lifecycle.ready_timeout == 30s);
    CHECK(lifecycle.post_start_timeout == 9s);
    CHECK(lifecycle.post_start_on_timeout == model::OnTimeout::fail);
    CHECK(lifecycle.go_online == model::GoOnline::manual);
    CHECK(lifecycle.on_failure == model::OnFailure::hold);
}

TEST_CASE("the environment of a Pod spec, a list of name and value, is a map", "[load]") {
    LoadResult result =
        load_text("services: {app: {command: x, env: [{name: A, value: b}, {name: C}, {name: D, value: \"1\"}]}}");

    REQUIRE(lines_of(result.problems).empty());
    CHECK(result.pod.services[0].env == std::vector<model::EnvVariable>{{"A", "b"}, {"C", ""}, {"D", "1"}});
}

TEST_CASE("a directory's files are layers in lexical order, on a ConfigMap volume as well", "[load]") {
    MadeUpFiles made_up{.files = {{"/c/50-b.yml", "services: {app: {command: second, main: true}}"},
                                  {"/c/10-a.yaml", "{app: first, services: {app: {command: first, args: [x]}}}"},
                                  {"/c/..data/10-a.yaml", "app: hidden"},
                                  {"/c/.30-hidden.yaml", "app: hidden"},
                                  {"/c/60-notes.txt", "app: [no yaml"},
                                  {"/c/70-sub.yaml/x.yaml", "app: below"},
                                  {"/c/90-empty.yaml", "# nothing\n"}}};

    LoadResult result = load(made_up.sources(), {.path = "/c", .command = {}});

    CHECK(lines_of(result.problems).empty());
    CHECK(result.files == std::vector<std::string>{"/c/10-a.yaml", "/c/50-b.yml", "/c/90-empty.yaml"});
    CHECK(result.pod.app == "first");
    CHECK(result.pod.services.at(0).command == words({"second"}));
}

TEST_CASE("-c goes before DAVIT_CONFIG, and that before /etc/davit", "[load]") {
    MadeUpFiles made_up{.files = {{"/a.yaml", "{app: a, services: {m: {command: x}}}"},
                                  {"/b.yaml", "{app: b, services: {m: {command: x}}}"},
                                  {"/etc/davit/c.yaml", "{app: c, services: {m: {command: x}}}"}}};
    CHECK(load(made_up.sources(), {}).pod.app == "c");
    made_up.environment["DAVIT_CONFIG"] = "/b.yaml";
    CHECK(load(made_up.sources(), {}).pod.app == "b");
    CHECK(load(made_up.sources(), {.path = "/a.yaml", .command = {}}).pod.app == "a");
    made_up.environment["DAVIT_CONFIG"] = "";
    CHECK(load(made_up.sources(), {}).pod.app == "c");
}

TEST_CASE("the application is named by its key, DAVIT_APP, or the host", "[load]") {
    CHECK(load_text("{app: a, services: {m: {command: x}}}", {{"DAVIT_APP", "b"}}).pod.app == "a");
    CHECK(load_text("services: {m: {command: x}}", {{"DAVIT_APP", "b"}}).pod.app == "b");
    CHECK(load_text("services: {m: {command: x}}").pod.app == "pod-7");
}

TEST_CASE("CMD without any configuration is plain init", "[load]") {
    LoadResult result = load(MadeUpFiles{}.sources(), {.path = {}, .command = {"sleep", "1"}});

    CHECK(result.problems.empty());
    CHECK(result.pod.plain_init);
    REQUIRE(result.pod.main() == 0U);
    CHECK(result.pod.services[0].command == words({"sleep", "1"}));
}

TEST_CASE("one script in the hooks directory, or one empty file, is a configuration", "[load]") {
    MadeUpFiles made_up{.files = {{"/etc/davit/hooks/online.sh", ""}, {"/etc/davit/hooks/README", ""}},
                        .executables = {"/etc/davit/hooks/online.sh"}};
    LoadResult result = load(made_up.sources(), {.path = {}, .command = {"app"}});

    CHECK(lines_of(result.problems).empty());
    CHECK(!result.pod.plain_init);
    CHECK(result.pod.lifecycle.online ==
          std::vector<model::StepSpec>{{.action = model::ExecStep{.command = words({"/etc/davit/hooks/online.sh"})}}});
    MadeUpFiles empty{.files = {{"/etc/davit/10-a.yaml", ""}}};
    CHECK(!load(empty.sources(), {.path = {}, .command = {"app"}}).pod.plain_init);
    MadeUpFiles neither{.files = {{"/etc/davit/hooks/README", ""}, {"/etc/davit/notes.txt", ""}}};
    CHECK(load(neither.sources(), {.path = {}, .command = {"app"}}).pod.plain_init);
}

TEST_CASE("CMD replaces command and args of the service that says main", "[load]") {
    MadeUpFiles made_up{
        .files = {{"/c.yaml", "services: {web: {main: true, command: old, args: [x], env: {A: b}}, h: {command: y}}"}}};
    LoadResult result = load(made_up.sources(), {.path = "/c.yaml", .command = {"java", "-jar"}});

    CHECK(lines_of(result.problems).empty());
    CHECK(result.pod.services[0].command == words({"java", "-jar"}));
    CHECK(result.pod.services[0].env.size() == 1);
    made_up.files["/c.yaml"] = "services: {web: {main: true}}";
    CHECK(lines_of(load(made_up.sources(), {.path = "/c.yaml", .command = {"java"}}).problems).empty());
}

TEST_CASE("CMD is a new service main where none says main, even if there is only one service", "[load]") {
    MadeUpFiles made_up{.files = {{"/c.yaml", "services: {agent: {command: a}}"}}};
    LoadResult result = load(made_up.sources(), {.path = "/c.yaml", .command = {"java"}});

    CHECK(lines_of(result.problems).empty());
    CHECK(names_of(result.pod) == std::vector<std::string>{"agent", "main"});
    CHECK(result.pod.main() == 1U);
    CHECK(result.pod.services[1].depends_on.size() == 1);
}

TEST_CASE("scripts are the steps that no key describes", "[load]") {
    MadeUpFiles made_up{
        .files = {{"/c.yaml", "{services: {m: {command: x}}, lifecycle: {online: {sleep: {seconds: 1}}, stop: [], "
                              "scriptsDir: /app/hooks}}"},
                  {"/app/hooks/preload", ""},
                  {"/app/hooks/online", ""},
                  {"/app/hooks/stop", ""}},
        .executables = {"/app/hooks/preload", "/app/hooks/online", "/app/hooks/stop"}};
    LoadResult result = load(made_up.sources(), {.path = "/c.yaml", .command = {}});

    CHECK(lines_of(result.problems).empty());
    CHECK(result.pod.lifecycle.preload ==
          std::vector<model::StepSpec>{{.action = model::ExecStep{.command = words({"/app/hooks/preload"})}}});
    CHECK(std::holds_alternative<model::SleepStep>(result.pod.lifecycle.online.at(0).action));
    CHECK(result.pod.lifecycle.stop.empty());
    CHECK(result.pod.lifecycle.offline.empty());
}

TEST_CASE("a scripts directory that was written with ${...} is shown as written", "[load]") {
    MadeUpFiles made_up{
        .files = {{"/c.yaml", "{services: {m: {command: x}}, lifecycle: {scriptsDir: \"/${SECRET}/hooks\"}}"},
                  {"/s3cret/hooks/online", ""},
                  {"/s3cret/hooks/stop", ""}},
        .executables = {"/s3cret/hooks/online"},
        .unreadable = {},
        .environment = {{"SECRET", "s3cret"}}};
    LoadResult result = load(made_up.sources(), {.path = "/c.yaml", .command = {}});

    CHECK(lines_of(result.problems) ==
          "/${SECRET}/hooks/stop: is not executable: chmod +x it; a ConfigMap volume needs defaultMode: 0755\n");
    CHECK(result.pod.lifecycle.online ==
          std::vector<model::StepSpec>{
              {.action = model::ExecStep{.command = {{"/s3cret/hooks/online", "/${SECRET}/hooks/online"}}}}});
}

TEST_CASE("${...} works in every string, also where a number or true is meant", "[load]") {
    MadeUpFiles made_up{.files = {{"/c.yaml", R"(
terminationGracePeriodSeconds: ${GRACE}
app: $$${NAME}-${file:/secret}
services:
  m: {main: true, command: x}
  a: {command: x, enabled: "${A_ON:-false}", restartPolicy: "${POLICY}", dependsOn: ["${DEP}"], stopSignal: "${SIG:-INT}"}
)"},
                                  {"/secret", "s3cret\n"}},
                        .executables = {},
                        .unreadable = {},
                        .environment = {{"GRACE", "50"}, {"NAME", "shop"}, {"POLICY", "Never"}, {"DEP", "m"}}};
    LoadResult result = load(made_up.sources(), {.path = "/c.yaml", .command = {}});

    CHECK(lines_of(result.problems).empty());
    CHECK(result.pod.app == "$shop-s3cret");
    CHECK(result.pod.grace == 50s);
    CHECK(!result.pod.services[1].enabled);
    CHECK(result.pod.services[1].restart_policy == model::RestartPolicy::never);
    CHECK(result.pod.services[1].depends_on.at(0).service == 0);
    CHECK(result.pod.services[1].stop_signal == SIGINT);
}

TEST_CASE("the escapes of a double quote are whole characters, also those that the library cuts", "[load]") {
    const LoadResult result =
        load_text("services: {web: {main: true, command: [a, \"x\\_\\N\\xe9\\L\\u00a0\u00e9\\_\"]}}");

    CHECK(result.pod.services.at(0).command.at(1).value ==
          "x\xC2\xA0\xC2\x85\xC3\xA9\xE2\x80\xA8\xC2\xA0\xC3\xA9\xC2\xA0");
}

} // namespace davit::config
