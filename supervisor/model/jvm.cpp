// SPDX-License-Identifier: Apache-2.0
// The rules of jvm.h. Facts about JDK 8 to 25 are measured; what is taken from the names of flags is said at each.
#include "model/jvm.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

namespace davit::model {
namespace {

using namespace std::string_view_literals;

constexpr int first_that_climbs = 21;
constexpr double shares_of_a_cpu = 1024;
constexpr double rounding_slack = 1e-9;

bool holds(std::string_view library, std::string_view name) {
    const std::boyer_moore_horspool_searcher searcher{name.begin(), name.end()};
    return std::search(library.begin(), library.end(), searcher) != library.end();
}

std::optional<int> whole_number(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() && !text.empty() ? std::optional{number}
                                                                                     : std::nullopt;
}

void take_flag(JvmChoice& choice, std::string_view flag, std::string_view from) {
    if (flag.starts_with(count_flag)) {
        const auto number = whole_number(flag.substr(count_flag.size()));
        choice.count = number.value_or(0) > 0 ? number : std::nullopt;
        choice.count_from = from;
    } else if (flag.starts_with("-XX:Flags=")) {
        choice.has_flags_file = true;
    } else if (flag == "-XX:+UseContainerSupport" || flag == "-XX:-UseContainerSupport") {
        choice.container_support = flag[4] == '+';
    }
}

/// nullopt: a quote is not closed; no JVM starts with that.
std::optional<std::vector<std::string>> words_of(std::string_view options) {
    constexpr std::string_view blanks = " \t\n\v\f\r";
    std::vector<std::string> words;
    bool in_word = false;
    char quote = '\0';
    for (const char letter : options) {
        if (quote == '\0' && blanks.contains(letter)) {
            in_word = false;
            continue;
        }
        if (!in_word) {
            words.emplace_back();
            in_word = true;
        }
        if (letter == quote) {
            quote = '\0';
        } else if (quote == '\0' && (letter == '"' || letter == '\'')) {
            quote = letter;
        } else {
            words.back() += letter;
        }
    }
    return quote == '\0' ? std::optional{std::move(words)} : std::nullopt;
}

/// The words of a variable.
void take_flags(JvmChoice& choice, std::string_view options, std::string_view from) {
    for (const std::string& word : words_of(options).value_or(std::vector<std::string>{})) {
        take_flag(choice, word, from);
        choice.has_weaker_file =
            choice.has_weaker_file || word.starts_with('@') || word.starts_with("-XX:VMOptionsFile=");
    }
}

/// Of the command line only what stands before the class, the module or the jar belongs to the JVM. A file of arguments
/// (@FILE) may stand anywhere before; what it holds comes after davit's flag and so wins by itself.
void take_command_line(JvmChoice& choice, std::span<const std::string> words) {
    constexpr std::array with_value = {"-cp"sv,
                                       "-classpath"sv,
                                       "--class-path"sv,
                                       "-p"sv,
                                       "--module-path"sv,
                                       "--add-modules"sv,
                                       "--add-exports"sv,
                                       "--add-opens"sv,
                                       "--add-reads"sv,
                                       "--patch-module"sv,
                                       "--source"sv,
                                       "--limit-modules"sv,
                                       "--enable-native-access"sv,
                                       "-d"sv,
                                       "--describe-module"sv,
                                       "--upgrade-module-path"sv};
    for (std::size_t index = 0; index < words.size(); ++index) {
        const std::string_view word = words[index];
        if (std::ranges::find(with_value, word) != with_value.end()) {
            ++index;
        } else if (word == "-jar" || word == "-m" || word == "--module" ||
                   (!word.starts_with('-') && !word.starts_with('@'))) {
            return;
        }
        take_flag(choice, word, "the command line");
    }
}

int rounded_up(double cpus, int most) {
    const double whole = std::ceil(cpus - rounding_slack);
    return std::max(1, static_cast<int>(std::min(whole, static_cast<double>(most))));
}

struct Counted {
    int cpus = 1;
    std::string reason;
};

Counted count_of(const JvmFacts& facts, const CpuCount& count, const JvmChoice& choice) {
    if (choice.count) {
        return {*choice.count, "-XX:ActiveProcessorCount in " + choice.count_from + " says so"};
    }
    const int usable = count.usable;
    if (choice.has_flags_file) {
        return {usable, "-XX:Flags names a file that is not looked into"};
    }
    if (choice.container_support == false) {
        return {usable, "-XX:-UseContainerSupport says that it looks at no limit"};
    }
    if (!facts.knows_containers) {
        return {usable, "it knows no containers"};
    }
    if (count.is_v2 && !facts.knows_v2) {
        return {usable, "it does not know cgroup v2"};
    }
    const auto quota = facts.sees_ancestors ? count.quota : count.own_quota;
    if (quota) {
        return {rounded_up(*quota, usable), "it reads the quota of its cgroup"};
    }
    if (facts.counts_shares && count.shares) {
        return {rounded_up(*count.shares / shares_of_a_cpu, usable), "it takes CPU shares for a limit"};
    }
    return {usable,
            count.quota ? "it does not see the limit of a cgroup above its own" : "it reads that there is no quota"};
}

} // namespace

JvmFacts facts_of_jvm(std::string_view library, std::optional<int> version) {
    // With the NUL in front: names of other flags end in the same letters.
    JvmFacts facts;
    facts.is_hotspot = holds(library, "\0UseSerialGC\0"sv) && !holds(library, "OpenJ9"sv);
    if (!facts.is_hotspot) {
        return facts;
    }
    facts.knows_count_flag = holds(library, "\0ActiveProcessorCount\0"sv);
    facts.knows_containers = holds(library, "\0UseContainerSupport\0"sv);
    facts.knows_v2 = facts.knows_containers && holds(library, "cpu.max"sv);
    // The flag came with the counting; another one, that came when it was given up, brings it back.
    facts.counts_shares = facts.knows_containers && holds(library, "\0PreferContainerQuotaForCPUCount\0"sv) &&
                          !holds(library, "\0UseContainerCpuShares\0"sv);
    facts.sees_ancestors = facts.knows_containers && version.value_or(0) >= first_that_climbs;
    return facts;
}

std::optional<int> java_version_in(std::string_view release) {
    constexpr std::string_view key = "JAVA_VERSION=\"";
    const auto found = release.starts_with(key) ? 0 : release.find("\nJAVA_VERSION=\"");
    if (found == std::string_view::npos) {
        return std::nullopt;
    }
    std::string_view version = release.substr(found + key.size() + (release[found] == '\n' ? 1 : 0));
    if (version.starts_with("1.")) {
        version.remove_prefix(2); // as they were counted up to 8
    }
    return whole_number(version.substr(0, version.find_first_not_of("0123456789")));
}

JvmChoice choice_in(const JvmOptions& options) {
    JvmChoice choice;
    take_flags(choice, options.tool_options, tool_options_name);
    take_flags(choice, options.jdk_options, jdk_options_name);
    take_command_line(choice, options.command_line);
    take_flags(choice, options.underscore_options, underscore_options_name);
    return choice;
}

std::string_view to_string(JvmAction action) {
    switch (action) {
    case JvmAction::nothing: return "nothing";
    case JvmAction::flag: return "flag";
    case JvmAction::shim: return "shim";
    }
    std::unreachable();
}

bool every_jvm_is_right(const CpuCount& count, const CpusSpec& settings) {
    const int truth = count_for(count, settings);
    const auto is_right = [&](std::optional<double> cpus) { return !cpus || rounded_up(*cpus, count.usable) == truth; };
    const std::optional<double> shares =
        count.shares && !count.own_quota ? std::optional{*count.shares / shares_of_a_cpu} : std::nullopt;
    return count.usable == truth && is_right(count.quota) && is_right(count.own_quota) && is_right(shares);
}

JvmPlan plan_for_jvm(const JvmFacts& facts, const CpuCount& count, const JvmChoice& choice, const CpusSpec& settings) {
    if (!facts.is_hotspot) {
        return {.counts = count.usable, .action = JvmAction::nothing, .reason = "it is no HotSpot: left alone"};
    }
    const int truth = count_for(count, settings);
    const bool has_count = !choice.count_from.empty();
    const Counted counted = count_of(facts, count, choice);
    JvmPlan plan{.counts = counted.cpus, .action = JvmAction::nothing, .reason = counted.reason};
    if (settings.shim == ShimSetting::on) {
        plan.action = has_count ? JvmAction::nothing : JvmAction::shim;
        plan.reason += has_count ? ": your choice" : "; cpus.shim is on";
    } else if (counted.cpus == truth) {
        plan.reason += ": right, left alone";
    } else if (has_count || choice.has_flags_file || choice.container_support == false) {
        plan.reason += ": your choice";
    } else if (settings.java == JavaSetting::never) {
        plan.reason += "; cpus.java is never";
    } else if (facts.knows_count_flag) {
        plan.action = JvmAction::flag;
    } else if (settings.shim == ShimSetting::automatic) {
        plan.action = JvmAction::shim;
        plan.reason += ", and no flag that says how many there are";
    } else {
        plan.reason += ", and no flag that says how many there are; cpus.shim is off";
    }
    return plan;
}

} // namespace davit::model
