// SPDX-License-Identifier: Apache-2.0
// Puts one layer of the configuration over the ones before it: maps merge by key, scalars and lists
// replace, null removes; probes, steps and logs replace as a whole; a command drops inherited args.
// So each layer of an image adds one file and repeats nothing.
#pragma once

#include "config/keys.h"
#include "config/problem.h"
#include "config/yaml_document.h"

namespace davit::config {

/// `base` and `layer` are maps with the keys of a whole configuration; `base` is empty for the first layer.
/// What stays in `base` holds no null as a map's value. Warns of a null that removes no service.
void merge_layer(Node& base, Node layer, Problems& problems);

/// Where a layer says null there is nothing, also where no earlier layer had something to remove.
void drop_nulls(Node& node);

/// What the entry `name` of a map with the meaning `key` means; nullopt: an unknown key, or a plain text.
std::optional<Key> key_of_entry(const Key& key, std::string_view name);

} // namespace davit::config
