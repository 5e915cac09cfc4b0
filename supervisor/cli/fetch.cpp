// SPDX-License-Identifier: Apache-2.0
#include "cli/fetch.h"

#include "api/protocol.h"
#include "cli/status_text.h"
#include "os/sockets.h"

#include <boost/json.hpp>

namespace davit::cli {

std::vector<std::string> places(const Arguments& arguments, Environment environment) {
    const std::string asked_for = arguments.socket.value_or(environment("DAVIT_SOCKET"));
    return asked_for.empty() ? os::usual_places(environment("XDG_RUNTIME_DIR")) : std::vector{asked_for};
}

Outcome<Reply> fetch(const Arguments& arguments, Environment environment, const std::string& target,
                     Duration patience) {
    const TimePoint began = std::chrono::steady_clock::now();
    Client client{began + arguments.timeout.value_or(api::default_client_timeout)};
    if (const auto connected = client.connect(places(arguments, environment), began + patience); !connected) {
        return std::unexpected{connected.error()};
    }
    return client.call({.method = "GET", .target = target, .body = {}}, [](std::string_view) {});
}

std::expected<std::string, api::ClientExit> fetch_body(const Arguments& arguments, Environment environment,
                                                       Output& output, const std::string& target) {
    auto reply = fetch(arguments, environment, target, api::default_connect_patience);
    if (!reply) {
        output.error(reply.error().text);
        return std::unexpected{reply.error().exit};
    }
    if (reply->status != 200) {
        output.error(error_text(*reply));
        return std::unexpected{api::ClientExit::negative};
    }
    return std::move(reply->body);
}

std::string status_target(const Arguments& arguments, std::string_view first_parameter) {
    std::string target{api::status_path};
    std::string separator = "?";
    if (!first_parameter.empty()) {
        target += separator + std::string{first_parameter};
        separator = "&";
    }
    for (const std::string& name : arguments.words) {
        target += separator + "service=" + query_escaped(name);
        separator = "&";
    }
    return target;
}

std::string error_text(const Reply& reply) {
    boost::system::error_code error;
    const boost::json::value body = boost::json::parse(reply.body, error);
    const boost::json::object* object = error ? nullptr : body.if_object();
    const boost::json::value* text = object != nullptr ? object->if_contains("error") : nullptr;
    if (text == nullptr || !text->is_string() || text->get_string().empty()) {
        return "davit answered with status " + std::to_string(reply.status);
    }
    return {text->get_string().data(), text->get_string().size()};
}

} // namespace davit::cli
