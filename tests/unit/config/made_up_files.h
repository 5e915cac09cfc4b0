// SPDX-License-Identifier: Apache-2.0
// A made-up system for the tests of config: files, directories and an environment as maps, handed over as
// config::Sources. So a test is a text in and a text out, and touches no disk.
#pragma once

#include "config/env_file.h"
#include "config/load.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace davit::config {

struct MadeUpFiles {
    std::map<std::string, std::string> files; // by path; a directory is there if a file is below it
    std::set<std::string> executables;
    std::set<std::string> unreadable;
    std::map<std::string, std::string> environment;
    std::map<std::string, std::string> streams = {}; // pipes
    model::Accounts accounts = {};
    model::OwnProcess own = {};

    bool is_directory(const std::string& path) const {
        const std::string prefix = path.ends_with('/') ? path : path + "/";
        auto below = files.lower_bound(prefix);
        return below != files.end() && below->first.starts_with(prefix);
    }

    FileKind kind_of(const std::string& path) const {
        if (executables.contains(path)) {
            return FileKind::executable;
        }
        if (streams.contains(path)) {
            return FileKind::stream;
        }
        if (files.contains(path)) {
            return FileKind::file;
        }
        return is_directory(path) ? FileKind::directory : FileKind::missing;
    }

    Result<std::string> read(const std::string& path, std::size_t limit) const {
        if (unreadable.contains(path)) {
            return failure("permission denied");
        }
        auto file = files.find(path);
        return file == files.end() ? Result<std::string>{failure("no such file or directory")}
                                   : file->second.substr(0, limit + 1);
    }

    std::vector<std::string> list(const std::string& directory) const {
        const std::string prefix = directory.ends_with('/') ? directory : directory + "/";
        std::set<std::string, std::greater<>> names; // in the wrong order on purpose
        for (const auto* paths : {&files, &streams}) {
            for (const auto& [path, content] : *paths) {
                if (path.starts_with(prefix)) {
                    names.insert(path.substr(prefix.size(), path.find('/', prefix.size()) - prefix.size()));
                }
            }
        }
        return {names.begin(), names.end()};
    }

    Sources sources() const {
        return {.read_file = [this](const std::string& path, std::size_t limit) { return read(path, limit); },
                .read_stream =
                    [this](const std::string& path, std::size_t limit) {
                        return Result<std::string>{streams.at(path).substr(0, limit + 1)};
                    },
                .list_directory = [this](const std::string& path) -> Result<std::vector<std::string>> {
                    return unreadable.contains(path) ? Result<std::vector<std::string>>{failure("permission denied")}
                                                     : list(path);
                },
                .kind_of = [this](const std::string& path) { return kind_of(path); },
                .environment = [this](const std::string& name) -> std::optional<std::string> {
                    auto variable = environment.find(name);
                    return variable == environment.end() ? std::nullopt : std::optional{variable->second};
                },
                .host_name = [] { return std::string{"pod-7"}; },
                .accounts = [this] { return accounts; },
                .own_process = [this] { return own; }};
    }
};

/// What a person would read, a line a problem; warnings and errors of `run` alone are marked.
inline std::string lines_of(const std::vector<Problem>& problems) {
    std::string lines;
    for (const Problem& problem : problems) {
        switch (problem.severity) {
        case Severity::error: break;
        case Severity::warning: lines += "warning: "; break;
        case Severity::error_in_run: lines += "in run: "; break;
        }
        lines += describe(problem) + "\n";
    }
    return lines;
}

/// Loads one file named `davit.yaml`.
inline LoadResult load_text(const std::string& text, std::map<std::string, std::string> environment = {}) {
    MadeUpFiles made_up{
        .files = {{"davit.yaml", text}}, .executables = {}, .unreadable = {}, .environment = std::move(environment)};
    return load(made_up.sources(), {.path = "davit.yaml", .command = {}});
}

inline std::string problems_of(const std::string& text, std::map<std::string, std::string> environment = {}) {
    return lines_of(load_text(text, std::move(environment)).problems);
}

} // namespace davit::config
