// SPDX-License-Identifier: Apache-2.0
// The app.yaml of an application: its entrypoint is CMD, and what is wrong in it is told as in the configuration.
#include "made_up_files.h"

#include "support/catch.h"

namespace davit::config {

namespace {

using Words = std::vector<model::Text>;

const char* const base = "services: {web: {main: true}, agent: {command: a}}";

LoadResult load_app(const std::string& app, std::map<std::string, std::string> environment = {}) {
    MadeUpFiles made_up{.files = {{"/c.yaml", base}, {"/app.yaml", app}},
                        .executables = {},
                        .unreadable = {},
                        .environment = std::move(environment)};
    return load(made_up.sources(), {.path = "/c.yaml", .command = {}, .more_paths = {}, .app_file = "/app.yaml"});
}

std::string problems_of_app(const std::string& app) {
    return lines_of(load_app(app).problems);
}

} // namespace

TEST_CASE("the entrypoint of an app.yaml is CMD, as a list and as a text", "[app_file]") {
    LoadResult list = load_app("{stack: spring-boot, runtime: jdk-17, entrypoint: [java, -jar, \"${JAR:-/app.jar}\"]}");

    CHECK(lines_of(list.problems).empty());
    CHECK(list.pod.services[0].command == Words{"java", "-jar", {"/app.jar", "${JAR:-/app.jar}"}});
    CHECK(list.files == std::vector<std::string>{"/c.yaml", "/app.yaml"});
    LoadResult text = load_app("entrypoint: sh -c 'exec java $JAVA_OPTS' x");
    CHECK(lines_of(text.problems).empty());
    CHECK(text.pod.services[0].command == Words{"sh", "-c", "exec java $JAVA_OPTS", "x"});
}

TEST_CASE("an entrypoint without any configuration is plain init", "[app_file]") {
    MadeUpFiles made_up{.files = {{"/app.yaml", "entrypoint: [java]"}}};
    LoadResult result = load(made_up.sources(), {.path = {}, .command = {}, .more_paths = {}, .app_file = "/app.yaml"});

    CHECK(lines_of(result.problems).empty());
    CHECK(result.pod.plain_init);
    CHECK(result.pod.services.at(0).command == Words{"java"});
}

TEST_CASE("--app goes before DAVIT_APP_YAML, and CMD before that", "[app_file]") {
    MadeUpFiles made_up{.files = {{"/a.yaml", "entrypoint: a"}, {"/b.yaml", "entrypoint: b"}},
                        .executables = {},
                        .unreadable = {},
                        .environment = {{"DAVIT_APP_YAML", "/a.yaml"}}};
    const auto command_of = [&](LoadRequest request) {
        LoadResult result = load(made_up.sources(), request);
        CHECK(lines_of(result.problems).empty());
        return result.pod.services.at(0).command;
    };
    CHECK(command_of({}) == Words{"a"});
    CHECK(command_of({.path = {}, .command = {}, .more_paths = {}, .app_file = "/b.yaml"}) == Words{"b"});
    CHECK(command_of({.path = {}, .command = {"c"}}) == Words{"c"});
    made_up.environment["DAVIT_APP_YAML"] = "";
    CHECK(command_of({.path = {}, .command = {"c"}}) == Words{"c"});
}

TEST_CASE("CMD beside --app is an error", "[app_file]") {
    MadeUpFiles made_up{.files = {{"/a.yaml", "entrypoint: a"}}};
    CHECK(lines_of(load(made_up.sources(), {.path = {}, .command = {"c"}, .more_paths = {}, .app_file = "/a.yaml"})
                       .problems) ==
          "CMD is given twice, after -- and by --app: its entrypoint would be CMD, leave one of them out\n");
}

TEST_CASE("an app.yaml forgives nothing", "[app_file]") {
    CHECK(problems_of_app("{stack: x, entry: [a]}") ==
          "/app.yaml:1:12: unknown key \"entry\": stack, runtime and entrypoint are known here\n");
    CHECK(problems_of_app("stack: x\n") == "/app.yaml:1:1: an app.yaml needs entrypoint\n");
    CHECK(problems_of_app("{entrypoint: ~}") == "/app.yaml:1:1: an app.yaml needs entrypoint\n");
    CHECK(problems_of_app("entrypoint: {a: b}") ==
          "/app.yaml:1:13: entrypoint: expected a list of texts, or one text, found a map\n");
    CHECK(problems_of_app("entrypoint: []") == "/app.yaml:1:13: entrypoint: names no program: it is empty\n");
    CHECK(problems_of_app("entrypoint: \"a 'b\"") ==
          "/app.yaml:1:13: entrypoint: the quote ' is never closed (character 3)\n");
    CHECK(problems_of_app("{entrypoint: a, stack: [x], runtime: {x: y}}") ==
          "/app.yaml:1:24: stack: expected a text, found a list\n"
          "/app.yaml:1:38: runtime: expected a text, found a map\n");
    CHECK(problems_of_app("- entrypoint") ==
          "/app.yaml:1:1: expected a map with the keys stack, runtime and entrypoint, found a list\n");
    CHECK(problems_of_app("# nothing\n") == "/app.yaml: is empty: an app.yaml has an entrypoint\n");
    CHECK(problems_of_app("entrypoint: [") == "/app.yaml:1:13: a { or [ that begins here is never closed\n");
    CHECK(problems_of_app("entrypoint: [\"${JAR}\"]") ==
          "in run: /app.yaml:1:14: entrypoint[0]: the variable JAR is not set; write ${JAR:-default} to do without "
          "it\n");
}

TEST_CASE("an app.yaml that is not there is an error, also if the environment names it", "[app_file]") {
    MadeUpFiles made_up{.files = {{"/d/x", ""}}};
    CHECK(lines_of(load(made_up.sources(), {.path = {}, .command = {}, .more_paths = {}, .app_file = "/app.yaml"})
                       .problems) == "/app.yaml: cannot read it: no such file or directory\n");
    CHECK(lines_of(load(made_up.sources(), {.path = {}, .command = {}, .more_paths = {}, .app_file = "/d"}).problems) ==
          "/d: is a directory: name the file\n");
    made_up.environment["DAVIT_APP_YAML"] = "/nope";
    CHECK(lines_of(load(made_up.sources(), {}).problems) == "/nope: cannot read it: no such file or directory\n");
}

TEST_CASE("a bad app.yaml hides nothing of the configuration, and adds no noise", "[app_file]") {
    MadeUpFiles made_up{.files = {{"/c.yaml", "services: {web: {main: true, crticial: true}}"}, {"/app.yaml", "x: y"}}};
    CHECK(lines_of(
              load(made_up.sources(), {.path = "/c.yaml", .command = {}, .more_paths = {}, .app_file = "/app.yaml"})
                  .problems) == "/app.yaml:1:1: unknown key \"x\": stack, runtime and entrypoint are known here\n"
                                "/c.yaml:1:30: services.web: unknown key \"crticial\" (did you mean \"critical\"?)\n");
}

TEST_CASE("check looks for the program of CMD in the place of main's", "[app_file]") {
    MadeUpFiles made_up{
        .files = {{"/c.yaml",
                   "services: {web: {main: true, command: nowhere, workingDir: /srv}, agent: {command: ls}}"},
                  {"/app.yaml", "entrypoint: [java, x]"},
                  {"/srv/bin/run.sh", ""}},
        .executables = {"/bin/ls"},
        .unreadable = {},
        .environment = {{"PATH", "/bin"}}};
    const auto warnings_of = [&](LoadRequest request) {
        request.path = "/c.yaml";
        request.purpose = Purpose::check;
        return lines_of(load(made_up.sources(), request).problems);
    };
    CHECK(warnings_of({.path = {}, .command = {}, .more_paths = {}, .app_file = "/app.yaml"}) ==
          "warning: /app.yaml:1:14: entrypoint: \"java\" is not on this machine (no such executable in the PATH)\n");
    CHECK(warnings_of({.path = {}, .command = {"bin/run.sh"}}) ==
          "warning: CMD: \"bin/run.sh\" is not executable on this machine\n");
    CHECK(warnings_of({.path = {}, .command = {"ls"}}).empty());
}

} // namespace davit::config
