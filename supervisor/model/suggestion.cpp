// SPDX-License-Identifier: Apache-2.0
// The body of suggestion.h: the table of optimal string alignment, for short words only.
#include "model/suggestion.h"

#include <algorithm>
#include <vector>

namespace davit::model {
namespace {

/// Longer words are no slips of anything; it also bounds the work on foreign input.
constexpr std::size_t longest_word = 64;

char lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

/// Optimal string alignment distance: edits and swaps of neighbours, no letter touched twice.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) {
        cost[i][0] = i;
    }
    for (std::size_t j = 0; j <= b.size(); ++j) {
        cost[0][j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const bool same = lower(a[i - 1]) == lower(b[j - 1]);
            cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (same ? 0U : 1U)});
            const bool swapped =
                i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
            if (swapped) {
                cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
            }
        }
    }
    return cost[a.size()][b.size()];
}

} // namespace

std::optional<std::string_view> suggestion(std::string_view written, std::span<const std::string_view> known) {
    if (written.size() > longest_word) {
        return std::nullopt;
    }
    std::size_t best = written.size() <= 4 ? 2 : 3;
    std::optional<std::string_view> nearest;
    for (const std::string_view word : known) {
        if (word.size() > written.size() + 2 || written.size() > word.size() + 2) {
            continue;
        }
        const std::size_t slips = distance(written, word);
        const bool shares_something = slips < std::max(written.size(), word.size());
        if (slips < best && shares_something) {
            best = slips;
            nearest = word;
        }
    }
    return nearest;
}

} // namespace davit::model
