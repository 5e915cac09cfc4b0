// SPDX-License-Identifier: Apache-2.0
// What only the configuration as a whole shows: mains, names, dependencies, times, files and scripts.
#include "made_up_files.h"

#include "support/catch.h"

namespace davit::config {

namespace {

std::string problems_of_files(std::map<std::string, std::string> files, std::vector<std::string> command = {},
                              std::set<std::string> executables = {}) {
    MadeUpFiles made_up{
        .files = std::move(files), .executables = std::move(executables), .unreadable = {}, .environment = {}};
    return lines_of(load(made_up.sources(), {.path = "/c", .command = std::move(command)}).problems);
}

} // namespace

TEST_CASE("names of services are sound and mean nothing else", "[pod_rules]") {
    CHECK(problems_of(
              "services: {m: {command: x, main: true}, \"a b\": {command: x}, all: {command: x}, online: {command: x}, "
              "a.b_c-1: {command: x}}") ==
          "davit.yaml:1:41: services: a service's name has letters, digits, \".\", \"_\" and \"-\", found \"a b\"\n"
          "davit.yaml:1:62: services: a service cannot be named \"all\": it stands for all services\n"
          "davit.yaml:1:81: services: a service cannot be named \"online\": it is the name of a phase\n");
    for (const char* phase : {"starting", "preloading", "checking", "going-online", "going-offline", "draining",
                              "offline", "stopping", "stopped", "failed"}) {
        CHECK(
            problems_of("services: {" + std::string{phase} + ": {command: x}}").contains("it is the name of a phase"));
    }
}

TEST_CASE("two mains after the merge are an error that names both files", "[pod_rules]") {
    CHECK(problems_of_files({{"/c/10-os.yaml", "services: {a: {command: x, main: true}}"},
                             {"/c/90-app.yaml", "services: {b: {command: x, main: true}}"}}) ==
          "/c/90-app.yaml:1:34: services.b.main: \"a\" is main already (/c/10-os.yaml:1:34): only one service can be, "
          "set "
          "main: false in one of them\n");
    CHECK(problems_of_files({{"/c/10-os.yaml", "services: {a: {command: x, main: true}}"},
                             {"/c/90-app.yaml", "services: {a: {main: false}, b: {command: x, main: true}}"}})
              .empty());
}

TEST_CASE("without a main run refuses and check warns", "[pod_rules]") {
    LoadResult result = load_text("services: {a: {command: x}, b: {command: x}}");
    CHECK(lines_of(result.problems) == "in run: davit.yaml:1:1: services: no service is main: say main: true in one of "
                                       "them, or give a CMD after --\n");
    CHECK(has_error(result, Purpose::run));
    CHECK(!has_error(result, Purpose::check));
    CHECK(
        lines_of(load(MadeUpFiles{}.sources(), {}).problems) ==
        "there is nothing to run: /etc/davit holds no configuration; name one with -c PATH, or give a CMD after --\n");
    CHECK(problems_of("app: x") ==
          "in run: no service is main: say main: true in one of them, or give a CMD after --\n");
    CHECK(
        problems_of("services: {a: {command: x, main: true, enabled: false}}") ==
        "in run: davit.yaml:1:49: services.a.enabled: the main service cannot be disabled: without it there is nothing "
        "to run\n");
    CHECK(problems_of("services: {a: {command: x, main: true, oneshot: true}}") ==
          "davit.yaml:1:49: services.a.oneshot: the main service cannot be a oneshot: its end is the end of the "
          "container "
          "anyway\n");
}

TEST_CASE("who says main badly is told that, and not also that there is no main", "[pod_rules]") {
    CHECK(problems_of("services: {a: {command: x, main: yess}, b: {command: x}}") ==
          "davit.yaml:1:34: services.a.main: expected true or false, found \"yess\"\n");
    CHECK(problems_of("services: {a: {command: x, mian: true}, b: {command: x}}") ==
          "davit.yaml:1:28: services.a: unknown key \"mian\" (did you mean \"main\"?)\n");
    CHECK(problems_of("services: {a: {command: x}, b: {command: x, oneshot: ja}}") ==
          "davit.yaml:1:54: services.b.oneshot: expected true or false, found \"ja\"\n");
    CHECK(problems_of("services: {a: {command: x}, b: {command: x, critical: ja}}") ==
          "in run: davit.yaml:1:1: services: no service is main: say main: true in one of them, or give a CMD after "
          "--\n"
          "davit.yaml:1:55: services.b.critical: expected true or false, found \"ja\"\n");
}

TEST_CASE("CMD cannot be a new service of a name that is taken", "[pod_rules]") {
    CHECK(problems_of_files({{"/c/a.yaml", "services: {main: {command: x}}"}}, {"java"}) ==
          "/c/a.yaml:1:12: services.main: CMD would be a new service of this name: say main: true here if CMD is to "
          "replace its command\n");
}

TEST_CASE("cycles are named in full", "[pod_rules]") {
    CHECK(problems_of("services:\n  m: {command: x, main: true}\n  a: {command: x, dependsOn: [b]}\n"
                      "  b: {command: x, dependsOn: {c: {}}}\n  c: {command: x, dependsOn: [m, a]}\n") ==
          "davit.yaml:3:31: services.a.dependsOn: a cycle, each waits for the next: a → b → c → a\n");
    CHECK(problems_of("services: {a: {command: x, dependsOn: [a]}}") ==
          "davit.yaml:1:40: services.a.dependsOn: a cycle, each waits for the next: a → a\n");
    CHECK(problems_of("services: {m: {command: x, main: true, dependsOn: [a]}, a: {command: x, dependsOn: [m]}}") ==
          "davit.yaml:1:52: services.m.dependsOn: a cycle, each waits for the next: m → a → m\n");
}

TEST_CASE("a dependency is listed once", "[pod_rules]") {
    CHECK(problems_of("services: {m: {command: x, main: true, dependsOn: [a, a]}, a: {command: x}}") ==
          "davit.yaml:1:55: services.m.dependsOn: a is listed twice\n");
}

TEST_CASE("conditions that can never be met are errors", "[pod_rules]") {
    CHECK(problems_of(R"(
services:
  m: {command: x, main: true, dependsOn: {a: {condition: ready}, b: {condition: completed}}}
  a: {command: x}
  b: {command: x}
)") == "davit.yaml:3:58: services.m.dependsOn.a.condition: ready is impossible: a has neither a startup nor a "
       "readiness "
       "probe\n"
       "davit.yaml:3:81: services.m.dependsOn.b.condition: completed is impossible: b restarts for ever (restartPolicy "
       "Always)\n");
    CHECK(
        problems_of("services: {m: {command: x, main: true}, i: {command: x, oneshot: true, restartPolicy: Always}}") ==
        "davit.yaml:1:41: services.i: m depends on it, which can never be met: i restarts for ever (restartPolicy "
        "Always)\n");
    CHECK(problems_of("services: {m: {command: x, main: true, dependsOn: [i]}, i: {command: x, oneshot: true, "
                      "restartPolicy: Always}}") ==
          "davit.yaml:1:52: services.m.dependsOn: can never be met: i restarts for ever (restartPolicy Always)\n");
}

TEST_CASE("a condition on what is disabled, or on what is bad itself, is not told", "[pod_rules]") {
    CHECK(problems_of("services: {m: {command: x, main: true, dependsOn: {a: {condition: ready}}}, "
                      "a: {command: x, enabled: false}}")
              .empty());
    CHECK(problems_of("services: {m: {command: x, main: true, dependsOn: {a: {condition: ready}}}, "
                      "a: {command: x, readinessProbe: {tcpSocket: {port: 0}}}}") ==
          "davit.yaml:1:128: services.a.readinessProbe.tcpSocket.port: must be from 1 to 65535, found 0\n");
}

TEST_CASE("written stop times beyond the grace period less 3 s are an error", "[pod_rules]") {
    const std::string lifecycle = R"(
services: {m: {command: x}}
lifecycle:
  offline: [{exec: {command: x}, timeoutSeconds: 5, attempts: 2, periodSeconds: 1}, {sleep: {seconds: 0.5}}]
  drain: {maxSeconds: 10, ports: [80]}
  stop: {exec: {command: x}, timeoutSeconds: 9}
)";
    CHECK(problems_of(lifecycle) == "davit.yaml:3:1: lifecycle: the written times of the stop are longer than the "
                                    "grace period of 30 s (the default) "
                                    "allows: offline 11.5 s + drain 10 s + stop 9 s = 30.5 s, at most 27 s (3 s are "
                                    "kept for main and the helpers)\n");
    CHECK(
        problems_of(lifecycle + "terminationGracePeriodSeconds: 33.4") ==
        "davit.yaml:7:32: terminationGracePeriodSeconds: the written times of the stop are longer than the grace "
        "period "
        "of 33.4 s allows: offline 11.5 s + drain 10 s + stop 9 s = 30.5 s, at most 30.4 s (3 s are kept for main and "
        "the helpers)\n");
    CHECK(problems_of(lifecycle + "terminationGracePeriodSeconds: 33.5").empty());
    CHECK(
        problems_of("services: {m: {command: x}}\nterminationGracePeriodSeconds: 4\nlifecycle: {drain: {ports: [80]}}")
            .empty());
}

