// SPDX-License-Identifier: Apache-2.0
// `${...}` in any text.
#include "model/interpolation.h"

#include "target.h"

#include <algorithm>

namespace davit::fuzz {

namespace {

constexpr std::string_view secret = "hunter2-s3cr3t";

std::optional<std::string> variable(const std::string& name) {
    demand(!name.empty() && std::ranges::all_of(name, [](unsigned char c) { return c == '_' || std::isalnum(c) != 0; }),
           "only a name is looked up");
    if (name == "A") {
        return "${B} $$"; // must not be read again
    }
    return name == "E" ? std::optional{std::string{}} : name == "S" ? std::optional{std::string{secret}} : std::nullopt;
}

Result<std::string> file(const std::string& path) {
    return path == "/s" ? Result<std::string>{std::string{secret} + "\n"} : failure("no such file");
}

std::string with_doubled_dollars(std::string_view text) {
    std::string doubled;
    for (const char letter : text) {
        doubled += letter == '$' ? "$$" : std::string{letter};
    }
    return doubled;
}

void check_error(const model::InterpolationError& error, std::string_view text) {
    demand(text.substr(std::min(error.offset, text.size())).starts_with("${"), "an error points at a ${");
    demand(!error.text.empty(), "an error says something");
    demand(!error.text.contains(secret) || text.contains(secret), "an error shows no value");
}

} // namespace

void run(std::string_view input) {
    const model::InterpolationSources sources{.variable = variable, .file = file};
    const auto value = model::interpolate(input, sources);
    if (!value) {
        check_error(value.error(), input);
    } else if (!model::needs_interpolation(input)) {
        demand(*value == input, "a text without references stays as it is");
    }
    const auto again = model::interpolate(input, sources);
    demand(value.has_value() == again.has_value() && (!value || *value == *again), "the same text gives the same");
    const auto literal = model::interpolate(with_doubled_dollars(input), sources);
    demand(literal && *literal == input, "with every $ doubled a text comes back as it was");
    const auto as_default = model::interpolate("${NOWHERE:-}" + with_doubled_dollars(input) + "${A}", sources);
    demand(as_default && *as_default == std::string{input} + "${B} $$", "a value is not read again");
}

} // namespace davit::fuzz
