// SPDX-License-Identifier: Apache-2.0
// Looking for scripts. See scripts.h.
#include "config/scripts.h"

#include "config/concat.h"

#include <algorithm>
#include <array>

namespace davit::config {

namespace {

constexpr std::array<std::string_view, 4> steps = {"preload", "online", "offline", "stop"};

bool is_file(FileKind kind) {
    return kind == FileKind::file || kind == FileKind::executable;
}

} // namespace

std::optional<model::Text> find_script(const model::Text& directory, std::string_view step, const Sources& sources,
                                       Problems& problems) {
    const auto with = [&](std::string_view name) {
        return model::Text{concat(directory.value, "/", name), concat(directory.written, "/", name)};
    };
    const model::Text plain = with(step);
    const model::Text with_suffix = with(concat(step, ".sh"));
    const bool plain_is_there = is_file(sources.kind_of(plain.value));
    const bool suffixed_is_there = is_file(sources.kind_of(with_suffix.value));
    if (!plain_is_there && !suffixed_is_there) {
        return std::nullopt;
    }
    const model::Text& script = plain_is_there ? plain : with_suffix;
    if (plain_is_there && suffixed_is_there) {
        problems.add({.file = problems.add_file(script.written)}, "",
                     concat("both ", step, " and ", step, ".sh are there: keep one"));
        return std::nullopt;
    }
    if (sources.kind_of(script.value) != FileKind::executable) {
        problems.add({.file = problems.add_file(script.written)}, "",
                     "is not executable: chmod +x it; a ConfigMap volume needs defaultMode: 0755");
        return std::nullopt;
    }
    return script;
}

bool has_script(const std::string& directory, const Sources& sources) {
    return std::ranges::any_of(steps, [&](std::string_view step) {
        return is_file(sources.kind_of(concat(directory, "/", step))) ||
               is_file(sources.kind_of(concat(directory, "/", step, ".sh")));
    });
}

} // namespace davit::config
