// SPDX-License-Identifier: Apache-2.0
// Finding the layers. See files.h.
#include "config/files.h"

#include "config/concat.h"

#include <algorithm>

namespace davit::config {

namespace {

bool is_layer(std::string_view name) {
    return !name.starts_with('.') && (name.ends_with(".yaml") || name.ends_with(".yml"));
}

void tell(Problems& problems, const std::string& path, std::string text) {
    problems.add({.file = problems.add_file(path)}, "", std::move(text));
}

std::vector<std::string> layers_in(const std::string& directory, const Sources& sources, Problems& problems) {
    Result<std::vector<std::string>> names = sources.list_directory(directory);
    if (!names) {
        tell(problems, directory, concat("cannot list the directory: ", names.error().text));
        return {};
    }
    std::erase_if(*names, [](const std::string& name) { return !is_layer(name); });
    std::ranges::sort(*names);
    std::vector<std::string> paths;
    for (const std::string& name : *names) {
        std::string path = directory.ends_with('/') ? directory + name : concat(directory, "/", name);
        if (sources.kind_of(path) != FileKind::directory) {
            paths.push_back(std::move(path));
        }
    }
    return paths;
}

std::optional<std::string> named_path(const std::optional<std::string>& path, const Sources& sources) {
    if (path) {
        return path;
    }
    std::optional<std::string> variable = sources.environment("DAVIT_CONFIG");
    return variable && !variable->empty() ? variable : std::nullopt;
}

} // namespace

ConfigurationFiles find_files(const std::optional<std::string>& path, const Sources& sources, Problems& problems) {
    const std::optional<std::string> named = named_path(path, sources);
    if (!named) {
        bool is_there = sources.kind_of(default_directory) == FileKind::directory;
        return {.paths = is_there ? layers_in(default_directory, sources, problems) : std::vector<std::string>{}};
    }
    switch (sources.kind_of(*named)) {
    case FileKind::missing:
        tell(problems, named->empty() ? "-c" : *named,
             path ? "no such file or directory" : "no such file or directory (named by $DAVIT_CONFIG)");
        return {.named = true};
    case FileKind::file:
    case FileKind::executable: return {.paths = {*named}, .named = true};
    case FileKind::directory: break;
    }
    ConfigurationFiles files{.paths = layers_in(*named, sources, problems), .named = true};
    if (files.paths.empty() && !problems.has_errors()) {
        tell(problems, *named, "no *.yaml or *.yml file in this directory");
    }
    return files;
}

} // namespace davit::config
