// SPDX-License-Identifier: Apache-2.0
// What every fuzz target is: one function that takes any bytes, and demands what must hold for all of them. With
// libFuzzer (preset `fuzz`) it gets millions of made-up texts; in the tests (replay.cpp) the corpus beside it.
#pragma once

#include <string>
#include <string_view>

namespace davit::fuzz {

/// Written by each target. Ends the process (see demand) when a property does not hold.
void run(std::string_view input);

/// Prints `property` and aborts unless it holds.
void demand(bool holds, std::string_view property);

/// Demands that a text for a person is one: not empty, one line, UTF-8, no control characters.
void demand_readable(std::string_view text);

} // namespace davit::fuzz
