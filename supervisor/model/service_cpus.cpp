// SPDX-License-Identifier: Apache-2.0
#include "model/service_cpus.h"

#include <algorithm>
#include <array>
#include <utility>

namespace davit::model {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view no_common_flag = "not every JVM that could be meant knows -XX:ActiveProcessorCount";
/// The launcher of 8 does not know JDK_JAVA_OPTIONS.
constexpr int first_with_jdk_options = 9;

std::string_view without_directory(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

/// Only the launcher itself takes flags of the JVM as arguments: javac, jshell and the others want -J in front.
bool is_java(const PossibleJvm& jvm) {
    return jvm.place == PossibleJvm::Place::leader && without_directory(jvm.program) == "java";
}

bool chooses(std::string_view word) {
    return word.contains(count_flag) || word.contains("-XX:-UseContainerSupport");
}

/// What a script passes on (JAVA_OPTS, CATALINA_OPTS, its own arguments) is the user's choice as well. Empty: nothing.
std::string passed_on_choice(const CpuLaunch& launch) {
    if (std::ranges::any_of(launch.argv, chooses)) {
        return "the command line";
    }
    constexpr std::array of_the_jvm{tool_options_name, jdk_options_name, underscore_options_name};
    for (const std::string_view variable : launch.environment) {
        const std::string_view name = variable.substr(0, variable.find('='));
        if (std::ranges::find(of_the_jvm, name) == of_the_jvm.end() && chooses(variable)) {
            return std::string{name};
        }
    }
    return {};
}

std::string problem_of(const Shim& shim) {
    if (shim.problem.empty() && shim.library.find_first_of(" :") != std::string::npos) {
        return "LD_PRELOAD cannot name " + shim.library + ": it holds a blank or a colon";
    }
    return shim.problem;
}

std::string name_of(const PossibleJvm& jvm) {
    const std::string place =
        jvm.place == PossibleJvm::Place::leader ? "" : " (" + std::string{to_string(jvm.place)} + ")";
    return jvm.program + place + (jvm.version ? ", version " + std::to_string(*jvm.version) : "");
}

class Planner {
public:
    Planner(const CpuLaunch& launch, const CpuCount& count, std::span<const PossibleJvm> jvms, const Shim& shim)
        : launch_(launch), count_(count), jvms_(jvms), shim_(shim), shim_problem_(problem_of(shim)),
          settings_(launch.settings) {
        plan_.cpus = count_for(count, settings_);
    }

    ServiceCpus result() {
        give_variables();
        if (settings_.shim == ShimSetting::on && shim_problem_.empty()) {
            give_shim("cpus.shim is on");
            return std::move(plan_);
        }
        if (settings_.shim == ShimSetting::on) {
            say("cpus.shim is on, but " + shim_problem_ + ": left out");
        }
        look_at_java();
        return std::move(plan_);
    }

private:
    std::string number() const { return std::to_string(plan_.cpus); }
    void say(std::string reason) { plan_.reasons.push_back(std::move(reason)); }
    std::string_view value_of(std::string_view name) const {
        return value_in(launch_.environment, name).value_or(std::string_view{});
    }

    void give_variables() {
        plan_.variables.push_back({"DAVIT_CPUS", number()});
        say("DAVIT_CPUS=" + number() + (settings_.count ? " (cpus.count)" : ""));
        for (const std::string& name : settings_.env) {
            if (name == "DAVIT_CPUS") {
                continue;
            }
            if (value_in(launch_.environment, name)) {
                say(name + " is set already: left alone");
            } else {
                plan_.variables.push_back({name, number()});
                say(name + "=" + number() + " (cpus.env)");
            }
        }
    }

    // ---- java ------------------------------------------------------------------------------------------

    void look_at_java() {
        if (settings_.java == JavaSetting::never) {
            return say("no JVM is corrected: cpus.java is never");
        }
        if (every_jvm_is_right(count_, settings_)) {
            return say("no JVM is corrected: whatever it looks at, it counts " + number());
        }
        if (jvms_.empty()) {
            return say("no JVM is corrected: " + launch_.argv.front() +
                       " is none, and there is none in JAVA_HOME, JRE_HOME or PATH");
        }
        if (std::ranges::any_of(jvms_, [this](const PossibleJvm& jvm) { return is_unknown(jvm); })) {
            return;
        }
        if (const std::string from = passed_on_choice(launch_); !from.empty() && !is_java(jvms_.front())) {
            return say("no JVM is corrected: " + from + " holds your choice");
        }
        decide();
    }

    bool is_unknown(const PossibleJvm& jvm) {
        if (!jvm.facts) {
            say("java is left alone: " + jvm.problem);
        } else if (!jvm.facts->is_hotspot) {
            say("java is left alone: " + name_of(jvm) + " is no HotSpot");
        }
        return !jvm.facts || !jvm.facts->is_hotspot;
    }

    void decide() {
        bool any_is_wrong = false;
        bool all_know_flag = true;
        bool weakest_place = !is_java(jvms_.front());
        for (const PossibleJvm& jvm : jvms_) {
            const JvmChoice choice = choice_for(jvm);
            const JvmPlan plan = plan_for_jvm(*jvm.facts, count_, choice, with_shim());
            say(name_of(jvm) + " counts " + std::to_string(plan.counts) + ": " + plan.reason);
            any_is_wrong = any_is_wrong || plan.action != JvmAction::nothing;
            all_know_flag = all_know_flag && jvm.facts->knows_count_flag;
            weakest_place = weakest_place || choice.has_weaker_file;
        }
        if (!any_is_wrong) {
            return;
        }
        if (!all_know_flag) {
            return give_shim_if_allowed();
        }
        weakest_place ? give_tool_options() : give_argument();
    }

    /// As if the library were there: whether it may be used is asked for all JVMs together.
    CpusSpec with_shim() const {
        CpusSpec settings = settings_;
        settings.shim = ShimSetting::automatic;
        return settings;
    }

    JvmChoice choice_for(const PossibleJvm& jvm) const {
        JvmOptions options{.tool_options = value_of(tool_options_name),
                           .jdk_options = {},
                           .command_line = {},
                           .underscore_options = value_of(underscore_options_name)};
        if (jvm.version.value_or(first_with_jdk_options) >= first_with_jdk_options) {
            options.jdk_options = value_of(jdk_options_name);
        }
        if (is_java(jvm)) {
            options.command_line = launch_.argv.subspan(1);
        }
        return choice_in(options);
    }

    // ---- what is given ---------------------------------------------------------------------------------

    std::string flag() const { return std::string{count_flag} + number(); }

    void give_argument() {
        plan_.leader_arguments.push_back(flag());
        say(flag() + " as the first argument");
    }

    /// In front: of several the last one wins.
    void give_tool_options() {
        const std::string_view own = value_of(tool_options_name);
        plan_.leader_variables.push_back(
            {std::string{tool_options_name}, flag() + (own.empty() ? "" : " " + std::string{own})});
        say(flag() + " in front of JAVA_TOOL_OPTIONS");
    }

    void give_shim_if_allowed() {
        if (settings_.shim == ShimSetting::off) {
            return say(std::string{no_common_flag} + ", and cpus.shim is off: left alone");
        }
        if (!shim_problem_.empty()) {
            return say(std::string{no_common_flag} + ", and " + shim_problem_ + ": left alone");
        }
        give_shim(std::string{no_common_flag});
    }

    /// Behind the user's own: of two libraries with the same function the first one wins.
    void give_shim(const std::string& reason) {
        const std::string_view own = value_of("LD_PRELOAD");
        plan_.leader_variables.push_back(
            {"LD_PRELOAD", own.empty() ? shim_.library : std::string{own} + ":" + shim_.library});
        plan_.leader_variables.push_back({"DAVIT_CPUS_FILE", shim_.page});
        const bool user_chose = has_flag_of_user();
        plan_.shim = ShimHooks{.jvm = !user_chose, .online = true, .affinity = true};
        say(shim_.library + " is preloaded: " + reason);
        if (user_chose) {
            say("-XX:ActiveProcessorCount is your choice: what a JVM says of itself is left alone");
        }
    }

    bool has_flag_of_user() const {
        const auto names_flag = [](std::string_view text) { return text.contains(count_flag); };
        return std::ranges::any_of(launch_.argv, names_flag) || std::ranges::any_of(launch_.environment, names_flag);
    }

    const CpuLaunch& launch_;
    const CpuCount& count_;
    std::span<const PossibleJvm> jvms_;
    const Shim& shim_;
    const std::string shim_problem_;
    const CpusSpec& settings_;
    ServiceCpus plan_;
};

} // namespace

std::string_view to_string(PossibleJvm::Place place) {
    switch (place) {
    case PossibleJvm::Place::leader: return "the service itself";
    case PossibleJvm::Place::java_home: return "JAVA_HOME";
    case PossibleJvm::Place::jre_home: return "JRE_HOME";
    case PossibleJvm::Place::search_path: return "PATH";
    }
    std::unreachable();
}

bool needs_jvms(const CpuLaunch& launch, const CpuCount& count, const Shim& shim) {
    const CpusSpec& settings = launch.settings;
    const bool has_shim = settings.shim == ShimSetting::on && problem_of(shim).empty();
    return !has_shim && settings.java != JavaSetting::never && !every_jvm_is_right(count, settings);
}

ServiceCpus cpus_of_service(const CpuLaunch& launch, const CpuCount& count, std::span<const PossibleJvm> jvms,
                            const Shim& shim) {
    return Planner{launch, count, jvms, shim}.result();
}

std::optional<std::string_view> value_in(std::span<const std::string> environment, std::string_view name) {
    for (const std::string_view variable : environment) {
        if (variable.size() > name.size() && variable[name.size()] == '=' && variable.starts_with(name)) {
            return variable.substr(name.size() + 1);
        }
    }
    return std::nullopt;
}

} // namespace davit::model
