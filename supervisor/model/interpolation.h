// SPDX-License-Identifier: Apache-2.0
// Resolves `${NAME}`, `${NAME:-default}`, `${NAME:?message}`, `${file:/path}` and `$$` in one string. A lone
// `$` and `$NAME` are letters. A default may hold `${...}` itself; a value that was looked up is never
// read again. Where values come from is the caller's business.
#pragma once

#include "model/result.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace davit::model {

struct InterpolationSources {
    /// nullopt: not set.
    std::function<std::optional<std::string>(const std::string& name)> variable;
    /// The contents of a file, whose path is absolute; the one line end behind it is taken off here. No function: there
    /// is no `${file:...}`.
    std::function<Result<std::string>(const std::string& path)> file;
};

enum class InterpolationFault : std::uint8_t {
    unclosed, // `${` without `}`
    bad_name, // not a name: letters, digits and _, no digit first
    unset,    // no value and no default
    message,  // `:?`: the text is the user's
    file,     // the file cannot be read
    too_deep, // more than 16 nested defaults
};

struct InterpolationError {
    InterpolationFault fault;
    std::size_t offset; // of the `${`, in bytes
    std::string text;   // names what was written, never a value
};

std::expected<std::string, InterpolationError> interpolate(std::string_view text, const InterpolationSources& sources);

/// Whether `text` holds anything that interpolate would change or refuse.
bool needs_interpolation(std::string_view text);

} // namespace davit::model
