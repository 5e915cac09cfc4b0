// SPDX-License-Identifier: Apache-2.0
// Bad configurations, value by value: the whole text that a person reads, at the place where it is to be mended.
#include "made_up_files.h"

#include "support/catch.h"

namespace davit::config {

namespace {

/// Problems of the keys of one service, each written as one line below `m:`; the first is in line 3.
std::string problems_of_service(const std::string& keys, std::map<std::string, std::string> environment = {}) {
    return problems_of("services:\n  m:\n    " + keys + "\n    main: true\n    command: x\n", std::move(environment));
}

std::string problems_of_lifecycle(const std::string& keys) {
    return problems_of("services: {m: {command: x}}\nlifecycle:\n  " + keys + "\n");
}

} // namespace

TEST_CASE("unknown keys are told at the key, with the nearest known one or all of them", "[bad_values]") {
    CHECK(problems_of("{ap: x, services: {m: {comand: x, command: y, statusPort: 1}}}") ==
          "davit.yaml:1:2: unknown key \"ap\" (did you mean \"app\"?)\n"
          "davit.yaml:1:24: services.m: unknown key \"comand\" (did you mean \"command\"?)\n"
          "davit.yaml:1:47: services.m: unknown key \"statusPort\": command, args, main, oneshot, dependsOn, env, "
          "envFile, workingDir, user, group, umask, rlimits, nice, oomScoreAdj, noNewPrivileges, startupProbe, "
          "readinessProbe, livenessProbe, restartPolicy, backoff, critical, successExitCodes, "
          "stopSignal, stopCommand, terminationGracePeriodSeconds, logs, cpus and enabled are known here\n");
    CHECK(problems_of_service("readinessprobe: {}") ==
          "davit.yaml:3:5: services.m: unknown key \"readinessprobe\" (did you mean \"readinessProbe\"?)\n");
    CHECK(problems_of_lifecycle("stop: {sleep: {second: 1}}") ==
          "davit.yaml:3:18: lifecycle.stop.sleep: unknown key \"second\" (did you mean \"seconds\"?)\n");
}

TEST_CASE("a duplicate key is told with its path", "[bad_values]") {
    CHECK(problems_of("services:\n  m:\n    command: x\n    command: y\n") ==
          "davit.yaml:4:5: services.m: duplicate key \"command\": it is in line 3 already\n");
}

TEST_CASE("wrong types say what was expected and what was found", "[bad_values]") {
    CHECK(problems_of_service("workingDir: [a]") ==
          "davit.yaml:3:17: services.m.workingDir: expected an absolute path, found a list\n");
    CHECK(problems_of_service("critical: yes") ==
          "davit.yaml:3:15: services.m.critical: expected true or false, found \"yes\"\n");
    CHECK(problems_of_service("critical: \"true\"") == "davit.yaml:3:15: services.m.critical: expected true or false, "
                                                       "found \"true\" as a text: leave the quotes out\n");
    CHECK(problems_of_service("env: x") ==
          "davit.yaml:3:10: services.m.env: expected a map of names and texts, found a text\n");
    CHECK(problems_of_service("successExitCodes: [a, 1.5]") ==
          "davit.yaml:3:24: services.m.successExitCodes[0]: expected a whole number, found \"a\"\n"
          "davit.yaml:3:27: services.m.successExitCodes[1]: expected a whole number, found \"1.5\"\n");
    CHECK(problems_of_service("dependsOn: a") == "davit.yaml:3:16: services.m.dependsOn: expected a list of services, "
                                                 "or a map of them, found \"a\": write it in [ ]\n");
    CHECK(problems_of_service("readinessProbe: 8080") ==
          "davit.yaml:3:21: services.m.readinessProbe: expected a map with the keys of a probe, found \"8080\"\n");
    CHECK(problems_of_service("stopCommand: {a: b}") ==
          "davit.yaml:3:18: services.m.stopCommand: expected a list of texts, or one text, found a map\n");
    CHECK(problems_of_service("args: [a, ~, [b]]") ==
          "davit.yaml:3:15: services.m.args[1]: expected a text, found nothing\n"
          "davit.yaml:3:18: services.m.args[2]: expected a text, found a list\n");
    CHECK(problems_of_lifecycle("online: [x]") ==
          "davit.yaml:3:12: lifecycle.online[0]: expected a map with the keys of a step, found \"x\"\n");
    CHECK(problems_of("services: [a]") == "davit.yaml:1:11: services: expected a map by name, found a list\n");
    CHECK(problems_of("services: {m: {main: true, command: x}, b: web}") ==
          "davit.yaml:1:44: services.b: expected a map with the keys of a service, found \"web\"\n");
    CHECK(problems_of("- a\n") == "davit.yaml:1:1: expected a map with the keys app, terminationGracePeriodSeconds, "
                                  "services, lifecycle, cpus, logs, isolateFile, isolateKey, stateDir, statusPort and "
                                  "statusAddress, found a list\n");
}

TEST_CASE("numbers are decimal, and in their range", "[bad_values]") {
    CHECK(
        problems_of_service("terminationGracePeriodSeconds: 017") ==
        "davit.yaml:3:36: services.m.terminationGracePeriodSeconds: expected a number of seconds, found \"017\": write "
        "it without the leading 0 (some read it as octal)\n");
    CHECK(
        problems_of_service("terminationGracePeriodSeconds: 10s") ==
        "davit.yaml:3:36: services.m.terminationGracePeriodSeconds: expected a number of seconds, found \"10s\": write "
        "the number alone, without a unit\n");
    CHECK(problems_of_service("terminationGracePeriodSeconds: -1") ==
          "davit.yaml:3:36: services.m.terminationGracePeriodSeconds: must be from 0 to 1000000, found -1\n");
    CHECK(problems_of_service("readinessProbe: {tcpSocket: {port: 70000}, periodSeconds: 0, failureThreshold: 0}") ==
          "davit.yaml:3:40: services.m.readinessProbe.tcpSocket.port: must be from 1 to 65535, found 70000\n"
          "davit.yaml:3:63: services.m.readinessProbe.periodSeconds: must be from 0.01 to 1000000, found 0\n"
          "davit.yaml:3:84: services.m.readinessProbe.failureThreshold: must be from 1 to 5000, found 0\n");
    CHECK(problems_of_service("backoff: {factor: 0.5, limit: .inf}") ==
          "davit.yaml:3:23: services.m.backoff.factor: must be from 1 to 1000, found 0.5\n"
          "davit.yaml:3:35: services.m.backoff.limit: expected a whole number, found \".inf\"\n");
    CHECK(problems_of_service("successExitCodes: 256") ==
          "davit.yaml:3:23: services.m.successExitCodes: must be from 0 to 255, found 256\n");
}

TEST_CASE("the status port and its address are numbers", "[bad_values]") {
    const std::string services = "services: {m: {command: x}}\n";
    CHECK(problems_of(services + "statusPort: 0\nstatusAddress: localhost\n") ==
          "davit.yaml:2:13: statusPort: must be from 1 to 65535, found 0\n"
          "davit.yaml:3:16: statusAddress: expected an address of IPv4 or IPv6, such as 127.0.0.1 or \"::1\", found "
          "\"localhost\"\n");
    CHECK(problems_of(services + "statusPort: status\nstatusAddress: 10.0.0.256\n") ==
          "davit.yaml:2:13: statusPort: expected a port number, found \"status\": the port names of a Pod are not "
          "known here, write the number\n"
          "davit.yaml:3:16: statusAddress: expected an address of IPv4 or IPv6, such as 127.0.0.1 or \"::1\", found "
          "\"10.0.0.256\"\n");
    CHECK(problems_of(services + "statusPort: 1\nstatusAddress: \"${A}\"\n", {{"A", "no"}}) ==
          "davit.yaml:3:16: statusAddress: expected an address of IPv4 or IPv6, such as 127.0.0.1 or \"::1\", found "
          "\"${A}\", which gives something else\n");
    CHECK(problems_of(services + "statusPort: [1]\nstatusAddress: [\"::\"]\n") ==
          "davit.yaml:2:13: statusPort: expected a port number, found a list\n"
          "davit.yaml:3:16: statusAddress: expected an address of IPv4 or IPv6, such as 127.0.0.1 or \"::1\", found "
          "a list\n");
    CHECK(problems_of(services + "statusPort: 1\nstatusAddress: \"::\"\n").empty());
}

TEST_CASE("a port is a number, not a name of the Pod", "[bad_values]") {
    CHECK(problems_of_service("readinessProbe: {httpGet: {path: /, port: http}}") ==
          "davit.yaml:3:47: services.m.readinessProbe.httpGet.port: expected a port number, found \"http\": the port "
          "names "
          "of a Pod are not known here, write the number\n");
    CHECK(problems_of_lifecycle("drain: {ports: [0, http]}") ==
          "davit.yaml:3:19: lifecycle.drain.ports[0]: must be from 1 to 65535, found 0\n"
          "davit.yaml:3:22: lifecycle.drain.ports[1]: expected a port number, found \"http\": the port names of a Pod "
          "are "
          "not known here, write the number\n");
}

TEST_CASE("a choice is one of its words", "[bad_values]") {
    CHECK(problems_of_service("restartPolicy: always") ==
          "davit.yaml:3:20: services.m.restartPolicy: expected Always, "
          "OnFailure or Never, found \"always\" (did you mean \"Always\"?)\n");
    CHECK(problems_of_service("stopSignal: SIGFOO") ==
          "davit.yaml:3:17: services.m.stopSignal: expected a signal such as TERM, found \"SIGFOO\"\n");
    CHECK(problems_of_lifecycle("goOnline: automatic") ==
          "davit.yaml:3:13: lifecycle.goOnline: expected auto or manual, found \"automatic\"\n");
}

TEST_CASE("a probe has exactly one handler, and what it needs", "[bad_values]") {
    CHECK(problems_of_service("readinessProbe: {periodSeconds: 1}") ==
          "davit.yaml:3:21: services.m.readinessProbe: a probe needs one of exec, httpGet, tcpSocket, grpc, file, log, "
          "notify, found none\n");
    CHECK(problems_of_service("livenessProbe: {exec: {command: x}, tcpSocket: {port: 1}}") ==
          "davit.yaml:3:20: services.m.livenessProbe: a probe has one of exec, httpGet, tcpSocket, grpc, file, log, "
          "notify, found exec and tcpSocket\n");
    CHECK(problems_of_service("livenessProbe: {httpGet: {path: /}}") ==
          "davit.yaml:3:30: services.m.livenessProbe.httpGet: httpGet needs port\n");
    CHECK(problems_of_service("startupProbe: {exec: {}, successThreshold: 2}") ==
          "davit.yaml:3:26: services.m.startupProbe.exec: exec needs command\n");
    CHECK(problems_of_service("startupProbe: {tcpSocket: {port: 1}, successThreshold: 2}") ==
          "davit.yaml:3:60: services.m.startupProbe.successThreshold: must be 1 for a startupProbe, as in a Pod, found "
          "2\n");
    CHECK(
        problems_of_service("readinessProbe: {httpGet: {port: 1, httpHeaders: [{name: A, valueFrom: b}]}}") ==
        "davit.yaml:3:55: services.m.readinessProbe.httpGet.httpHeaders[0]: an item of this list has the keys name and "
        "value, both texts, and no other\n");
    CHECK(problems_of_service("readinessProbe: {httpGet: {port: 1, httpHeaders: {A: \"b\\r\\nC: d\"}}}") ==
          "davit.yaml:3:58: services.m.readinessProbe.httpGet.httpHeaders.A: a header cannot contain a line break\n");
}

TEST_CASE("a grpc, file, log or notify probe says what is wrong with it", "[bad_values]") {
    CHECK(problems_of_service("readinessProbe: {grpc: {service: a}}") ==
          "davit.yaml:3:28: services.m.readinessProbe.grpc: grpc needs port\n");
    CHECK(
        problems_of_service("readinessProbe: {grpc: {port: grpc}}") ==
        "davit.yaml:3:35: services.m.readinessProbe.grpc.port: expected a port number, found \"grpc\": the port names "
        "of a Pod are not known here, write the number\n");
    CHECK(problems_of_service("readinessProbe: {grpc: {port: 1, tls: true}}") ==
          "davit.yaml:3:38: services.m.readinessProbe.grpc: unknown key \"tls\": port, host and service are known "
          "here\n");
    CHECK(problems_of_service("startupProbe: {file: {path: run/ready}}") ==
          "davit.yaml:3:33: services.m.startupProbe.file.path: expected an absolute path, found \"run/ready\"\n");
    CHECK(problems_of_service("startupProbe: {file: {}}") ==
          "davit.yaml:3:26: services.m.startupProbe.file: file needs path\n");
    CHECK(problems_of_service("startupProbe: {log: started}") ==
          "davit.yaml:3:25: services.m.startupProbe.log: expected a map with the keys of log, found \"started\"\n");
    CHECK(problems_of_service("startupProbe: {log: {}}") == "davit.yaml:3:25: services.m.startupProbe.log: log needs "
                                                            "pattern\n");
    CHECK(problems_of_service("startupProbe: {notify: {socket: /x}}") ==
          "davit.yaml:3:29: services.m.startupProbe.notify: unknown key \"socket\": no key is known here\n");
    CHECK(problems_of_service("startupProbe: {notify: true}") ==
          "davit.yaml:3:28: services.m.startupProbe.notify: expected {}, a map without keys, found \"true\"\n");
    CHECK(problems_of_service("readinessProbe: {notify: {}, successThreshold: 2}") ==
          "davit.yaml:3:52: services.m.readinessProbe.successThreshold: must be 1 with log or notify, which are told "
          "once, found 2\n");
}

TEST_CASE("a bad pattern is told at its place in the words of the C library", "[bad_values]") {
    const auto problems_of_pattern = [](const std::string& pattern) {
        return problems_of("services:\n  m:\n    command: x\n    logs: prefix\n    startupProbe: {log: {pattern: '" +
                           pattern + "'}}\n");
    };
    const std::string place = "davit.yaml:5:35: services.m.startupProbe.log.pattern: is no pattern that can be used: ";
    CHECK(problems_of_pattern("started in [0-9.]+ s(econds)?").empty());
    CHECK(problems_of_pattern("a(b") == place + "Unmatched ( or \\(\n");
    CHECK(problems_of_pattern("[a-") == place + "Unmatched [, [^, [:, [., or [=\n");
    CHECK(problems_of_pattern("a{2,1}") == place + "Invalid content of \\{\\}\n");
    CHECK(problems_of_pattern("(a)\\1") == place + "references back such as \\1 are not possible\n");
    CHECK(problems_of_pattern("((a{200}){200}){200}") ==
          place + "it repeats too much: the counts in {} multiply to more than 1000\n");
    CHECK(problems_of_pattern("a{99999999999999999999}") ==
          place + "it repeats too much: the counts in {} multiply to more than 1000\n");
    CHECK(problems_of_pattern(std::string(513, 'a')) == place + "it is longer than 512 bytes\n");
}

TEST_CASE("a log probe needs output that davit relays", "[bad_values]") {
    CHECK(problems_of_service("startupProbe: {log: {pattern: up}}") ==
          "davit.yaml:3:20: services.m.startupProbe.log: davit does not see the output of m, its logs are raw (the "
          "default of main): say logs: prefix there, or use another probe\n");
    CHECK(problems_of("services:\n  m: {main: true, command: x}\n  n:\n    command: x\n    logs: raw\n"
                      "    livenessProbe: {log: {pattern: up}}\n") ==
          "davit.yaml:6:21: services.n.livenessProbe.log: davit does not see the output of n, its logs are raw: say "
          "logs: prefix there, or use another probe\n");
    CHECK(problems_of("services: {m: {main: true, command: x}, n: {command: x, startupProbe: {log: {pattern: u}}}}")
              .empty());
}

TEST_CASE("a step has exactly one action, and what it needs", "[bad_values]") {
    CHECK(problems_of_lifecycle("online: [{exec: {command: x}}, {attempts: 2}]") ==
          "davit.yaml:3:34: lifecycle.online[1]: a step needs one of exec, http, tcpSocket, sleep, found none\n");
    CHECK(
        problems_of_lifecycle("online: {http: {method: get, url: \"lb:80\"}}") ==
        "davit.yaml:3:27: lifecycle.online.http.method: expected GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS, found "
        "\"get\" (did you mean \"GET\"?)\n"
        "davit.yaml:3:37: lifecycle.online.http.url: expected an address that begins with http:// or https://, found "
        "\"lb:80\"\n");
    CHECK(problems_of_lifecycle("stop: {sleep: {}}") == "davit.yaml:3:17: lifecycle.stop.sleep: sleep needs seconds\n");
}

TEST_CASE("a command names a program, its quotes are closed", "[bad_values]") {
    CHECK(problems_of("services: {m: {command: []}}") ==
          "davit.yaml:1:25: services.m.command: names no program: it is empty\n");
    CHECK(problems_of("services: {m: {command: \"\"}}") ==
          "davit.yaml:1:25: services.m.command: names no program: it is empty\n");
    CHECK(problems_of("services: {m: {command: \"${NOTHING:-}\"}}").contains("services.m.command: names no program"));
    CHECK(problems_of("services: {m: {command: \"sh -c 'x\"}}") ==
          "davit.yaml:1:25: services.m.command: the quote ' is never closed (character 7)\n");
    CHECK(problems_of("services: {m: {main: true}, n: {args: [x]}}") ==
          "davit.yaml:1:12: services.m: has no command\n"
          "davit.yaml:1:29: services.n: has args, but no command\n");
}

TEST_CASE("who expects a shell is told that there is none", "[bad_values]") {
    CHECK(
        problems_of("services: {m: {command: \"sleep 1 && echo x > y\"}}") ==
        "warning: davit.yaml:1:25: services.m.command: no shell is run, so \"&&\" is an argument like any other: for a "
        "shell write [sh, -c, \"...\"]\n");
    CHECK(problems_of("services: {m: {command: [sh, -c, \"a && b\"], args: [\"|\"]}}").empty());
}

TEST_CASE("a slip that makes everything look wrong is told once", "[bad_values]") {
    CHECK(problems_of("servcies: {m: {command: x}}") ==
          "davit.yaml:1:1: unknown key \"servcies\" (did you mean \"services\"?)\n");
    CHECK(problems_of("apiVersion: v1\nkind: Pod\nspec: {}\n") ==
          "davit.yaml:1:1: this is a manifest of Kubernetes and no configuration: `davit check --pod FILE` compares it "
          "with one\n");
    CHECK(problems_of("services:\n  m:\n  command: x\n")
              .contains("davit.yaml:3:12: services.command: expected a map with the keys of a service, found \"x\" "
                        "(command is a key of a "
                        "service: is it indented too little?)\n"));
    CHECK(problems_of("services: {m: {command: x, main: true, dependsOn: a}, a: {command: y}}") ==
          "davit.yaml:1:51: services.m.dependsOn: expected a list of services, or a map of them, found \"a\": write it "
          "in [ ]\n");
}

TEST_CASE("what ${...} gives is checked, and only what was written is shown", "[bad_values]") {
    const std::map<std::string, std::string> environment = {{"SECRET", "hunter2"}, {"EMPTY", ""}};
    const std::string text = R"(
terminationGracePeriodSeconds: ${SECRET}
app: ${EMPTY}
services:
  m:
    command: x
    critical: ${SECRET}
    workingDir: ${SECRET}
    stopSignal: ${SECRET}
    restartPolicy: ${SECRET}
    dependsOn: ["${SECRET}"]
    successExitCodes: ["${SECRET}"]
    env: {A: "${SECRET}", B: [hunter2]}
    readinessProbe: {tcpSocket: {port: "${SECRET}"}}
)";
    CHECK(
        problems_of(text, environment) ==
        "davit.yaml:2:32: terminationGracePeriodSeconds: expected a number of seconds, found \"${SECRET}\", which "
        "gives "
        "something else\n"
        "davit.yaml:3:6: app: is empty: \"${EMPTY}\" gives nothing\n"
        "davit.yaml:7:15: services.m.critical: expected true or false, found \"${SECRET}\", which gives something "
        "else\n"
        "davit.yaml:8:17: services.m.workingDir: expected an absolute path, found \"${SECRET}\", which gives something "
        "else\n"
        "davit.yaml:9:17: services.m.stopSignal: expected a signal such as TERM, found \"${SECRET}\", which gives "
        "something else\n"
        "davit.yaml:10:20: services.m.restartPolicy: expected Always, OnFailure or Never, found \"${SECRET}\", which "
        "gives something else\n"
        "davit.yaml:11:17: services.m.dependsOn: unknown service \"${SECRET}\"\n"
        "davit.yaml:12:24: services.m.successExitCodes[0]: expected a whole number, found \"${SECRET}\", which gives "
        "something else\n"
        "davit.yaml:13:30: services.m.env.B: expected a text, found a list\n"
        "davit.yaml:14:40: services.m.readinessProbe.tcpSocket.port: expected a port number, found \"${SECRET}\", "
        "which "
        "gives something else\n");
}

