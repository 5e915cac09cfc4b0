// SPDX-License-Identifier: Apache-2.0
// The plan: what it shows, that it can be loaded again, and what two of them differ in.
#include "config/keys.h"
#include "config/plan.h"
#include "made_up_files.h"
#include "model/spec_defaults.h"

#include "support/catch.h"

#include <filesystem>
#include <fstream>
#include <iterator>

namespace davit::config {
namespace {

LoadResult load_plan(const std::string& text, const std::map<std::string, std::string>& environment = {}) {
    MadeUpFiles system;
    system.files = {{"/c.yaml", text}, {"/opt/hooks/online.sh", ""}, {"/opt/web.env", "FROM_FILE=hidden\n"}};
    system.accounts = model::parse_accounts("app:x:1000:1001::/home/app:/bin/sh\n", "app:x:1001:\n");
    system.own.capabilities = ~std::uint64_t{0};
    system.executables = {"/opt/hooks/online.sh"};
    system.environment = environment;
    LoadResult result = load(system.sources(), {.path = "/c.yaml", .purpose = Purpose::plan});
    INFO(lines_of(result.problems));
    CHECK_FALSE(has_error(result, Purpose::plan));
    return result;
}

std::string plan(const std::string& text, const std::map<std::string, std::string>& environment = {}) {
    return yaml_text(plan_of(load_plan(text, environment).pod));
}

/// Every key of keys.h.
const std::string everything = R"(
app: shop
terminationGracePeriodSeconds: 60
statusPort: 9100
statusAddress: "::1"
services:
  db:
    command: [/bin/true]
    oneshot: true
  web:
    main: true
    command: [/opt/web, --name, "two words"]
    args: [-x]
    dependsOn: {db: {condition: completed, required: false}}
    env: {LEVEL: debug}
    envFile: [/opt/web.env]
    workingDir: /opt
    user: 1000
    group: app
    umask: "0027"
    rlimits: {nofile: 1024, core: {soft: 0, hard: unlimited}, as: 1, cpu: 1, data: 1, fsize: 1, memlock: 1, msgqueue: 1,
              nice: 1, nproc: 1, rtprio: 1, rttime: 1, sigpending: 1, stack: unlimited}
    nice: 5
    oomScoreAdj: 100
    noNewPrivileges: true
    startupProbe: {exec: {command: [test, -e, /ready]}}
    readinessProbe:
      httpGet: {path: /ready, port: 80, host: 127.0.0.1, scheme: HTTPS, httpHeaders: {X-Key: secret}}
      initialDelaySeconds: 1
      periodSeconds: 2.5
      timeoutSeconds: 3
      successThreshold: 2
      failureThreshold: 4
    livenessProbe: {tcpSocket: {port: 81, host: localhost}}
    restartPolicy: OnFailure
    backoff: {initialSeconds: 1, factor: 3, maxSeconds: 9, resetAfterSeconds: 5, limit: 7}
    critical: true
    successExitCodes: [0, 143]
    stopSignal: INT
    stopCommand: [/opt/stop]
    terminationGracePeriodSeconds: 20
    logs: {file: {path: /var/log/web.log, maxBytes: 1Mi, maxFiles: 3}}
    cpus: {count: 3, round: ceil, java: auto, env: [GOMAXPROCS], shim: "on", watchSeconds: 2, onChange: {signal: HUP}}
    enabled: true
  teller:
    command: [/opt/teller]
    startupProbe: {file: {path: /run/teller}}
    readinessProbe: {notify: {}}
    livenessProbe: {log: {pattern: "^tick $$"}}
  asked: {command: [/opt/asked], readinessProbe: {grpc: {port: 1, host: lb, service: shop}}}
lifecycle:
  preload: {exec: {command: [/opt/preload]}}
  online:
    - http: {method: POST, url: "http://lb/online", headers: {X-Key: secret}, body: "secret body", expectStatus: [204]}
      timeoutSeconds: 4
      attempts: 2
      periodSeconds: 0.5
    - tcpSocket: {port: 9000, host: lb}
  offline: {sleep: {seconds: 1}}
  stop: []
  scriptsDir: /opt/hooks
  readyTimeoutSeconds: 100
  drain: {minSeconds: 1, maxSeconds: 2, ports: [80]}
  postStart: {timeoutSeconds: 30, onTimeout: fail}
  goOnline: manual
  onFailure: hold
cpus: {count: 2, round: floor, java: never, env: [OMP_NUM_THREADS, "${N:-X}"], shim: "off", watchSeconds: 5}
logs: {format: json}
isolateFile: /etc/podinfo/labels
isolateKey: isolated
stateDir: /var/lib/davit
)";

void find_missing(const KeySet& keys, const std::string& text, std::string& missing) {
    for (const Key& key : keys.keys) {
        // What it stands for is shown instead: the words of the command, the scripts that were found.
        const bool has_another_form = key.name == "args" || key.name == "scriptsDir";
        if (!has_another_form && !text.contains(std::string{key.name} + ":")) {
            missing += std::string{key.name} + " ";
        }
        if (key.fields != nullptr) {
            find_missing(*key.fields, text, missing);
        }
    }
}

} // namespace

