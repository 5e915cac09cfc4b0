// SPDX-License-Identifier: Apache-2.0
// One YAML text as a tree of nodes that know their place. The library underneath accepts much that
// nobody means (duplicate keys, a second document, an unterminated quote, cyclic aliases, ...): all of
// it is refused here, with a place and a readable reason, and so is what is too big or too deep.
#pragma once

#include "config/problem.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::config {

inline constexpr std::size_t largest_file = 256UL * 1024;
inline constexpr std::size_t deepest_nesting = 32;
inline constexpr std::size_t most_nodes = 20'000; // of one file, after its aliases

/// A null, scalar, list or map; as an entry of a map it carries its key. Children keep their order.
struct Node {
    enum class Kind : std::uint8_t { null, scalar, list, map };

    Kind kind = Kind::null;
    bool in_quotes = false; // a scalar that cannot be a number, a boolean or null
    bool bad = false;       // a problem with it was told: what depends on it is not told again
    Place place;
    Place key_place;
    std::string key;
    std::string written; // of a scalar, as it stands in the file
    std::vector<Node> children;
    double number = 0;                  // of a scalar that was checked as a number, seconds, port, signal, choice
    std::unique_ptr<std::string> value; // `written` with its `${...}` resolved, where there are any

    const std::string& text() const { return value ? *value : written; }

    /// The child with that key; nullptr: none, or not a map.
    const Node* find(std::string_view name) const;
    Node* find(std::string_view name);
};

/// What a text may hold. A manifest of Kubernetes is rendered by machines and has keys that davit does not know: it may
/// be larger, hold several documents, and merge keys (`<<`) stay in its maps as an entry of that name.
struct YamlRules {
    std::size_t largest = largest_file;
    std::size_t most_nodes = config::most_nodes;
    bool is_manifest = false;
};
inline constexpr YamlRules manifest_rules{.largest = 1024UL * 1024, .most_nodes = 100'000, .is_manifest = true};

/// nullopt: the text holds no document (it is empty, or only comments), or it cannot be read at all, and
/// then a problem says so. Problems that leave the rest readable (a duplicate key) are told beside a tree.
std::optional<Node> parse_yaml(std::string_view text, std::uint32_t file, Problems& problems);

/// All documents of a manifest, without the empty ones; what follows a problem is not read.
std::vector<Node> parse_manifest(std::string_view text, std::uint32_t file, Problems& problems);

} // namespace davit::config
