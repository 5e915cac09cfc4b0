// SPDX-License-Identifier: Apache-2.0
// What each kind of JVM counts, and what is done about it. The libraries are made up of the names that are looked for.
#include "model/jvm.h"

#include "support/catch.h"

#include <initializer_list>
#include <vector>

using namespace davit::model;
using namespace std::string_view_literals;

namespace {

/// A library that holds these flags, as a compiler lays names out.
std::string library_with(std::initializer_list<std::string_view> names) {
    std::string library = "\x7f"
                          "ELF";
    for (const std::string_view name : names) {
        library.append(1, '\0').append(name).append(1, '\0');
    }
    return library;
}

constexpr auto serial = "UseSerialGC"sv;
constexpr auto knows_count = "ActiveProcessorCount"sv;
constexpr auto containers = "UseContainerSupport"sv;
constexpr auto prefers_quota = "PreferContainerQuotaForCPUCount"sv;
constexpr auto shares_flag = "UseContainerCpuShares"sv;
constexpr auto v2 = "/cpu.max"sv;

const JvmFacts jdk_7 = facts_of_jvm(library_with({serial}), 7);
const JvmFacts jdk_8_old = facts_of_jvm(library_with({serial, knows_count, containers, prefers_quota}), 8);
const JvmFacts jdk_8_new = facts_of_jvm(library_with({serial, knows_count, containers, prefers_quota, v2}), 8);
const JvmFacts jdk_17 =
    facts_of_jvm(library_with({serial, knows_count, containers, prefers_quota, shares_flag, v2}), 17);
const JvmFacts jdk_25 = facts_of_jvm(library_with({serial, knows_count, containers, v2}), 25);

CpuCount machine(int usable = 8) {
    return {.cpus = usable, .affinity = usable, .usable = usable};
}

/// A quota on the container's own cgroup.
CpuCount limited(double quota, int cpus) {
    CpuCount count = machine();
    count.cpus = cpus;
    count.quota = quota;
    count.own_quota = quota;
    return count;
}

JvmPlan plan(const JvmFacts& facts, const CpuCount& count, const JvmChoice& choice = {},
             const CpusSpec& settings = {}) {
    return plan_for_jvm(facts, count, choice, settings);
}

JvmPlan nothing(int counts, const char* reason) {
    return {counts, JvmAction::nothing, reason};
}

} // namespace

TEST_CASE("what a JVM knows is read from the names in its library", "[jvm]") {
    CHECK(jdk_7 == JvmFacts{.is_hotspot = true});
    CHECK(jdk_8_old ==
          JvmFacts{.is_hotspot = true, .knows_count_flag = true, .knows_containers = true, .counts_shares = true});
    CHECK(jdk_17 == JvmFacts{.is_hotspot = true, .knows_count_flag = true, .knows_containers = true, .knows_v2 = true});
    CHECK(jdk_25.sees_ancestors);
    CHECK(facts_of_jvm(library_with({serial, "PrintActiveProcessorCount"}), 17).knows_count_flag == false);
    CHECK(facts_of_jvm(library_with({serial, knows_count, "Eclipse OpenJ9"}), 17) == JvmFacts{});
    CHECK(facts_of_jvm("", 17) == JvmFacts{});
    CHECK_FALSE(facts_of_jvm(library_with({serial, knows_count, containers, v2}), std::nullopt).sees_ancestors);
}

TEST_CASE("the version is read from the JDK's release file", "[jvm]") {
    CHECK(java_version_in("IMPLEMENTOR=\"Debian\"\nJAVA_RUNTIME_VERSION=\"9\"\nJAVA_VERSION=\"17.0.15\"\n") == 17);
    CHECK(java_version_in("JAVA_VERSION=\"1.8.0_392\"") == 8);
    CHECK(java_version_in("JAVA_VERSION=\"25\"") == 25);
    CHECK(java_version_in("JAVA_VERSION=\"x\"") == std::nullopt);
    CHECK(java_version_in("") == std::nullopt);
}

TEST_CASE("a JVM that counts right is left alone", "[jvm]") {
    CHECK(plan(jdk_17, limited(1.5, 2)) == nothing(2, "it reads the quota of its cgroup: right, left alone"));
    CHECK(plan(jdk_8_old, limited(1.5, 2)) == nothing(2, "it reads the quota of its cgroup: right, left alone"));
    CHECK(plan(jdk_17, machine()) == nothing(8, "it reads that there is no quota: right, left alone"));
    CHECK(plan(jdk_7, machine()) == nothing(8, "it knows no containers: right, left alone"));
    CHECK(plan(jdk_17, limited(20, 8)).action == JvmAction::nothing); // more than there are
}