TEST_CASE("the longest times that are allowed add up without an overflow", "[pod_rules]") {
    CHECK(problems_of(
              "services: {m: {command: x}}\nlifecycle: {stop: {exec: {command: x}, timeoutSeconds: 1000000, attempts: "
              "5000, periodSeconds: 1000000}}")
              .contains("stop 9999000000 s"));
}

TEST_CASE("a drain cannot end before it may", "[pod_rules]") {
    CHECK(problems_of("services: {m: {command: x}}\nlifecycle: {drain: {minSeconds: 5, maxSeconds: 2}}") ==
          "davit.yaml:2:48: lifecycle.drain.maxSeconds: 2 is below minSeconds, which is 5\n");
}

TEST_CASE("a script must be executable and the only one of its name", "[pod_rules]") {
    CHECK(problems_of_files({{"/c/a.yaml", "services: {m: {command: x}}"},
                             {"/etc/davit/hooks/online", ""},
                             {"/etc/davit/hooks/stop.sh", ""},
                             {"/etc/davit/hooks/stop", ""}},
                            {}, {"/etc/davit/hooks/stop"}) ==
          "/etc/davit/hooks/online: is not executable: chmod +x it; a ConfigMap volume needs defaultMode: 0755\n"
          "/etc/davit/hooks/stop: both stop and stop.sh are there: keep one\n");
    CHECK(problems_of("services: {m: {command: x}}\nlifecycle: {scriptsDir: /nope}") ==
          "in run: davit.yaml:2:25: lifecycle.scriptsDir: no such directory: \"/nope\"\n");
}

