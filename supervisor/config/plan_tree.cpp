// SPDX-License-Identifier: Apache-2.0
// Writing and comparing the tree. See plan_tree.h.
#include "config/plan_tree.h"

#include "config/concat.h"

#include <algorithm>
#include <array>

namespace davit::config {

namespace {

using Kind = PlanNode::Kind;

/// A list of scalars stands on one line up to here.
constexpr std::size_t longest_line = 100;
/// A value in a list of changes is cut here.
constexpr std::size_t longest_shown = 120;

bool is_letter(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
}

bool is_plain_character(char character) {
    constexpr std::string_view others = "0123456789/_.@%+=-";
    return is_letter(character) || others.find(character) != std::string_view::npos;
}

/// Words that some reader of YAML takes for a boolean or for nothing.
bool is_yaml_word(std::string_view text) {
    constexpr std::array<std::string_view, 9> words = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
    return std::ranges::any_of(words, [&](std::string_view word) {
        return std::ranges::equal(word, text, [](char lower, char any) {
            return lower == (any >= 'A' && any <= 'Z' ? static_cast<char>(any - 'A' + 'a') : any);
        });
    });
}

bool is_plain(std::string_view text) {
    if (text.empty() || is_yaml_word(text) || !std::ranges::all_of(text, is_plain_character)) {
        return false;
    }
    const bool option = text.size() > 1 && text.front() == '-' && (is_letter(text[1]) || text[1] == '-');
    const bool rule = text.starts_with("---"); // begins a document
    return (is_letter(text.front()) || text.front() == '/' || text.front() == '_' || option) && !rule;
}

/// In double quotes, as JSON and YAML both read it.
std::string in_quotes(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string quoted = "\"";
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        if (character == '"' || character == '\\') {
            quoted += '\\';
            quoted += character;
        } else if (character == '\n') {
            quoted += "\\n";
        } else if (byte < 0x20 || byte == 0x7F) {
            quoted += "\\u00";
            quoted += digits[byte >> 4U];
            quoted += digits[byte & 0xFU];
        } else {
            quoted += character;
        }
    }
    return quoted += '"';
}

std::string yaml_scalar(const PlanNode& node) {
    return node.kind == Kind::bare || is_plain(node.shown) ? node.shown : in_quotes(node.shown);
}

std::string yaml_key(const PlanNode& node) {
    return is_plain(node.key) ? node.key : in_quotes(node.key);
}

bool is_scalar(const PlanNode& node) {
    return node.kind == Kind::text || node.kind == Kind::bare;
}

/// On one line, as YAML allows it.
std::string inline_text(const PlanNode& node) {
    if (is_scalar(node)) {
        return yaml_scalar(node);
    }
    const bool map = node.kind == Kind::map;
    std::string text = map ? "{" : "[";
    for (const PlanNode& child : node.children) {
        text += concat(&child == node.children.data() ? "" : ", ", map ? yaml_key(child) + ": " : std::string{},
                       inline_text(child));
    }
    return text += map ? '}' : ']';
}

class YamlWriter {
public:
    std::string write(const PlanNode& root) {
        write_entries(root, 0);
        return std::move(text_);
    }

private:
    void write_entries(const PlanNode& map, std::size_t indent) {
        for (const PlanNode& child : map.children) {
            text_.append(indent, ' ');
            write_entry(child, indent);
        }
    }

    void write_entry(const PlanNode& node, std::size_t indent) {
        text_ += yaml_key(node) + ":";
        const bool short_list = node.kind == Kind::list && std::ranges::all_of(node.children, is_scalar);
        std::string on_line;
        if (is_scalar(node) || node.children.empty() || short_list) {
            on_line = inline_text(node);
        }
        if (!on_line.empty() && (is_scalar(node) || indent + node.key.size() + on_line.size() <= longest_line)) {
            text_ += concat(" ", on_line, "\n");
            return;
        }
        text_ += "\n";
        if (node.kind == Kind::map) {
            write_entries(node, indent + 2);
        } else {
            write_items(node, indent + 2);
        }
    }

    void write_items(const PlanNode& list, std::size_t indent) {
        for (const PlanNode& item : list.children) {
            text_.append(indent, ' ');
            text_ += "- ";
            if (is_scalar(item) || item.children.empty()) {
                text_ += inline_text(item) + "\n";
                continue;
            }
            bool first = true;
            for (const PlanNode& child : item.children) {
                text_.append(first ? 0 : indent + 2, ' ');
                first = false;
                write_entry(child, indent + 2);
            }
        }
    }

    std::string text_;
};

void append_json(std::string& text, const PlanNode& node) {
    if (is_scalar(node)) {
        text += node.kind == Kind::bare ? node.shown : in_quotes(node.shown);
        return;
    }
    const bool map = node.kind == Kind::map;
    text += map ? '{' : '[';
    for (const PlanNode& child : node.children) {
        text += &child == node.children.data() ? "" : ", ";
        if (map) {
            text += in_quotes(child.key) + ": ";
        }
        append_json(text, child);
    }
    text += map ? '}' : ']';
}

// ---- comparing -------------------------------------------------------------------------------------

bool is_same(const PlanNode& one, const PlanNode& other) {
    const auto value = [](const PlanNode& node) -> const std::string& {
        return node.value.empty() ? node.shown : node.value;
    };
    return one.kind == other.kind && one.key == other.key && value(one) == value(other) &&
           std::ranges::equal(one.children, other.children, is_same);
}

std::string shown(const PlanNode& node) {
    std::string text = inline_text(node);
    if (text.size() > longest_shown) {
        std::size_t end = longest_shown;
        while ((static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
            --end; // not within a character
        }
        text.replace(end, std::string::npos, " ...");
    }
    return text;
}

class Comparison {
public:
    void compare_maps(const PlanNode& before, const PlanNode& after, const std::string& path) {
        for (const PlanNode& child : before.children) {
            const PlanNode* other = find(after, child.key);
            if (other == nullptr) {
                changes_.push_back({path + child.key, shown(child), {}});
            } else if (!is_same(child, *other)) {
                tell(child, *other, path + child.key);
            }
        }
        for (const PlanNode& child : after.children) {
            if (find(before, child.key) == nullptr) {
                changes_.push_back({path + child.key, {}, shown(child)});
            }
        }
    }

    std::vector<KeyChange> take() { return std::move(changes_); }

private:
    static const PlanNode* find(const PlanNode& map, std::string_view key) {
        const auto found = std::ranges::find(map.children, key, &PlanNode::key);
        return found == map.children.end() ? nullptr : &*found;
    }

    void tell(const PlanNode& before, const PlanNode& after, const std::string& path) {
        if (before.kind == Kind::map && after.kind == Kind::map) {
            return compare_maps(before, after, path + ".");
        }
        KeyChange change{path, shown(before), shown(after)};
        if (change.before == change.after) {
            change.after += " (changed)";
        }
        changes_.push_back(std::move(change));
    }

    std::vector<KeyChange> changes_;
};

} // namespace

std::string yaml_text(const PlanNode& root) {
    return YamlWriter{}.write(root);
}

std::string json_text(const PlanNode& root) {
    std::string text;
    append_json(text, root);
    return text + "\n";
}

std::vector<KeyChange> changed_keys(const PlanNode& before, const PlanNode& after) {
    Comparison comparison;
    comparison.compare_maps(before, after, "");
    return comparison.take();
}

} // namespace davit::config
