// SPDX-License-Identifier: Apache-2.0
// Two small tools for the machines' switches over variants: a visitor made of lambdas, and a way to list
// the events that a state ignores, so that a new event type breaks the build until each state has said
// what it does with it.
#pragma once

#include <concepts>

namespace davit::model {

template <typename... Visitors>
struct Overloaded : Visitors... {
    using Visitors::operator()...;
};

/// `[](const OneOf<A, B> auto&) {}` takes an A or a B.
template <typename T, typename... Choices>
concept OneOf = (std::same_as<T, Choices> || ...);

} // namespace davit::model
