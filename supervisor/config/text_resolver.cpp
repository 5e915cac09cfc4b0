// SPDX-License-Identifier: Apache-2.0
// The environment and files behind `${...}`. See text_resolver.h.
#include "config/text_resolver.h"

#include "config/concat.h"
#include "model/interpolation.h"

#include <utility>

namespace davit::config {

namespace {

/// What `${file:...}` may hold: a secret or a setting, not a document.
constexpr std::size_t largest_value_file = 64UL * 1024;

Result<std::string> read_value_file(const Sources& sources, const std::string& path) {
    Result<std::string> content = sources.read_file(path, largest_value_file);
    if (content && content->size() > largest_value_file) {
        return failure(concat("it is larger than ", largest_value_file / 1024, " KiB"));
    }
    if (content && content->contains('\0')) {
        return failure("it has a NUL character in it");
    }
    return content;
}

/// What only this machine lacks is an error where the services are to run, and there alone.
Severity severity_of(model::InterpolationFault fault) {
    switch (fault) {
    case model::InterpolationFault::unset:
    case model::InterpolationFault::message:
    case model::InterpolationFault::file: return Severity::error_in_run;
    case model::InterpolationFault::unclosed:
    case model::InterpolationFault::bad_name:
    case model::InterpolationFault::too_deep: return Severity::error;
    }
    std::unreachable();
}

} // namespace

Resolved TextResolver::resolve(const std::string& written) const {
    if (!model::needs_interpolation(written)) {
        return {};
    }
    const model::InterpolationSources lookups{
        .variable = sources_.environment,
        .file = [this](const std::string& path) { return read_value_file(sources_, path); }};
    std::expected<std::string, model::InterpolationError> value = model::interpolate(written, lookups);
    if (!value) {
        return {.value = {}, .problem = ResolveProblem{value.error().text, severity_of(value.error().fault)}};
    }
    return {.value = *std::move(value), .problem = {}};
}

} // namespace davit::config
