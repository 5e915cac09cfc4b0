// SPDX-License-Identifier: Apache-2.0
// Reading an app.yaml. See app_file.h.
#include "config/app_file.h"

#include "config/concat.h"
#include "config/keys.h"
#include "config/layer_file.h"
#include "config/merge.h"
#include "config/value_check.h"

#include <utility>

namespace davit::config {

std::optional<Node> read_entrypoint(const std::string& path, const Sources& sources, Problems& problems) {
    if (sources.kind_of(path) == FileKind::directory) {
        problems.add({.file = problems.add_file(path)}, "", "is a directory: name the file");
        return std::nullopt;
    }
    const std::size_t problems_before = problems.count();
    std::optional<Node> root = read_layer_file(path, app_file_keys, sources, problems);
    if (!root) {
        if (problems.count() == problems_before) {
            problems.add({.file = problems.add_file(path)}, "", "is empty: an app.yaml has an entrypoint");
        }
        return std::nullopt;
    }
    drop_nulls(*root);
    check_values(*root, app_file_keys, sources, problems);
    Node* entrypoint = root->find("entrypoint");
    return entrypoint == nullptr || entrypoint->bad ? std::nullopt : std::optional{std::move(*entrypoint)};
}

} // namespace davit::config
