// SPDX-License-Identifier: Apache-2.0
// What a service is given so that its runtime counts right, and what is left alone.
#include "model/service_cpus.h"

#include "support/catch.h"

#include <algorithm>
#include <string>
#include <vector>

using namespace davit::model;

namespace {

constexpr JvmFacts knows_neither{.is_hotspot = true};
constexpr JvmFacts aware{.is_hotspot = true, .knows_count_flag = true, .knows_containers = true, .knows_v2 = true};

PossibleJvm itself(JvmFacts facts = aware, std::optional<int> version = 17) {
    return {.place = PossibleJvm::Place::leader,
            .program = "/jdk/bin/java",
            .version = version,
            .facts = facts,
            .problem = {}};
}

PossibleJvm in_path(JvmFacts facts = aware) {
    PossibleJvm jvm = itself(facts);
    jvm.place = PossibleJvm::Place::search_path;
    return jvm;
}

PossibleJvm unknown(std::string problem) {
    return {.place = PossibleJvm::Place::search_path,
            .program = "/usr/bin/java",
            .version = {},
            .facts = {},
            .problem = std::move(problem)};
}

/// 8 CPUs, and a limit of 2 on a cgroup above the own one: 17 does not see it.
CpuCount limit_above() {
    return {.cpus = 2, .quota = 2, .affinity = 8, .usable = 8};
}

CpuCount limit_of_its_own() {
    CpuCount count = limit_above();
    count.own_quota = 2;
    return count;
}

const Shim shim_there{.library = "/opt/libdavit-cpus.so", .page = "/run/davit/cpus.web", .problem = {}};
const Shim no_shim{.library = {}, .page = {}, .problem = "/opt/libdavit-cpus.so is missing"};

struct Case {
    CpusSpec settings;
    std::vector<std::string> argv = {"java", "-jar", "app.jar"};
    std::vector<std::string> environment = {"PATH=/bin"};
    std::vector<PossibleJvm> jvms = {itself()};
    CpuCount count = limit_above();
    Shim shim = shim_there;

    ServiceCpus given() const { return cpus_of_service({settings, argv, environment}, count, jvms, shim); }
    bool looks_for_jvms() const { return needs_jvms({settings, argv, environment}, count, shim); }
};

bool says(const ServiceCpus& given, const std::string& reason) {
    INFO(given.reasons.back());
    return std::ranges::find(given.reasons, reason) != given.reasons.end();
}

bool corrects_nothing(const ServiceCpus& given) {
    return given.leader_arguments.empty() && given.leader_variables.empty() && !given.shim;
}

const std::vector<std::string> two_as_flag = {"-XX:ActiveProcessorCount=2"};

std::vector<NamedValue> tool_options(const std::string& value) {
    return {{"JAVA_TOOL_OPTIONS", value}};
}

} // namespace

TEST_CASE("a service is told the count, and the variables that are asked for, unless they are set", "[service_cpus]") {
    Case web{.settings = {.env = {"GOMAXPROCS", "OMP_NUM_THREADS", "EMPTY", "DAVIT_CPUS"}}, .jvms = {}};
    web.environment = {"OMP_NUM_THREADS=7", "GOMAXPROCSX=1", "EMPTY="};
    const ServiceCpus given = web.given();
    CHECK(given.cpus == 2);
    CHECK(given.variables == std::vector<NamedValue>{{"DAVIT_CPUS", "2"}, {"GOMAXPROCS", "2"}});
    CHECK(says(given, "GOMAXPROCS=2 (cpus.env)"));
    CHECK(says(given, "OMP_NUM_THREADS is set already: left alone"));
    CHECK(says(given, "EMPTY is set already: left alone"));
}

TEST_CASE("the service's own count and rounding are what it is told", "[service_cpus]") {
    Case web{.count = limit_of_its_own()};
    web.count.quota = web.count.own_quota = 2.5;
    CHECK(web.given().cpus == 3);
    web.settings.rounding = CpuRounding::floor;
    CHECK(web.given().cpus == 2);
    CHECK(web.given().leader_arguments == two_as_flag); // it would round up
    web.settings.count = 5;
    CHECK(web.given().variables.front() == NamedValue{"DAVIT_CPUS", "5"});
    CHECK(web.given().leader_arguments == std::vector<std::string>{"-XX:ActiveProcessorCount=5"});
}

TEST_CASE("java that counts wrong gets the flag as its first argument", "[service_cpus]") {
    const ServiceCpus given = Case{}.given();
    CHECK(given.leader_arguments == two_as_flag);
    CHECK(given.leader_variables.empty());
    CHECK_FALSE(given.shim);
    CHECK(says(given, "/jdk/bin/java, version 17 counts 8: it does not see the limit of a cgroup above its own"));
    CHECK(says(given, "-XX:ActiveProcessorCount=2 as the first argument"));
}

