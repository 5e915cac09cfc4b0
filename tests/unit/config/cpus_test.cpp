// SPDX-License-Identifier: Apache-2.0
// The keys under cpus, of the pod and of a service, good and bad.
#include "made_up_files.h"

#include "support/catch.h"

namespace davit::config {

namespace {

using model::CpuRounding;
using model::CpusSpec;
using model::JavaSetting;
using model::ShimSetting;

LoadResult load(const std::string& text, std::map<std::string, std::string> environment = {}) {
    const MadeUpFiles files{
        .files = {{"davit.yaml", text}}, .executables = {}, .unreadable = {}, .environment = std::move(environment)};
    return load(files.sources(), {.path = "davit.yaml", .command = {}});
}

LoadResult load_good(const std::string& text, std::map<std::string, std::string> environment = {}) {
    LoadResult result = load(text, std::move(environment));
    CHECK(lines_of(result.problems).empty());
    return result;
}

/// What is wrong with a pod whose service web says `cpus` so.
std::string problems(const std::string& cpus) {
    return lines_of(load("services: {web: {main: true, command: [ls], cpus: " + cpus + "}}").problems);
}

const std::string web = "services: {web: {main: true, command: [ls]}}\n";

} // namespace

TEST_CASE("without cpus the count is computed and nothing but a JVM that counts wrong is touched", "[cpus]") {
    const model::PodSpec pod = load_good(web).pod;
    CHECK(pod.cpus == CpusSpec{.count = std::nullopt,
                               .rounding = CpuRounding::ceil,
                               .java = JavaSetting::automatic,
                               .env = {},
                               .shim = ShimSetting::automatic,
                               .watch = std::chrono::seconds{1},
                               .on_change = std::nullopt});
    CHECK(pod.services.at(0).cpus == pod.cpus);
}

TEST_CASE("each key of cpus is read", "[cpus]") {
    const CpusSpec read = load_good(web + "cpus: {count: '${N}', round: floor, java: never, env: [GOMAXPROCS, "
                                          "\"${NAME:-OMP_NUM_THREADS}\"], shim: on, watchSeconds: 0.5, "
                                          "onChange: {signal: sighup}}",
                                    {{"N", "3"}})
                              .pod.cpus;
    CHECK(read == CpusSpec{.count = 3,
                           .rounding = CpuRounding::floor,
                           .java = JavaSetting::never,
                           .env = {"GOMAXPROCS", "OMP_NUM_THREADS"},
                           .shim = ShimSetting::on,
                           .watch = std::chrono::milliseconds{500},
                           .on_change = SIGHUP});
}

TEST_CASE("a service has what the pod has, key by key, where it says nothing itself", "[cpus]") {
    const model::PodSpec pod =
        load_good("cpus: {count: 4, env: [A], shim: off, onChange: {signal: HUP}}\n"
                  "services:\n"
                  "  web: {main: true, command: [ls], cpus: {round: floor, env: B}}\n"
                  "  log: {command: [ls], cpus: {count: compute, shim: auto, env: [], onChange: none}}\n")
            .pod;
    CHECK(pod.services.at(0).cpus ==
          CpusSpec{
              .count = 4, .rounding = CpuRounding::floor, .env = {"B"}, .shim = ShimSetting::off, .on_change = SIGHUP});
    CHECK(pod.services.at(1).cpus == CpusSpec{});
}

TEST_CASE("a main that CMD brings has the pod's cpus", "[cpus]") {
    const MadeUpFiles files{
        .files = {{"davit.yaml", "cpus: {count: 4}"}}, .executables = {}, .unreadable = {}, .environment = {}};
    const LoadResult result = load(files.sources(), {.path = "davit.yaml", .command = {"ls"}});
    CHECK(lines_of(result.problems).empty());
    CHECK(result.pod.services.at(0).cpus.count == 4);
}

TEST_CASE("a bad count, rounding or setting is told with what is allowed", "[cpus]") {
    CHECK(problems("{count: 0}") == "davit.yaml:1:59: services.web.cpus.count: must be from 1 to 65536, found 0\n");
    CHECK(problems("{count: 1.5}") ==
          "davit.yaml:1:59: services.web.cpus.count: expected a whole number or compute, found \"1.5\"\n");
    CHECK(
        problems("{count: -1}") ==
        "davit.yaml:1:59: services.web.cpus.count: expected a whole number or compute, found \"-1\": write compute\n");
    CHECK(problems("{round: up}") ==
          "davit.yaml:1:59: services.web.cpus.round: expected ceil or floor, found \"up\"\n");
    CHECK(problems("{java: always}") ==
          "davit.yaml:1:58: services.web.cpus.java: expected auto or never, found \"always\"\n");
    CHECK(problems("{shim: true}") ==
          "davit.yaml:1:58: services.web.cpus.shim: expected auto, on or off, found \"true\"\n");
    CHECK(problems("{watchSeconds: 0}") ==
          "davit.yaml:1:66: services.web.cpus.watchSeconds: must be from 0.1 to 1000000, found 0\n");
    CHECK(problems("{cuont: 3}") ==
          "davit.yaml:1:52: services.web.cpus: unknown key \"cuont\" (did you mean \"count\"?)\n");
    CHECK(problems("3") == "davit.yaml:1:51: services.web.cpus: expected a map with the keys of cpus, found \"3\"\n");
}

TEST_CASE("a bad name of a variable is told at its place", "[cpus]") {
    CHECK(problems("{env: [GOMAXPROCS, A=1, '']}") ==
          "davit.yaml:1:70: services.web.cpus.env[1]: expected the name of a variable, found \"A=1\"\n"
          "davit.yaml:1:75: services.web.cpus.env[2]: expected the name of a variable, found \"\"\n");
    CHECK(problems("{env: {GOMAXPROCS: 3}}") ==
          "davit.yaml:1:57: services.web.cpus.env: expected a list of names of variables, found a map\n");
}

TEST_CASE("a bad onChange is told with what is allowed", "[cpus]") {
    CHECK(problems("{onChange: restart}") ==
          "davit.yaml:1:62: services.web.cpus.onChange: expected none or a map with signal, found \"restart\"\n");
    CHECK(problems("{onChange: {}}") == "davit.yaml:1:62: services.web.cpus.onChange: onChange needs signal\n");
    CHECK(problems("{onChange: {signal: NOPE}}") ==
          "davit.yaml:1:71: services.web.cpus.onChange.signal: expected a signal such as TERM, found \"NOPE\"\n");
}

} // namespace davit::config
