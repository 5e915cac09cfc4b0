// SPDX-License-Identifier: Apache-2.0
// Who a service's process is, what has to change for that, and which rights davit lacks for it.
#include "model/process_identity.h"

#include "support/catch.h"

using namespace davit::model;

namespace {

constexpr std::uint64_t every_capability = ~std::uint64_t{0};

OwnProcess root() {
    return {.identity = {.user = 0,
                         .group = 0,
                         .groups = {0, 10},
                         .umask = 022,
                         .limits = {{"nice", 0, 0}, {"nofile", 1024, 4096}, {"core", 0, unlimited}},
                         .nice = 0,
                         .oom_score_adj = 0},
            .directory = "/",
            .capabilities = every_capability,
            .most_descriptors = 1'048'576};
}

OwnProcess without(Capability capability) {
    OwnProcess own = root();
    own.capabilities &= ~(std::uint64_t{1} << static_cast<unsigned>(capability));
    return own;
}

OwnProcess restricted() {
    OwnProcess own = root();
    own.identity.user = 1000;
    own.identity.group = 1000;
    own.identity.groups = {2000};
    own.capabilities = 0;
    return own;
}

Identity app() {
    return {.user = Principal{.written = "app", .id = 1000},
            .user_name = "app",
            .home = "/home/app",
            .primary_group = 1000,
            .supplementary_groups = {1005, 44}};
}

IdentityChange change_for(const Identity& wanted, const OwnProcess& own) {
    return change_between(own.identity, identity_of(wanted, own.identity));
}

std::string text_of(const Identity& wanted, const OwnProcess& own) {
    std::string text;
    for (const MissingRight& missing : find_missing_rights(wanted, own)) {
        text += missing.key + ": " + missing.text + "\n";
    }
    return text;
}

} // namespace

TEST_CASE("a service that says nothing is as davit is, and changes nothing", "[process_identity]") {
    CHECK(identity_of({}, root().identity) == root().identity);
    CHECK(change_for({}, root()) == IdentityChange{});
    CHECK(find_missing_rights({}, restricted()).empty());
}

TEST_CASE("a user brings its primary group and its own groups, and leaves davit's", "[process_identity]") {
    const IdentityChange change = change_for(app(), root());
    CHECK(change.user == 1000U);
    CHECK(change.group == 1000U);
    CHECK(change.groups == std::vector<std::uint32_t>{1005, 44});
}

TEST_CASE("a number that the system does not know has davit's group and no other", "[process_identity]") {
    const Identity stranger{.user = Principal{.written = "4711", .id = 4711}};
    const IdentityChange change = change_for(stranger, root());
    CHECK(change.user == 4711U);
    CHECK(!change.group);
    CHECK(change.groups == std::vector<std::uint32_t>{});
}

TEST_CASE("a written group takes the place of the user's own; the user's other groups stay", "[process_identity]") {
    Identity wanted = app();
    wanted.group = Principal{.written = "27", .id = 27};
    CHECK(change_for(wanted, root()).group == 27U);
    CHECK(change_for(wanted, root()).groups == std::vector<std::uint32_t>{1005, 44});
    wanted.user.reset();
    CHECK(change_for(wanted, root()) == IdentityChange{.group = 27});
}

TEST_CASE("already that user: nothing to do, whatever groups the system's files give it", "[process_identity]") {
    CHECK(change_for(app(), restricted()) == IdentityChange{});
    CHECK(text_of(app(), restricted()).empty());
}

TEST_CASE("the order of supplementary groups and doubles among them are no change", "[process_identity]") {
    ProcessIdentity from{.groups = {1, 2, 3}};
    ProcessIdentity to{.groups = {3, 1, 2, 1}};
    CHECK(change_between(from, to) == IdentityChange{});
}

TEST_CASE("limits are changed one by one, and only where they differ", "[process_identity]") {
    const Identity wanted{.limits = {{"nofile", 512, 4096}, {"core", 0, unlimited}, {"cpu", 10, 20}}};
    CHECK(change_for(wanted, root()).limits == std::vector<ResourceLimit>{{"nofile", 512, 4096}, {"cpu", 10, 20}});
}

TEST_CASE("umask, nice, oom score and no new privileges", "[process_identity]") {
    const Identity wanted{.umask = 027, .nice = 5, .oom_score_adj = 300, .no_new_privileges = true};
    CHECK(change_for(wanted, root()) ==
          IdentityChange{.umask = 027, .nice = 5, .oom_score_adj = 300, .no_new_privileges = true});
    OwnProcess own = root();
    own.identity.umask = 027;
    own.identity.nice = 5;
    own.identity.oom_score_adj = 300;
    own.identity.no_new_privileges = true;
    CHECK(change_for(wanted, own) == IdentityChange{});
}