TEST_CASE("java that counts right is left alone", "[service_cpus]") {
    const Case web{.count = limit_of_its_own()};
    CHECK(web.looks_for_jvms()); // it might be an old one
    CHECK(corrects_nothing(web.given()));
    CHECK(says(web.given(), "/jdk/bin/java, version 17 counts 2: it reads the quota of its cgroup: right, left alone"));
}

TEST_CASE("a script gets the flag in front of JAVA_TOOL_OPTIONS", "[service_cpus]") {
    Case web{.argv = {"/app/startup.sh"}, .jvms = {in_path()}};
    CHECK(web.given().leader_variables == tool_options("-XX:ActiveProcessorCount=2"));
    CHECK(web.given().leader_arguments.empty());
    web.environment.emplace_back("JAVA_TOOL_OPTIONS=-Dx='a b'");
    CHECK(web.given().leader_variables == tool_options("-XX:ActiveProcessorCount=2 -Dx='a b'"));
    CHECK(says(web.given(), "-XX:ActiveProcessorCount=2 in front of JAVA_TOOL_OPTIONS"));
}

TEST_CASE("another tool of the JDK than java takes no flag as argument", "[service_cpus]") {
    Case web{.argv = {"/jdk/bin/jshell"}};
    web.jvms.front().program = "/jdk/bin/jshell";
    CHECK(web.given().leader_arguments.empty());
    CHECK(web.given().leader_variables == tool_options("-XX:ActiveProcessorCount=2"));
}

TEST_CASE("the user's own flag wins in all four places", "[service_cpus]") {
    Case web{.argv = {"java", "-XX:ActiveProcessorCount=5", "-jar", "app.jar"}};
    CHECK(corrects_nothing(web.given()));
    for (const char* name : {"JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"}) {
        for (const char* flag : {"-XX:ActiveProcessorCount=5", "-XX:-UseContainerSupport", "-XX:Flags=/x"}) {
            Case other;
            other.environment.push_back(std::string{name} + "=-Xmx1g " + flag);
            CHECK(corrects_nothing(other.given()));
            other.jvms = {in_path()};
            other.argv = {"/app/startup.sh"};
            CHECK(corrects_nothing(other.given()));
        }
    }
}

TEST_CASE("java 8 does not read JDK_JAVA_OPTIONS", "[service_cpus]") {
    Case web{.jvms = {itself(aware, 8)}};
    web.environment.emplace_back("JDK_JAVA_OPTIONS=-XX:ActiveProcessorCount=5");
    CHECK(web.given().leader_arguments == two_as_flag);
}

TEST_CASE("where a file of options stands in a weaker place, the flag stands in the weakest", "[service_cpus]") {
    Case web;
    web.environment.emplace_back("JDK_JAVA_OPTIONS=@/etc/jvm.options");
    CHECK(web.given().leader_arguments.empty());
    CHECK(web.given().leader_variables == tool_options("-XX:ActiveProcessorCount=2"));
    web.environment.back() = "JAVA_TOOL_OPTIONS=-XX:VMOptionsFile=/etc/jvm.options";
    CHECK(web.given().leader_variables ==
          tool_options("-XX:ActiveProcessorCount=2 -XX:VMOptionsFile=/etc/jvm.options"));
}

TEST_CASE("a choice that a script passes on is the user's too", "[service_cpus]") {
    Case web{.argv = {"/app/startup.sh"}, .jvms = {in_path()}};
    web.environment.emplace_back("CATALINA_OPTS=-Xmx1g -XX:-UseContainerSupport");
    CHECK(corrects_nothing(web.given()));
    CHECK(says(web.given(), "no JVM is corrected: CATALINA_OPTS holds your choice"));
    web.environment.pop_back();
    web.argv = {"sh", "-c", "exec java -XX:ActiveProcessorCount=3 Main"};
    CHECK(corrects_nothing(web.given()));
    // java itself does not look at it.
    Case direct;
    direct.environment.emplace_back("CATALINA_OPTS=-XX:ActiveProcessorCount=4");
    CHECK(direct.given().leader_arguments == two_as_flag);
}

TEST_CASE("of several JVMs the flag is only given if all know it", "[service_cpus]") {
    Case web{.argv = {"/app/startup.sh"}, .jvms = {in_path(), in_path()}};
    web.jvms.front().place = PossibleJvm::Place::java_home;
    CHECK(web.given().leader_variables == tool_options("-XX:ActiveProcessorCount=2"));
    web.jvms.front().facts = knows_neither;
    CHECK(web.given().shim == ShimHooks{});
    web.settings.shim = ShimSetting::off;
    CHECK(corrects_nothing(web.given()));
    CHECK(says(web.given(), "not every JVM that could be meant knows -XX:ActiveProcessorCount, and cpus.shim is off: "
                            "left alone"));
}

