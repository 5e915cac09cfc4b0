// SPDX-License-Identifier: Apache-2.0
// The dependency graph for a person's eye: in start order from top to bottom, each service with what it waits for,
// main marked, then the life cycle's steps. Or as dot(1) reads it. Nothing here decides an order: what is drawn
// below something else merely waits for it.
#pragma once

#include "model/spec.h"

#include <cstdint>
#include <string>

namespace davit::config {

enum class Charset : std::uint8_t { utf8, ascii };

/// Fits into 80 columns (but for single words that are longer). The graph must have no cycle.
std::string graph_text(const model::PodSpec& pod, Charset charset);

std::string graph_dot(const model::PodSpec& pod);

} // namespace davit::config