TEST_CASE("a JVM without the flag gets the preload library", "[jvm]") {
    CHECK(plan(jdk_7, limited(1.5, 2)) ==
          JvmPlan{8, JvmAction::shim, "it knows no containers, and no flag that says how many there are"});
    CHECK(plan(jdk_7, limited(1.5, 2), {}, {.shim = ShimSetting::off}) ==
          nothing(8, "it knows no containers, and no flag that says how many there are; cpus.shim is off"));
}

TEST_CASE("a limit above its own cgroup is seen by new JVMs and told the others by the flag", "[jvm]") {
    CpuCount count = limited(2, 2);
    count.own_quota = std::nullopt;
    CHECK(plan(jdk_17, count) == JvmPlan{8, JvmAction::flag, "it does not see the limit of a cgroup above its own"});
    CHECK(plan(jdk_25, count).action == JvmAction::nothing);
    count.own_quota = 4;
    CHECK(plan(jdk_17, count) == JvmPlan{4, JvmAction::flag, "it reads the quota of its cgroup"});
}

TEST_CASE("a JVM that takes shares for a limit is corrected", "[jvm]") {
    CpuCount count = machine();
    count.shares = 512;
    CHECK(plan(jdk_8_old, count) == JvmPlan{1, JvmAction::flag, "it takes CPU shares for a limit"});
    CHECK(plan(jdk_17, count).action == JvmAction::nothing);
    count.shares = 2500;
    CHECK(plan(jdk_8_old, count).counts == 3);
    count.shares = 1 << 18;
    CHECK(plan(jdk_8_old, count).counts == 8);
    count.own_quota = count.quota = 2;
    count.cpus = 2;
    CHECK(plan(jdk_8_old, count).action == JvmAction::nothing); // it prefers the quota
}

TEST_CASE("a JVM that knows only cgroup v1 is corrected on v2", "[jvm]") {
    CpuCount count = limited(2, 2);
    count.is_v2 = true;
    CHECK(plan(jdk_8_old, count) == JvmPlan{8, JvmAction::flag, "it does not know cgroup v2"});
    CHECK(plan(jdk_8_new, count).action == JvmAction::nothing);
}

TEST_CASE("another count than the quota's is told by the flag", "[jvm]") {
    CHECK(plan(jdk_17, limited(1.5, 2), {}, {.rounding = CpuRounding::floor}).action == JvmAction::flag);
    CHECK(plan(jdk_17, limited(2, 2), {}, {.count = 3}) ==
          JvmPlan{2, JvmAction::flag, "it reads the quota of its cgroup"});
    CHECK(plan(jdk_17, limited(2, 2), {}, {.count = 2}).action == JvmAction::nothing);
}

TEST_CASE("the user's own flags win", "[jvm]") {
    const std::vector<std::string> arguments = {"-XX:ActiveProcessorCount=3", "-jar", "x.jar"};
    const JvmChoice choice = choice_in({.command_line = arguments});
    CHECK(plan(jdk_17, limited(1.5, 2), choice) ==
          nothing(3, "-XX:ActiveProcessorCount in the command line says so: your choice"));
    CHECK(plan(jdk_17, limited(1.5, 2), choice, {.shim = ShimSetting::on}).action == JvmAction::nothing);
    const JvmChoice off{.container_support = false};
    CHECK(plan(jdk_17, limited(1.5, 2), off) ==
          nothing(8, "-XX:-UseContainerSupport says that it looks at no limit: your choice"));
    CHECK(plan(jdk_17, limited(1.5, 2), off, {.shim = ShimSetting::on}).action == JvmAction::shim);
    CHECK(plan(jdk_7, limited(1.5, 2), {}, {.java = JavaSetting::never}) ==
          nothing(8, "it knows no containers; cpus.java is never"));
}

TEST_CASE("what is no HotSpot is left alone", "[jvm]") {
    CHECK(plan(JvmFacts{}, limited(1.5, 2)) == nothing(8, "it is no HotSpot: left alone"));
}

