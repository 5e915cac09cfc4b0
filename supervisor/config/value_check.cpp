// SPDX-License-Identifier: Apache-2.0
// The walk over the tree, one function a type. See value_check.h.
#include "config/value_check.h"

#include "config/concat.h"
#include "config/line_pattern.h"
#include "config/merge.h"
#include "config/number_text.h"
#include "config/text_resolver.h"
#include "model/accounts.h"
#include "model/command_line.h"
#include "model/exit_status.h"
#include "model/ip_address.h"
#include "model/suggestion.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

namespace davit::config {

namespace {

using Kind = Node::Kind;

constexpr std::string_view gives_something_else = ", which gives something else";

std::string joined(std::span<const std::string_view> names, std::string_view last_word) {
    std::string text;
    for (std::size_t index = 0; index < names.size(); ++index) {
        std::string_view between = index + 1 == names.size() ? last_word : ", ";
        text += concat(index == 0 ? "" : between, names[index]);
    }
    return text;
}

std::string expected(const Key& key) {
    switch (key.type) {
    case ValueType::text: return "a text";
    case ValueType::absolute_path: return "an absolute path";
    case ValueType::absolute_paths: return "an absolute path, or a list of them";
    case ValueType::url: return "an address that begins with http:// or https://";
    case ValueType::pattern: return "a pattern (extended regular expression)";
    case ValueType::boolean: return "true or false";
    case ValueType::integer: return "a whole number";
    case ValueType::number: return "a number";
    case ValueType::seconds: return "a number of seconds";
    case ValueType::size: return "a number of bytes, or a quantity such as 10Mi";
    case ValueType::choice: return joined(key.choices, " or ");
    case ValueType::signal: return "a signal such as TERM";
    case ValueType::port: return "a port number";
    case ValueType::ip_address: return "an address of IPv4 or IPv6, such as 127.0.0.1 or \"::1\"";
    case ValueType::file_mode: return "an octal number with a leading 0, such as 0027";
    case ValueType::principal: return "a name or a number";
    case ValueType::limit: return "a whole number, unlimited, or a map with soft and hard";
    case ValueType::number_or_word: return concat("a whole number or ", key.choices.front());
    case ValueType::choice_or_fields:
        return concat(joined(key.choices, ", "), " or a map with ", key.fields->names(" and "));
    case ValueType::variable_names: return "a list of names of variables";
    case ValueType::command: return "a list of texts, or one text";
    case ValueType::text_map: return "a map of names and texts";
    case ValueType::integers: return "a list of whole numbers";
    case ValueType::ports: return "a list of port numbers";
    case ValueType::dependencies: return "a list of services, or a map of them";
    case ValueType::fields:
        return key.fields->keys.empty() ? "{}, a map without keys"
                                        : concat("a map with the keys of ", key.fields->noun);
    case ValueType::named_fields: return "a map by name";
    case ValueType::steps: return "a step, or a list of steps";
    }
    std::unreachable();
}

std::string found(const Node& node, const Key& key) {
    switch (node.kind) {
    case Kind::null: return "nothing";
    case Kind::list: return "a list";
    case Kind::map: return "a map";
    case Kind::scalar: break;
    }
    return key.secret ? "a text" : quoted(node.written);
}

/// A list of one, or of many: the same to those who read it.
void make_list(Node& node) {
    Node item = std::move(node);
    node = Node{};
    node.kind = Kind::list;
    node.place = item.place;
    node.key_place = item.key_place;
    node.key = std::move(item.key);
    node.children.push_back(std::move(item));
}

class ValueCheck {
public:
    ValueCheck(const Sources& sources, Problems& problems) : resolver_(sources), problems_(problems) {}

    void check_fields(Node& node, const KeySet& keys, const KeyPath& path) {
        bool complete = true;
        for (Node& child : node.children) {
            const Key* key = keys.find(child.key);
            if (key == nullptr) {
                tell_unknown(child, keys, path);
                complete = false;
                continue;
            }
            check(child, *key, KeyPath{.parent = &path, .name = child.key});
            node.bad = node.bad || child.bad;
        }
        if (complete) {
            check_alternatives(node, keys, path);
            check_required(node, keys, path);
        }
        node.bad = node.bad || !complete;
    }

private:
    void tell(Node& node, const KeyPath& path, std::string_view text, Severity severity = Severity::error) {
        problems_.add(node.place, path.text(), text, severity);
        node.bad = true;
    }

