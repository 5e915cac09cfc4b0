// SPDX-License-Identifier: Apache-2.0
// Which numbers, choices and booleans of a configuration were written with `${...}`: their values have no room
// for that in the model, so their texts are kept beside it, for those who show the configuration.
#pragma once

#include "config/yaml_document.h"
#include "model/spec.h"

#include <vector>

namespace davit::config {

/// Of a checked tree. A path is that of the full form, as problems name it: `services.web.enabled`,
/// `lifecycle.drain.ports[0]`, `lifecycle.online[0].attempts` also of a single step, and
/// `services.web.dependsOn.NAME` for a name in a list. `app` is among them, though it is a text.
std::vector<model::WrittenValue> written_values(const Node& root);

} // namespace davit::config
