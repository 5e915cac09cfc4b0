// SPDX-License-Identifier: Apache-2.0
// Resolves the `${...}` of one text with the environment and the files of a load.
#pragma once

#include "config/problem.h"
#include "config/sources.h"

#include <optional>
#include <string>

namespace davit::config {

struct ResolveProblem {
    std::string text; // names what was written, never a value
    Severity severity = Severity::error;
};

struct Resolved {
    std::optional<std::string> value; // nullopt: nothing to resolve, the text stands for itself
    std::optional<ResolveProblem> problem;
};

class TextResolver {
public:
    /// `sources` must outlive this.
    explicit TextResolver(const Sources& sources) : sources_(sources) {}

    Resolved resolve(const std::string& written) const;

private:
    const Sources& sources_;
};

} // namespace davit::config