    void tell_mismatch(Node& node, const Key& key, const KeyPath& path, std::string_view hint = "") {
        tell(node, path, concat("expected ", expected(key), ", found ", found(node, key), hint));
    }

    void tell_unknown(const Node& child, const KeySet& keys, const KeyPath& path) {
        std::vector<std::string_view> names;
        for (const Key& key : keys.keys) {
            names.push_back(key.name);
        }
        problems_.add(child.key_place, path.text(),
                      concat("unknown key ", quoted(child.key), did_you_mean(child.key, names)));
    }

    /// ` (did you mean "web"?)`, or what is there to choose from.
    static std::string did_you_mean(std::string_view wrong, std::span<const std::string_view> names) {
        if (std::optional<std::string_view> nearest = model::suggestion(wrong, names)) {
            return concat(" (did you mean ", quoted(*nearest), "?)");
        }
        if (names.empty()) {
            return ": no key is known here";
        }
        return concat(": ", joined(names, " and "), names.size() == 1 ? " is known here" : " are known here");
    }

    void check_alternatives(Node& node, const KeySet& keys, const KeyPath& path) {
        if (keys.alternatives == 0) {
            return;
        }
        std::vector<std::string_view> all;
        std::vector<std::string_view> present;
        for (const Key& key : keys.keys.first(keys.alternatives)) {
            all.push_back(key.name);
            if (node.find(key.name) != nullptr) {
                present.push_back(key.name);
            }
        }
        if (present.empty()) {
            tell(node, path, concat(keys.noun, " needs one of ", joined(all, ", "), ", found none"));
        } else if (present.size() > 1) {
            tell(node, path,
                 concat(keys.noun, " has one of ", joined(all, ", "), ", found ", joined(present, " and ")));
        }
    }

    void check_required(Node& node, const KeySet& keys, const KeyPath& path) {
        for (const Key& key : keys.keys) {
            if (key.required && node.find(key.name) == nullptr) {
                tell(node, path, concat(keys.noun, " needs ", key.name));
            }
        }
    }

    void check(Node& node, const Key& key, const KeyPath& path) {
        switch (key.type) {
        case ValueType::text:
        case ValueType::absolute_path:
        case ValueType::url: return check_text(node, key, path);
        case ValueType::absolute_paths: return check_paths(node, key, path);
        case ValueType::file_mode: return check_mode(node, key, path);
        case ValueType::principal: return check_principal(node, key, path);
        case ValueType::limit:
            return node.kind == Kind::map ? check_fields(node, *key.fields, path)
                                          : check_number_or_word(node, key, path);
        case ValueType::number_or_word: return check_number_or_word(node, key, path);
        case ValueType::choice_or_fields:
            return node.kind == Kind::map ? check_fields(node, *key.fields, path) : check_choice(node, key, path);
        case ValueType::variable_names: return check_names(node, key, path);
        case ValueType::pattern: return check_pattern(node, key, path);
        case ValueType::boolean: return check_boolean(node, key, path);
        case ValueType::integer:
        case ValueType::number:
        case ValueType::seconds:
        case ValueType::size:
        case ValueType::port: return check_number(node, key, path);
        case ValueType::ip_address: return check_ip_address(node, key, path);
        case ValueType::choice: return check_choice(node, key, path);
        case ValueType::signal: return check_signal(node, key, path);
        case ValueType::command: return check_command(node, key, path);
        case ValueType::text_map: return check_text_map(node, key, path);
        case ValueType::integers: return check_numbers(node, key, ValueType::integer, path);
        case ValueType::ports: return check_numbers(node, key, ValueType::port, path);
        case ValueType::dependencies: return check_dependencies(node, key, path);
        case ValueType::fields:
            return node.kind == Kind::map ? check_fields(node, *key.fields, path) : tell_mismatch(node, key, path);
        case ValueType::named_fields: return check_named_fields(node, key, path);
        case ValueType::steps: return check_steps(node, key, path);
        }
        std::unreachable();
    }

