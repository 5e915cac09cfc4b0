// SPDX-License-Identifier: Apache-2.0
#include "model/ip_address.h"

#include "model/text_parts.h"

#include <algorithm>
#include <vector>

namespace davit::model {
namespace {

constexpr std::size_t groups_of_v6 = 8;
constexpr std::size_t digits_of_group = 4;

bool is_digit(char letter) {
    return letter >= '0' && letter <= '9';
}

bool is_hexadecimal(char letter) {
    return is_digit(letter) || (letter >= 'a' && letter <= 'f') || (letter >= 'A' && letter <= 'F');
}

/// 0 to 255 without leading zeros: `010` is 8 to some and 10 to others.
bool is_byte(std::string_view text) {
    if (text.empty() || text.size() > 3 || !std::ranges::all_of(text, is_digit)) {
        return false;
    }
    const bool has_leading_zero = text.size() > 1 && text.front() == '0';
    return !has_leading_zero && (text.size() < 3 || text <= "255");
}

bool is_v4(std::string_view text) {
    const std::vector<std::string_view> parts = split(text, '.');
    return parts.size() == 4 && std::ranges::all_of(parts, is_byte);
}

/// Groups of 16 bits in a half of an address; nullopt: no such half. The last one may be written as an IPv4 address.
std::optional<std::size_t> groups_in(std::string_view half, bool is_last) {
    if (half.empty()) {
        return 0;
    }
    const std::vector<std::string_view> parts = split(half, ':');
    std::size_t groups = parts.size();
    for (std::size_t index = 0; index < parts.size(); ++index) {
        const std::string_view part = parts[index];
        if (is_last && index + 1 == parts.size() && part.contains('.')) {
            if (!is_v4(part)) {
                return std::nullopt;
            }
            ++groups; // it stands for two
        } else if (part.empty() || part.size() > digits_of_group || !std::ranges::all_of(part, is_hexadecimal)) {
            return std::nullopt;
        }
    }
    return groups;
}

bool is_v6(std::string_view text) {
    constexpr std::string_view zeros = "::";
    const auto gap = text.find(zeros);
    if (gap == std::string_view::npos) {
        return groups_in(text, true) == groups_of_v6;
    }
    const auto before = groups_in(text.substr(0, gap), false);
    const auto after = groups_in(text.substr(gap + zeros.size()), true);
    return before && after && *before + *after < groups_of_v6;
}

} // namespace

std::optional<IpVersion> ip_version_of(std::string_view text) {
    if (is_v4(text)) {
        return IpVersion::v4;
    }
    return is_v6(text) ? std::optional{IpVersion::v6} : std::nullopt;
}

bool is_loopback(std::string_view text) {
    if (!text.contains(':')) {
        return text.starts_with("127.");
    }
    // Every way to write ::1 is zeros and colons before the 1.
    return text.ends_with('1') && text.find_first_not_of("0:") == text.size() - 1;
}

} // namespace davit::model