TEST_CASE("a named path that is missing or holds nothing is an error", "[pod_rules]") {
    CHECK(problems_of_files({}) == "/c: no such file or directory\n");
    CHECK(problems_of_files({{"/c/readme.txt", ""}}) == "/c: no *.yaml or *.yml file in this directory\n");
    CHECK(problems_of_files({{"/c", "# nothing\n"}}) ==
          "/c: is empty: a configuration was named, and there is none in it\n");
    CHECK(problems_of_files({}, {"java"}) == "/c: no such file or directory\n");
    MadeUpFiles made_up{.files = {{"/d/a.yaml", ""}},
                        .executables = {},
                        .unreadable = {"/d"},
                        .environment = {{"DAVIT_CONFIG", "/nope"}}};
    CHECK(lines_of(load(made_up.sources(), {}).problems) ==
          "/nope: no such file or directory (named by $DAVIT_CONFIG)\n");
    CHECK(lines_of(load(made_up.sources(), {.path = "/d", .command = {}}).problems) ==
          "/d: cannot list the directory: permission denied\n");
}

TEST_CASE("a pipe is read where it is named, and refused as a layer of a directory", "[pod_rules]") {
    MadeUpFiles made_up{.files = {{"/d/a.yaml", "services: {m: {command: x}}"}},
                        .executables = {},
                        .unreadable = {},
                        .environment = {},
                        .streams = {{"/dev/stdin", "services: {m: {command: piped}}"}, {"/d/b.yaml", ""}}};
    LoadResult piped = load(made_up.sources(), {.path = "/dev/stdin", .command = {}});
    CHECK(lines_of(piped.problems).empty());
    CHECK(piped.pod.services.at(0).command == std::vector<model::Text>{"piped"});
    CHECK(piped.read_from_stream);
    LoadResult directory = load(made_up.sources(), {.path = "/d", .command = {}});
    CHECK(lines_of(directory.problems) == "/d/b.yaml: is a pipe or a device: a layer of a directory must be a file\n");
    CHECK(!directory.read_from_stream);
    Sources sources = made_up.sources();
    sources.read_stream = nullptr;
    CHECK(lines_of(load(sources, {.path = "/dev/stdin", .command = {}}).problems) ==
          "/dev/stdin: cannot read it: it is a pipe or a device\n");
}

