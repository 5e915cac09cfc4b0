// SPDX-License-Identifier: Apache-2.0
// The whole way of a configuration. See load.h.
#include "config/load.h"

#include "config/concat.h"
#include "config/files.h"
#include "config/merge.h"
#include "config/missing_commands.h"
#include "config/pod_rules.h"
#include "config/scripts.h"
#include "config/spec_reader.h"
#include "config/value_check.h"
#include "model/spec_defaults.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace davit::config {

namespace {

/// The layers of a load, merged.
struct Tree {
    Node root;
    bool complete = true; // false: a file could not be read, so that what is missing proves nothing
};

class Loader {
public:
    Loader(const Sources& sources, const LoadRequest& request, Problems& problems)
        : sources_(sources), request_(request), problems_(problems) {}

    void load(LoadResult& result) {
        ConfigurationFiles files = find_files(request_.path, sources_, problems_);
        result.files = files.paths;
        if (has_no_configuration(files)) {
            if (request_.command.empty()) {
                problems_.add_without_place(
                    concat("there is nothing to run: ", default_directory,
                           " holds no configuration; name one with -c PATH, or give a CMD after --"));
            } else {
                result.pod = plain_init();
            }
            return;
        }
        Tree tree = read_tree(files);
        check_values(tree.root, sources_, problems_);
        if (tree.complete) {
            result.pod = read(tree.root);
        }
    }

private:
    bool has_no_configuration(const ConfigurationFiles& files) const {
        return !files.named && files.paths.empty() && !problems_.has_errors() &&
               !has_script(default_scripts_directory, sources_);
    }

    model::PodSpec plain_init() const {
        model::WrittenPod written;
        written.app = app_name();
        model::apply_command(written, request_.command);
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
        Tree tree{.root = {}, .complete = !problems_.has_errors()};
        tree.root.kind = Node::Kind::map;
        bool anything = false;
        for (const std::string& path : files.paths) {
            const std::size_t problems_before = problems_.count();
            std::optional<Node> layer = read_layer(path);
            if (layer) {
                anything = true;
                merge_layer(tree.root, *std::move(layer), problems_);
            } else if (problems_.count() > problems_before) {
                tree.complete = false;
            }
        }
        if (files.named && !anything && tree.complete) {
            problems_.add({.file = 0}, "", "is empty: a configuration was named, and there is none in it");
            tree.complete = false;
        }
        return tree;
    }

    /// nullopt: the file holds nothing, or a problem was told.
    std::optional<Node> read_layer(const std::string& path) {
        const std::uint32_t file = problems_.add_file(path);
        Result<std::string> text = sources_.read_file(path, largest_file);
        if (!text) {
            problems_.add({.file = file}, "", concat("cannot read it: ", text.error().text));
            return std::nullopt;
        }
        std::optional<Node> root = parse_yaml(*text, file, problems_);
        if (!root || root->kind == Node::Kind::null) {
            return std::nullopt;
        }
        if (root->kind != Node::Kind::map) {
            problems_.add(
                root->place, "",
                concat(
                    "expected a map with the keys app, terminationGracePeriodSeconds, services and lifecycle, found ",
                    root->kind == Node::Kind::list ? "a list" : "a text"));
            return std::nullopt;
        }
        return root;
    }

    model::PodSpec read(const Node& root) {
        const bool has_command = !request_.command.empty();
        model::WrittenPod written =
            read_pod(root, has_command ? MainsCommand::from_cmd : MainsCommand::from_configuration, problems_);
        add_scripts(root, written.lifecycle);
        if (has_command) {
            check_command_has_place(written, root);
            model::apply_command(written, request_.command);
        }
        if (!written.app) {
            written.app = app_name();
        }
        model::PodSpec pod = model::resolve_defaults(written, sources_.host_name());
        check_main(pod, root);
        check_rules(pod, root, problems_);
        if (request_.purpose == Purpose::check) {
            warn_of_missing_commands(root, sources_, problems_);
        }
        return pod;
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

    void tell_no_main(const Node& root) {
        const std::string text = "no service is main: say main: true in one of them, or give a CMD after --";
        const Node* services = root.find("services");
        if (services != nullptr && !services->bad) {
            problems_.add(services->key_place, "services", text, Severity::error_in_run);
        } else if (services == nullptr) {
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
        const std::string directory = written == nullptr ? default_scripts_directory : written->text();
        if (written != nullptr && sources_.kind_of(directory) != FileKind::directory) {
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
            if (std::optional<std::string> script = find_script(directory, name, sources_, problems_)) {
                list.push_back({.action = model::ExecStep{.command = {*std::move(script)}}});
            }
        }
    }

    const Sources& sources_;
    const LoadRequest& request_;
    Problems& problems_;
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

bool has_error(const LoadResult& result, Purpose purpose) {
    return std::ranges::any_of(result.problems, [&](const Problem& problem) { return is_error(problem, purpose); });
}

} // namespace davit::config
