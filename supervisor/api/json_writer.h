// SPDX-License-Identifier: Apache-2.0
// Writes JSON text piece by piece into one string: no tree, one pass, numbers as people write them (12.5).
// Strings may hold anything a child wrote: what is not UTF-8 becomes U+FFFD.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace davit::api {

/// Keys and values in the order of the calls; commas are set by itself. The caller pairs begin and end.
class JsonWriter {
public:
    JsonWriter& begin_object();
    JsonWriter& end_object();
    JsonWriter& begin_array();
    JsonWriter& end_array();
    JsonWriter& key(std::string_view name);

    JsonWriter& string(std::string_view value);
    JsonWriter& number(std::int64_t value);
    /// With one digit after the point.
    JsonWriter& seconds(double value);
    /// A finite number with as many digits as it needs, at most 6.
    JsonWriter& decimal(double value);
    JsonWriter& boolean(bool value);
    JsonWriter& null();

    std::string take() { return std::move(text_); }

private:
    void separate();

    std::string text_;
    bool needs_comma_ = false;
};

/// `{"KEY": "VALUE"}`, the whole of a small answer.
std::string json_object(std::string_view key, std::string_view value);

} // namespace davit::api