TEST_CASE("an unset variable is an error for run and a warning for those who look", "[bad_values]") {
    LoadResult result =
        load_text("services: {m: {command: [x, \"${NOPE}\"], terminationGracePeriodSeconds: \"${T}\"}}");

    CHECK(lines_of(result.problems) ==
          "in run: davit.yaml:1:29: services.m.command[1]: the variable NOPE is not set; write ${NOPE:-default} to do "
          "without it\n"
          "in run: davit.yaml:1:72: services.m.terminationGracePeriodSeconds: the variable T is not set; write "
          "${T:-default} to do without it\n");
    CHECK(has_error(result, Purpose::run));
    CHECK(!has_error(result, Purpose::check));
    CHECK(result.pod.services.at(0).command == std::vector<model::Text>{"x", "${NOPE}"});
}

TEST_CASE("references that cannot be read are errors", "[bad_values]") {
    CHECK(problems_of("services: {m: {command: [x, \"${NOPE\"]}}") ==
          "davit.yaml:1:29: services.m.command[1]: ${ is never closed with }\n");
    CHECK(problems_of("services: {m: {command: \"x ${A:-b c\"}}") ==
          "davit.yaml:1:25: services.m.command: ${ is never closed with }\n");
    CHECK(
        problems_of("services: {m: {command: [x, \"${1A}\"]}}") ==
        "davit.yaml:1:29: services.m.command[1]: \"${1A}\" is neither ${NAME}, ${NAME:-default}, ${NAME:?message} nor "
        "${file:/path}; write $$ for a $\n");
    CHECK(problems_of("services: {m: {command: x, env: {A: \"${file:/nope}\"}}}") ==
          "in run: davit.yaml:1:37: services.m.env.A: cannot read /nope: no such file or directory\n");
    CHECK(problems_of("services: {m: {command: x, env: {A: \"${B:?say where}\"}}}") ==
          "in run: davit.yaml:1:37: services.m.env.A: B: say where\n");
}

