// SPDX-License-Identifier: Apache-2.0
#include "api/service_env.h"

#include "api/json_writer.h"
#include "model/json_text.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <vector>

namespace davit::api {
namespace {

constexpr std::string_view mask = "***";

/// As it is written in the configuration: "0027".
std::string octal(std::uint32_t number) {
    std::string text(4, '0');
    for (auto digit = text.rbegin(); digit != text.rend(); ++digit, number /= 8) {
        *digit = static_cast<char>('0' + number % 8);
    }
    return text;
}

/// Two digits a byte.
std::string hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const char byte : bytes) {
        const auto number = static_cast<unsigned char>(byte);
        text.append(1, digits[number >> 4U]).append(1, digits[number & 0xFU]);
    }
    return text;
}

void write_variables(JsonWriter& json, const std::vector<std::string>& variables, EnvValues values) {
    std::vector<std::string_view> no_text;
    json.key("env").begin_object();
    for (const std::string_view variable : variables) {
        if (values == EnvValues::revealed && !model::is_utf8(variable)) {
            no_text.push_back(variable);
            continue;
        }
        const auto equals = std::min(variable.find('='), variable.size());
        const std::string_view value = variable.substr(std::min(equals + 1, variable.size()));
        json.key(variable.substr(0, equals)).string(values == EnvValues::revealed ? value : mask);
    }
    json.end_object();
    if (no_text.empty()) {
        return;
    }
    json.key("envBytes").begin_array();
    for (const std::string_view variable : no_text) {
        json.string(hex(variable));
    }
    json.end_array();
}

void write_limit(JsonWriter& json, std::uint64_t limit) {
    constexpr std::uint64_t largest = std::numeric_limits<std::int64_t>::max();
    if (limit == model::unlimited) {
        json.string("unlimited");
    } else {
        json.number(static_cast<std::int64_t>(std::min(limit, largest)));
    }
}

void write_identity(JsonWriter& json, const model::ProcessIdentity& identity) {
    json.key("uid").number(identity.user).key("gid").number(identity.group).key("groups").begin_array();
    for (const std::uint32_t group : identity.groups) {
        json.number(group);
    }
    json.end_array().key("umask").string(octal(identity.umask)).key("nice").number(identity.nice);
    json.key("oomScoreAdj");
    if (identity.oom_score_adj) {
        json.number(*identity.oom_score_adj);
    } else {
        json.null();
    }
    json.key("noNewPrivileges").boolean(identity.no_new_privileges).key("rlimits").begin_object();
    for (const model::ResourceLimit& limit : identity.limits) {
        json.key(limit.name).begin_object().key("soft");
        write_limit(json, limit.soft);
        json.key("hard");
        write_limit(json, limit.hard);
        json.end_object();
    }
    json.end_object();
}

} // namespace

std::string service_env_json(const model::ServiceSpec& service, const runtime::ServiceSurroundings& surroundings,
                             EnvValues values) {
    JsonWriter json;
    json.begin_object().key("service").string(service.name);
    json.key("workingDir").string(surroundings.directory);
    write_identity(json, surroundings.identity);
    write_variables(json, surroundings.environment, values);
    json.end_object();
    return json.take() + "\n";
}

} // namespace davit::api
