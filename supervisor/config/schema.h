// SPDX-License-Identifier: Apache-2.0
// The configuration as a JSON Schema (draft-07, which yaml-language-server likes), made from the tables of keys.h:
// what an editor completes and underlines while somebody types. It knows keys, types, ranges and choices; what only
// shows in the whole, `davit check` knows.
#pragma once

#include <string>

namespace davit::config {

/// Of one layer: a file that is good alone or over others. Ends with a newline.
std::string json_schema();

} // namespace davit::config
