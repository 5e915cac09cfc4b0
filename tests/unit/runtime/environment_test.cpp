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
    const auto web = web_with({{"LEVEL", "debug"}, {"DAVIT_CPUS", "99"}});
    const Variables variables =
        service_environment({"LEVEL=info", "HOME=/"}, web, {.service = "web", .socket = "@davit-1", .cpus = 2});
    CHECK(variables ==
          Variables{"LEVEL=debug", "HOME=/", "DAVIT_CPUS=2", "DAVIT_SERVICE=web", "DAVIT_SOCKET=@davit-1"});
}

TEST_CASE("without a socket none is named", "[environment]") {
    const Variables variables = service_environment({}, web_with({}), {.service = "web", .socket = "", .cpus = 1});
    CHECK(!model::contains(variables, std::string{"DAVIT_SOCKET="}));
}

TEST_CASE("a command is run with its values, not as it was written", "[environment]") {
    CHECK(values_of({model::Text{"secret", "${TOKEN}"}, "b"}) == std::vector<std::string>{"secret", "b"});
}

} // namespace davit::runtime
