// SPDX-License-Identifier: Apache-2.0
// What a service is given at its launch so that its runtime counts the container's CPUs right, and why. The user's own
// choice always wins, and what is right is left alone: a flag would freeze a count that follows a resize by itself.
//
// clang-format off
//   given                                  to                              when
//   DAVIT_CPUS=N                           all that davit starts for it    always
//   NAME=N for each of `cpus.env`          all that davit starts for it    the user has not set NAME
//   -XX:ActiveProcessorCount=N, argument   its leader, which is `java`     )  a JVM that could be meant counts wrong,
//   the same, front of JAVA_TOOL_OPTIONS   its leader, else                )  and all that could be meant know the flag
//   LD_PRELOAD, DAVIT_CPUS_FILE            its leader                      one that could be meant counts wrong, and
//                                                                          one knows no flag; or `cpus.shim` is on
//   nothing of java                        its leader                      `cpus.java` is never; the user chose; one
//                                                                          that could be meant is a script or OpenJ9
// clang-format on
//
// Which JVMs could be meant: the one that the leader is; else (a script, a program that starts java) those of
// JAVA_HOME, JRE_HOME and the service's PATH. What no process but the leader gets, its children inherit, but no probe
// and no step: what they print is read, and a JVM tells on stderr that it has picked up JAVA_TOOL_OPTIONS.
#pragma once

#include "model/cpu_count.h"
#include "model/jvm.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace davit::model {

/// What is known of a service when it is launched. The views live as long as the caller's values.
struct CpuLaunch {
    const CpusSpec& settings;                 // of the service
    std::span<const std::string> argv;        // not empty
    std::span<const std::string> environment; // NAME=value: PID 1's, its files' and its own
};

/// A JVM that a service could start.
struct PossibleJvm {
    enum class Place : std::uint8_t { leader, java_home, jre_home, search_path };
    Place place = Place::leader;
    std::string program; // "/usr/lib/jvm/java-17-openjdk-amd64/bin/java", the real path if it is known
    std::optional<int> version;
    std::optional<JvmFacts> facts;
    std::string problem; // why there are no facts: "/usr/bin/java: a script: what it starts is not known"
};
std::string_view to_string(PossibleJvm::Place place);

/// The preload library and the file that tells it the count, as a service may have them.
struct Shim {
    std::string library;
    std::string page;
    std::string problem; // why it cannot be used; empty: it can
};

/// Which questions the library answers (davit_cpus.h). The JVM's is left out where the user chose by a flag.
struct ShimHooks {
    bool jvm = true;
    bool online = true;
    bool affinity = true;
    friend bool operator==(const ShimHooks&, const ShimHooks&) = default;
};

struct NamedValue {
    std::string name;
    std::string value;
    friend bool operator==(const NamedValue&, const NamedValue&) = default;
};

struct ServiceCpus {
    int cpus = 1;
    std::vector<NamedValue> variables;         // of all that davit starts for the service
    std::vector<NamedValue> leader_variables;  // of its leader besides, whole values
    std::vector<std::string> leader_arguments; // right behind the program
    std::optional<ShimHooks> shim;             // it has the library, and the page must say so
    std::vector<std::string> reasons;          // for `davit cpus --explain`: what is given, and what not, and why
    friend bool operator==(const ServiceCpus&, const ServiceCpus&) = default;
};

/// Somebody has to find out which JVMs could be meant; false: whatever they are, nothing would be done.
bool needs_jvms(const CpuLaunch& launch, const CpuCount& count, const Shim& shim);

/// `jvms`: those that could be meant; of no interest where `needs_jvms` says so.
ServiceCpus cpus_of_service(const CpuLaunch& launch, const CpuCount& count, std::span<const PossibleJvm> jvms,
                            const Shim& shim);

/// The value of a variable in a list of NAME=value; nullopt: it is not set.
std::optional<std::string_view> value_in(std::span<const std::string> environment, std::string_view name);

} // namespace davit::model
