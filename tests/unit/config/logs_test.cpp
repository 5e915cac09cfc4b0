// SPDX-License-Identifier: Apache-2.0
// The keys under logs, of a service and of davit itself, good and bad.
#include "made_up_files.h"

#include "support/catch.h"

namespace davit::config {

namespace {

using model::LogMode;

LoadResult load(const std::string& text) {
    const MadeUpFiles files{.files = {{"davit.yaml", text}}, .executables = {}, .unreadable = {}, .environment = {}};
    return load(files.sources(), {.path = "davit.yaml", .command = {}});
}

model::ServiceSpec helper(const std::string& logs) {
    LoadResult result = load("services: {web: {main: true, command: w}, a: {command: a, logs: " + logs + "}}");
    REQUIRE(result.problems.empty());
    return result.pod.services.at(1);
}

std::string problems(const std::string& text) {
    std::string all;
    for (const Problem& problem : load(text).problems) {
        all += describe(problem, Purpose::run) + "\n";
    }
    return all;
}

/// Of a helper with these logs.
std::string problems_with(const std::string& logs) {
    return problems("services:\n  web: {main: true, command: w}\n  a: {command: a, logs: " + logs + "}\n");
}

} // namespace

TEST_CASE("each word is a mode", "[logs]") {
    CHECK(helper("raw").log_mode == LogMode::raw);
    CHECK(helper("prefix").log_mode == LogMode::prefix);
    CHECK(helper("plain").log_mode == LogMode::plain);
    CHECK(helper("json").log_mode == LogMode::json);
    CHECK(helper("discard").log_mode == LogMode::discard);
}

TEST_CASE("a file has a size and a number of files, which have defaults", "[logs]") {
    const model::ServiceSpec plain = helper("{file: {path: /var/log/a.log}}");
    CHECK(plain.log_mode == LogMode::file);
    CHECK(plain.log_file == model::LogFileSpec{.path = "/var/log/a.log", .max_bytes = 10485760, .max_files = 5});

    CHECK(helper("{file: {path: /a, maxBytes: 64Ki, maxFiles: 2}}").log_file ==
          model::LogFileSpec{.path = "/a", .max_bytes = 65536, .max_files = 2});
    CHECK(helper("{file: {path: /a, maxBytes: 5000000}}").log_file.max_bytes == 5'000'000);
}

TEST_CASE("the format of davit's own lines", "[logs]") {
    CHECK(load("services: {web: {command: w}}").pod.log_format == model::LogFormat::text);
    CHECK(load("{logs: {format: json}, services: {web: {command: w}}}").pod.log_format == model::LogFormat::json);
    CHECK(problems("{logs: {format: xml}, services: {web: {command: w}}}") ==
          "davit.yaml:1:17: logs.format: expected text or json, found \"xml\"\n");
    CHECK(problems("{logs: json, services: {web: {command: w}}}") ==
          "davit.yaml:1:8: logs: expected a map with the keys of logs, found \"json\"\n");
}

TEST_CASE("bad logs are told at their place", "[logs]") {
    CHECK(problems_with("loud") == "davit.yaml:3:25: services.a.logs: expected raw, prefix, plain, json, discard or a "
                                   "map with file, found \"loud\"\n");
    CHECK(problems_with("plian") == "davit.yaml:3:25: services.a.logs: expected raw, prefix, plain, json, discard or a "
                                    "map with file, found \"plian\" (did you mean \"plain\"?)\n");
    CHECK(problems_with("{}") == "davit.yaml:3:25: services.a.logs: a log target needs file\n");
    CHECK(problems_with("{file: {}}") == "davit.yaml:3:32: services.a.logs.file: a log file needs path\n");
    CHECK(problems_with("{file: {path: a.log}}") ==
          "davit.yaml:3:39: services.a.logs.file.path: expected an absolute path, found \"a.log\"\n");
    CHECK(problems_with("{file: {path: /a, maxBytes: 10MB}}") ==
          "davit.yaml:3:53: services.a.logs.file.maxBytes: expected a number of bytes, or a quantity such as 10Mi, "
          "found \"10MB\"\n");
    CHECK(problems_with("{file: {path: /a, maxBytes: -1}}") ==
          "davit.yaml:3:53: services.a.logs.file.maxBytes: must be from 4096 to 1000000000000000, found -1\n");
    CHECK(problems_with("{file: {path: /a, maxFiles: 1}}") ==
          "davit.yaml:3:53: services.a.logs.file.maxFiles: must be from 2 to 1000, found 1\n");
}

TEST_CASE("two services cannot have one file, nor one that the other rotates to", "[logs]") {
    const auto two = [](const std::string& one, const std::string& other) {
        return problems("services:\n  web: {main: true, command: w}\n  a: {command: a, logs: {file: {path: " + one +
                        "}}}\n  b: {command: b, logs: {file: {path: " + other + "}}}\n");
    };
    CHECK(two("/l/a.log", "/l/b.log") == "");
    CHECK(two("/l/a.log", "/l/a.log.5") == "");
    CHECK(two("/l/a.log", "/l/a.log") == "davit.yaml:4:39: services.b.logs.file.path: a writes /l/a.log already: each "
                                         "service needs a file of its own\n");
    CHECK(two("/l/a.log.4", "/l/a.log") == "davit.yaml:3:39: services.a.logs.file.path: b writes /l/a.log.4 already "
                                           "when it rotates: each service needs a file of its own\n");
}

TEST_CASE("a log probe looks at what is discarded, not at what is raw", "[logs]") {
    CHECK(problems("services: {web: {command: w, logs: discard, startupProbe: {log: {pattern: up}}}}") == "");
    CHECK(problems("services: {web: {command: w, logs: raw, startupProbe: {log: {pattern: up}}}}")
              .contains("its logs are raw"));
}

} // namespace davit::config
