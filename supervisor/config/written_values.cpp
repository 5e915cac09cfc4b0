// SPDX-License-Identifier: Apache-2.0
// A walk over the tree beside the tables of keys. See written_values.h.
#include "config/written_values.h"

#include "config/keys.h"
#include "config/merge.h"
#include "model/interpolation.h"

#include <utility>

namespace davit::config {

namespace {

class Walk {
public:
    void look_at(const Node& node, const Key& key, const KeyPath& path) {
        switch (key.type) {
        case ValueType::text:
        case ValueType::absolute_path:
        case ValueType::absolute_paths:
        case ValueType::principal:
        case ValueType::url:
        case ValueType::pattern:
        case ValueType::command:
        case ValueType::text_map: return; // the model keeps what was written
        case ValueType::boolean:
        case ValueType::integer:
        case ValueType::number:
        case ValueType::seconds:
        case ValueType::size:
        case ValueType::choice:
        case ValueType::signal:
        case ValueType::port:
        case ValueType::ip_address:
        case ValueType::file_mode:
        case ValueType::number_or_word: return keep(node, path);
        case ValueType::limit:
        case ValueType::choice_or_fields:
            return node.kind == Node::Kind::map ? look_at_entries(node, key, path) : keep(node, path);
        case ValueType::integers:
        case ValueType::ports:
        case ValueType::variable_names: return look_at_items(node, path);
        case ValueType::dependencies: keep_names(node, path); return look_at_entries(node, key, path);
        case ValueType::fields:
        case ValueType::named_fields: return look_at_entries(node, key, path);
        case ValueType::steps: return look_at_steps(node, key, path);
        }
        std::unreachable();
    }

    void keep(const Node& node, const KeyPath& path) {
        if (node.value || model::needs_interpolation(node.written)) {
            found_.push_back({.path = path.text(), .text = node.written});
        }
    }

    std::vector<model::WrittenValue> take() { return std::move(found_); }

private:
    void look_at_items(const Node& list, const KeyPath& path) {
        int index = 0;
        for (const Node& item : list.children) {
            keep(item, KeyPath{.parent = &path, .index = index++});
        }
    }

    void look_at_entries(const Node& map, const Key& key, const KeyPath& path) {
        for (const Node& child : map.children) {
            if (const std::optional<Key> meaning = key_of_entry(key, child.key)) {
                look_at(child, *meaning, KeyPath{.parent = &path, .name = child.key});
            }
        }
    }

    /// A name from a list is a map without entries by now, and still knows its text.
    void keep_names(const Node& map, const KeyPath& path) {
        for (const Node& child : map.children) {
            keep(child, KeyPath{.parent = &path, .name = child.key});
        }
    }

    void look_at_steps(const Node& list, const Key& key, const KeyPath& path) {
        const Key step{.name = key.name, .type = ValueType::fields, .fields = key.fields};
        int index = 0;
        for (const Node& child : list.children) {
            look_at(child, step, KeyPath{.parent = &path, .index = index++});
        }
    }

    std::vector<model::WrittenValue> found_;
};

} // namespace

std::vector<model::WrittenValue> written_values(const Node& root) {
    Walk walk;
    if (const Node* app = root.find("app")) {
        walk.keep(*app, KeyPath{.parent = nullptr, .name = "app"});
    }
    walk.look_at(root, Key{.type = ValueType::fields, .fields = &pod_keys}, KeyPath{});
    return walk.take();
}

} // namespace davit::config
