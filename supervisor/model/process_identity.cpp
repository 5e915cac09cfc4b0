// SPDX-License-Identifier: Apache-2.0
#include "model/process_identity.h"

#include "model/contains.h"

#include <algorithm>

namespace davit::model {
namespace {

/// nice is granted down to 20 - RLIMIT_NICE (setrlimit(2)).
constexpr int nice_of_no_limit = 20;

const ResourceLimit* find_limit(const std::vector<ResourceLimit>& limits, std::string_view name) {
    const auto found = std::ranges::find(limits, name, &ResourceLimit::name);
    return found == limits.end() ? nullptr : &*found;
}

std::vector<std::uint32_t> as_set(std::vector<std::uint32_t> ids) {
    std::ranges::sort(ids);
    const auto doubles = std::ranges::unique(ids);
    ids.erase(doubles.begin(), doubles.end());
    return ids;
}

template <typename Value>
std::optional<Value> if_different(const Value& from, const Value& to) {
    return from == to ? std::nullopt : std::optional{to};
}

struct NamedCapability {
    Capability capability;
    std::string_view name;
};
constexpr std::array names = {
    NamedCapability{Capability::setuid, "CAP_SETUID"},
    NamedCapability{Capability::setgid, "CAP_SETGID"},
    NamedCapability{Capability::kill, "CAP_KILL"},
    NamedCapability{Capability::sys_nice, "CAP_SYS_NICE"},
    NamedCapability{Capability::sys_resource, "CAP_SYS_RESOURCE"},
};

/// "needs CAP_SETUID and CAP_KILL, which davit (uid 1000) does not have"; empty: it has them all.
std::string lack_of(const std::vector<Capability>& needed, const OwnProcess& own) {
    std::vector<std::string_view> missing;
    for (const NamedCapability& known : names) {
        if (contains(needed, known.capability) && !own.has(known.capability)) {
            missing.push_back(known.name);
        }
    }
    std::string text;
    for (std::size_t index = 0; index < missing.size(); ++index) {
        text += index == 0 ? "needs " : index + 1 == missing.size() ? " and " : ", ";
        text += missing[index];
    }
    return text.empty() ? text : text + ", which davit (uid " + std::to_string(own.identity.user) + ") does not have";
}

class RightsCheck {
public:
    RightsCheck(const Identity& wanted, const OwnProcess& own)
        : wanted_(wanted), own_(own), change_(change_between(own.identity, identity_of(wanted, own.identity))) {}

    std::vector<MissingRight> check() {
        check_user();
        check_nice();
        check_oom_score();
        for (const ResourceLimit& limit : change_.limits) {
            check_limit(limit);
        }
        return std::move(missing_);
    }

private:
    void tell(std::string key, const std::string& lack, const std::string& advice) {
        if (!lack.empty()) {
            missing_.push_back({std::move(key), lack + advice});
        }
    }

    void check_user() {
        const bool group_is_written = wanted_.group.has_value();
        if (change_.user) {
            // CAP_KILL: davit has to end what it started.
            std::vector<Capability> needed = {Capability::setuid, Capability::kill};
            if (change_.groups || (change_.group && !group_is_written)) {
                needed.push_back(Capability::setgid);
            }
            tell("user", lack_of(needed, own_),
                 ": add them to the container's capabilities, or run all of it as this user (runAsUser: " +
                     std::to_string(*change_.user) + ")");
        }
        if (change_.group && group_is_written) {
            tell("group", lack_of({Capability::setgid}, own_),
                 ": add it to the container's capabilities, or run all of it in this group (runAsGroup: " +
                     std::to_string(*change_.group) + ")");
        }
    }

    void check_nice() {
        if (!change_.nice || *change_.nice >= own_.identity.nice) {
            return;
        }
        const ResourceLimit* granted = find_limit(own_.identity.limits, "nice");
        const auto from_limit = static_cast<std::uint64_t>(nice_of_no_limit - *change_.nice);
        if (granted == nullptr || granted->soft < from_limit) {
            tell("nice", lack_of({Capability::sys_nice}, own_),
                 ": without it only a value from davit's own " + std::to_string(own_.identity.nice) +
                     " upwards can be had");
        }
    }

    void check_oom_score() {
        if (!wanted_.oom_score_adj) {
            return;
        }
        if (!own_.identity.oom_score_adj) {
            return tell("oomScoreAdj", "needs /proc, which is not there", "");
        }
        if (change_.oom_score_adj && *change_.oom_score_adj < *own_.identity.oom_score_adj) {
            tell("oomScoreAdj", lack_of({Capability::sys_resource}, own_),
                 ": without it only a value from davit's own " + std::to_string(*own_.identity.oom_score_adj) +
                     " upwards can be had");
        }
    }

    void check_limit(const ResourceLimit& limit) {
        if (limit.name == "nofile" && limit.hard > own_.most_descriptors) {
            return tell("rlimits.nofile",
                        "is above what this kernel gives to any process (fs.nr_open: " +
                            std::to_string(own_.most_descriptors) + ")",
                        "");
        }
        const ResourceLimit* before = find_limit(own_.identity.limits, limit.name);
        if (before != nullptr && limit.hard > before->hard) {
            tell("rlimits." + limit.name, lack_of({Capability::sys_resource}, own_),
                 ": without it davit's own hard limit, " + std::to_string(before->hard) + ", is the most");
        }
    }

    const Identity& wanted_;
    const OwnProcess& own_;
    IdentityChange change_;
    std::vector<MissingRight> missing_;
};

} // namespace

ProcessIdentity identity_of(const Identity& wanted, const ProcessIdentity& own) {
    ProcessIdentity identity = own;
    if (wanted.user && wanted.user->id != own.user) {
        identity.user = wanted.user->id;
        identity.group = wanted.primary_group.value_or(own.group);
        identity.groups = wanted.supplementary_groups;
    }
    if (wanted.group) {
        identity.group = wanted.group->id;
    }
    identity.umask = wanted.umask.value_or(own.umask);
    identity.nice = wanted.nice.value_or(own.nice);
    if (wanted.oom_score_adj) {
        identity.oom_score_adj = wanted.oom_score_adj;
    }
    identity.no_new_privileges = own.no_new_privileges || wanted.no_new_privileges;
    for (const ResourceLimit& limit : wanted.limits) {
        const auto inherited = std::ranges::find(identity.limits, limit.name, &ResourceLimit::name);
        if (inherited != identity.limits.end()) {
            *inherited = limit;
        } else {
            identity.limits.push_back(limit);
        }
    }
    return identity;
}

IdentityChange change_between(const ProcessIdentity& from, const ProcessIdentity& to) {
    IdentityChange change;
    change.user = if_different(from.user, to.user);
    change.group = if_different(from.group, to.group);
    change.groups = as_set(from.groups) == as_set(to.groups) ? std::nullopt : std::optional{to.groups};
    change.umask = if_different(from.umask, to.umask);
    for (const ResourceLimit& limit : to.limits) {
        const ResourceLimit* before = find_limit(from.limits, limit.name);
        if (before == nullptr || *before != limit) {
            change.limits.push_back(limit);
        }
    }
    change.nice = if_different(from.nice, to.nice);
    if (to.oom_score_adj && to.oom_score_adj != from.oom_score_adj) {
        change.oom_score_adj = to.oom_score_adj;
    }
    change.no_new_privileges = to.no_new_privileges && !from.no_new_privileges;
    return change;
}

std::vector<MissingRight> find_missing_rights(const Identity& wanted, const OwnProcess& own) {
    return RightsCheck{wanted, own}.check();
}

} // namespace davit::model
