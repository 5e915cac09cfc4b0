// SPDX-License-Identifier: Apache-2.0
// Reading and writing decimal numbers. See number_text.h.
#include "config/number_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace davit::config {

namespace {

bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

bool all_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, is_digit);
}

std::string_view without_sign(std::string_view text) {
    return text.starts_with('-') ? text.substr(1) : text;
}

bool is_whole(std::string_view digits) {
    return all_digits(digits) && (digits.size() == 1 || digits.front() != '0');
}

/// By the C library: the tables of std::from_chars and std::to_chars for fractions are 150 KB of the binary.
std::optional<double> convert(std::string_view digits) {
    const double number = std::strtod(std::string{digits}.c_str(), nullptr);
    return std::isfinite(number) ? std::optional{number} : std::nullopt;
}

} // namespace

std::optional<double> parse_number(std::string_view text) {
    std::string_view digits = without_sign(text);
    std::size_t point = digits.find('.');
    if (point != std::string_view::npos && !all_digits(digits.substr(point + 1))) {
        return std::nullopt;
    }
    return is_whole(digits.substr(0, point)) ? convert(text) : std::nullopt;
}

std::optional<double> parse_whole_number(std::string_view text) {
    return is_whole(without_sign(text)) ? convert(text) : std::nullopt;
}

std::optional<double> parse_size(std::string_view text) {
    struct Unit {
        std::string_view name;
        double bytes;
    };
    constexpr std::array<Unit, 6> units{
        {{"Ki", 1024}, {"Mi", 1024 * 1024}, {"Gi", 1024 * 1024 * 1024}, {"k", 1e3}, {"M", 1e6}, {"G", 1e9}}};
    for (const Unit& unit : units) {
        if (text.ends_with(unit.name)) {
            text.remove_suffix(unit.name.size());
            const std::optional<double> count = parse_whole_number(text);
            return count ? std::optional{*count * unit.bytes} : std::nullopt;
        }
    }
    return parse_whole_number(text);
}

std::string number_text(double number) {
    constexpr int most_decimals = 17; // more than a double has
    std::array<char, 400> buffer{};   // the longest double has 309 digits before the point
    for (int decimals = 0; decimals <= most_decimals; ++decimals) {
        std::snprintf(buffer.data(), buffer.size(), "%.*f", decimals, number);
        if (std::strtod(buffer.data(), nullptr) == number) {
            break;
        }
    }
    return buffer.data();
}

std::string_view number_hint(std::string_view text) {
    std::string_view digits = without_sign(text);
    if (digits.empty() || !is_digit(digits.front())) {
        return "";
    }
    if (all_digits(digits)) {
        return ": write it without the leading 0 (some read it as octal)";
    }
    std::size_t end = digits.find_first_not_of("0123456789.");
    bool has_unit =
        end != 0 && end != std::string_view::npos && digits.find_first_of("0123456789", end) == std::string_view::npos;
    return has_unit ? ": write the number alone, without a unit" : "";
}

} // namespace davit::config
