// SPDX-License-Identifier: Apache-2.0
// What `davit plan` shows, as a tree: maps, lists and scalars in the shape of the configuration. It is written
// as YAML or JSON, or compared with another one, key by key. A scalar carries what is shown and, where that
// hides something (`***`, `${...}`), also what it stands for, so that a change of a secret is noticed and not told.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace davit::config {

struct PlanNode {
    enum class Kind : std::uint8_t {
        text, // in quotes where it could be taken for something else
        bare, // a number or a boolean
        list,
        map,
    };

    Kind kind = Kind::map;
    std::string key;   // of an entry of a map
    std::string shown; // of a scalar
    std::string value; // of a scalar: what is compared instead of `shown`; empty: `shown` itself
    std::vector<PlanNode> children;
};

/// The lines of a YAML file.
std::string yaml_text(const PlanNode& root);
/// One line.
std::string json_text(const PlanNode& root);

struct KeyChange {
    std::string key;    // "readinessProbe.periodSeconds"
    std::string before; // as shown; empty: it is not there
    std::string after;
    friend bool operator==(const KeyChange&, const KeyChange&) = default;
};

/// The entries of two maps that differ, in their order; what only the second has comes last. What differs and is
/// shown alike is told as "(changed)".
std::vector<KeyChange> changed_keys(const PlanNode& before, const PlanNode& after);

} // namespace davit::config
