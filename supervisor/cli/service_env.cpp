// SPDX-License-Identifier: Apache-2.0
#include "cli/service_env.h"

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>

namespace davit::cli {
namespace {

namespace json = boost::json;

constexpr int octal = 8;

std::string as_text(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    const json::string* text = value != nullptr ? value->if_string() : nullptr;
    return text != nullptr ? std::string{text->data(), text->size()} : std::string{};
}

std::optional<std::int64_t> as_number(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    const std::int64_t* number = value != nullptr ? value->if_int64() : nullptr;
    return number != nullptr ? std::optional{*number} : std::nullopt;
}

std::uint32_t as_id(const json::object& object, std::string_view name) {
    return static_cast<std::uint32_t>(as_number(object, name).value_or(0));
}

std::uint64_t as_limit(const json::object& object, std::string_view name) {
    const auto number = as_number(object, name);
    return number ? static_cast<std::uint64_t>(*number) : model::unlimited;
}

const json::object* find_object(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    return value != nullptr ? value->if_object() : nullptr;
}

model::ProcessIdentity identity_of(const json::object& object) {
    model::ProcessIdentity identity{.user = as_id(object, "uid"), .group = as_id(object, "gid")};
    const json::value* groups = object.if_contains("groups");
    if (groups != nullptr && groups->is_array()) {
        for (const json::value& group : groups->get_array()) {
            identity.groups.push_back(static_cast<std::uint32_t>(group.is_int64() ? group.get_int64() : 0));
        }
    }
    const std::string umask = as_text(object, "umask");
    std::from_chars(umask.data(), umask.data() + umask.size(), identity.umask, octal);
    identity.nice = static_cast<int>(as_number(object, "nice").value_or(0));
    if (const auto score = as_number(object, "oomScoreAdj")) {
        identity.oom_score_adj = static_cast<int>(*score);
    }
    const json::value* no_new = object.if_contains("noNewPrivileges");
    identity.no_new_privileges = no_new != nullptr && no_new->is_bool() && no_new->get_bool();
    if (const json::object* limits = find_object(object, "rlimits")) {
        for (const auto& [name, limit] : *limits) {
            if (const json::object* both = limit.if_object()) {
                identity.limits.push_back(
                    {.name = std::string{name}, .soft = as_limit(*both, "soft"), .hard = as_limit(*both, "hard")});
            }
        }
    }
    return identity;
}

/// nullopt: it is no hex.
std::optional<std::string> bytes_of(std::string_view hex) {
    if (hex.size() % 2 != 0) {
        return std::nullopt;
    }
    std::string bytes;
    for (; !hex.empty(); hex.remove_prefix(2)) {
        unsigned char byte = 0;
        const auto read = std::from_chars(hex.data(), hex.data() + 2, byte, 16);
        if (read.ec != std::errc{} || read.ptr != hex.data() + 2) {
            return std::nullopt;
        }
        bytes += static_cast<char>(byte);
    }
    return bytes;
}

/// Those that are no text, in `envBytes`; false: they are not what davit sends.
bool add_bytes(const json::object& object, std::vector<std::string>& variables) {
    const json::value* list = object.if_contains("envBytes");
    if (list == nullptr) {
        return true;
    }
    if (!list->is_array()) {
        return false;
    }
    for (const json::value& item : list->get_array()) {
        const json::string* text = item.if_string();
        std::optional<std::string> variable =
            text == nullptr ? std::nullopt : bytes_of(std::string_view{text->data(), text->size()});
        if (!variable) {
            return false;
        }
        variables.push_back(*std::move(variable));
    }
    return true;
}

std::string ids_text(const std::vector<std::uint32_t>& ids) {
    std::string text;
    for (const std::uint32_t id : ids) {
        text += (text.empty() ? "" : ",") + std::to_string(id);
    }
    return text.empty() ? "none" : text;
}

std::string octal_text(std::uint32_t number) {
    std::string text(4, '0');
    for (auto digit = text.rbegin(); digit != text.rend(); ++digit, number /= octal) {
        *digit = static_cast<char>('0' + number % octal);
    }
    return text;
}

} // namespace

std::optional<ServiceEnv> parse_service_env(std::string_view text) {
    boost::system::error_code error;
    const json::value value = json::parse(text, error);
    const json::object* object = error ? nullptr : value.if_object();
    const json::object* variables = object != nullptr ? find_object(*object, "env") : nullptr;
    if (variables == nullptr || !as_number(*object, "uid") || !as_number(*object, "gid")) {
        return std::nullopt;
    }
    ServiceEnv env{.service = as_text(*object, "service"),
                   .directory = as_text(*object, "workingDir"),
                   .identity = identity_of(*object),
                   .variables = {}};
    for (const auto& [name, content] : *variables) {
        if (const json::string* content_text = content.if_string()) {
            env.variables.push_back(std::string{name} + "=" + std::string{content_text->data(), content_text->size()});
        }
    }
    if (!add_bytes(*object, env.variables)) {
        return std::nullopt;
    }
    return env;
}

std::string env_text(const ServiceEnv& env) {
    const model::ProcessIdentity& identity = env.identity;
    std::string text = "# " + env.service + ": user " + std::to_string(identity.user) + ", group " +
                       std::to_string(identity.group) + ", groups " + ids_text(identity.groups) + ", directory " +
                       env.directory + ", umask " + octal_text(identity.umask) + ", nice " +
                       std::to_string(identity.nice);
    if (identity.oom_score_adj) {
        text += ", oom score " + std::to_string(*identity.oom_score_adj);
    }
    text += identity.no_new_privileges ? ", no new privileges\n" : "\n";
    for (const std::string& variable : env.variables) {
        text += variable + "\n";
    }
    return text;
}

std::string_view variable_of(const std::vector<std::string>& variables, std::string_view name) {
    for (const std::string_view variable : variables) {
        if (variable.starts_with(name) && variable.substr(name.size()).starts_with('=')) {
            return variable.substr(name.size() + 1);
        }
    }
    return {};
}

} // namespace davit::cli
