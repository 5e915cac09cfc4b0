// SPDX-License-Identifier: Apache-2.0
// Members of a JSON object that davit answered with. A member that is missing or of another type (an older or newer
// davit) gives the empty value: a client shows what it understands.
#pragma once

#include <boost/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace davit::cli {

/// nullopt: no JSON, or no object.
std::optional<boost::json::object> parse_object(std::string_view text);

std::string text_in(const boost::json::object& object, std::string_view name);
bool flag_in(const boost::json::object& object, std::string_view name);
std::optional<std::int64_t> integer_in(const boost::json::object& object, std::string_view name);
std::optional<double> number_in(const boost::json::object& object, std::string_view name);
/// Null: there is none.
const boost::json::array* array_in(const boost::json::object& object, std::string_view name);

} // namespace davit::cli
