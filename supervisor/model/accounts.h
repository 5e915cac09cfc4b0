// SPDX-License-Identifier: Apache-2.0
// Users and groups as /etc/passwd and /etc/group name them (passwd(5), group(5)). Only the texts of the two files
// count: a static program must not ask the system's name services, which would load foreign code into PID 1.
// Pure: the texts come in as arguments.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace davit::model {

struct UserAccount {
    std::string name;
    std::uint32_t id = 0;
    std::uint32_t primary_group = 0;
    std::string home;
    std::string shell;
    friend bool operator==(const UserAccount&, const UserAccount&) = default;
};

struct GroupAccount {
    std::string name;
    std::uint32_t id = 0;
    std::vector<std::string> members; // names of users
    friend bool operator==(const GroupAccount&, const GroupAccount&) = default;
};

struct Accounts {
    std::vector<UserAccount> users;
    std::vector<GroupAccount> groups;

    /// The first of that name or id, as the system takes it; nullptr: none.
    const UserAccount* find_user(std::string_view name) const;
    const UserAccount* find_user(std::uint32_t id) const;
    const GroupAccount* find_group(std::string_view name) const;

    /// The groups that list the user as a member, in the order of the file, each once.
    std::vector<std::uint32_t> groups_of(std::string_view user) const;
};

/// Lines that are not understood (comments, entries of NIS, half of a line) are passed over, as the system does.
Accounts parse_accounts(std::string_view passwd, std::string_view group);

/// A decimal user or group id: digits without a leading zero, below 4294967295, which means "no id" to the kernel.
/// False leaves `id` as it is.
bool parse_id(std::string_view text, std::uint32_t& id);

} // namespace davit::model
