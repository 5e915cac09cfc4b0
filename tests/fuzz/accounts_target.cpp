// SPDX-License-Identifier: Apache-2.0
// /etc/passwd and /etc/group of an image, which anybody may have written; one text, the second after a \1.
#include "model/accounts.h"

#include "target.h"

#include <algorithm>

namespace davit::fuzz {

namespace {

void check_accounts(std::string_view passwd, std::string_view group) {
    const model::Accounts accounts = model::parse_accounts(passwd, group);
    for (const model::UserAccount& user : accounts.users) {
        demand(!user.name.empty() && user.id != ~0U && user.primary_group != ~0U, "a user has a name and an id");
        demand(accounts.find_user(user.name)->name == user.name, "a user is found by its name");
        demand(accounts.find_user(user.id)->id == user.id, "a user is found by its id");
        const auto groups = accounts.groups_of(user.name);
        demand(groups.size() <= accounts.groups.size(), "a user is in no more groups than there are");
    }
    std::uint32_t id = 0;
    if (model::parse_id(passwd, id)) {
        demand(std::to_string(id) == passwd, "an id is written in one way");
    }
}

} // namespace

void run(std::string_view input) {
    const auto half = std::min(input.find('\1'), input.size());
    check_accounts(input.substr(0, half), input.substr(std::min(half + 1, input.size())));
}

} // namespace davit::fuzz
