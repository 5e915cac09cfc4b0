// SPDX-License-Identifier: Apache-2.0
// Finding the layers. See files.h.
#include "config/files.h"

#include "config/concat.h"

#include <algorithm>
#include <iterator>
#include <optional>

namespace davit::config {

namespace {

bool is_layer(std::string_view name) {
    return !name.starts_with('.') && (name.ends_with(".yaml") || name.ends_with(".yml"));
}

void tell(Problems& problems, const std::string& path, std::string_view text) {
    problems.add({.file = problems.add_file(path)}, "", text);
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
        switch (sources.kind_of(path)) {
        case FileKind::missing: // a link to nothing: reading it says so
        case FileKind::file:
        case FileKind::executable: paths.push_back(std::move(path)); break;
        case FileKind::directory: break;
        case FileKind::stream: tell(problems, path, "is a pipe or a device: a layer of a directory must be a file");
        }
    }
    return paths;
}

/// Appends the layers of one named path.
void append_layers(std::vector<std::string>& layers, const std::string& path, std::string_view how_named,
                   const Sources& sources, Problems& problems) {
    switch (sources.kind_of(path)) {
    case FileKind::missing:
        return tell(problems, path.empty() ? "-c" : path, concat("no such file or directory", how_named));
    case FileKind::file:
    case FileKind::executable:
    case FileKind::stream: layers.push_back(path); return;
    case FileKind::directory: break;
    }
    const std::size_t problems_before = problems.count();
    std::vector<std::string> found = layers_in(path, sources, problems);
    if (found.empty() && problems.count() == problems_before) {
        tell(problems, path, "no *.yaml or *.yml file in this directory");
    }
    std::ranges::move(found, std::back_inserter(layers));
}

} // namespace

ConfigurationFiles find_files(const std::vector<std::string>& paths, const Sources& sources, Problems& problems) {
    ConfigurationFiles files{.paths = {}, .named = true};
    for (const std::string& path : paths) {
        append_layers(files.paths, path, "", sources, problems);
    }
    const std::optional<std::string> variable = paths.empty() ? sources.environment("DAVIT_CONFIG") : std::nullopt;
    if (variable && !variable->empty()) {
        append_layers(files.paths, *variable, " (named by $DAVIT_CONFIG)", sources, problems);
    } else if (paths.empty()) {
        files.named = false;
        if (sources.kind_of(default_directory) == FileKind::directory) {
            files.paths = layers_in(default_directory, sources, problems);
        }
    }
    return files;
}

} // namespace davit::config
