// SPDX-License-Identifier: Apache-2.0
// Looking for programs as execvp would. See missing_commands.h.
#include "config/missing_commands.h"

#include "config/concat.h"
#include "config/leaf_reader.h"

#include <ranges>
#include <unordered_map>
#include <utility>

namespace davit::config {

namespace {

constexpr std::string_view path_without_a_variable = "/usr/local/bin:/usr/bin:/bin";

/// Where the programs of one service are looked for.
struct Surroundings {
    std::string search_path;
    std::string directory; // for a name with a slash that is not absolute; empty: unknown
};

class CommandSearch {
public:
    CommandSearch(const Sources& sources, Problems& problems) : sources_(sources), problems_(problems) {}

    void look_at_command(const Node& service) {
        const KeyPath services{.parent = nullptr, .name = "services"};
        look_at(service, "command", KeyPath{.parent = &services, .name = service.key}, surroundings_of(service));
    }

    void look_at_command(const CommandOfMain& command, const Surroundings& surroundings) {
        const std::string_view reason = reason_against(command.program.value, surroundings);
        if (reason.empty()) {
            return;
        }
        const std::string text = concat(quoted(command.program.written), " ", reason);
        if (command.place) {
            problems_.add(*command.place, "entrypoint", text, Severity::warning);
        } else {
            problems_.add_without_place(concat("CMD: ", text), Severity::warning);
        }
    }

    void look_at_service(const Node& service) {
        const Surroundings surroundings = surroundings_of(service);
        const KeyPath services{.parent = nullptr, .name = "services"};
        const KeyPath path{.parent = &services, .name = service.key};
        look_at(service, "stopCommand", path, surroundings);
        for (std::string_view name : {"startupProbe", "readinessProbe", "livenessProbe"}) {
            if (const Node* probe = good_child(service, name)) {
                look_at_exec(*probe, KeyPath{.parent = &path, .name = name}, surroundings);
            }
        }
    }

    void look_at_steps(const Node& lifecycle, const Surroundings& surroundings) {
        const KeyPath path{.parent = nullptr, .name = "lifecycle"};
        for (std::string_view name : {"preload", "online", "offline", "stop"}) {
            const Node* list = good_child(lifecycle, name);
            if (list == nullptr) {
                continue;
            }
            const KeyPath list_path{.parent = &path, .name = name};
            int index = 0;
            for (const Node& step : list->children) {
                const KeyPath step_path{.parent = &list_path, .index = index++};
                look_at_exec(step, list->children.size() == 1 ? list_path : step_path, surroundings);
            }
        }
    }

    Surroundings surroundings_of(const Node& service) const {
        Surroundings surroundings{.search_path =
                                      sources_.environment("PATH").value_or(std::string{path_without_a_variable}),
                                  .directory = {}};
        const Node* env = service.find("env");
        if (const Node* path = env == nullptr ? nullptr : good_child(*env, "PATH")) {
            surroundings.search_path = path->text();
        }
        if (const Node* directory = good_child(service, "workingDir")) {
            surroundings.directory = directory->text();
        }
        return surroundings;
    }

private:
    void look_at_exec(const Node& map, const KeyPath& path, const Surroundings& surroundings) {
        if (const Node* exec = good_child(map, "exec")) {
            look_at(*exec, "command", KeyPath{.parent = &path, .name = "exec"}, surroundings);
        }
    }

    void look_at(const Node& map, std::string_view key, const KeyPath& path, const Surroundings& surroundings) {
        const Node* command = good_child(map, key);
        if (command == nullptr || command->children.empty()) {
            return;
        }
        const Node& program = command->children.front();
        std::string_view reason = reason_against(program.text(), surroundings);
        if (!reason.empty()) {
            problems_.add(program.place, KeyPath{.parent = &path, .name = key}.text(),
                          concat(quoted(program.written), " ", reason), Severity::warning);
        }
    }

    /// Why the program could not be started here; empty: it could, or nobody knows.
    std::string_view reason_against(const std::string& program, const Surroundings& surroundings) {
        if (program.starts_with('/')) {
            return reason_against_file(program);
        }
        if (program.contains('/')) {
            return surroundings.directory.empty() ? ""
                                                  : reason_against_file(concat(surroundings.directory, "/", program));
        }
        for (auto part : std::views::split(surroundings.search_path, ':')) {
            const std::string_view directory{part.begin(), part.end()};
            if (kind_of(concat(directory, "/", program)) == FileKind::executable) {
                return "";
            }
        }
        return "is not on this machine (no such executable in the PATH)";
    }

    /// Many services run the same few programs.
    FileKind kind_of(const std::string& path) {
        const auto found = known_.find(path);
        return found != known_.end() ? found->second : known_.emplace(path, sources_.kind_of(path)).first->second;
    }

    std::string_view reason_against_file(const std::string& path) {
        switch (kind_of(path)) {
        case FileKind::executable: return "";
        case FileKind::missing: return "is not on this machine";
        case FileKind::file: return "is not executable on this machine";
        case FileKind::directory: return "is a directory on this machine";
        case FileKind::stream: return "is a pipe or a device on this machine";
        }
        std::unreachable();
    }

    const Sources& sources_;
    Problems& problems_;
    std::unordered_map<std::string, FileKind> known_;
};

} // namespace

void warn_of_missing_commands(const Node& root, const std::optional<CommandOfMain>& command, const Sources& sources,
                              Problems& problems) {
    CommandSearch search{sources, problems};
    Node nobody;
    const Node* main = &nobody;
    const Node* services = good_child(root, "services");
    if (services != nullptr) {
        const bool only_one = services->children.size() == 1 && !command;
        for (const Node& service : services->children) {
            const bool is_main = read_boolean(service, "main").value_or(only_one);
            main = is_main ? &service : main;
            if (!read_boolean(service, "enabled").value_or(true)) {
                continue;
            }
            if (!is_main || !command) {
                search.look_at_command(service);
            }
            search.look_at_service(service);
        }
    }
    const Surroundings surroundings = search.surroundings_of(*main);
    if (command) {
        search.look_at_command(*command, surroundings);
    }
    if (const Node* lifecycle = root.find("lifecycle")) {
        search.look_at_steps(*lifecycle, surroundings);
    }
}

} // namespace davit::config
