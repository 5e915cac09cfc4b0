// SPDX-License-Identifier: Apache-2.0
// The whole way of a configuration. See load.h.
#include "config/load.h"

#include "config/app_file.h"
#include "config/concat.h"
#include "config/files.h"
#include "config/identity_reader.h"
#include "config/keys.h"
#include "config/layer_file.h"
#include "config/leaf_reader.h"
#include "config/merge.h"
#include "config/missing_commands.h"
#include "config/pod_rules.h"
#include "config/scripts.h"
#include "config/spec_reader.h"
#include "config/value_check.h"
#include "config/written_values.h"
#include "model/interpolation.h"
#include "model/spec_defaults.h"

#include <algorithm>
#include <array>
#include <exception>
#include <iterator>
#include <utility>

namespace davit::config {

namespace {

/// The layers of a load, merged.
struct Tree {
    Node root;
    bool complete = true; // false: a file could not be read, so that what is missing proves nothing
};

/// Nothing in CMD is resolved: as a configuration it would be written so.
model::Text text_of_cmd(const std::string& word) {
    if (!model::needs_interpolation(word)) {
        return word;
    }
    std::string escaped;
    for (const char character : word) {
        escaped.append(character == '$' ? 2 : 1, character);
    }
    return {word, std::move(escaped)};
}

class Loader {
public:
    Loader(const Sources& sources, const LoadRequest& request, Problems& problems)
        : sources_(sources), request_(request), problems_(problems) {}

    void load(LoadResult& result) {
        const ConfigurationFiles files = find_files(named_paths(), sources_, problems_);
        files_are_known_ = !problems_.has_errors();
        result.files = files.paths;
        read_command(result.files);
        result.read_from_stream = std::ranges::any_of(
            result.files, [this](const std::string& path) { return sources_.kind_of(path) == FileKind::stream; });
        if (has_no_configuration(files)) {
            load_plain_init(result);
            return;
        }
        Tree tree = read_tree(files);
        check_values(tree.root, pod_keys, sources_, problems_);
        if (tree.complete) {
            result.pod = read(tree.root);
        }
    }

private:
    std::vector<std::string> named_paths() const {
        std::vector<std::string> paths;
        if (request_.path) {
            paths.push_back(*request_.path);
        }
        std::ranges::copy(request_.more_paths, std::back_inserter(paths));
        return paths;
    }

    /// CMD, or the entrypoint of an app.yaml in its place.
    void read_command(std::vector<std::string>& files) {
        if (!request_.command.empty()) {
            command_.emplace();
            std::ranges::transform(request_.command, std::back_inserter(*command_), text_of_cmd);
            if (request_.app_file) {
                problems_.add_without_place(
                    "CMD is given twice, after -- and by --app: its entrypoint would be CMD, leave one of them out");
            }
            return;
        }
        const std::optional<std::string> path =
            request_.app_file ? request_.app_file : sources_.environment("DAVIT_APP_YAML");
        if (!path || path->empty()) {
            return;
        }
        command_.emplace(); // main has one, even if it turns out to be bad
        files.push_back(*path);
        entrypoint_ = read_entrypoint(*path, sources_, problems_);
        if (entrypoint_) {
            command_ = texts_of(*entrypoint_);
        }
    }

    bool has_no_configuration(const ConfigurationFiles& files) const {
        return !files.named && files.paths.empty() && files_are_known_ &&
               !has_script(default_scripts_directory, sources_);
    }

    void load_plain_init(LoadResult& result) {
        if (!command_) {
            problems_.add_without_place(
                concat("there is nothing to run: ", default_directory,
                       " holds no configuration; name one with -c PATH, or give a CMD after --"));
        } else if (!command_->empty()) {
            result.pod = plain_init();
            if (request_.purpose == Purpose::check) {
                warn_of_missing_commands(Node{}, command_of_main(), sources_, problems_);
            }
        }
    }

    model::PodSpec plain_init() const {
        model::WrittenPod written;
        written.app = app_name();
        model::apply_command(written, *command_);
        model::PodSpec pod = model::resolve_defaults(written, sources_.host_name());
        pod.plain_init = true;
        pod.services.front().grace = model::plain_init_grace;
        return pod;
    }

    std::optional<std::string> app_name() const {
        std::optional<std::string> name = sources_.environment("DAVIT_APP");
        return name && !name->empty() ? name : std::nullopt;
    }

    Tree read_tree(const ConfigurationFiles& files) {
        Tree tree{.root = {}, .complete = files_are_known_};
        tree.root.kind = Node::Kind::map;
        bool anything = false;
        for (const std::string& path : files.paths) {
            const std::size_t problems_before = problems_.count();
            std::optional<Node> layer = read_layer_file(path, pod_keys, sources_, problems_);
            if (layer) {
                anything = true;
                merge_layer(tree.root, *std::move(layer), problems_);
            } else if (problems_.count() > problems_before) {
                tree.complete = false;
            }
        }
        if (files.named && !anything && tree.complete) {
            problems_.add({.file = problems_.add_file(files.paths.front())}, "",
                          "is empty: a configuration was named, and there is none in it");
            tree.complete = false;
        }
        return tree;
    }

