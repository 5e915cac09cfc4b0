// SPDX-License-Identifier: Apache-2.0
#include "cli/json_members.h"

namespace davit::cli {

namespace json = boost::json;

std::optional<json::object> parse_object(std::string_view text) {
    boost::system::error_code error;
    json::value value = json::parse(text, error);
    return !error && value.is_object() ? std::optional{std::move(value.get_object())} : std::nullopt;
}

std::string text_in(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    const json::string* text = value != nullptr ? value->if_string() : nullptr;
    return text != nullptr ? std::string{text->data(), text->size()} : std::string{};
}

bool flag_in(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    const bool* flag = value != nullptr ? value->if_bool() : nullptr;
    return flag != nullptr && *flag;
}

std::optional<std::int64_t> integer_in(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    const std::int64_t* number = value != nullptr ? value->if_int64() : nullptr;
    return number != nullptr ? std::optional{*number} : std::nullopt;
}

std::optional<double> number_in(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    return value != nullptr && value->is_number() ? std::optional{value->to_number<double>()} : std::nullopt;
}

const json::array* array_in(const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    return value != nullptr ? value->if_array() : nullptr;
}

} // namespace davit::cli
