// SPDX-License-Identifier: Apache-2.0
// What `davit check` says about programs that are not where it runs.
#include "made_up_files.h"

#include "support/catch.h"

namespace davit::config {

namespace {

std::string warnings_of(const std::string& text) {
    MadeUpFiles made_up{.files = {{"/c", text}, {"/usr/bin/readme", ""}, {"/opt/dir/x", ""}},
                        .executables = {"/usr/bin/java", "/opt/bin/agent", "/srv/hooks/run.sh"},
                        .unreadable = {},
                        .environment = {{"PATH", "/bin:/usr/bin"}}};
    return lines_of(load(made_up.sources(), {.path = "/c", .command = {}, .purpose = Purpose::check}).problems);
}

} // namespace

TEST_CASE("check warns of commands that are not on this machine, wherever they stand", "[missing_commands]") {
    CHECK(warnings_of(R"(
services:
  m: {main: true, command: jav}
  a: {command: [/opt/bin/agnt], stopCommand: /usr/bin/readme now, livenessProbe: {exec: {command: /opt/dir}}}
lifecycle:
  online: {exec: {command: register}}
  stop: [{sleep: {seconds: 1}}, {exec: {command: [/x]}}]
)") == "warning: /c:3:28: services.m.command: \"jav\" is not on this machine (no such executable in the PATH)\n"
       "warning: /c:4:17: services.a.command: \"/opt/bin/agnt\" is not on this machine\n"
       "warning: /c:4:46: services.a.stopCommand: \"/usr/bin/readme\" is not executable on this machine\n"
       "warning: /c:4:99: services.a.livenessProbe.exec.command: \"/opt/dir\" is a directory on this machine\n"
       "warning: /c:6:28: lifecycle.online.exec.command: \"register\" is not on this machine (no such executable in "
       "the "
       "PATH)\n"
       "warning: /c:7:51: lifecycle.stop[1].exec.command: \"/x\" is not on this machine\n");
}

TEST_CASE("check is silent about what is there, disabled, or cannot be known", "[missing_commands]") {
    CHECK(warnings_of(R"(
services:
  m: {main: true, command: java -jar x}
  a: {command: agent, env: {PATH: /opt/bin}}
  b: {command: hooks/run.sh, workingDir: /srv}
  c: {command: bin/unknown}
  d: {command: nowhere, enabled: false}
)") == "");
}

TEST_CASE("run does not look for commands", "[missing_commands]") {
    CHECK(problems_of("services: {m: {command: nowhere}}").empty());
}

} // namespace davit::config