TEST_CASE("a plan shows every default in the shape of the configuration", "[plan]") {
    CHECK(plan("services: {web: {command: [/opt/web]}}", {{"DAVIT_APP", "shop"}}) == R"(app: shop
terminationGracePeriodSeconds: 30
services:
  web:
    command: [/opt/web]
    main: true
    oneshot: false
    dependsOn: {}
    noNewPrivileges: false
    restartPolicy: Never
    backoff:
      initialSeconds: 0.5
      factor: 2
      maxSeconds: 30
      resetAfterSeconds: 30
      limit: 0
    critical: true
    successExitCodes: [0]
    stopSignal: TERM
    logs: raw
    enabled: true
lifecycle:
  preload: []
  online: []
  offline: []
  stop: []
  readyTimeoutSeconds: 600
  drain:
    minSeconds: 0
    maxSeconds: 0
    ports: []
  postStart:
    timeoutSeconds: 60
    onTimeout: detach
  goOnline: auto
  onFailure: shutdown
cpus:
  count: compute
  round: ceil
  java: auto
  env: []
  shim: auto
  watchSeconds: 1
  onChange: none
logs:
  format: text
)");
}

TEST_CASE("a plan has every key of the configuration", "[plan]") {
    std::string missing;
    find_missing(pod_keys, plan(everything), missing);
    CHECK(missing == "");
}

TEST_CASE("a plan can be loaded again and gives the same plan", "[plan]") {
    const std::string first = plan(everything);
    CHECK(plan(first) == first);
}

TEST_CASE("the plan of every example can be loaded again and gives the same plan", "[plan]") {
    std::size_t examples = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{DAVIT_SOURCE_DIRECTORY "/examples"}) {
        if (entry.path().filename() != "davit.yaml") {
            continue;
        }
        ++examples;
        INFO(entry.path().string());
        std::ifstream file{entry.path()};
        const std::string text{std::istreambuf_iterator<char>{file}, {}};
        const std::string first = plan(text);
        CHECK(plan(first) == first);
    }
    CHECK(examples > 0);
}

TEST_CASE("a plan keeps ${...} as written, and what CMD brought is safe from being resolved", "[plan]") {
    const std::string text =
        plan("services: {web: {command: [/opt/web, \"${NAME:-x}\", \"$${NOT}\"]}}", {{"NAME", "shop"}});
    CHECK(text.contains(R"(command: [/opt/web, "${NAME:-x}", "$${NOT}"])"));

    MadeUpFiles system;
    system.files = {{"/c.yaml", "services: {log: {command: [/opt/log]}}"}};
    const LoadResult with_cmd = load(system.sources(), {.path = "/c.yaml", .command = {"echo", "${HOME}"}});
    CHECK(yaml_text(plan_of(with_cmd.pod)).contains(R"(command: [echo, "$${HOME}"])"));
}

TEST_CASE("a plan shows a number, a choice or a boolean as written with ${...}", "[plan]") {
    model::PodSpec pod = load_plan("services: {web: {command: [web], readinessProbe: {tcpSocket: {port: 80}}}}\n"
                                   "lifecycle: {drain: {ports: [80, 81]}, online: {sleep: {seconds: 3}}}")
                             .pod;
    pod.written_values = {{"services.web.readinessProbe.tcpSocket.port", "${PORT}"},
                          {"services.web.enabled", "${WEB:-true}"},
                          {"services.web.logs", "${LOGS:-raw}"},
                          {"lifecycle.drain.ports[1]", "${PORT2}"},
                          {"lifecycle.online.sleep.seconds", "${LONG}"}};
    const std::string text = yaml_text(plan_of(pod));
    CHECK(text.contains("port: \"${PORT}\"\n"));
    CHECK(text.contains("enabled: \"${WEB:-true}\"\n"));
    CHECK(text.contains("logs: \"${LOGS:-raw}\"\n"));
    CHECK(text.contains("ports: [80, \"${PORT2}\"]\n"));
    CHECK(text.contains("seconds: \"${LONG}\"\n"));
    CHECK(plan(text, {{"PORT", "80"}, {"PORT2", "81"}, {"LONG", "3"}}) == text);
}

TEST_CASE("no plan shows a secret", "[plan]") {
    const model::PodSpec pod = load_plan(everything).pod;
    for (const std::string& text : {yaml_text(plan_of(pod)), json_text(plan_of(pod))}) {
        CHECK_FALSE(text.contains("debug"));
        CHECK_FALSE(text.contains("secret"));
        CHECK_FALSE(text.contains("hidden"));
        CHECK(text.contains("***"));
    }
}

