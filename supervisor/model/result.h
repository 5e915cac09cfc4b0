// SPDX-License-Identifier: Apache-2.0
// A failure that can be expected is a value in davit, never an exception.
// `Result<T>` holds what was asked for or an `Error` whose text is written for the person on call:
// where, what, what was found, what to do; lower case, without a full stop.
#pragma once

#include <expected>
#include <string>
#include <utility>

namespace davit {

/// What went wrong, as one line for a person.
struct Error {
    std::string text;

    friend bool operator==(const Error&, const Error&) = default;
};

template <typename T>
using Result = std::expected<T, Error>;

/// Shorthand for `return failure("cannot ...")` in a function that gives a Result.
inline std::unexpected<Error> failure(std::string text) {
    return std::unexpected<Error>{Error{std::move(text)}};
}

} // namespace davit