TEST_CASE("several paths are layers in their order, files and directories", "[pod_rules]") {
    MadeUpFiles made_up{.files = {{"/z.yaml", "{app: z, services: {m: {command: z, args: [a]}}}"},
                                  {"/d/10.yaml", "services: {m: {command: d}}"},
                                  {"/d/20.yaml", "services: {n: {command: n, oneshot: true}}"},
                                  {"/a.yaml", "app: a"}},
                        .executables = {},
                        .unreadable = {},
                        .environment = {{"DAVIT_CONFIG", "/nowhere"}}};
    LoadResult result =
        load(made_up.sources(), {.path = {}, .command = {}, .more_paths = {"/z.yaml", "/d", "/a.yaml"}});

    CHECK(lines_of(result.problems).empty());
    CHECK(result.files == std::vector<std::string>{"/z.yaml", "/d/10.yaml", "/d/20.yaml", "/a.yaml"});
    CHECK(result.pod.app == "a");
    CHECK(result.pod.services.at(0).command == std::vector<model::Text>{"d"});
    CHECK(lines_of(load(made_up.sources(), {.path = "/z.yaml", .command = {}, .more_paths = {"/nope", "/a.yaml"}})
                       .problems) == "/nope: no such file or directory\n");
}

TEST_CASE("a file that cannot be read is told, what the others hold is checked, what is missing proves nothing",
          "[pod_rules]") {
    CHECK(problems_of_files({{"/c/10.yaml", "services: {a: [}"},
                             {"/c/20.yaml", "services: {b: {dependsOn: [a], crticial: true}}"}}) ==
          "/c/10.yaml:1:16: a ] or } that closes nothing\n"
          "/c/20.yaml:1:32: services.b: unknown key \"crticial\" (did you mean \"critical\"?)\n");
    MadeUpFiles made_up{
        .files = {{"/c/a.yaml", ""}}, .executables = {}, .unreadable = {"/c/a.yaml"}, .environment = {}};
    CHECK(lines_of(load(made_up.sources(), {.path = "/c", .command = {}}).problems) ==
          "/c/a.yaml: cannot read it: permission denied\n");
}

TEST_CASE("an exception of a source is a problem, not a crash", "[pod_rules]") {
    Sources sources = MadeUpFiles{}.sources();
    sources.kind_of = [](const std::string&) -> FileKind { throw std::runtime_error{"out of something"}; };
    CHECK(lines_of(load(sources, {.path = "/c", .command = {}}).problems) ==
          "cannot read the configuration: out of something\n");
}

TEST_CASE("what asks the statusPort, or drains it, is warned of", "[pod_rules]") {
    CHECK(problems_of("statusPort: 9100\n"
                      "services:\n"
                      "  m: {command: x, main: true, readinessProbe: {httpGet: {port: 9100}}}\n"
                      "  h: {command: x, livenessProbe: {tcpSocket: {port: 9100, host: \"::1\"}}}\n"
                      "  g: {command: x, startupProbe: {grpc: {port: 9100, host: 127.0.0.1}}}\n"
                      "lifecycle: {drain: {ports: [8080, 9100]}}\n") ==
          "warning: davit.yaml:3:64: services.m.readinessProbe: 9100 is the statusPort: it would ask davit, not m\n"
          "warning: davit.yaml:4:53: services.h.livenessProbe: 9100 is the statusPort: it would ask davit, not h\n"
          "warning: davit.yaml:5:47: services.g.startupProbe: 9100 is the statusPort: it would ask davit, not g\n"
          "warning: davit.yaml:6:35: lifecycle.drain.ports: 9100 is the statusPort: probes and scrapes go on there "
          "while the pod drains\n");
    CHECK(problems_of("statusPort: 9100\n"
                      "services:\n"
                      "  m: {command: x, main: true, readinessProbe: {httpGet: {port: 9101}}}\n"
                      "  h: {command: x, livenessProbe: {tcpSocket: {port: 9100, host: db}}}\n"
                      "lifecycle: {drain: {ports: [8080]}}\n")
              .empty());
}

TEST_CASE("an address without a statusPort is warned of", "[pod_rules]") {
    CHECK(problems_of("{services: {m: {command: x}}, statusAddress: 127.0.0.1}") ==
          "warning: davit.yaml:1:46: statusAddress: has no meaning without statusPort\n");
    CHECK(problems_of("{services: {m: {command: x}}, statusAddress: 127.0.0.1, statusPort: 1}").empty());
}

} // namespace davit::config
