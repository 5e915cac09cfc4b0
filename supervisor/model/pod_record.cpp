// SPDX-License-Identifier: Apache-2.0
#include "model/pod_record.h"

#include "model/text_parts.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

namespace davit::model {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view first_line = "davit state 1";
constexpr std::string_view any_version = "davit state ";
constexpr std::size_t longest_value = 1000;

std::string sum_of(std::string_view text) {
    std::uint64_t sum = 0xcbf29ce484222325U;
    for (const char letter : text) {
        sum = (sum ^ static_cast<unsigned char>(letter)) * 0x100000001b3U;
    }
    std::string digits(16, '0');
    for (std::size_t index = digits.size(); index-- > 0; sum >>= 4U) {
        digits[index] = "0123456789abcdef"[sum & 0xfU];
    }
    return digits;
}

/// One line whatever a person wrote, and short enough for all of them.
std::string as_value(std::string_view text) {
    std::string value{text.substr(0, longest_value)};
    std::ranges::replace_if(value, [](unsigned char letter) { return letter < ' ' || letter == 127; }, ' ');
    return value;
}

void add_line(std::string& text, std::string_view name, std::string_view value) {
    text.append(name).append(" ").append(as_value(value)).append("\n");
}

/// The value of the next line if it has that name.
std::optional<std::string_view> take_line(std::string_view& text, std::string_view name) {
    std::string_view rest = text;
    const std::string_view line = next_line(rest);
    if (!line.starts_with(name) || !line.substr(name.size()).starts_with(" ")) {
        return std::nullopt;
    }
    text = rest;
    return line.substr(name.size() + 1);
}

std::optional<unsigned> number_of(std::string_view text) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional{number} : std::nullopt;
}

/// What stands above a good sum.
std::optional<std::string_view> summed_part(std::string_view text) {
    const auto sum_line = text.rfind("\nsum ");
    if (sum_line == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view above = text.substr(0, sum_line + 1);
    return text.substr(sum_line + 1) == "sum " + sum_of(above) + "\n" ? std::optional{above} : std::nullopt;
}

} // namespace

std::string record_text(const PodRecord& record, const RecordOwner& owner) {
    std::string text{first_line};
    text += "\n";
    add_line(text, "app", owner.app);
    add_line(text, "host", owner.host);
    add_line(text, "online", std::to_string(record.online_owed));
    if (record.isolated) {
        add_line(text, "isolated", record.isolated_because);
    }
    add_line(text, "sum", sum_of(text));
    return text;
}

Result<PodRecord> read_record(std::string_view text, const RecordOwner& owner) {
    if (text.starts_with(any_version) && !text.starts_with("davit state 1\n")) {
        std::string_view rest = text;
        return failure("is of another davit (" + as_value(next_line(rest)) + ")");
    }
    const auto above = summed_part(text);
    if (!text.starts_with(first_line) || !above) {
        return failure("is torn, or no state of davit");
    }
    std::string_view lines = above->substr(first_line.size() + 1);
    const auto app = take_line(lines, "app");
    const auto host = take_line(lines, "host");
    const auto online = take_line(lines, "online");
    const auto number = online ? number_of(*online) : std::nullopt;
    if (!app || !host || !number) {
        return failure("is torn, or no state of davit");
    }
    if (*app != as_value(owner.app) || *host != as_value(owner.host)) {
        return failure("is of " + std::string{*app} + " on " + std::string{*host});
    }
    PodRecord record{.online_owed = *number, .isolated = false, .isolated_because = {}};
    if (const auto reason = take_line(lines, "isolated")) {
        record.isolated = true;
        record.isolated_because = *reason;
    }
    return record;
}

} // namespace davit::model
