// SPDX-License-Identifier: Apache-2.0
// The texts of /etc/passwd and /etc/group, as the system reads them.
#include "model/accounts.h"

#include "support/catch.h"

using namespace davit::model;

namespace {

constexpr std::string_view passwd = R"(root:x:0:0:root:/root:/bin/bash
# a comment
app:x:1000:1000:The App,,,:/home/app:/usr/sbin/nologin
+nis::::::
short:x:7
bad:x:seven:7::/:/bin/sh
twin:x:1000:1001::/home/twin:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin)";

constexpr std::string_view group = R"(root:x:0:
app:x:1000:
logs:x:1005:app,nobody
video:x:44:nobody
again:x:1005:app
bad:x:-1:app
)";

} // namespace

TEST_CASE("a user is found by name and by number, the first of two counts", "[accounts]") {
    const Accounts accounts = parse_accounts(passwd, group);

    REQUIRE(accounts.find_user("app") != nullptr);
    CHECK(*accounts.find_user("app") ==
          UserAccount{
              .name = "app", .id = 1000, .primary_group = 1000, .home = "/home/app", .shell = "/usr/sbin/nologin"});
    CHECK(accounts.find_user(1000U)->name == "app");
    CHECK(accounts.find_user("twin")->primary_group == 1001);
    CHECK(accounts.find_user("nobody")->home == "/nonexistent");
    CHECK(accounts.find_user("App") == nullptr);
    CHECK(accounts.find_user(1U) == nullptr);
}

TEST_CASE("lines that the system does not understand are passed over", "[accounts]") {
    const Accounts accounts = parse_accounts(passwd, group);

    CHECK(accounts.users.size() == 4);
    CHECK(accounts.groups.size() == 5);
    CHECK(accounts.find_user("bad") == nullptr);
    CHECK(accounts.find_user("short") == nullptr);
    CHECK(accounts.find_group("bad") == nullptr);
}

TEST_CASE("a user's groups are those that list it, each once", "[accounts]") {
    const Accounts accounts = parse_accounts(passwd, group);

    CHECK(accounts.groups_of("app") == std::vector<std::uint32_t>{1005});
    CHECK(accounts.groups_of("nobody") == std::vector<std::uint32_t>{1005, 44});
    CHECK(accounts.groups_of("root").empty());
    CHECK(accounts.find_group("video")->id == 44);
}

TEST_CASE("without the files there is nobody", "[accounts]") {
    const Accounts accounts = parse_accounts("", "");
    CHECK(accounts.users.empty());
    CHECK(accounts.groups.empty());
}

TEST_CASE("an id is decimal digits without a leading zero, and never the one that means none", "[accounts]") {
    std::uint32_t id = 7;
    CHECK(parse_id("0", id));
    CHECK(id == 0);
    CHECK(parse_id("4294967294", id));
    CHECK(id == 4294967294U);
    for (const char* text : {"", "010", "-1", "4294967295", "4294967296", "1000 ", "app", "1e3", "+1"}) {
        INFO(text);
        CHECK_FALSE(parse_id(text, id));
        CHECK(id == 4294967294U);
    }
}