TEST_CASE("a file of ${file:...} is a small text", "[bad_values]") {
    MadeUpFiles made_up{
        .files = {{"/c.yaml", "services: {m: {command: x, env: {A: \"${file:/huge}\", B: \"${file:/nul}\", "
                              "C: \"${file:/most}\", D: \"${file:/closed}\"}}}"},
                  {"/huge", std::string(64 * 1024 + 1, 'x')},
                  {"/most", std::string(64 * 1024, 'x')},
                  {"/nul", std::string{"a\0b", 3}}},
        .executables = {},
        .unreadable = {"/closed"},
        .environment = {}};
    LoadResult result = load(made_up.sources(), {.path = "/c.yaml", .command = {}});
    CHECK(lines_of(result.problems) ==
          "in run: /c.yaml:1:37: services.m.env.A: cannot read /huge: it is larger than 64 KiB\n"
          "in run: /c.yaml:1:57: services.m.env.B: cannot read /nul: it has a NUL character in it\n"
          "in run: /c.yaml:1:96: services.m.env.D: cannot read /closed: permission denied\n");
    CHECK(result.pod.services.at(0).env.at(2).value.value.size() == 64 * 1024);
}

TEST_CASE("names of variables are sound, and each is given once", "[bad_values]") {
    CHECK(problems_of_service("env: {\"A=B\": c, \"\": d}") ==
          "davit.yaml:3:11: services.m.env: a name cannot be empty or contain \"=\", found \"A=B\"\n"
          "davit.yaml:3:21: services.m.env: a name cannot be empty or contain \"=\", found \"\"\n");
    CHECK(problems_of_service("env: [{name: A, value: b}, {name: A, value: c}]") ==
          "davit.yaml:3:39: services.m.env: duplicate name \"A\"\n");
}

