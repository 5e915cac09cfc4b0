// SPDX-License-Identifier: Apache-2.0
// The tables of keys hold together: what a type needs is there, and no key stands twice.
#include "config/keys.h"

#include "support/catch.h"

#include <set>
#include <string>

namespace davit::config {

namespace {

bool needs_range(ValueType type) {
    static const std::set<ValueType> types = {
        ValueType::integer, ValueType::number, ValueType::seconds,        ValueType::port,      ValueType::integers,
        ValueType::ports,   ValueType::limit,  ValueType::number_or_word, ValueType::principal, ValueType::size};
    return types.contains(type);
}

bool needs_fields(ValueType type) {
    static const std::set<ValueType> types = {ValueType::fields, ValueType::named_fields,
                                              ValueType::steps,  ValueType::dependencies,
                                              ValueType::limit,  ValueType::choice_or_fields};
    return types.contains(type);
}

bool needs_choices(ValueType type) {
    static const std::set<ValueType> types = {ValueType::choice, ValueType::limit, ValueType::number_or_word,
                                              ValueType::choice_or_fields};
    return types.contains(type);
}

void check_set(const KeySet& set) {
    CHECK(!set.noun.empty());
    CHECK(set.alternatives <= set.keys.size());
    std::set<std::string_view> names;
    for (const Key& key : set.keys) {
        INFO(std::string{set.noun} << "." << key.name);
        CHECK(names.insert(key.name).second);
        CHECK(!key.meaning.empty());
        CHECK((key.range.max > key.range.min) == needs_range(key.type));
        CHECK(!key.choices.empty() == needs_choices(key.type));
        CHECK((key.fields != nullptr) == needs_fields(key.type));
        if (key.fields != nullptr) {
            check_set(*key.fields);
        }
    }
}

} // namespace

TEST_CASE("every key has what its type needs, and stands once", "[keys]") {
    check_set(pod_keys);
}

TEST_CASE("what merges as a whole is probes, steps and logs", "[keys]") {
    std::set<std::string_view> whole;
    for (const KeySet* set : {&service_keys, pod_keys.find("lifecycle")->fields}) {
        for (const Key& key : set->keys) {
            if (key.merging == Merging::whole) {
                whole.insert(key.name);
            }
        }
    }
    CHECK(whole == std::set<std::string_view>{"startupProbe", "readinessProbe", "livenessProbe", "logs", "preload",
                                              "online", "offline", "stop"});
}

} // namespace davit::config