    /// Whether the node is a scalar whose `${...}` could be resolved. Where only this machine lacks a value
    /// the text stays as it was written, for those who merely look at the configuration.
    bool is_resolved_scalar(Node& node, const Key& key, const KeyPath& path) {
        if (node.kind != Kind::scalar) {
            tell_mismatch(node, key, path);
            return false;
        }
        Resolved resolved = resolver_.resolve(node.written);
        if (resolved.problem) {
            problems_.add(node.place, path.text(), resolved.problem->text, resolved.problem->severity);
            node.bad = resolved.problem->severity == Severity::error;
            return false;
        }
        if (resolved.value) {
            node.value = std::make_unique<std::string>(std::move(*resolved.value));
        }
        return true;
    }

    /// As is_resolved_scalar, for what is to be parsed: without a value it is bad.
    bool is_word(Node& node, const Key& key, const KeyPath& path) {
        const bool resolved = is_resolved_scalar(node, key, path);
        node.bad = node.bad || !resolved;
        return resolved;
    }

    /// As is_word, and no text in quotes (but for one that `${...}` made).
    bool is_plain_word(Node& node, const Key& key, const KeyPath& path) {
        if (!is_word(node, key, path)) {
            return false;
        }
        if (node.in_quotes && !node.value) {
            tell_mismatch(node, key, path, " as a text: leave the quotes out");
            return false;
        }
        return true;
    }

    void check_text(Node& node, const Key& key, const KeyPath& path) {
        if (is_resolved_scalar(node, key, path) && !key.secret) {
            check_content(node, key, path);
        }
    }

    void check_content(Node& node, const Key& key, const KeyPath& path) {
        const std::string& text = node.text();
        if (text.empty()) {
            if (key.may_be_empty) {
                return;
            }
            tell(node, path, node.value ? concat("is empty: ", quoted(node.written), " gives nothing") : "is empty");
        } else if (!fits(text, key.type)) {
            tell_mismatch(node, key, path, node.value ? gives_something_else : "");
        }
    }

    /// One that stands alone is a list of one, and called as it is written.
    template <typename Check>
    void check_items(Node& node, const Key& key, const KeyPath& path, const Check& check) {
        const bool stands_alone = node.kind == Kind::scalar;
        if (stands_alone) {
            make_list(node);
        }
        if (node.kind != Kind::list) {
            tell_mismatch(node, key, path);
            return;
        }
        int index = 0;
        for (Node& child : node.children) {
            check(child, stands_alone ? path : KeyPath{.parent = &path, .index = index++});
            node.bad = node.bad || child.bad;
        }
    }

    void check_paths(Node& node, const Key& key, const KeyPath& path) {
        const Key item{.name = key.name, .type = ValueType::absolute_path};
        check_items(node, key, path, [&](Node& child, const KeyPath& child_path) {
            if (is_word(child, item, child_path)) {
                check_content(child, item, child_path);
            }
        });
    }

    /// A umask. 27 could be meant in octal and in decimal: only with a leading 0 it cannot.
    void check_mode(Node& node, const Key& key, const KeyPath& path) {
        if (!is_word(node, key, path)) {
            return;
        }
        std::string_view digits = node.text();
        digits.remove_prefix(digits.starts_with("0o") ? 2 : 0);
        const bool is_octal = node.text().starts_with('0') && digits.size() <= 5 && parse_octal(digits, node.number);
        if (!is_octal) {
            tell_mismatch(node, key, path, node.value ? gives_something_else : "");
        } else if (node.number > 0777) {
            tell(node, path,
                 concat("must be from 0000 to 0777, found ", node.value ? quoted(node.written) : node.written));
        }
    }

    static bool parse_octal(std::string_view digits, double& number) {
        unsigned value = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 8);
        number = value;
        return error == std::errc{} && end == digits.data() + digits.size();
    }

