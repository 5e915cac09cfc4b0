// SPDX-License-Identifier: Apache-2.0
// Numbers as the configuration writes them: decimal, nothing else. `017` is 15 to some readers of YAML
// and 17 to others, `1_000`, `0x10` and `.inf` surprise as well: none of them is a number here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace davit::config {

/// `10`, `-3`, `0.5`; nullopt: anything else.
std::optional<double> parse_number(std::string_view text);

/// As parse_number, without a fraction.
std::optional<double> parse_whole_number(std::string_view text);

/// A number of bytes: `4096`, or a quantity as Kubernetes writes it: `64Ki`, `10Mi`, `1Gi`, `500k`, `10M`, `1G`.
std::optional<double> parse_size(std::string_view text);

/// Shortest text of a number, never with an exponent: `0.5`, `31536000`.
std::string number_text(double number);

/// Why a text that looks like a number is none, as `: ...`, or nothing.
std::string_view number_hint(std::string_view text);

} // namespace davit::config