TEST_CASE("of the four places of flags the last one in the JVM's order wins", "[jvm]") {
    const std::vector<std::string> arguments = {"-XX:ActiveProcessorCount=3", "-XX:-UseContainerSupport"};
    JvmOptions options{.tool_options = "-Dx='a b' -XX:ActiveProcessorCount=1",
                       .jdk_options = "-XX:ActiveProcessorCount=2"};
    CHECK(choice_in(options) == JvmChoice{.count = 2, .count_from = "JDK_JAVA_OPTIONS"});
    options.command_line = arguments;
    CHECK(choice_in(options) == JvmChoice{.count = 3, .count_from = "the command line", .container_support = false});
    options.underscore_options = "-XX:ActiveProcessorCount=4 -XX:+UseContainerSupport";
    CHECK(choice_in(options) == JvmChoice{.count = 4, .count_from = "_JAVA_OPTIONS", .container_support = true});
    options.underscore_options = "-Dx='open -XX:ActiveProcessorCount=9"; // no JVM would take it
    CHECK(choice_in(options).count == 3);
}

TEST_CASE("in a variable blanks separate, quotes keep together, and a backslash is a letter", "[jvm]") {
    CHECK(choice_in({.tool_options = "-Dp=C:\\x\\\t\n-XX:'Active'\"Processor\"Count=3 -Dq=\\"}).count == 3);
    CHECK(choice_in({.tool_options = "'-Dp=a -XX:ActiveProcessorCount=3'"}) == JvmChoice{});
    CHECK(choice_in({.tool_options = "  "}) == JvmChoice{});
}

TEST_CASE("a count that is none above 0 is a choice all the same", "[jvm]") {
    for (const char* written : {"-XX:ActiveProcessorCount=-1", "-XX:ActiveProcessorCount=0x2",
                                "-XX:ActiveProcessorCount=", "-XX:ActiveProcessorCount=99999999999"}) {
        const JvmChoice choice = choice_in({.tool_options = written});
        CHECK(choice == JvmChoice{.count_from = "JAVA_TOOL_OPTIONS"});
        CpuCount count = limited(2, 2);
        count.own_quota = std::nullopt;
        CHECK(plan(jdk_17, count, choice).action == JvmAction::nothing);
    }
}

TEST_CASE("files of flags are noticed", "[jvm]") {
    CHECK(choice_in({.tool_options = "-XX:VMOptionsFile=/x"}).has_weaker_file);
    CHECK(choice_in({.jdk_options = "-Dx=1 @/opts"}).has_weaker_file);
    const std::vector<std::string> arguments = {"@/opts", "-XX:ActiveProcessorCount=2", "-XX:VMOptionsFile=/x", "Main"};
    CHECK(choice_in({.command_line = arguments}) == JvmChoice{.count = 2, .count_from = "the command line"});
    const JvmChoice choice = choice_in({.tool_options = "-XX:Flags=/x"});
    CHECK(choice.has_flags_file);
    CpuCount count = limited(2, 2);
    count.own_quota = std::nullopt;
    CHECK(plan(jdk_17, count, choice) == nothing(8, "-XX:Flags names a file that is not looked into: your choice"));
}

TEST_CASE("nobody looks for JVMs where each kind of them counts right", "[jvm]") {
    CHECK(every_jvm_is_right(machine(), {}));
    CHECK(every_jvm_is_right(limited(20, 8), {}));
    CHECK(every_jvm_is_right(limited(1.5, 2), {.count = 2}) == false); // an old one counts 8
    CHECK_FALSE(every_jvm_is_right(machine(), {.count = 3}));
    CpuCount one = machine(1);
    one.quota = one.own_quota = 0.5;
    one.shares = 4096;
    CHECK(every_jvm_is_right(one, {}));
    CpuCount shares = machine();
    shares.shares = 512;
    CHECK_FALSE(every_jvm_is_right(shares, {}));
    shares.own_quota = shares.quota = 16;
    CHECK(every_jvm_is_right(shares, {})); // those that look at shares prefer the quota
    CpuCount above = limited(2, 2);
    above.own_quota = std::nullopt;
    CHECK_FALSE(every_jvm_is_right(above, {}));
}

TEST_CASE("arguments of the application are none of the JVM", "[jvm]") {
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"-jar", "x.jar", "-XX:ActiveProcessorCount=3"},
          {"-cp", "-XX:ActiveProcessorCount=3", "Main"},
          {"-Xmx1g", "Main", "-XX:ActiveProcessorCount=3"},
          {"-m", "a/b", "-XX:ActiveProcessorCount=3"}}) {
        CHECK(choice_in({.command_line = arguments}) == JvmChoice{});
    }
    const std::vector<std::string> before = {"-cp", "x", "--add-opens", "a=b", "-XX:ActiveProcessorCount=3", "Main"};
    CHECK(choice_in({.command_line = before}).count == 3);
}
