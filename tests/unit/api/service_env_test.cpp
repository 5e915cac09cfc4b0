// SPDX-License-Identifier: Apache-2.0
// The JSON of what a process of a service finds and is.
#include "api/service_env.h"

#include "support/catch.h"

namespace davit::api {
namespace {

std::string json_of(EnvValues values) {
    const model::ServiceSpec web{.name = "web"};
    return service_env_json(web,
                            {.environment = {"PATH=/bin", "TOKEN=a=b \"c\"", "EMPTY=", "BARE"},
                             .identity = {.user = 4294967294,
                                          .group = 5,
                                          .groups = {27, 44},
                                          .umask = 027,
                                          .limits = {{"nofile", 1024, model::unlimited}, {"as", ~0ULL - 1, 7}},
                                          .nice = -3,
                                          .oom_score_adj = -500,
                                          .no_new_privileges = true},
                             .directory = "/srv"},
                            values);
}

} // namespace

TEST_CASE("everything of a service's process is in the answer", "[service_env]") {
    CHECK(
        json_of(EnvValues::revealed) ==
        R"({"service": "web", "workingDir": "/srv", "uid": 4294967294, "gid": 5, "groups": [27, 44], "umask": "0027", )"
        R"("nice": -3, "oomScoreAdj": -500, "noNewPrivileges": true, "rlimits": {"nofile": {"soft": 1024, )"
        R"("hard": "unlimited"}, "as": {"soft": 9223372036854775807, "hard": 7}}, "env": {"PATH": "/bin", )"
        R"("TOKEN": "a=b \"c\"", "EMPTY": "", "BARE": ""}})"
        "\n");
}

TEST_CASE("masked, every value is three stars, also an empty one", "[service_env]") {
    CHECK(json_of(EnvValues::masked)
              .ends_with(R"("env": {"PATH": "***", "TOKEN": "***", "EMPTY": "***", "BARE": "***"}})"
                         "\n"));
}

TEST_CASE("a variable that is no UTF-8 is revealed as bytes, and masked like all others", "[service_env]") {
    const runtime::ServiceSurroundings odd{.environment = {"A=1", "NAME=\xFFx", "\xE9=2"}};
    CHECK(service_env_json({.name = "web"}, odd, EnvValues::revealed)
              .ends_with(R"("env": {"A": "1"}, "envBytes": ["4e414d453dff78", "e93d32"]})"
                         "\n"));
    CHECK(service_env_json({.name = "web"}, odd, EnvValues::masked)
              .ends_with("\"env\": {\"A\": \"***\", \"NAME\": \"***\", \"\xEF\xBF\xBD\": \"***\"}}\n"));
}

TEST_CASE("without /proc there is no oom score", "[service_env]") {
    CHECK(service_env_json({.name = "web"}, {}, EnvValues::masked).contains(R"("oomScoreAdj": null)"));
}

} // namespace davit::api
