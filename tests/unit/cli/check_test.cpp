// SPDX-License-Identifier: Apache-2.0
// `davit check` tells warnings from errors, and says what it found when all is well.
#include "cli/check.h"

#include "support/catch.h"

namespace davit::cli {
namespace {

using config::Problem;
using config::Severity;
using Lines = std::vector<std::string>;

TEST_CASE("warnings are marked, errors stand as they are", "[check]") {
    config::LoadResult result;
    result.problems = {
        Problem{.file = "/a.yaml", .line = 3, .column = 5, .path = "app", .text = "empty"},
        Problem{.file = "/a.yaml", .line = 4, .column = 1, .text = "no main", .severity = Severity::error_in_run},
        Problem{.file = "/a.yaml", .line = 5, .column = 1, .text = "old", .severity = Severity::warning}};
    CHECK(check_lines(result) ==
          Lines{"/a.yaml:3:5: app: empty", "/a.yaml:4:1: warning: no main", "/a.yaml:5:1: warning: old"});
}

TEST_CASE("json tells each problem with its place, key and severity, and what the configuration holds", "[check]") {
    config::LoadResult result;
    result.pod.services = {model::ServiceSpec{.name = "web", .main = true}, model::ServiceSpec{.name = "log"}};
    result.files = {"/a.yaml"};
    result.problems = {
        Problem{.file = "/a.yaml", .line = 3, .column = 5, .path = "services.web", .text = "unknown \"x\""},
        Problem{.file = "/a.yaml", .text = "unset", .severity = Severity::error_in_run},
        Problem{.text = "nothing to run", .severity = Severity::warning}};
    CHECK(
        check_json(result) ==
        R"({"ok":false,"files":["/a.yaml"],"services":["web","log"],"main":"web","problems":[)"
        R"({"file":"/a.yaml","line":3,"column":5,"path":"services.web","severity":"error","message":"unknown \"x\""},)"
        R"({"file":"/a.yaml","line":null,"column":null,"path":"","severity":"warning","message":"unset"},)"
        R"({"file":null,"line":null,"column":null,"path":"","severity":"warning","message":"nothing to run"}]})");
    CHECK(check_json({}) == R"({"ok":true,"files":[],"services":[],"main":null,"problems":[]})");
}

TEST_CASE("ok says what was found and where", "[check]") {
    config::LoadResult result;
    result.pod.services = {model::ServiceSpec{.name = "web", .main = true}};
    result.files = {"/etc/davit/10.yaml", "/etc/davit/90.yaml"};
    CHECK(ok_line(result) == "ok: 1 service, main is web (/etc/davit/10.yaml, /etc/davit/90.yaml)");
    result.pod.services.push_back({.name = "log"});
    result.pod.services[0].main = false;
    result.files.clear();
    CHECK(ok_line(result) == "ok: 2 services");
    result.pod.services = {model::ServiceSpec{.name = "main", .main = true, .command = {"sleep", "1"}}};
    result.pod.plain_init = true;
    CHECK(ok_line(result) == "ok: no configuration, davit would be a plain init of sleep");
}

} // namespace
} // namespace davit::cli
