// SPDX-License-Identifier: Apache-2.0
// From names and numbers to a model::Identity. See identity_reader.h.
#include "config/identity_reader.h"

#include "config/concat.h"
#include "config/env_file.h"
#include "config/leaf_reader.h"
#include "config/number_text.h"
#include "model/accounts.h"
#include "model/process_identity.h"
#include "model/suggestion.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace davit::config {

namespace {

class IdentityReader {
public:
    IdentityReader(const Sources& sources, Problems& problems) : sources_(sources), problems_(problems) {}

    void read(const Node& node, model::WrittenService& service) {
        const KeyPath services{.parent = nullptr, .name = "services"};
        const KeyPath path{.parent = &services, .name = node.key};
        model::Identity& identity = service.identity;
        if (const Node* umask = good_child(node, "umask")) {
            identity.umask = static_cast<std::uint32_t>(umask->number);
        }
        identity.limits = read_limits(node, path);
        identity.nice = read_integer(node, "nice");
        identity.oom_score_adj = read_integer(node, "oomScoreAdj");
        identity.no_new_privileges = read_boolean(node, "noNewPrivileges").value_or(false);
        read_user(node, service, path);
        read_group(node, service, path);
        service.env_files = read_words(node, "envFile");
        if (service.enabled) {
            read_env_files(node, service, path);
            check_rights(node, identity, path);
        }
    }

private:
    const model::Accounts& accounts() {
        if (!accounts_) {
            accounts_ = sources_.accounts ? sources_.accounts() : model::Accounts{};
        }
        return *accounts_;
    }

    // ---- user and group ------------------------------------------------------------------------

    void read_user(const Node& service, model::WrittenService& into, const KeyPath& path) {
        const Node* node = good_child(service, "user");
        if (node == nullptr) {
            return;
        }
        model::Principal user{.written = {node->text(), node->written}};
        const bool is_number = model::parse_id(node->text(), user.id);
        const model::UserAccount* account =
            is_number ? accounts().find_user(user.id) : accounts().find_user(node->text());
        into.identity.user = std::move(user);
        if (account != nullptr) {
            into.identity.user->id = account->id;
            into.identity.user_name = account->name;
            into.identity.home = account->home;
            into.identity.primary_group = account->primary_group;
            into.identity.supplementary_groups = accounts().groups_of(account->name);
        } else if (!is_number && into.enabled) {
            tell_unknown(*node, path, "user", names_of(accounts().users));
        }
    }

    void read_group(const Node& service, model::WrittenService& into, const KeyPath& path) {
        const Node* node = good_child(service, "group");
        if (node == nullptr) {
            return;
        }
        model::Principal group{.written = {node->text(), node->written}};
        const bool is_number = model::parse_id(node->text(), group.id);
        if (!is_number) {
            const model::GroupAccount* account = accounts().find_group(node->text());
            if (account != nullptr) {
                group.id = account->id;
            } else if (into.enabled) {
                tell_unknown(*node, path, "group", names_of(accounts().groups));
            }
        }
        into.identity.group = std::move(group);
    }

    template <typename Account>
    static std::vector<std::string_view> names_of(const std::vector<Account>& accounts) {
        std::vector<std::string_view> names;
        names.reserve(accounts.size());
        for (const Account& account : accounts) {
            names.push_back(account.name);
        }
        return names;
    }

    void tell_unknown(const Node& node, const KeyPath& path, std::string_view kind,
                      const std::vector<std::string_view>& names) {
        std::optional<std::string_view> nearest;
        if (!node.value) {
            nearest = model::suggestion(node.written, names);
        }
        const std::string hint = nearest ? concat(" (did you mean ", quoted(*nearest), "?)") : std::string{};
        problems_.add(node.place, KeyPath{.parent = &path, .name = kind}.text(),
                      concat("unknown ", kind, " ", quoted(node.written), hint, ": not in ",
                             kind == "user" ? "/etc/passwd" : "/etc/group",
                             " of this machine; a number works without it"),
                      Severity::error_in_run);
        unknown_ = true;
    }

    // ---- limits --------------------------------------------------------------------------------

