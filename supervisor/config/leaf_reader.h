// SPDX-License-Identifier: Apache-2.0
// Turns the small maps of a checked tree (probes, steps, drain, backoff) into values of the model.
// The tree has been held against keys.h, so each value has its type and range; what is bad is skipped.
#pragma once

#include "config/yaml_document.h"
#include "model/spec.h"

#include <optional>
#include <string_view>
#include <vector>

namespace davit::config {

/// The child `name` if it is there and good.
const Node* good_child(const Node& map, std::string_view name);

std::optional<bool> read_boolean(const Node& map, std::string_view name);
std::optional<Duration> read_seconds(const Node& map, std::string_view name);
std::optional<int> read_integer(const Node& map, std::string_view name);
std::optional<model::Text> read_text(const Node& map, std::string_view name);
/// The value of a choice as an enum whose enumerators stand in the order of the choices.
template <typename Enum>
std::optional<Enum> read_choice(const Node& map, std::string_view name) {
    const Node* node = good_child(map, name);
    return node == nullptr ? std::nullopt : std::optional{static_cast<Enum>(node->number)};
}
std::vector<model::Text> texts_of(const Node& list);
std::vector<model::Text> read_words(const Node& map, std::string_view name);
std::vector<model::EnvVariable> read_env(const Node& map);
std::vector<int> read_integers(const Node& list);

/// nullopt: the probe is not there, or bad.
std::optional<model::ProbeSpec> read_probe(const Node& service, std::string_view name);
model::BackoffSpec read_backoff(const Node& service);
/// `cpus` of the pod or of a service. What it does not say is as in `inherited`.
model::CpusSpec read_cpus(const Node& map, model::CpusSpec inherited);
/// Empty for a bad list.
std::vector<model::StepSpec> read_steps(const Node& list);
std::vector<std::uint16_t> read_ports(const Node& drain);

} // namespace davit::config