TEST_CASE("what cannot be understood is left alone, with all that could be meant", "[service_cpus]") {
    Case web{.argv = {"/app/startup.sh"}, .jvms = {in_path(), unknown("/usr/bin/java: a script")}};
    CHECK(corrects_nothing(web.given()));
    CHECK(says(web.given(), "java is left alone: /usr/bin/java: a script"));
    web.jvms = {in_path(JvmFacts{})};
    CHECK(corrects_nothing(web.given()));
    CHECK(says(web.given(), "java is left alone: /jdk/bin/java (PATH), version 17 is no HotSpot"));
    web.jvms.clear();
    CHECK(corrects_nothing(web.given()));
    CHECK(says(web.given(), "no JVM is corrected: /app/startup.sh is none, and there is none in JAVA_HOME, JRE_HOME or "
                            "PATH"));
}

TEST_CASE("cpus.java never means never", "[service_cpus]") {
    const Case web{.settings = {.java = JavaSetting::never}};
    CHECK_FALSE(web.looks_for_jvms());
    CHECK(corrects_nothing(web.given()));
    CHECK(says(web.given(), "no JVM is corrected: cpus.java is never"));
}

TEST_CASE("without a limit nobody looks for JVMs", "[service_cpus]") {
    const Case web{.jvms = {}, .count = {.cpus = 8, .affinity = 8, .usable = 8}};
    CHECK_FALSE(web.looks_for_jvms());
    CHECK(says(web.given(), "no JVM is corrected: whatever it looks at, it counts 8"));
}

TEST_CASE("a JVM without the flag gets the library behind the user's own", "[service_cpus]") {
    Case web{.jvms = {itself(knows_neither, 7)}};
    CHECK(web.given().leader_variables ==
          std::vector<NamedValue>{{"LD_PRELOAD", "/opt/libdavit-cpus.so"}, {"DAVIT_CPUS_FILE", "/run/davit/cpus.web"}});
    CHECK(web.given().shim == ShimHooks{});
    web.environment.emplace_back("LD_PRELOAD=/lib/malloc.so");
    CHECK(web.given().leader_variables.front() == NamedValue{"LD_PRELOAD", "/lib/malloc.so:/opt/libdavit-cpus.so"});
    web.shim = no_shim;
    CHECK(corrects_nothing(web.given()));
    CHECK(says(web.given(), "not every JVM that could be meant knows -XX:ActiveProcessorCount, and "
                            "/opt/libdavit-cpus.so is missing: left alone"));
}

TEST_CASE("a library that LD_PRELOAD cannot name is left out", "[service_cpus]") {
    Case web{.settings = {.shim = ShimSetting::on}, .shim = {.library = "/my opt/x.so", .page = "/p", .problem = {}}};
    CHECK(web.looks_for_jvms());
    CHECK(web.given().leader_arguments == two_as_flag);
    CHECK(says(web.given(), "cpus.shim is on, but LD_PRELOAD cannot name /my opt/x.so: it holds a blank or a colon: "
                            "left out"));
}

TEST_CASE("shim on is for each process, and leaves a JVM with the user's count its word", "[service_cpus]") {
    Case web{.settings = {.shim = ShimSetting::on}, .argv = {"nginx"}, .jvms = {}};
    CHECK_FALSE(web.looks_for_jvms());
    CHECK(web.given().shim == ShimHooks{});
    CHECK(says(web.given(), "/opt/libdavit-cpus.so is preloaded: cpus.shim is on"));
    web.environment.emplace_back("JAVA_OPTS=-XX:ActiveProcessorCount=5");
    CHECK(web.given().shim == ShimHooks{.jvm = false, .online = true, .affinity = true});
}

TEST_CASE("a library that is missing where it should be on leaves the flag", "[service_cpus]") {
    const Case web{.settings = {.shim = ShimSetting::on}, .shim = no_shim};
    CHECK(web.looks_for_jvms());
    CHECK(web.given().leader_arguments == two_as_flag);
    CHECK(says(web.given(), "cpus.shim is on, but /opt/libdavit-cpus.so is missing: left out"));
}

TEST_CASE("a variable is found by its whole name", "[service_cpus]") {
    const std::vector<std::string> environment = {"AB=1", "A=2", "C="};
    CHECK(value_in(environment, "A") == "2");
    CHECK(value_in(environment, "C") == "");
    CHECK(value_in(environment, "B") == std::nullopt);
}