TEST_CASE("texts of a plan are in quotes where YAML would take them for something else", "[plan]") {
    PlanNode words{.kind = PlanNode::Kind::list, .key = "words"};
    for (const char* word : {"/opt/web", "--port", "-x", "80", "true", "No", "~", "", "a: b", "a#b", "[x]", "- y",
                             "---", "\xC3\xA4", "a\nb\t\"c\"\\"}) {
        words.children.push_back({.kind = PlanNode::Kind::text, .shown = word});
    }
    PlanNode root;
    root.children.push_back(words);
    CHECK(yaml_text(root) ==
          "words:\n  - /opt/web\n  - --port\n  - -x\n  - \"80\"\n  - \"true\"\n  - \"No\"\n  - \"~\"\n"
          "  - \"\"\n  - \"a: b\"\n  - \"a#b\"\n  - \"[x]\"\n  - \"- y\"\n  - \"---\"\n"
          "  - \"\xC3\xA4\"\n  - \"a\\nb\\u0009\\\"c\\\"\\\\\"\n");
    const LoadResult loaded =
        load_plan("services: {web: {command: [a, \"80\", \"true\", \"~\", \"a\\nb\\t\", \"\xC3\xA4\"]}}");
    CHECK(load_plan(yaml_text(plan_of(loaded.pod))).pod.services[0].command == loaded.pod.services[0].command);
}

TEST_CASE("a plan is JSON in one line", "[plan]") {
    const std::string text = json_text(plan_of(load_plan("services: {web: {command: [web, \"a\\\"b\"]}}").pod));
    CHECK(text.starts_with(R"({"app": "pod-7", "terminationGracePeriodSeconds": 30, "services": {"web": {"command": )"
                           R"(["web", "a\"b"], "main": true, "oneshot": false, "dependsOn": {}, )"));
    CHECK(std::ranges::count(text, '\n') == 1);
}

TEST_CASE("scripts that were found are steps of the plan, with their timeouts", "[plan]") {
    const std::string text = plan("services: {web: {command: [web]}}\nlifecycle: {scriptsDir: /opt/hooks}");
    CHECK(text.contains("  online:\n    - exec:\n        command: [/opt/hooks/online.sh]\n      timeoutSeconds: 60\n"
                        "      attempts: 1\n      periodSeconds: 1\n"));
    CHECK_FALSE(text.contains("scriptsDir"));
}

TEST_CASE("a header that comes twice is shown twice", "[plan]") {
    const std::string text =
        plan("services: {web: {command: [web], readinessProbe: {httpGet: {port: 80, httpHeaders: [{name: A, value: x}, "
             "{name: A, value: y}]}}}}");
    CHECK(text.contains("httpHeaders:\n          - name: A\n            value: \"***\"\n          - name: A\n"));
    CHECK(plan(text) == text);
}

TEST_CASE("two plans differ key by key, and a secret tells only that it changed", "[plan]") {
    const model::PodSpec before = load_plan("services: {web: {command: [web], env: {A: x, B: y}, readinessProbe: "
                                            "{tcpSocket: {port: 80}}}}")
                                      .pod;
    const model::PodSpec after = load_plan("services: {web: {command: [web, -x], env: {A: x, B: z}, readinessProbe: "
                                           "{tcpSocket: {port: 80}, periodSeconds: 2}, workingDir: /tmp}}\n"
                                           "lifecycle: {drain: {maxSeconds: 4}}")
                                     .pod;
    const std::vector<KeyChange> expected = {{"command", "[web]", "[web, -x]"},
                                             {"env.B", "\"***\"", "\"***\" (changed)"},
                                             {"readinessProbe.periodSeconds", "10", "2"},
                                             {"workingDir", "", "/tmp"}};
    CHECK(changed_keys_of_service(before, 0, after, 0) == expected);
    CHECK(changed_keys_of_pod(before, after) == std::vector<KeyChange>{{"lifecycle.drain.maxSeconds", "0", "4"}});
    CHECK(changed_keys_of_pod(after, after).empty());
}

TEST_CASE("an envFile that holds something else differs, and tells nothing of it", "[plan]") {
    model::PodSpec before = load_plan("services: {web: {command: [web]}}").pod;
    before.services[0].env_files = {model::Text{"/c/one.env"}, model::Text{"/c/two.env"}};
    before.services[0].env_from_files = {{.name = "A", .value = model::Text{"secret"}}};
    model::PodSpec after = before;
    CHECK(changed_keys_of_service(before, 0, after, 0).empty());

    after.services[0].env_from_files[0].value = model::Text{"other"};

    CHECK(changed_keys_of_service(before, 0, after, 0) ==
          std::vector<KeyChange>{{"envFile", "[/c/one.env, /c/two.env]", "[/c/one.env, /c/two.env] (changed)"}});
}

TEST_CASE("the status port is shown as it was written, and left out where there is none", "[plan]") {
    CHECK(plan("{statusPort: \"${P}\", statusAddress: \"${A}\", services: {web: {command: [/opt/web]}}}",
               {{"P", "9100"}, {"A", "::1"}})
              .contains("\nstatusPort: \"${P}\"\nstatusAddress: \"${A}\"\n"));
    CHECK(plan("{statusPort: 9100, services: {web: {command: [/opt/web]}}}").contains("\nstatusPort: 9100\nservices:"));
    CHECK_FALSE(plan("services: {web: {command: [/opt/web]}}").contains("status"));
}

} // namespace davit::config