    void check_principal(Node& node, const Key& key, const KeyPath& path) {
        if (!is_word(node, key, path)) {
            return;
        }
        const std::string& text = node.text();
        std::uint32_t id = 0;
        const bool is_digits = text.find_first_not_of("0123456789") == std::string::npos;
        const bool is_bad_number = is_digits && !model::parse_id(text, id);
        if (text.empty() || text.starts_with('-') || (is_bad_number && text.starts_with('0'))) {
            tell_mismatch(node, key, path, node.value ? gives_something_else : is_digits ? number_hint(text) : "");
        } else if (is_bad_number) {
            tell(node, path, concat("must be from 0 to ", number_text(key.range.max), ", found ", node.written));
        } else if (text.contains(':')) {
            tell(node, path,
                 concat("expected ", expected(key), ", found ", quoted(node.written),
                        ": write user and group as two keys"));
        }
    }

    /// The number of the word is below 0.
    void check_number_or_word(Node& node, const Key& key, const KeyPath& path) {
        const bool is_scalar = node.kind == Kind::scalar;
        if (is_scalar && node.written == "-1") {
            tell_mismatch(node, key, path, concat(": write ", key.choices.front()));
        } else if (is_scalar && resolver_.resolve(node.written).value.value_or(node.written) == key.choices.front()) {
            node.number = -1;
        } else {
            check_number(node, key, path);
        }
    }

    static bool fits(std::string_view text, ValueType type) {
        if (type == ValueType::absolute_path) {
            return text.starts_with('/');
        }
        return type != ValueType::url || text.starts_with("http://") || text.starts_with("https://");
    }

    void check_pattern(Node& node, const Key& key, const KeyPath& path) {
        check_text(node, key, path);
        if (node.bad) {
            return;
        }
        if (const auto pattern = LinePattern::compile(node.text()); !pattern) {
            tell(node, path, concat("is no pattern that can be used: ", pattern.error().text));
        }
    }

    void check_boolean(Node& node, const Key& key, const KeyPath& path) {
        if (!is_plain_word(node, key, path)) {
            return;
        }
        if (node.text() != "true" && node.text() != "false") {
            tell_mismatch(node, key, path, node.value ? gives_something_else : "");
            return;
        }
        node.number = node.text() == "true" ? 1 : 0;
    }

    static std::optional<double> number_of(std::string_view text, ValueType type) {
        if (type == ValueType::size) {
            return parse_size(text);
        }
        const bool fraction_allowed = type == ValueType::number || type == ValueType::seconds;
        return fraction_allowed ? parse_number(text) : parse_whole_number(text);
    }

    void check_number(Node& node, const Key& key, const KeyPath& path) {
        if (!is_plain_word(node, key, path)) {
            return;
        }
        const std::optional<double> number = number_of(node.text(), key.type);
        if (!number) {
            tell_mismatch(node, key, path, hint_for(node, key));
            return;
        }
        if (*number < key.range.min || *number > key.range.max) {
            tell(node, path,
                 concat("must be from ", number_text(key.range.min), " to ", number_text(key.range.max), ", found ",
                        node.value ? quoted(node.written) : node.written));
            return;
        }
        node.number = *number;
    }

    void check_ip_address(Node& node, const Key& key, const KeyPath& path) {
        if (is_word(node, key, path) && !model::ip_version_of(node.text())) {
            tell_mismatch(node, key, path, node.value ? gives_something_else : "");
        }
    }

    static std::string_view hint_for(const Node& node, const Key& key) {
        if (node.value) {
            return gives_something_else;
        }
        if (key.type == ValueType::size) {
            return ""; // the units are among what is expected
        }
        if (key.type == ValueType::port && parse_number(node.text()) == std::nullopt &&
            number_hint(node.text()).empty()) {
            return ": the port names of a Pod are not known here, write the number";
        }
        return number_hint(node.text());
    }

    void check_choice(Node& node, const Key& key, const KeyPath& path) {
        if (!is_word(node, key, path)) {
            return;
        }
        auto chosen = std::ranges::find(key.choices, node.text());
        if (chosen == key.choices.end()) {
            tell_mismatch(node, key, path, hint_for_choice(node, key));
            return;
        }
        node.number = static_cast<double>(chosen - key.choices.begin());
    }

    static std::string hint_for_choice(const Node& node, const Key& key) {
        if (node.value) {
            return std::string{gives_something_else};
        }
        std::optional<std::string_view> nearest = model::suggestion(node.text(), key.choices);
        return nearest ? concat(" (did you mean ", quoted(*nearest), "?)") : std::string{};
    }

