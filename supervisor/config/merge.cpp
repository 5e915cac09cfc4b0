// SPDX-License-Identifier: Apache-2.0
// The merge of layers. See merge.h.
#include "config/merge.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace davit::config {

namespace {

bool is_null(const Node& node) {
    return node.kind == Node::Kind::null;
}

bool merges_by_key(const std::optional<Key>& key) {
    if (!key || key->merging == Merging::whole) {
        return false;
    }
    switch (key->type) {
    case ValueType::text_map:
    case ValueType::dependencies:
    case ValueType::fields:
    case ValueType::limit:
    case ValueType::choice_or_fields:
    case ValueType::named_fields: return true;
    case ValueType::text:
    case ValueType::absolute_path:
    case ValueType::absolute_paths:
    case ValueType::file_mode:
    case ValueType::principal:
    case ValueType::number_or_word:
    case ValueType::variable_names:
    case ValueType::url:
    case ValueType::pattern:
    case ValueType::boolean:
    case ValueType::integer:
    case ValueType::number:
    case ValueType::seconds:
    case ValueType::size:
    case ValueType::choice:
    case ValueType::signal:
    case ValueType::port:
    case ValueType::ip_address:
    case ValueType::command:
    case ValueType::integers:
    case ValueType::ports:
    case ValueType::steps: return false;
    }
    std::unreachable();
}

void erase_entry(Node& map, std::string_view name) {
    std::erase_if(map.children, [&](const Node& child) { return child.key == name; });
}

/// The entries of a map while a layer merges into it, found by hash: a pod may have hundreds of services. A removed one
/// stays as a null until the end, because nothing in the list may move.
class Entries {
public:
    Entries(Node& map, std::size_t most_new) : map_(map) {
        map.children.reserve(map.children.size() + most_new);
        for (Node& child : map.children) {
            by_name_.emplace(child.key, &child);
        }
    }

    Node* find(const std::string& name) const {
        const auto found = by_name_.find(name);
        return found == by_name_.end() ? nullptr : found->second;
    }

    void add(Node entry) {
        Node& added = map_.children.emplace_back(std::move(entry));
        by_name_.emplace(added.key, &added);
    }

    void drop_removed() { std::erase_if(map_.children, is_null); }

private:
    Node& map_;
    std::unordered_map<std::string, Node*> by_name_;
};

void merge_map(Node& base, Node layer, const Key& key);

void merge_entry(Entries& base, Node entry, const std::optional<Key>& meaning) {
    Node* inherited = base.find(entry.key);
    if (is_null(entry)) {
        if (inherited != nullptr) {
            inherited->kind = Node::Kind::null;
        }
        return;
    }
    bool both_are_maps = inherited != nullptr && inherited->kind == Node::Kind::map && entry.kind == Node::Kind::map;
    if (both_are_maps && merges_by_key(meaning)) {
        merge_map(*inherited, std::move(entry), *meaning);
        return;
    }
    drop_nulls(entry);
    if (inherited != nullptr) {
        *inherited = std::move(entry);
    } else {
        base.add(std::move(entry));
    }
}

void merge_map(Node& base, Node layer, const Key& key) {
    if (key.fields == &service_keys && key.type == ValueType::fields && layer.find("command") != nullptr) {
        erase_entry(base, "args");
    }
    Entries entries{base, layer.children.size()};
    for (Node& entry : layer.children) {
        std::optional<Key> meaning = key_of_entry(key, entry.key);
        merge_entry(entries, std::move(entry), meaning);
    }
    entries.drop_removed();
}

/// Warns of each null in `layer` that has nothing to remove from `inherited`: in YAML it is easily written by
/// leaving a value out, and whoever did that meant something else.
void warn_of_nulls(const Node* inherited, const Node* layer, const KeyPath& path, std::string_view text,
                   Problems& problems) {
    if (layer == nullptr || layer->kind != Node::Kind::map) {
        return;
    }
    for (const Node& entry : layer->children) {
        if (is_null(entry) && (inherited == nullptr || inherited->find(entry.key) == nullptr)) {
            problems.add(entry.key_place, KeyPath{.parent = &path, .name = entry.key}.text(), text, Severity::warning);
        }
    }
}

void warn_of_removals(const Node& base, const Node& layer, Problems& problems) {
    const Node* services = layer.find("services");
    const Node* inherited = base.find("services");
    const KeyPath path{.parent = nullptr, .name = "services"};
    warn_of_nulls(inherited, services, path,
                  "an empty service removes the one of an earlier file, and no earlier file has it", problems);
    if (services == nullptr || services->kind != Node::Kind::map) {
        return;
    }
    for (const Node& service : services->children) {
        const Node* inherited_service = inherited == nullptr ? nullptr : inherited->find(service.key);
        const KeyPath service_path{.parent = &path, .name = service.key};
        warn_of_nulls(
            inherited_service == nullptr ? nullptr : inherited_service->find("dependsOn"), service.find("dependsOn"),
            KeyPath{.parent = &service_path, .name = "dependsOn"},
            "an empty entry removes the dependency of an earlier file, and no earlier file has it: write {} to "
            "depend on it",
            problems);
    }
}

} // namespace

void drop_nulls(Node& node) {
    if (node.kind == Node::Kind::map) {
        std::erase_if(node.children, is_null);
    }
    std::ranges::for_each(node.children, drop_nulls);
}

std::optional<Key> key_of_entry(const Key& key, std::string_view name) {
    switch (key.type) {
    case ValueType::limit:
    case ValueType::choice_or_fields:
    case ValueType::fields: {
        const Key* found = key.fields->find(name);
        return found == nullptr ? std::nullopt : std::optional{*found};
    }
    case ValueType::named_fields:
    case ValueType::dependencies: return Key{.name = key.name, .type = ValueType::fields, .fields = key.fields};
    case ValueType::text:
    case ValueType::absolute_path:
    case ValueType::absolute_paths:
    case ValueType::file_mode:
    case ValueType::principal:
    case ValueType::number_or_word:
    case ValueType::variable_names:
    case ValueType::url:
    case ValueType::pattern:
    case ValueType::boolean:
    case ValueType::integer:
    case ValueType::number:
    case ValueType::seconds:
    case ValueType::size:
    case ValueType::choice:
    case ValueType::signal:
    case ValueType::port:
    case ValueType::ip_address:
    case ValueType::command:
    case ValueType::text_map:
    case ValueType::integers:
    case ValueType::ports:
    case ValueType::steps: return std::nullopt;
    }
    std::unreachable();
}

void merge_layer(Node& base, Node layer, Problems& problems) {
    warn_of_removals(base, layer, problems);
    merge_map(base, std::move(layer), Key{.type = ValueType::fields, .fields = &pod_keys});
}

} // namespace davit::config