    model::PodSpec read(const Node& root) {
        model::WrittenPod written =
            read_pod(root, command_ ? MainsCommand::from_cmd : MainsCommand::from_configuration, problems_);
        written.written_values = written_values(root);
        read_identities(root, sources_, written, problems_);
        add_scripts(root, written.lifecycle);
        if (command_) {
            check_command_has_place(written, root);
            model::apply_command(written, *command_);
        }
        if (!written.app) {
            written.app = app_name();
        }
        model::PodSpec pod = model::resolve_defaults(written, sources_.host_name());
        check_main(pod, root);
        check_rules(pod, root, problems_);
        if (request_.purpose == Purpose::check) {
            warn_of_missing_commands(root, command_of_main(), sources_, problems_);
        }
        return pod;
    }

    std::optional<CommandOfMain> command_of_main() const {
        if (!command_ || command_->empty()) {
            return std::nullopt;
        }
        CommandOfMain command{.program = command_->front(), .place = {}};
        if (entrypoint_) {
            command.place = entrypoint_->children.front().place;
        }
        return command;
    }

    /// CMD of an image whose configuration has no main is a new service, and needs its name.
    void check_command_has_place(const model::WrittenPod& written, const Node& root) {
        const bool has_main = std::ranges::find(written.services, std::optional{true}, &model::WrittenService::main) !=
                              written.services.end();
        const Node* services = root.find("services");
        const Node* taken = services == nullptr ? nullptr : services->find("main");
        if (!has_main && taken != nullptr) {
            problems_.add(
                taken->key_place, "services.main",
                "CMD would be a new service of this name: say main: true here if CMD is to replace its command");
        }
    }

    void check_main(const model::PodSpec& pod, const Node& root) {
        std::optional<model::ServiceIndex> main = pod.main();
        if (!main) {
            tell_no_main(root);
            return;
        }
        const model::ServiceSpec& service = pod.services[*main];
        if (service.enabled) {
            return;
        }
        const Node* enabled = root.find("services")->find(service.name)->find("enabled");
        problems_.add(enabled->place, concat("services.", service.name, ".enabled"),
                      "the main service cannot be disabled: without it there is nothing to run",
                      Severity::error_in_run);
    }

    /// Whether a service tries to say whether it is main, and does it wrong: that was told.
    static bool says_main_badly(const Node& service) {
        constexpr std::array<std::string_view, 3> deciding = {"main", "oneshot", "enabled"};
        const bool has_bad_value = std::ranges::any_of(deciding, [&](std::string_view key) {
            const Node* value = service.find(key);
            return value != nullptr && value->bad;
        });
        return has_bad_value || has_slip_of(service, service_keys, deciding);
    }

    void tell_no_main(const Node& root) {
        const std::string text = "no service is main: say main: true in one of them, or give a CMD after --";
        const Node* services = root.find("services");
        if (services != nullptr && std::ranges::any_of(services->children, says_main_badly)) {
            return;
        }
        if (services != nullptr && !services->bad) {
            problems_.add(services->key_place, "services", text, Severity::error_in_run);
        } else if (services == nullptr && !has_slip_of(root, pod_keys, std::array<std::string_view, 1>{"services"})) {
            problems_.add_without_place(text, Severity::error_in_run);
        }
    }

    /// The steps that no key describes are the scripts of that name.
    void add_scripts(const Node& root, model::LifecycleSpec& lifecycle) {
        const Node* node = root.find("lifecycle");
        const Node* written = node == nullptr ? nullptr : node->find("scriptsDir");
        if (written != nullptr && written->bad) {
            return;
        }
        const model::Text directory = written == nullptr ? model::Text{default_scripts_directory}
                                                         : model::Text{written->text(), written->written};
        if (written != nullptr && sources_.kind_of(directory.value) != FileKind::directory) {
            problems_.add(written->place, "lifecycle.scriptsDir",
                          concat("no such directory: ", quoted(written->written)), Severity::error_in_run);
            return;
        }
        const std::pair<std::string_view, std::vector<model::StepSpec>&> steps[] = {{"preload", lifecycle.preload},
                                                                                    {"online", lifecycle.online},
                                                                                    {"offline", lifecycle.offline},
                                                                                    {"stop", lifecycle.stop}};
        for (const auto& [name, list] : steps) {
            if (node != nullptr && node->find(name) != nullptr) {
                continue;
            }
            if (std::optional<model::Text> script = find_script(directory, name, sources_, problems_)) {
                list.push_back({.action = model::ExecStep{.command = {*std::move(script)}}});
            }
        }
    }

    const Sources& sources_;
    const LoadRequest& request_;
    Problems& problems_;
    bool files_are_known_ = true;
    std::optional<std::vector<model::Text>> command_; // CMD; empty: it was given, and is bad
    std::optional<Node> entrypoint_;                  // where it comes from an app.yaml
};

} // namespace

LoadResult load(const Sources& sources, const LoadRequest& request) {
    LoadResult result;
    Problems problems;
    try {
        Loader{sources, request, problems}.load(result);
    } catch (const std::exception& exception) {
        problems.add_without_place(concat("cannot read the configuration: ", exception.what()));
    }
    result.problems = problems.take();
    return result;
}

bool is_error(const Problem& problem, Purpose purpose) {
    switch (problem.severity) {
    case Severity::warning: return false;
    case Severity::error_in_run: return purpose == Purpose::run;
    case Severity::error: return true;
    }
    std::unreachable();
}

std::string describe(const Problem& problem, Purpose purpose) {
    return describe(problem, is_error(problem, purpose) ? "" : "warning:");
}

bool has_error(const LoadResult& result, Purpose purpose) {
    return std::ranges::any_of(result.problems, [&](const Problem& problem) { return is_error(problem, purpose); });
}

} // namespace davit::config
