// SPDX-License-Identifier: Apache-2.0
// Reading one file. See layer_file.h.
#include "config/layer_file.h"

#include "config/concat.h"

namespace davit::config {

namespace {

Result<std::string> read_text_of(const std::string& path, const Sources& sources) {
    if (sources.kind_of(path) != FileKind::stream) {
        return sources.read_file(path, largest_file);
    }
    return sources.read_stream ? sources.read_stream(path, largest_file) : failure("it is a pipe or a device");
}

} // namespace

std::optional<Node> read_layer_file(const std::string& path, const KeySet& keys, const Sources& sources,
                                    Problems& problems) {
    const std::uint32_t file = problems.add_file(path);
    const Result<std::string> text = read_text_of(path, sources);
    if (!text) {
        problems.add({.file = file}, "", concat("cannot read it: ", text.error().text));
        return std::nullopt;
    }
    std::optional<Node> root = parse_yaml(*text, file, problems);
    if (!root || root->kind == Node::Kind::null) {
        return std::nullopt;
    }
    if (root->kind != Node::Kind::map) {
        problems.add(root->place, "",
                     concat("expected a map with the keys ", keys.names(" and "), ", found ",
                            root->kind == Node::Kind::list ? "a list" : "a text"));
        return std::nullopt;
    }
    if (root->find("apiVersion") != nullptr && root->find("kind") != nullptr) {
        problems.add(
            root->place, "",
            "this is a manifest of Kubernetes and no configuration: `davit check --pod FILE` compares it with one");
        return std::nullopt;
    }
    return root;
}

} // namespace davit::config
