// SPDX-License-Identifier: Apache-2.0
// Resolves `${...}` in a text of the configuration. The environment and files are passed in as functions.
//
//   ${NAME}            the variable; an error if it is not set
//   ${NAME:-default}   the default if it is not set or empty; the default may hold ${...} itself
//   ${NAME:?message}   an error with that message if it is not set or empty
//   ${file:/path}      the text of a file, without the newline at its end
//   $$                 one $; so $${NAME} stays ${NAME}
//
// A lone `$` and `$NAME` stay as they are: such texts are common in commands. Errors never show a value.
#pragma once

#include "model/result.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::model {

/// Where the values come from.
struct Lookups {
    /// nullopt: the variable is not set.
    std::function<std::optional<std::string>(const std::string& name)> variable;
    /// The error's text is the reason alone ("permission denied"). Empty function: `${file:...}` is refused.
    std::function<Result<std::string>(const std::string& path)> file;
};

enum class InterpolationFault : std::uint8_t {
    unset,      // a variable without a default is not set (or empty, with `:?`)
    unreadable, // the file cannot be read
    syntax,     // unclosed, bad name, unknown form, nested too deep
};

struct InterpolationError {
    InterpolationFault fault = InterpolationFault::syntax;
    std::size_t offset = 0; // of the `$` in the text, in bytes from 0
    std::string text;       // "${DB_HOST} is not set and has no default"

    friend bool operator==(const InterpolationError&, const InterpolationError&) = default;
};

/// Whether `interpolate` could change or refuse `text` at all.
bool has_references(std::string_view text);

/// The resolved text, or every fault in it in the order of the text. A default that is not used is checked
/// for its form only: nothing in it is looked up.
std::expected<std::string, std::vector<InterpolationError>> interpolate(std::string_view text, const Lookups& lookups);

} // namespace davit::model