    void check_signal(Node& node, const Key& key, const KeyPath& path) {
        if (!is_word(node, key, path)) {
            return;
        }
        std::optional<int> signal = model::signal_from_name(node.text());
        if (!signal) {
            tell_mismatch(node, key, path, node.value ? gives_something_else : "");
            return;
        }
        node.number = *signal;
    }

    void check_command(Node& node, const Key& key, const KeyPath& path) {
        if (node.kind == Kind::scalar) {
            split_command(node, key, path);
        } else if (node.kind == Kind::list) {
            check_words(node, key, path);
        } else {
            tell_mismatch(node, key, path);
        }
        if (!node.bad && key.name != "args" && (node.children.empty() || node.children.front().text().empty())) {
            tell(node, path, "names no program: it is empty");
        }
    }

    void check_words(Node& node, const Key& key, const KeyPath& path) {
        const Key word{.name = key.name, .type = ValueType::text};
        int index = 0;
        for (Node& child : node.children) {
            is_resolved_scalar(child, word, KeyPath{.parent = &path, .index = index++});
            node.bad = node.bad || child.bad;
        }
    }

    void split_command(Node& node, const Key& key, const KeyPath& path) {
        Result<std::vector<std::string>> words = model::split_command_line(node.written);
        if (!words) {
            tell(node, path, words.error().text);
            return;
        }
        make_list(node);
        const Node whole = std::move(node.children.front());
        node.children.clear();
        for (std::string& text : *words) {
            Node word;
            word.kind = Kind::scalar;
            word.place = whole.place;
            word.written = std::move(text);
            is_resolved_scalar(word, key, path);
            node.bad = node.bad || word.bad;
            node.children.push_back(std::move(word));
        }
        warn_of_shell_words(node, path);
    }

    /// Whoever writes these in one text expects a shell.
    void warn_of_shell_words(const Node& command, const KeyPath& path) {
        constexpr std::array<std::string_view, 9> operators = {"&&", "||", "|", "&", ">", ">>", "<", "2>", "2>&1"};
        for (const Node& word : command.children) {
            if (std::ranges::find(operators, word.written) != operators.end()) {
                problems_.add(word.place, path.text(),
                              concat("no shell is run, so ", quoted(word.written),
                                     " is an argument like any other: for a shell write [sh, -c, \"...\"]"),
                              Severity::warning);
                return;
            }
        }
    }

    void check_text_map(Node& node, const Key& key, const KeyPath& path) {
        if (node.kind == Kind::list) {
            make_map_of_pairs(node, key, path);
        }
        if (node.kind != Kind::map) {
            tell_mismatch(node, key, path);
            return;
        }
        const Key value{.name = key.name, .type = ValueType::text, .secret = true};
        for (Node& child : node.children) {
            if (child.key.empty() || child.key.contains('=')) {
                problems_.add(child.key_place, path.text(),
                              concat("a name cannot be empty or contain \"=\", found ", quoted(child.key)));
                child.bad = true;
            }
            KeyPath child_path{.parent = &path, .name = child.key};
            if (!child.bad && is_resolved_scalar(child, value, child_path) && key.name != "env" &&
                child.text().find_first_of("\r\n") != std::string::npos) {
                tell(child, child_path, "a header cannot contain a line break");
            }
            node.bad = node.bad || child.bad;
        }
    }

    /// The Pod's form: a list of `{name: NAME, value: TEXT}`.
    void make_map_of_pairs(Node& node, const Key& key, const KeyPath& path) {
        std::vector<Node> pairs;
        int index = 0;
        for (Node& item : node.children) {
            KeyPath item_path{.parent = &path, .index = index++};
            Node* name = item.find("name");
            Node* value = item.find("value");
            bool only_these = item.kind == Kind::map && item.children.size() == (value == nullptr ? 1U : 2U);
            if (name == nullptr || name->kind != Kind::scalar || !only_these) {
                tell(item, item_path, "an item of this list has the keys name and value, both texts, and no other");
                node.bad = true;
                continue;
            }
            Node pair;
            pair.kind = Kind::scalar; // without a value it is empty, as in a Pod
            pair.place = item.place;
            pair.key_place = name->place;
            if (value != nullptr) {
                std::string pair_name = std::move(name->written);
                Place name_place = name->place;
                pair = std::move(*value);
                pair.key_place = name_place;
                pair.key = std::move(pair_name);
            } else {
                pair.key = std::move(name->written);
            }
            pairs.push_back(std::move(pair));
        }
        tell_double_pairs(pairs, key, path);
        node.kind = Kind::map;
        node.children = std::move(pairs);
    }