TEST_CASE("davit's own no new privileges cannot be taken back", "[process_identity]") {
    OwnProcess own = root();
    own.identity.no_new_privileges = true;
    CHECK(identity_of({}, own.identity).no_new_privileges);
}

TEST_CASE("with every capability everything can be had", "[process_identity]") {
    Identity wanted = app();
    wanted.group = Principal{.written = "27", .id = 27};
    wanted.nice = -20;
    wanted.oom_score_adj = -1000;
    wanted.limits = {{"nofile", 1'048'576, 1'048'576}, {"core", unlimited, unlimited}};
    CHECK(text_of(wanted, root()).empty());
}

TEST_CASE("another user needs SETUID, SETGID and KILL, and the text says how else", "[process_identity]") {
    OwnProcess own = restricted();
    own.identity.user = 4711;
    CHECK(text_of(app(), own) ==
          "user: needs CAP_SETUID, CAP_SETGID and CAP_KILL, which davit (uid 4711) does not have: add them to the "
          "container's capabilities, or run all of it as this user (runAsUser: 1000)\n");
    CHECK(text_of(app(), without(Capability::kill)) ==
          "user: needs CAP_KILL, which davit (uid 0) does not have: add them to the container's capabilities, or run "
          "all of it as this user (runAsUser: 1000)\n");
}

TEST_CASE("another user in the very same groups needs no SETGID", "[process_identity]") {
    OwnProcess own = without(Capability::setgid);
    own.identity.groups.clear();
    CHECK(text_of({.user = Principal{.written = "4711", .id = 4711}}, own).empty());
    CHECK(!text_of({.user = Principal{.written = "4711", .id = 4711}}, without(Capability::setgid)).empty());
}

TEST_CASE("another group needs SETGID", "[process_identity]") {
    const Identity wanted{.group = Principal{.written = "27", .id = 27}};
    CHECK(text_of(wanted, without(Capability::setgid)) ==
          "group: needs CAP_SETGID, which davit (uid 0) does not have: add it to the container's capabilities, or run "
          "all of it in this group (runAsGroup: 27)\n");
    CHECK(text_of({.group = Principal{.written = "0", .id = 0}}, without(Capability::setgid)).empty());
}

TEST_CASE("only a lower nice needs SYS_NICE, unless a limit grants it", "[process_identity]") {
    OwnProcess own = without(Capability::sys_nice);
    CHECK(text_of({.nice = 5}, own).empty());
    CHECK(text_of({.nice = 0}, own).empty());
    CHECK(text_of({.nice = -5}, own) ==
          "nice: needs CAP_SYS_NICE, which davit (uid 0) does not have: without it only a value from davit's own 0 "
          "upwards can be had\n");
    own.identity.limits.front() = {"nice", 25, 25};
    CHECK(text_of({.nice = -5}, own).empty());
    CHECK(!text_of({.nice = -6}, own).empty());
}

TEST_CASE("only a lower oom score needs SYS_RESOURCE", "[process_identity]") {
    OwnProcess own = without(Capability::sys_resource);
    CHECK(text_of({.oom_score_adj = 500}, own).empty());
    CHECK(text_of({.oom_score_adj = 0}, own).empty());
    CHECK(
        text_of({.oom_score_adj = -500}, own) ==
        "oomScoreAdj: needs CAP_SYS_RESOURCE, which davit (uid 0) does not have: without it only a value from davit's "
        "own 0 upwards can be had\n");
}

TEST_CASE("an oom score needs /proc", "[process_identity]") {
    OwnProcess own = root();
    own.identity.oom_score_adj.reset();
    CHECK(text_of({.oom_score_adj = 5}, own) == "oomScoreAdj: needs /proc, which is not there\n");
}

TEST_CASE("only a raised hard limit needs SYS_RESOURCE", "[process_identity]") {
    const OwnProcess own = without(Capability::sys_resource);
    CHECK(text_of({.limits = {{"nofile", 4096, 4096}, {"core", unlimited, unlimited}}}, own).empty());
    CHECK(text_of({.limits = {{"nofile", 1024, 8192}}}, own) ==
          "rlimits.nofile: needs CAP_SYS_RESOURCE, which davit (uid 0) does not have: without it davit's own hard "
          "limit, 4096, is the most\n");
}

TEST_CASE("more descriptors than the kernel gives to anybody cannot be had with any right", "[process_identity]") {
    CHECK(text_of({.limits = {{"nofile", 1024, unlimited}}}, root()) ==
          "rlimits.nofile: is above what this kernel gives to any process (fs.nr_open: 1048576)\n");
}
