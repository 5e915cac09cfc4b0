// SPDX-License-Identifier: Apache-2.0
// The merge of layers. See merge.h.
#include "config/merge.h"

#include <algorithm>
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
    case ValueType::named_fields: return true;
    case ValueType::text:
    case ValueType::absolute_path:
    case ValueType::url:
    case ValueType::boolean:
    case ValueType::integer:
    case ValueType::number:
    case ValueType::seconds:
    case ValueType::choice:
    case ValueType::signal:
    case ValueType::port:
    case ValueType::command:
    case ValueType::integers:
    case ValueType::ports:
    case ValueType::steps: return false;
    }
    std::unreachable();
}

/// Where a layer says null there is nothing, also where no earlier layer had something to remove.
void drop_nulls(Node& node) {
    if (node.kind == Node::Kind::map) {
        std::erase_if(node.children, is_null);
    }
    std::ranges::for_each(node.children, drop_nulls);
}

void erase_entry(Node& map, std::string_view name) {
    std::erase_if(map.children, [&](const Node& child) { return child.key == name; });
}

void merge_map(Node& base, Node layer, const Key& key);

void merge_entry(Node& base, Node entry, const std::optional<Key>& meaning) {
    if (is_null(entry)) {
        erase_entry(base, entry.key);
        return;
    }
    Node* inherited = base.find(entry.key);
    bool both_are_maps = inherited != nullptr && inherited->kind == Node::Kind::map && entry.kind == Node::Kind::map;
    if (both_are_maps && merges_by_key(meaning)) {
        merge_map(*inherited, std::move(entry), *meaning);
        return;
    }
    drop_nulls(entry);
    if (inherited != nullptr) {
        *inherited = std::move(entry);
    } else {
        base.children.push_back(std::move(entry));
    }
}

void merge_map(Node& base, Node layer, const Key& key) {
    if (key.fields == &service_keys && key.type == ValueType::fields && layer.find("command") != nullptr) {
        erase_entry(base, "args");
    }
    for (Node& entry : layer.children) {
        std::optional<Key> meaning = key_of_entry(key, entry.key);
        merge_entry(base, std::move(entry), meaning);
    }
}

void warn_of_removals(const Node& base, const Node& layer, Problems& problems) {
    const Node* services = layer.find("services");
    if (services == nullptr || services->kind != Node::Kind::map) {
        return;
    }
    const Node* inherited = base.find("services");
    for (const Node& service : services->children) {
        if (is_null(service) && (inherited == nullptr || inherited->find(service.key) == nullptr)) {
            KeyPath parent{.name = "services"};
            problems.add(service.key_place, KeyPath{.parent = &parent, .name = service.key}.text(),
                         "an empty service removes the one of an earlier file, and no earlier file has it",
                         Severity::warning);
        }
    }
}

} // namespace

std::optional<Key> key_of_entry(const Key& key, std::string_view name) {
    switch (key.type) {
    case ValueType::fields: {
        const Key* found = key.fields->find(name);
        return found == nullptr ? std::nullopt : std::optional{*found};
    }
    case ValueType::named_fields:
    case ValueType::dependencies: return Key{.name = key.name, .type = ValueType::fields, .fields = key.fields};
    case ValueType::text:
    case ValueType::absolute_path:
    case ValueType::url:
    case ValueType::boolean:
    case ValueType::integer:
    case ValueType::number:
    case ValueType::seconds:
    case ValueType::choice:
    case ValueType::signal:
    case ValueType::port:
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