    void tell_double_pairs(std::vector<Node>& pairs, const Key& key, const KeyPath& path) {
        if (key.name != "env") {
            return; // a header may come twice
        }
        for (std::size_t index = 0; index < pairs.size(); ++index) {
            auto before = std::span{pairs}.first(index);
            if (std::ranges::find(before, pairs[index].key, &Node::key) != before.end()) {
                problems_.add(pairs[index].key_place, path.text(), concat("duplicate name ", quoted(pairs[index].key)));
                pairs[index].bad = true;
            }
        }
    }

    void check_numbers(Node& node, const Key& key, ValueType type, const KeyPath& path) {
        Key item = key;
        item.type = type;
        check_items(node, key, path,
                    [&](Node& child, const KeyPath& child_path) { check_number(child, item, child_path); });
    }

    void check_names(Node& node, const Key& key, const KeyPath& path) {
        const Key item{.name = key.name, .type = ValueType::text};
        check_items(node, key, path, [&](Node& child, const KeyPath& child_path) {
            if (is_word(child, item, child_path) && (child.text().empty() || child.text().contains('='))) {
                tell(child, child_path, concat("expected the name of a variable, found ", quoted(child.written)));
            }
        });
    }

    void check_dependencies(Node& node, const Key& key, const KeyPath& path) {
        if (node.kind != Kind::list && node.kind != Kind::map) {
            tell_mismatch(node, key, path, node.kind == Kind::scalar ? ": write it in [ ]" : "");
            return;
        }
        bool is_list = node.kind == Kind::list;
        const Key name{.name = key.name, .type = ValueType::text};
        int index = 0;
        for (Node& child : node.children) {
            KeyPath child_path{.parent = &path, .name = child.key, .index = is_list ? index++ : -1};
            if (!is_list) {
                check(child, *key_of_entry(key, child.key), child_path);
            } else if (is_word(child, name, child_path)) {
                child.key = child.text();
                child.key_place = child.place;
                child.kind = Kind::map;
            }
            node.bad = node.bad || child.bad;
        }
        node.kind = Kind::map;
    }

    void check_named_fields(Node& node, const Key& key, const KeyPath& path) {
        if (node.kind != Kind::map) {
            tell_mismatch(node, key, path);
            return;
        }
        for (Node& child : node.children) {
            const KeyPath child_path{.parent = &path, .name = child.key};
            const Key meaning = *key_of_entry(key, child.key);
            if (child.kind != Kind::map && key.fields->find(child.key) != nullptr) {
                tell_mismatch(
                    child, meaning, child_path,
                    concat(" (", child.key, " is a key of ", key.fields->noun, ": is it indented too little?)"));
            } else {
                check(child, meaning, child_path);
            }
        }
    }

    void check_steps(Node& node, const Key& key, const KeyPath& path) {
        const Key step{.name = key.name, .type = ValueType::fields, .fields = key.fields};
        if (node.kind == Kind::map) {
            check(node, step, path);
            bool bad = node.bad;
            make_list(node);
            node.bad = bad;
            return;
        }
        if (node.kind != Kind::list) {
            tell_mismatch(node, key, path);
            return;
        }
        int index = 0;
        for (Node& child : node.children) {
            check(child, step, KeyPath{.parent = &path, .index = index++});
            node.bad = node.bad || child.bad;
        }
    }

    TextResolver resolver_;
    Problems& problems_;
};

} // namespace

bool has_slip_of(const Node& map, const KeySet& keys, std::span<const std::string_view> wanted) {
    return std::ranges::any_of(map.children, [&](const Node& child) {
        return keys.find(child.key) == nullptr && model::suggestion(child.key, wanted).has_value();
    });
}

void check_values(Node& root, const KeySet& keys, const Sources& sources, Problems& problems) {
    ValueCheck{sources, problems}.check_fields(root, keys, KeyPath{});
}

} // namespace davit::config
