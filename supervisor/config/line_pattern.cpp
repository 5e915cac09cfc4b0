// SPDX-License-Identifier: Apache-2.0
#include "config/line_pattern.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <regex.h>

namespace davit::config {

namespace {

/// All counts of `{...}` multiplied: nested ones become so many parts of the automaton.
constexpr std::size_t most_repetitions = 1000;

/// The largest number in what follows a brace.
std::size_t count_of(std::string_view braces) {
    std::size_t largest = 1;
    braces = braces.substr(0, braces.find('}'));
    while (!braces.empty()) {
        std::size_t number = 1;
        const auto [end, error] = std::from_chars(braces.data(), braces.data() + braces.size(), number);
        largest = std::max(largest, error == std::errc::result_out_of_range ? most_repetitions + 1 : number);
        const auto comma = braces.find(',');
        braces.remove_prefix(comma == std::string_view::npos ? braces.size() : comma + 1);
    }
    return largest;
}

/// Why davit refuses it; empty: it does not.
std::string refusal(std::string_view text) {
    if (text.size() > LinePattern::longest_pattern) {
        return "it is longer than " + std::to_string(LinePattern::longest_pattern) + " bytes";
    }
    std::size_t repetitions = 1;
    for (std::size_t place = 0; place < text.size(); ++place) {
        if (text[place] == '\\') {
            ++place;
            if (place < text.size() && text[place] >= '1' && text[place] <= '9') {
                return "references back such as \\1 are not possible";
            }
        } else if (text[place] == '{') {
            repetitions *= count_of(text.substr(place + 1));
            if (repetitions > most_repetitions) {
                return "it repeats too much: the counts in {} multiply to more than " +
                       std::to_string(most_repetitions);
            }
        }
    }
    return {};
}

} // namespace

struct LinePattern::Compiled {
    Compiled() = default;
    ~Compiled() {
        if (is_valid) {
            ::regfree(&expression);
        }
    }
    Compiled(const Compiled&) = delete;
    Compiled& operator=(const Compiled&) = delete;

    regex_t expression{};
    bool is_valid = false;
};

Result<LinePattern> LinePattern::compile(const std::string& text) {
    if (std::string reason = refusal(text); !reason.empty()) {
        return failure(std::move(reason));
    }
    auto compiled = std::make_shared<Compiled>();
    const int error = ::regcomp(&compiled->expression, text.c_str(), REG_EXTENDED | REG_NOSUB);
    if (error != 0) {
        std::array<char, 128> reason{};
        ::regerror(error, &compiled->expression, reason.data(), reason.size());
        return failure(reason.data());
    }
    compiled->is_valid = true;
    return LinePattern{std::move(compiled)};
}

bool LinePattern::matches(std::string_view line) const {
    line = line.substr(0, longest_line);
    if (line.ends_with('\r')) {
        line.remove_suffix(1);
    }
    // REG_STARTEND: no copy with a zero at its end is needed.
    std::array<regmatch_t, 1> range{};
    range[0].rm_so = 0;
    range[0].rm_eo = static_cast<regoff_t>(line.size());
    const char* begin = line.empty() ? "" : line.data();
    return ::regexec(&compiled_->expression, begin, range.size(), range.data(), REG_STARTEND) == 0;
}

} // namespace davit::config
