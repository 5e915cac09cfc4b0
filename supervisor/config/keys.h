// SPDX-License-Identifier: Apache-2.0
// Every key of the configuration, in one place: its name, type, range, how layers merge it and what it
// means. The check of the input, the merge and did-you-mean read these tables. A key of the
// contract that does not work yet is not here, and so is refused as unknown.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace davit::config {

enum class ValueType : std::uint8_t {
    text,
    absolute_path,
    absolute_paths, // a list, or one
    url,            // http:// or https://
    pattern,        // an extended regular expression
    boolean,
    integer,
    number,
    seconds, // with fractions
    size,    // bytes: a whole number, or a quantity of Kubernetes (10Mi)
    choice,
    signal,
    port,
    ip_address,       // a number of IPv4 or IPv6
    file_mode,        // octal with a leading 0
    principal,        // a user or group: a name, or a number
    limit,            // a number_or_word, or a map with both of `fields`
    number_or_word,   // a whole number, or the one word of `choices`, whose number is -1
    choice_or_fields, // one of `choices`, or a map with `fields`
    variable_names,   // a list of names of environment variables, or one
    command,          // a list of texts, or one text that is split as a shell would
    text_map,         // names with texts; a list of name and value as in a Pod is taken as well
    integers,         // a list of whole numbers, or one
    ports,            // a list of ports, or one
    dependencies,     // a list of service names, or a map of them; each value has `fields`
    fields,           // a map with the keys of `fields`
    named_fields,     // a map by name; each value has `fields`
    steps,            // one step or a list of them; each has `fields`
};

enum class Merging : std::uint8_t { by_key, whole };

/// Limits of a number, both included.
struct Range {
    double min = 0;
    double max = 0;
};

struct KeySet;

struct Key {
    std::string_view name;
    ValueType type = ValueType::text;
    std::string_view meaning;
    Range range = {};
    std::span<const std::string_view> choices = {};
    const KeySet* fields = nullptr;
    Merging merging = Merging::by_key;
    bool secret = false;   // its texts are never shown
    bool required = false; // a map of this kind has no meaning without it
    bool may_be_empty = false;
};

/// The keys that a map may have.
struct KeySet {
    std::string_view noun; // "a service": what such a map is, for messages
    std::span<const Key> keys;
    std::size_t alternatives = 0; // exactly one of the first so many keys must be there

    /// nullptr: no such key.
    const Key* find(std::string_view name) const;

    /// `app, services and lifecycle`.
    std::string names(std::string_view last_word) const;
};

/// Words that no service may have as its name, for the commands use them for something else: `stop all`, `wait online`.
extern const std::span<const std::string_view> reserved_service_names;

extern const KeySet pod_keys;
extern const KeySet app_file_keys; // of an app.yaml, which is no configuration
extern const KeySet service_keys;
extern const KeySet probe_keys;
extern const KeySet step_keys;
extern const KeySet dependency_keys;

} // namespace davit::config
