// SPDX-License-Identifier: Apache-2.0
// Who a service is: the keys user, group, umask, rlimits, nice, oomScoreAdj, noNewPrivileges and envFile, good and bad.
#include "config/keys.h"
#include "made_up_files.h"

#include "support/catch.h"

namespace davit::config {

namespace {

using model::Identity;
using model::Principal;
using model::ResourceLimit;

constexpr std::uint64_t every_capability = ~std::uint64_t{0};

MadeUpFiles machine(const std::string& keys, std::map<std::string, std::string> environment = {}) {
    MadeUpFiles files{.files = {{"davit.yaml", "services: {web: {main: true, command: [ls], " + keys + "}}"}},
                      .executables = {},
                      .unreadable = {},
                      .environment = std::move(environment)};
    files.accounts = model::parse_accounts("root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n",
                                           "root:x:0:\napp:x:1001:\nlogs:x:1005:app\n");
    files.own = {.identity = {.limits = {{"nofile", 1024, 4096}}, .oom_score_adj = 0},
                 .directory = "/",
                 .capabilities = every_capability};
    return files;
}

LoadResult load(const MadeUpFiles& files) {
    return load(files.sources(), {.path = "davit.yaml", .command = {}});
}

Identity identity(const std::string& keys, std::map<std::string, std::string> environment = {}) {
    const LoadResult result = load(machine(keys, std::move(environment)));
    CHECK(lines_of(result.problems).empty());
    return result.pod.services.at(0).identity;
}

/// With the column that the value of a key has which is the first of `keys`.
std::string problems(const std::string& keys, std::map<std::string, std::string> environment = {}) {
    return lines_of(load(machine(keys, std::move(environment))).problems);
}

} // namespace

TEST_CASE("a user is known by name and by number, with what the system's files say of it", "[identity]") {
    const Identity by_name{.user = Principal{.written = "app", .id = 1000},
                           .user_name = "app",
                           .home = "/home/app",
                           .primary_group = 1001,
                           .supplementary_groups = {1005}};
    CHECK(identity("user: app") == by_name);
    CHECK(identity("user: \"app\"") == by_name);
    Identity by_number = by_name;
    by_number.user->written = "1000";
    CHECK(identity("user: 1000") == by_number);
    CHECK(identity("user: \"1000\"") == by_number);
}

TEST_CASE("a number that the system's files do not know has a number and nothing else", "[identity]") {
    CHECK(identity("user: 4711") == Identity{.user = Principal{.written = "4711", .id = 4711}});
    CHECK(identity("group: 4711") == Identity{.group = Principal{.written = "4711", .id = 4711}});
}

TEST_CASE("a group is known by name and by number", "[identity]") {
    CHECK(identity("group: logs").group == Principal{.written = "logs", .id = 1005});
    CHECK(identity("group: 1005").group == Principal{.written = "1005", .id = 1005});
}

TEST_CASE("user and group may come from the environment, and are kept as written", "[identity]") {
    const Identity who = identity("user: '${WHO}', group: '${GROUP:-logs}'", {{"WHO", "app"}});
    CHECK(who.user == Principal{.written = {"app", "${WHO}"}, .id = 1000});
    CHECK(who.group == Principal{.written = {"logs", "${GROUP:-logs}"}, .id = 1005});
}

TEST_CASE("umask, nice, oom score and no new privileges are read", "[identity]") {
    CHECK(identity("umask: 0027").umask == 027U);
    CHECK(identity("umask: \"022\"").umask == 022U);
    CHECK(identity("umask: 0o77").umask == 077U);
    CHECK(identity("umask: 0").umask == 0U);
    CHECK(identity("umask: '${MASK}'", {{"MASK", "0007"}}).umask == 7U);
    CHECK(identity("nice: -5").nice == -5);
    CHECK(identity("oomScoreAdj: 1000").oom_score_adj == 1000);
    CHECK(identity("noNewPrivileges: true").no_new_privileges);
    CHECK_FALSE(identity("noNewPrivileges: false").no_new_privileges);
}

TEST_CASE("a limit is one number for both, unlimited, or two", "[identity]") {
    CHECK(identity("rlimits: {nofile: 512, core: unlimited, stack: {soft: 8388608, hard: unlimited}, cpu: '${CPU}', "
                   "nproc: '${NONE:-unlimited}'}",
                   {{"CPU", "10"}})
              .limits == std::vector<ResourceLimit>{{"nofile", 512, 512},
                                                    {"core", model::unlimited, model::unlimited},
                                                    {"stack", 8388608, model::unlimited},
                                                    {"cpu", 10, 10},
                                                    {"nproc", model::unlimited, model::unlimited}});
}

TEST_CASE("numbers that were written with ${...} are kept as written", "[identity]") {
    const LoadResult result = load(machine("umask: '${MASK}', nice: '${TWO}', rlimits: {core: '${TWO}', nofile: {soft: "
                                           "'${TWO}', hard: 3}}, user: '${TWO}', envFile: '/${TWO}', enabled: true",
                                           {{"MASK", "0022"}, {"TWO", "2"}}));
    CHECK(result.pod.written_values ==
          std::vector<model::WrittenValue>{{"services.web.umask", "${MASK}"},
                                           {"services.web.nice", "${TWO}"},
                                           {"services.web.rlimits.core", "${TWO}"},
                                           {"services.web.rlimits.nofile.soft", "${TWO}"}});
}

TEST_CASE("every resource has its key", "[identity]") {
    const KeySet& keys = *service_keys.find("rlimits")->fields;
    CHECK(keys.keys.size() == model::resource_names.size());
    for (const std::string_view name : model::resource_names) {
        INFO(name);
        CHECK(keys.find(name) != nullptr);
    }
}

TEST_CASE("an unknown user or group is an error in run alone, and names the nearest", "[identity]") {
    CHECK(problems("user: apps") ==
          "in run: davit.yaml:1:51: services.web.user: unknown user \"apps\" (did you mean \"app\"?): not in "
          "/etc/passwd of this machine; a number works without it\n");
    CHECK(problems("group: www-data") == "in run: davit.yaml:1:52: services.web.group: unknown group \"www-data\": not "
                                         "in /etc/group of this machine; a number works without it\n");
    CHECK(problems("user: '${WHO}'", {{"WHO", "secret"}}) ==
          "in run: davit.yaml:1:51: services.web.user: unknown user \"${WHO}\": not in /etc/passwd of this machine; a "
          "number works without it\n");
}

TEST_CASE("nothing of the machine is asked for a service that is not enabled", "[identity]") {
    MadeUpFiles files = machine("dependsOn: []");
    files.files["davit.yaml"] = "services: {web: {main: true, command: [x]}, off: {enabled: false, command: [x], user: "
                                "nobody-here, group: nor-this, envFile: /none, nice: -5}}";
    files.own.capabilities = 0;
    CHECK(lines_of(load(files).problems).empty());
}

TEST_CASE("bad values are told with their place", "[identity]") {
    CHECK(problems("user: 1000:1000") == "davit.yaml:1:51: services.web.user: expected a name or a number, found "
                                         "\"1000:1000\": write user and group as two keys\n");
    CHECK(problems("user: 0100") == "davit.yaml:1:51: services.web.user: expected a name or a number, found \"0100\": "
                                    "write it without the leading 0 (some read it as octal)\n");
    CHECK(problems("user: -1") == "davit.yaml:1:51: services.web.user: expected a name or a number, found \"-1\"\n");
    CHECK(problems("user: 4294967295") ==
          "davit.yaml:1:51: services.web.user: must be from 0 to 4294967294, found 4294967295\n");
    CHECK(problems("user: ''") == "davit.yaml:1:51: services.web.user: expected a name or a number, found \"\"\n");
    CHECK(problems("user: [app]") == "davit.yaml:1:51: services.web.user: expected a name or a number, found a list\n");
    CHECK(problems("group: {gid: 1}") ==
          "davit.yaml:1:52: services.web.group: expected a name or a number, found a map\n");
    CHECK(problems("nice: 20") == "davit.yaml:1:51: services.web.nice: must be from -20 to 19, found 20\n");
    CHECK(problems("oomScoreAdj: -1001") ==
          "davit.yaml:1:58: services.web.oomScoreAdj: must be from -1000 to 1000, found -1001\n");
    CHECK(problems("noNewPrivileges: yes") ==
          "davit.yaml:1:62: services.web.noNewPrivileges: expected true or false, found \"yes\"\n");
}

TEST_CASE("a umask that could be meant in octal or in decimal is refused", "[identity]") {
    for (const char* written : {"27", "18", "\"22\"", "0028", "0x1f", "-7", "0o", "u=rwx"}) {
        INFO(written);
        const std::string found = written[0] == '"' ? written : "\"" + std::string{written} + "\"";
        CHECK(problems("umask: " + std::string{written}) ==
              "davit.yaml:1:52: services.web.umask: expected an octal number with a leading 0, such as 0027, found " +
                  found + "\n");
    }
    CHECK(problems("umask: 01777") == "davit.yaml:1:52: services.web.umask: must be from 0000 to 0777, found 01777\n");
    CHECK(problems("umask: '${MASK}'", {{"MASK", "27"}}) ==
          "davit.yaml:1:52: services.web.umask: expected an octal number with a leading 0, such as 0027, found "
          "\"${MASK}\", which gives something else\n");
}

TEST_CASE("bad limits are told with their place", "[identity]") {
    CHECK(problems("rlimits: {nofiles: 5}") ==
          "davit.yaml:1:55: services.web.rlimits: unknown key \"nofiles\" (did you mean \"nofile\"?)\n");
    CHECK(problems("rlimits: {nofiles: {}}") ==
          "davit.yaml:1:55: services.web.rlimits: unknown key \"nofiles\" (did you mean \"nofile\"?)\n");
    CHECK(problems("rlimits: {env: {A: 1}}") == "davit.yaml:1:55: services.web.rlimits: unknown key \"env\": as, core, "
                                                "cpu, data, fsize, memlock, msgqueue, nice, "
                                                "nofile, nproc, rtprio, rttime, sigpending and stack are known here\n");
    CHECK(problems("rlimits: {nofile: -1}") ==
          "davit.yaml:1:63: services.web.rlimits.nofile: expected a whole number, unlimited, or a map with soft and "
          "hard, found \"-1\": write unlimited\n");
    CHECK(problems("rlimits: {nofile: 1k}") ==
          "davit.yaml:1:63: services.web.rlimits.nofile: expected a whole number, unlimited, or a map with soft and "
          "hard, found \"1k\": write the number alone, without a unit\n");
    CHECK(problems("rlimits: {nofile: {soft: 5}}") ==
          "davit.yaml:1:63: services.web.rlimits.nofile: a limit needs hard\n");
    CHECK(problems("rlimits: {nofile: {soft: 6, hard: 5}}") ==
          "davit.yaml:1:70: services.web.rlimits.nofile: soft is above hard: 6 > 5\n");
    CHECK(problems("rlimits: {nofile: {soft: unlimited, hard: 5}}") ==
          "davit.yaml:1:70: services.web.rlimits.nofile: soft is above hard: unlimited > 5\n");
    CHECK(problems("rlimits: {nofile: {soft: few, hard: 5}}") ==
          "davit.yaml:1:70: services.web.rlimits.nofile.soft: expected a whole number or unlimited, found \"few\"\n");
    CHECK(problems("rlimits: 5") ==
          "davit.yaml:1:54: services.web.rlimits: expected a map with the keys of rlimits, found \"5\"\n");
}

TEST_CASE("limits of two layers merge by name", "[identity]") {
    MadeUpFiles files = machine("nice: 1");
    files.files = {{"d/1.yaml", "services: {web: {main: true, command: [x], rlimits: {nofile: 5, core: {soft: 0, hard: "
                                "9}, cpu: 3}}}"},
                   {"d/2.yaml", "services: {web: {rlimits: {nofile: 6, core: {soft: 1}, cpu: null}}}"}};
    const LoadResult result = load(files.sources(), {.path = "d", .command = {}});
    CHECK(lines_of(result.problems).empty());
    CHECK(result.pod.services.at(0).identity.limits == std::vector<ResourceLimit>{{"nofile", 6, 6}, {"core", 1, 9}});
}

TEST_CASE("a right that davit lacks is told at its key, and is an error in run alone", "[identity]") {
    MadeUpFiles files = machine("nice: -5");
    files.own.capabilities = 0;
    CHECK(lines_of(load(files).problems) ==
          "in run: davit.yaml:1:51: services.web.nice: needs CAP_SYS_NICE, which davit (uid 0) does not have: without "
          "it only a value from davit's own 0 upwards can be had\n");
    files = machine("rlimits: {nofile: 8192}");
    files.own.capabilities = 0;
    CHECK(lines_of(load(files).problems) ==
          "in run: davit.yaml:1:63: services.web.rlimits.nofile: needs CAP_SYS_RESOURCE, which davit (uid 0) does not "
          "have: without it davit's own hard limit, 4096, is the most\n");
    files = machine("user: app");
    files.own.capabilities = 0;
    CHECK(lines_of(load(files).problems) ==
          "in run: davit.yaml:1:51: services.web.user: needs CAP_SETUID, CAP_SETGID and CAP_KILL, which davit (uid 0) "
          "does not have: add them to the container's capabilities, or run all of it as this user (runAsUser: 1000)\n");
    files.own.identity.user = 1000;
    CHECK(lines_of(load(files).problems).empty());
}

TEST_CASE("env files are read in order, a later one wins, and env is kept apart", "[identity]") {
    MadeUpFiles files = machine("envFile: [/etc/a.env, '${DIR}/b.env'], env: {A: own}", {{"DIR", "/etc"}});
    files.files["/etc/a.env"] = "A=1\nB=2\n";
    files.files["/etc/b.env"] = "B=3\nC=4\n";
    const LoadResult result = load(files);
    CHECK(lines_of(result.problems).empty());
    const model::ServiceSpec& web = result.pod.services.at(0);
    CHECK(web.env_files == std::vector<model::Text>{"/etc/a.env", {"/etc/b.env", "${DIR}/b.env"}});
    CHECK(web.env_from_files == std::vector<model::EnvVariable>{{"A", "1"}, {"B", "3"}, {"C", "4"}});
    CHECK(web.env == std::vector<model::EnvVariable>{{"A", "own"}});
}

TEST_CASE("one env file may stand alone, and its lines are told with its own name", "[identity]") {
    MadeUpFiles files = machine("envFile: /etc/a.env");
    files.files["/etc/a.env"] = "A=1\nsecret\n";
    CHECK(lines_of(load(files).problems) == "/etc/a.env:2:1: expected NAME=value, found a line without \"=\"\n");
}

TEST_CASE("an env file that cannot be read is an error in run alone", "[identity]") {
    CHECK(problems("envFile: /none") == "in run: davit.yaml:1:54: services.web.envFile: cannot read \"/none\": no such "
                                        "file or directory\n");
    MadeUpFiles files = machine("envFile: /etc/a.env");
    files.files["/etc/a.env"] = "A=1\n";
    files.unreadable.insert("/etc/a.env");
    CHECK(lines_of(load(files).problems) ==
          "in run: davit.yaml:1:54: services.web.envFile: cannot read \"/etc/a.env\": permission denied\n");
    files = machine("envFile: /etc/a.env");
    files.files["/etc/a.env"] = std::string(largest_env_file + 1, '#');
    CHECK(lines_of(load(files).problems) ==
          "in run: davit.yaml:1:54: services.web.envFile: cannot read \"/etc/a.env\": it is larger than 64 KiB\n");
}

TEST_CASE("env files are absolute paths", "[identity]") {
    CHECK(problems("envFile: web.env") ==
          "davit.yaml:1:54: services.web.envFile: expected an absolute path, found \"web.env\"\n");
    CHECK(problems("envFile: {a: b}") ==
          "davit.yaml:1:54: services.web.envFile: expected an absolute path, or a list of them, found a map\n");
    CHECK(problems("envFile: ['${NONE}/a']") == "in run: davit.yaml:1:55: services.web.envFile[0]: the variable NONE "
                                                "is not set; write ${NONE:-default} to do without it\n");
}

} // namespace davit::config
