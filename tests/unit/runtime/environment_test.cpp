// SPDX-License-Identifier: Apache-2.0
// What a child finds in its environment.
#include "runtime/environment.h"

#include "model/contains.h"
#include "support/catch.h"

namespace davit::runtime {
namespace {

model::ServiceSpec web_with(std::vector<model::EnvVariable> env) {
    model::ServiceSpec spec;
    spec.name = "web";
    spec.env = std::move(env);
    return spec;
}

} // namespace

TEST_CASE("a variable that is there is replaced in its place, a new one comes last", "[environment]") {
    Variables variables{"A=1", "AB=2"};
    set_variable(variables, "A", "3");
    set_variable(variables, "C", "");
    CHECK(variables == Variables{"A=3", "AB=2", "C="});
}

TEST_CASE("the service's variables win over PID 1's, and davit's over both", "[environment]") {
    const auto web = web_with({{"LEVEL", "debug"}, {"DAVIT_SERVICE", "other"}});
    const Variables variables =
        service_environment({"LEVEL=info", "HOME=/"}, web, {.service = "web", .socket = "@davit-1"});
    CHECK(variables == Variables{"LEVEL=debug", "HOME=/", "DAVIT_SERVICE=web", "DAVIT_SOCKET=@davit-1"});
}

TEST_CASE("what the CPU count brings replaces what is there", "[environment]") {
    Variables variables{"DAVIT_CPUS=99", "PATH=/bin"};
    set_variables(variables, {{"DAVIT_CPUS", "2"}, {"GOMAXPROCS", "2"}});
    CHECK(variables == Variables{"DAVIT_CPUS=2", "PATH=/bin", "GOMAXPROCS=2"});
}

TEST_CASE("a user brings HOME, USER and LOGNAME, unless the service sets them; env wins over its files",
          "[environment]") {
    auto web = web_with({{"USER", "own"}, {"LEVEL", "debug"}});
    web.identity.user_name = "app";
    web.identity.home = "/home/app";
    web.env_from_files = {{"LEVEL", "info"}, {"HOME", "/srv"}, {"EXTRA", "1"}};
    CHECK(service_environment({"HOME=/root", "LEVEL=warn"}, web, {.service = "web", .socket = {}}) ==
          Variables{"HOME=/srv", "LEVEL=debug", "USER=own", "LOGNAME=app", "EXTRA=1", "DAVIT_SERVICE=web"});
}

TEST_CASE("a user that the system does not know changes no HOME", "[environment]") {
    auto web = web_with({});
    web.identity.user = model::Principal{.written = "4711", .id = 4711};
    CHECK(service_environment({"HOME=/root"}, web, {.service = "web", .socket = {}}).front() == "HOME=/root");
}

TEST_CASE("without a socket none is named", "[environment]") {
    const Variables variables = service_environment({}, web_with({}), {.service = "web", .socket = ""});
    CHECK(!model::contains(variables, std::string{"DAVIT_SOCKET="}));
}

TEST_CASE("a command is run with its values, not as it was written", "[environment]") {
    CHECK(values_of({model::Text{"secret", "${TOKEN}"}, "b"}) == std::vector<std::string>{"secret", "b"});
}

TEST_CASE("the error of a launch names its program and its directory as they were written", "[environment]") {
    const std::vector<model::Text> command = {model::Text{"/opt/s3cret/run", "/opt/${TOKEN}/run"}, "s3cret"};
    const std::optional<model::Text> directory = model::Text{"/srv/s3cret", "/srv/${TOKEN}"};
    CHECK(as_written("/opt/s3cret/run: not found (at exec)", command, directory) ==
          "/opt/${TOKEN}/run: not found (at exec)");
    CHECK(as_written("/srv/s3cret: permission denied (at directory)", command, directory) ==
          "/srv/${TOKEN}: permission denied (at directory)");
    CHECK(as_written("out of processes", command, std::nullopt) == "out of processes");
}

} // namespace davit::runtime
