// SPDX-License-Identifier: Apache-2.0
// The other side of GET /v1/services/NAME/env: what a client reads and shows.
#include "cli/service_env.h"

#include "support/catch.h"

namespace davit::cli {
namespace {

constexpr std::string_view answer =
    R"({"service": "web", "workingDir": "/srv", "uid": 4294967294, "gid": 5, "groups": [27, 44], "umask": "0027",
        "nice": -3, "oomScoreAdj": -500, "noNewPrivileges": true,
        "rlimits": {"nofile": {"soft": 1024, "hard": "unlimited"}}, "env": {"PATH": "/bin", "TOKEN": "a=b"}})";

} // namespace

TEST_CASE("the answer is read whole", "[service_env]") {
    const auto env = parse_service_env(answer);
    REQUIRE(env.has_value());
    CHECK(env->service == "web");
    CHECK(env->directory == "/srv");
    CHECK(env->identity == model::ProcessIdentity{.user = 4294967294,
                                                  .group = 5,
                                                  .groups = {27, 44},
                                                  .umask = 027,
                                                  .limits = {{"nofile", 1024, model::unlimited}},
                                                  .nice = -3,
                                                  .oom_score_adj = -500,
                                                  .no_new_privileges = true});
    CHECK(env->variables == std::vector<std::string>{"PATH=/bin", "TOKEN=a=b"});
}

TEST_CASE("variables that are no UTF-8 arrive as they are", "[service_env]") {
    const auto env =
        parse_service_env(R"({"uid": 1, "gid": 1, "env": {"A": "1"}, "envBytes": ["4e414d453dFF78", ""]})");
    REQUIRE(env.has_value());
    CHECK(env->variables == std::vector<std::string>{"A=1", "NAME=\xFFx", ""});
    for (const char* bytes : {"\"41\"", "[\"4\"]", "[\"4g\"]", "[\"-1\"]", "[\"0x41\"]", "[65]"}) {
        INFO(bytes);
        const std::string text = R"({"uid": 1, "gid": 1, "env": {}, "envBytes": )" + std::string{bytes} + "}";
        CHECK_FALSE(parse_service_env(text).has_value());
    }
}

TEST_CASE("what is not such an answer is not taken for one", "[service_env]") {
    for (const char* text :
         {"", "{}", "[]", "{\"env\": {}}", "{\"uid\": 1, \"gid\": 1}", "{\"uid\": 1, \"gid\": 1, \"env\": 5}",
          "{\"uid\": \"1\", \"gid\": 1, \"env\": {}}", "{\"env\""}) {
        INFO(text);
        CHECK_FALSE(parse_service_env(text).has_value());
    }
}

TEST_CASE("people read one line about who the service is, then its variables", "[service_env]") {
    CHECK(env_text(*parse_service_env(answer)) ==
          "# web: user 4294967294, group 5, groups 27,44, directory /srv, umask 0027, nice -3, oom score -500, no new "
          "privileges\nPATH=/bin\nTOKEN=a=b\n");
    CHECK(env_text(*parse_service_env(R"({"service": "web", "workingDir": "/", "uid": 1, "gid": 2, "env": {}})")) ==
          "# web: user 1, group 2, groups none, directory /, umask 0000, nice 0\n");
}

TEST_CASE("a variable is found by its whole name", "[service_env]") {
    const std::vector<std::string> variables{"PATHS=1", "PATH=/bin", "EMPTY="};
    CHECK(variable_of(variables, "PATH") == "/bin");
    CHECK(variable_of(variables, "EMPTY").empty());
    CHECK(variable_of(variables, "PAT").empty());
}

} // namespace davit::cli
