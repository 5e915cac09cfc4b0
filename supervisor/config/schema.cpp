// SPDX-License-Identifier: Apache-2.0
// Writing the schema. See schema.h.
#include "config/schema.h"

#include "config/concat.h"
#include "config/keys.h"
#include "config/number_text.h"
#include "model/exit_status.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace davit::config {

namespace {

constexpr std::string_view a_text = R"({"type": ["string", "number", "boolean"]})";
constexpr std::string_view a_written_text = R"({"type": ["string", "number", "boolean"], "minLength": 1})";
/// Instead of a number, a choice or true: what `${...}` gives is checked when it is known.
constexpr std::string_view a_reference = R"({"type": "string", "pattern": "\\$\\{"})";
constexpr std::string_view nothing = R"({"type": "null"})";
std::string string(std::string_view text) {
    std::string quoted = "\"";
    for (const char letter : text) {
        quoted += letter == '"' || letter == '\\' ? "\\" : "";
        quoted += letter;
    }
    return quoted + "\"";
}

std::string any_of(std::initializer_list<std::string_view> schemas) {
    std::string text;
    for (std::string_view schema : schemas) {
        text += concat(text.empty() ? "" : ", ", schema);
    }
    return concat(R"({"anyOf": [)", text, "]}");
}

std::string list_of(std::string_view item) {
    return concat(R"({"type": "array", "items": )", item, "}");
}

std::string map_of(std::string_view value) {
    return concat(R"({"type": "object", "additionalProperties": )", value, "}");
}

std::string pattern(std::string_view expression) {
    return concat(R"({"type": "string", "pattern": )", string(expression), "}");
}

std::string number(const Key& key, std::string_view type) {
    return any_of({concat(R"({"type": )", string(type), R"(, "minimum": )", number_text(key.range.min),
                          R"(, "maximum": )", number_text(key.range.max), "}"),
                   a_reference});
}

std::string one_of(std::span<const std::string_view> names) {
    std::string list;
    for (std::string_view name : names) {
        list += concat(list.empty() ? "" : ", ", string(name));
    }
    return concat(R"({"enum": [)", list, "]}");
}

/// In capitals or in small letters, with or without SIG; or the number.
std::string signal() {
    constexpr int last_with_a_name = 31;
    std::string names;
    for (int number = 1; number <= last_with_a_name; ++number) {
        names += concat(names.empty() ? "" : "|", model::signal_name(number));
    }
    names += R"(|RTMIN(\+[0-9]+)?|RTMAX(-[0-9]+)?)";
    std::string small = names;
    std::ranges::transform(small, small.begin(), [](char letter) {
        return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
    });
    return any_of({pattern(concat("^((SIG)?(", names, ")|(sig)?(", small, "))$")),
                   R"({"type": "integer", "minimum": 1, "maximum": 64})", a_reference});
}

std::string number_or_word(const Key& key) {
    return any_of({number(key, "integer"), one_of(key.choices)});
}

/// A map, or the Pod's list of name and value.
std::string text_map() {
    return any_of({concat(R"({"type": "object", "propertyNames": {"pattern": "^[^=]+$"}, "additionalProperties": )",
                          R"({"type": ["string", "number", "boolean", "null"]}})"),
                   list_of(concat(R"({"type": "object", "properties": {"name": )", a_written_text, R"(, "value": )",
                                  a_text, R"(}, "required": ["name"], "additionalProperties": false})"))});
}

class Schema {
public:
    std::string write() {
        const std::string top = fields(pod_keys);
        std::string definitions;
        for (std::size_t index = 0; index < wanted_.size(); ++index) { // a definition may want more of them
            const KeySet& keys = *wanted_[index];
            definitions += concat(index == 0 ? "" : ",", "\n    ", string(name_of(keys)), ": {", fields(keys), "}");
        }
        return concat(R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "davit",
  "description": "A configuration of davit, or one layer of it. Made by davit check --schema.",
  "definitions": {)",
                      definitions, "\n  },\n  ", top, "\n}\n");
    }

private:
    /// The noun without its article, as one word.
    static std::string name_of(const KeySet& keys) {
        std::string name{keys.noun.substr(keys.noun.find(' ') + 1)};
        std::erase(name, ' ');
        return name;
    }

    std::string reference_to(const KeySet& keys) {
        if (std::ranges::find(wanted_, &keys) == wanted_.end()) {
            wanted_.push_back(&keys);
        }
        return concat(R"({"$ref": "#/definitions/)", name_of(keys), "\"}");
    }

    /// What stands between the braces of a schema.
    std::string fields(const KeySet& keys) {
        std::string properties;
        std::string required;
        std::string alternatives;
        for (const Key& key : keys.keys) {
            const bool is_alternative = &key < keys.keys.data() + keys.alternatives;
            properties += concat(properties.empty() ? "" : ",", "\n      ", string(key.name), ": ",
                                 property(key, is_alternative || key.required));
            if (key.required) {
                required += concat(required.empty() ? "" : ", ", string(key.name));
            }
            if (is_alternative) {
                alternatives += concat(alternatives.empty() ? "" : ", ", R"({"required": [)", string(key.name), "]}");
            }
        }
        return concat(R"("type": "object", "additionalProperties": false,)",
                      required.empty() ? "" : concat(R"( "required": [)", required, "],"),
                      alternatives.empty() ? "" : concat(R"( "oneOf": [)", alternatives, "],"), " \"properties\": {",
                      properties, "}");
    }

    /// With null, which removes what an earlier layer said.
    std::string property(const Key& key, bool must_be) {
        const std::string value = value_of(key);
        return concat(R"({"description": )", string(key.meaning), R"(, "anyOf": [)", value,
                      must_be ? "" : concat(", ", nothing), "]}");
    }

    std::string value_of(const Key& key) {
        switch (key.type) {
        case ValueType::text: return std::string{key.secret || key.may_be_empty ? a_text : a_written_text};
        case ValueType::pattern: return std::string{a_written_text};
        case ValueType::absolute_path: return pattern("^(/|.*\\$\\{)");
        case ValueType::absolute_paths: {
            const std::string path = pattern("^(/|.*\\$\\{)");
            return any_of({path, list_of(path)});
        }
        case ValueType::url: return pattern("^(https?://|.*\\$\\{)");
        case ValueType::boolean: return any_of({R"({"type": "boolean"})", a_reference});
        case ValueType::integer:
        case ValueType::port: return number(key, "integer");
        case ValueType::ip_address: // more than can be said here: the loader takes only what the kernel does
            return pattern("^([0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+$|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$|.*\\$\\{)");
        case ValueType::file_mode: // what a reader of YAML made of 0027 nobody can tell
            return any_of({pattern("^(0o[0-7]+$|0[0-7]*$|.*\\$\\{)"), R"({"type": ["integer"]})"});
        case ValueType::principal:
            return any_of({pattern("^(0|[1-9][0-9]*|(?=.*[^0-9])[^:-][^:]*)$"), number(key, "integer")});
        case ValueType::limit: return any_of({number_or_word(key), reference_to(*key.fields)});
        case ValueType::number_or_word: return number_or_word(key);
        case ValueType::choice_or_fields: return any_of({one_of(key.choices), a_reference, reference_to(*key.fields)});
        case ValueType::variable_names: {
            const std::string name = pattern("^[^=]+$");
            return any_of({name, list_of(name)});
        }
        case ValueType::number:
        case ValueType::seconds: return number(key, "number");
        case ValueType::size: return any_of({number(key, "integer"), pattern("^([0-9]+(Ki|Mi|Gi|k|M|G)?$|.*\\$\\{)")});
        case ValueType::choice: return any_of({one_of(key.choices), a_reference});
        case ValueType::signal: return signal();
        case ValueType::command: return command(key);
        case ValueType::text_map: return text_map();
        case ValueType::integers:
        case ValueType::ports: return any_of({number(key, "integer"), list_of(number(key, "integer"))});
        case ValueType::dependencies:
            return any_of({list_of(a_written_text), map_of(any_of({reference_to(*key.fields), nothing}))});
        case ValueType::fields: return reference_to(*key.fields);
        case ValueType::named_fields:
            return concat(R"({"type": "object", "propertyNames": {"pattern": "^[A-Za-z0-9._-]+$", "not": )",
                          one_of(reserved_service_names), R"(}, "additionalProperties": )",
                          any_of({reference_to(*key.fields), nothing}), "}");
        case ValueType::steps: return any_of({reference_to(*key.fields), list_of(reference_to(*key.fields))});
        }
        std::unreachable();
    }

    /// args may be empty, a program not.
    static std::string command(const Key& key) {
        if (key.name == "args") {
            return any_of({a_text, list_of(a_text)});
        }
        return any_of({a_written_text, concat(R"({"type": "array", "minItems": 1, "items": )", a_text, "}")});
    }

    std::vector<const KeySet*> wanted_;
};

} // namespace

std::string json_schema() {
    return Schema{}.write();
}

} // namespace davit::config
