// SPDX-License-Identifier: Apache-2.0
// packaging/openapi.yaml describes the routes of the server, and no others. What they answer is compared by
// tests/integration/test_openapi.py, with a real davit.
#include "api/router.h"
#include "model/text_parts.h"

#include "support/catch.h"

#include <set>
#include <string>
#include <yaml-cpp/yaml.h>

namespace davit::api {
namespace {

/// "GET /v1/status"
std::set<std::string> routes_of_server() {
    std::set<std::string> routes;
    for (const RouteText& route : all_routes()) {
        for (const std::string_view method : model::split(route.methods, ',')) {
            routes.insert(std::string{model::trimmed(method)} + " " + std::string{route.path});
        }
    }
    return routes;
}

std::set<std::string> routes_of_description() {
    std::set<std::string> routes;
    for (const auto& path : YAML::LoadFile(DAVIT_OPENAPI)["paths"]) {
        for (const auto& member : path.second) {
            const auto name = member.first.as<std::string>();
            if (name != "servers" && name != "parameters") {
                std::string method = name;
                std::ranges::transform(method, method.begin(),
                                       [](unsigned char letter) { return std::toupper(letter); });
                routes.insert(method + " " + path.first.as<std::string>());
            }
        }
    }
    return routes;
}

TEST_CASE("the description has the routes of the server, and no others", "[openapi]") {
    CHECK(routes_of_server().size() > 20);
    CHECK(routes_of_description() == routes_of_server());
}

} // namespace
} // namespace davit::api