TEST_CASE("a text with control characters is shown without them, and a long one is cut", "[bad_values]") {
    CHECK(problems_of_service("critical: \"\\e[31m\\n\"").contains("found \"\\x1b[31m\\x0a\" as a text"));
    CHECK(problems_of_service("critical: " + std::string(100, 'x'))
              .contains("found \"" + std::string(60, 'x') + "...\"\n"));
}

TEST_CASE("a key with control characters, or a long one, is one short piece of the line", "[bad_values]") {
    CHECK(problems_of("services: {\"a\\n\\e[2J\": {critical: x, command: y, main: true}}") ==
          "davit.yaml:1:12: services: a service's name has letters, digits, \".\", \"_\" and \"-\", found "
          "\"a\\x0a\\x1b[2J\"\n"
          "davit.yaml:1:35: services.a\\x0a\\x1b[2J.critical: expected true or false, found \"x\"\n");
    CHECK(problems_of("services: {m: {command: x, env: {" + std::string(500, 'K') + ": [v]}}}") ==
          "davit.yaml:1:536: services.m.env." + std::string(60, 'K') + "...: expected a text, found a list\n");
}

TEST_CASE("what looks like a blank and is none is shown", "[bad_values]") {
    CHECK(
        problems_of_service("\xC2\xA0nice: 1").starts_with("davit.yaml:3:5: services.m: unknown key \"\\u00a0nice\""));
    CHECK(problems_of_service("critical: tr\xE2\x80\x8Bue") ==
          "davit.yaml:3:15: services.m.critical: expected true or false, found \"tr\\u200bue\"\n");
}

TEST_CASE("all problems are told at once, sorted by their place", "[bad_values]") {
    CHECK(problems_of(R"(
services:
  web:
    command: x
    main: true
    dependsOn: [datbase, web2]
  database: {comand: y, oneshot: maybe}
terminationGracePeriodSeconds: soon
)") == "davit.yaml:6:17: services.web.dependsOn: unknown service \"datbase\" (did you mean \"database\"?)\n"
       "davit.yaml:6:26: services.web.dependsOn: unknown service \"web2\"\n"
       "davit.yaml:7:14: services.database: unknown key \"comand\" (did you mean \"command\"?)\n"
       "davit.yaml:7:34: services.database.oneshot: expected true or false, found \"maybe\"\n"
       "davit.yaml:8:32: terminationGracePeriodSeconds: expected a number of seconds, found \"soon\"\n");
}

} // namespace davit::config
