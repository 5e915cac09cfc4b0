// SPDX-License-Identifier: Apache-2.0
// What a given JVM counts in this container, whether that is right, and what davit would do about it. A JVM that is
// right is left alone: it follows a resize by itself, and a flag would freeze it. What a JVM knows is read from the
// names of flags in its libjvm.so, since an unknown -XX flag stops it.
//
//   the JVM                                                 counts                                       davit
//   knows containers, quota of its own cgroup               that quota, rounded up                       nothing
//   knows containers, the limit is on a cgroup above it     what the CPUs leave (21 and newer: right)    flag
//   knows containers, no quota, counts by shares            shares / 1024, rounded up                    flag
//   knows containers, but not cgroup v2, and this is v2     what the CPUs leave                          flag
//   knows the flag only                                     what the CPUs leave                          flag
//   knows neither                                           what the CPUs leave                          shim
//   the user's own -XX:ActiveProcessorCount                 that                                         nothing
//   the user's own -XX:-UseContainerSupport                 what the CPUs leave                          nothing (shim:
//   on)
#pragma once

#include "model/cpu_count.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace davit::model {

/// What the names in a libjvm.so say of it.
struct JvmFacts {
    bool is_hotspot = false;
    bool knows_count_flag = false; // -XX:ActiveProcessorCount
    bool knows_containers = false; // -XX:+UseContainerSupport
    bool knows_v2 = false;         // reads cpu.max
    bool counts_shares = false;    // takes cpu.shares for a limit where there is no quota
    bool sees_ancestors = false;   // climbs to the limit of a cgroup above its own
    friend bool operator==(const JvmFacts&, const JvmFacts&) = default;
};

/// `library`: the whole of a libjvm.so. `version`: the major one, where it is known (`release` beside it).
JvmFacts facts_of_jvm(std::string_view library, std::optional<int> version);

/// `JAVA_VERSION="17.0.9"` of a JDK's file `release`: 17; "1.8.0_392": 8.
std::optional<int> java_version_in(std::string_view release);

/// What the user chose for a JVM by flags; of several the last one wins, in the order of the JVM.
struct JvmChoice {
    std::optional<int> count; // -XX:ActiveProcessorCount; nullopt also where it is no plain number, or none above 0
    std::string count_from;   // "JAVA_TOOL_OPTIONS", "the command line"; empty: the flag is in none of the places
    std::optional<bool> container_support;
    /// -XX:Flags=FILE: the JVM reads it before all else, so that whatever davit says would overrule it.
    bool has_flags_file = false;
    /// JAVA_TOOL_OPTIONS or JDK_JAVA_OPTIONS name a file of options (@FILE, -XX:VMOptionsFile=FILE): an argument would
    /// overrule what it says, the front of JAVA_TOOL_OPTIONS does not.
    bool has_weaker_file = false;
    friend bool operator==(const JvmChoice&, const JvmChoice&) = default;
};

/// With the number behind it; JDK 8u191 and later know it.
inline constexpr std::string_view count_flag = "-XX:ActiveProcessorCount=";
inline constexpr const char* tool_options_name = "JAVA_TOOL_OPTIONS";
inline constexpr const char* jdk_options_name = "JDK_JAVA_OPTIONS";
inline constexpr const char* underscore_options_name = "_JAVA_OPTIONS";

/// The four places of a JVM's flags; empty where there are none. The variables are split at blanks, and '...' and
/// "..." keep them together; a backslash is a letter (java(1), JDK_JAVA_OPTIONS).
struct JvmOptions {
    std::string_view tool_options;             // JAVA_TOOL_OPTIONS, the weakest
    std::string_view jdk_options;              // JDK_JAVA_OPTIONS
    std::span<const std::string> command_line; // the arguments of java, without the program
    std::string_view underscore_options;       // _JAVA_OPTIONS, the strongest
};
JvmChoice choice_in(const JvmOptions& options);

enum class JvmAction : std::uint8_t { nothing, flag, shim };
std::string_view to_string(JvmAction action);

struct JvmPlan {
    int counts = 1; // what it would count by itself
    JvmAction action = JvmAction::nothing;
    std::string reason; // for `davit cpus --java`
    friend bool operator==(const JvmPlan&, const JvmPlan&) = default;
};

/// Whatever a JVM knows, it counts what `settings` ask for (`count_for`): nobody has to look which ones there are.
bool every_jvm_is_right(const CpuCount& count, const CpusSpec& settings);

/// `count`: of this container. What the JVM counts is held against `count_for(count, settings)`.
JvmPlan plan_for_jvm(const JvmFacts& facts, const CpuCount& count, const JvmChoice& choice, const CpusSpec& settings);

} // namespace davit::model
