// SPDX-License-Identifier: Apache-2.0
#include "model/accounts.h"

#include "model/contains.h"
#include "model/text_parts.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

namespace davit::model {
namespace {

constexpr std::size_t passwd_fields = 7;
constexpr std::size_t group_fields = 4;

std::optional<std::uint32_t> id_of(std::string_view text) {
    std::uint32_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    const bool is_number = error == std::errc{} && end == text.data() + text.size();
    return is_number && id != std::numeric_limits<std::uint32_t>::max() ? std::optional{id} : std::nullopt;
}

std::optional<UserAccount> parse_user(std::string_view line) {
    const auto fields = split(line, ':');
    if (fields.size() != passwd_fields || fields[0].empty() || fields[0].find_first_of("+-#") == 0) {
        return std::nullopt;
    }
    const auto id = id_of(fields[2]);
    const auto group = id_of(fields[3]);
    if (!id || !group) {
        return std::nullopt;
    }
    return UserAccount{.name = std::string{fields[0]},
                       .id = *id,
                       .primary_group = *group,
                       .home = std::string{fields[5]},
                       .shell = std::string{fields[6]}};
}

std::optional<GroupAccount> parse_group(std::string_view line) {
    const auto fields = split(line, ':');
    if (fields.size() != group_fields || fields[0].empty() || fields[0].find_first_of("+-#") == 0) {
        return std::nullopt;
    }
    const auto id = id_of(fields[2]);
    if (!id) {
        return std::nullopt;
    }
    GroupAccount group{.name = std::string{fields[0]}, .id = *id, .members = {}};
    for (const std::string_view member : split(fields[3], ',')) {
        if (!member.empty()) {
            group.members.emplace_back(member);
        }
    }
    return group;
}

} // namespace

const UserAccount* Accounts::find_user(std::string_view name) const {
    const auto found = std::ranges::find(users, name, &UserAccount::name);
    return found == users.end() ? nullptr : &*found;
}

const UserAccount* Accounts::find_user(std::uint32_t id) const {
    const auto found = std::ranges::find(users, id, &UserAccount::id);
    return found == users.end() ? nullptr : &*found;
}

const GroupAccount* Accounts::find_group(std::string_view name) const {
    const auto found = std::ranges::find(groups, name, &GroupAccount::name);
    return found == groups.end() ? nullptr : &*found;
}

std::vector<std::uint32_t> Accounts::groups_of(std::string_view user) const {
    std::vector<std::uint32_t> ids;
    for (const GroupAccount& group : groups) {
        if (contains(group.members, user) && !contains(ids, group.id)) {
            ids.push_back(group.id);
        }
    }
    return ids;
}

Accounts parse_accounts(std::string_view passwd, std::string_view group) {
    Accounts accounts;
    for (const std::string_view line : split(passwd, '\n')) {
        if (auto user = parse_user(line)) {
            accounts.users.push_back(*std::move(user));
        }
    }
    for (const std::string_view line : split(group, '\n')) {
        if (auto found = parse_group(line)) {
            accounts.groups.push_back(*std::move(found));
        }
    }
    return accounts;
}

bool parse_id(std::string_view text, std::uint32_t& id) {
    const bool is_octal_to_some = text.size() > 1 && text.front() == '0';
    const auto parsed = is_octal_to_some ? std::nullopt : id_of(text);
    id = parsed.value_or(id);
    return parsed.has_value();
}

} // namespace davit::model