    std::vector<model::ResourceLimit> read_limits(const Node& service, const KeyPath& path) {
        std::vector<model::ResourceLimit> limits;
        const Node* map = service.find("rlimits");
        if (map == nullptr || map->kind != Node::Kind::map) {
            return limits;
        }
        for (const Node& limit : map->children) {
            if (limit.bad) {
                continue;
            }
            const Node* soft = limit.kind == Node::Kind::map ? limit.find("soft") : &limit;
            const Node* hard = limit.kind == Node::Kind::map ? limit.find("hard") : &limit;
            if (soft == nullptr || hard == nullptr) {
                continue; // an unknown name: that was told, and nothing in it was looked at
            }
            limits.push_back({.name = limit.key, .soft = value_of(*soft), .hard = value_of(*hard)});
            if (limits.back().soft > limits.back().hard) {
                const KeyPath all{.parent = &path, .name = "rlimits"};
                problems_.add(soft->place, KeyPath{.parent = &all, .name = limit.key}.text(),
                              concat("soft is above hard: ", soft->written, " > ", hard->written));
            }
        }
        return limits;
    }

    static std::uint64_t value_of(const Node& node) {
        return node.number < 0 ? model::unlimited : static_cast<std::uint64_t>(node.number);
    }

    // ---- what this machine has and lets us do --------------------------------------------------

    void read_env_files(const Node& service, model::WrittenService& into, const KeyPath& path) {
        const Node* list = good_child(service, "envFile");
        if (list == nullptr) {
            return;
        }
        for (const Node& file : list->children) {
            Result<std::string> text = sources_.read_file(file.text(), largest_env_file);
            if (text && text->size() > largest_env_file) {
                text = failure(concat("it is larger than ", largest_env_file / 1024, " KiB"));
            }
            if (!text) {
                problems_.add(file.place, KeyPath{.parent = &path, .name = "envFile"}.text(),
                              concat("cannot read ", quoted(file.written), ": ", text.error().text),
                              Severity::error_in_run);
                continue;
            }
            for (model::EnvVariable& variable : parse_env_file(*text, problems_.add_file(file.written), problems_)) {
                keep(into.env_from_files, std::move(variable));
            }
        }
    }

    /// A later file wins over an earlier one.
    static void keep(std::vector<model::EnvVariable>& variables, model::EnvVariable variable) {
        const auto known = std::ranges::find(variables, variable.name, &model::EnvVariable::name);
        if (known == variables.end()) {
            variables.push_back(std::move(variable));
        } else {
            *known = std::move(variable);
        }
    }

    void check_rights(const Node& service, const model::Identity& identity, const KeyPath& path) {
        const bool has_unknown = std::exchange(unknown_, false);
        if (has_unknown || identity == model::Identity{} || !sources_.own_process) {
            return;
        }
        if (!own_) {
            own_ = sources_.own_process();
        }
        for (const model::MissingRight& missing : model::find_missing_rights(identity, *own_)) {
            const std::size_t dot = missing.key.find('.');
            const Node* node = service.find(missing.key.substr(0, dot));
            if (node != nullptr && dot != std::string::npos) {
                node = node->find(missing.key.substr(dot + 1));
            }
            if (node != nullptr) {
                problems_.add(node->place, KeyPath{.parent = &path, .name = missing.key}.text(), missing.text,
                              Severity::error_in_run);
            }
        }
    }

    const Sources& sources_;
    Problems& problems_;
    std::optional<model::Accounts> accounts_;
    std::optional<model::OwnProcess> own_;
    bool unknown_ = false; // of the service that is read: its id is not known, so nor is what it needs
};

} // namespace

void read_identities(const Node& root, const Sources& sources, model::WrittenPod& pod, Problems& problems) {
    const Node* services = root.find("services");
    if (services == nullptr || services->kind != Node::Kind::map) {
        return;
    }
    IdentityReader reader{sources, problems};
    for (std::size_t index = 0; index < services->children.size(); ++index) {
        reader.read(services->children[index], pod.services[index]);
    }
}

} // namespace davit::config
