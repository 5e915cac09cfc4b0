// SPDX-License-Identifier: Apache-2.0
#include "cli/cpus.h"

#include "api/protocol.h"
#include "cli/output.h"
#include "os/cpus.h"

#include <boost/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <poll.h>
#include <unistd.h>
#include <utility>

namespace davit::cli {
namespace {

namespace json = boost::json;

constexpr std::chrono::seconds output_patience{60};
/// A changed quota tells nobody (no inotify event in cgroup files): it is looked for.
constexpr std::chrono::seconds watch_period{1};

std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", value);
    return text;
}

std::string cpus_text(double value) {
    return number(value) + (value == 1 ? " CPU" : " CPUs");
}

std::string_view name_of(model::CpuSource::Kind kind) {
    switch (kind) {
    case model::CpuSource::Kind::affinity: return "affinity";
    case model::CpuSource::Kind::cpuset: return "cpuset";
    case model::CpuSource::Kind::quota: return "quota";
    }
    std::unreachable();
}

std::string line_of(const model::CpuSource& source) {
    std::string line = source.decides ? "* " : "  ";
    line += std::string{name_of(source.kind)} + ": " + source.text;
    line += " = " + cpus_text(source.cpus);
    return source.path.empty() ? line + " (sched_getaffinity)" : line + " (" + source.path + ")";
}

json::value optional_number(const auto& value) {
    return value ? json::value(*value) : json::value();
}

std::string knows(const model::JvmFacts& facts) {
    std::string text;
    const auto add = [&](bool known, std::string_view what) {
        text += known ? (text.empty() ? "" : ", ") + std::string{what} : std::string{};
    };
    add(facts.knows_containers, "containers");
    add(facts.knows_v2, "cgroup v2");
    add(facts.sees_ancestors, "limits above its own cgroup");
    add(facts.counts_shares, "shares as a limit");
    add(facts.knows_count_flag, "ActiveProcessorCount");
    return text.empty() ? "nothing of containers" : text;
}

std::string to_do(const model::JvmPlan& plan, const model::CpuCount& count) {
    switch (plan.action) {
    case model::JvmAction::nothing: return "nothing";
    case model::JvmAction::flag: return "-XX:ActiveProcessorCount=" + std::to_string(count.cpus);
    case model::JvmAction::shim: return "preload libdavit-cpus.so, which answers " + std::to_string(count.cpus);
    }
    std::unreachable();
}

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string{} : std::string{value};
}

JavaView view_of(const std::string& program, const model::CpuCount& count) {
    JavaView view;
    auto library = os::find_jvm(program, environment("PATH"));
    if (!library) {
        view.problem = std::move(library.error().text);
        return view;
    }
    const std::string tool_options = environment("JAVA_TOOL_OPTIONS");
    const std::string jdk_options = environment("JDK_JAVA_OPTIONS");
    const std::string underscore_options = environment("_JAVA_OPTIONS");
    const model::JvmChoice choice = model::choice_in({.tool_options = tool_options,
                                                      .jdk_options = jdk_options,
                                                      .command_line = {},
                                                      .underscore_options = underscore_options});
    view.plan = model::plan_for_jvm(library->facts, count, choice, {});
    view.library = *std::move(library);
    return view;
}

json::object java_json(const JavaView& java) {
    if (!java.library) {
        return {{"problem", java.problem}};
    }
    return {{"program", java.library->java},
            {"library", java.library->library},
            {"version", optional_number(java.library->version)},
            {"counts", java.plan.counts},
            {"does", model::to_string(java.plan.action)},
            {"reason", java.plan.reason}};
}

/// Waits so long; false: whoever read the output has gone.
bool is_read_for(std::chrono::milliseconds period) {
    pollfd reader{.fd = STDOUT_FILENO, .events = 0, .revents = 0};
    return ::poll(&reader, 1, static_cast<int>(period.count())) <= 0;
}

void print(Output& output, const Arguments& arguments, const model::CpuCount& count) {
    const std::optional<JavaView> java = arguments.java ? std::optional{view_of(*arguments.java, count)} : std::nullopt;
    output.set_deadline(std::chrono::steady_clock::now() + output_patience);
    if (arguments.format == Format::json) {
        return output.line(cpus_json(count, java));
    }
    if (arguments.format == Format::env) {
        return output.line("DAVIT_CPUS=" + std::to_string(count.cpus));
    }
    for (const std::string& line : cpus_lines(count, arguments.explain)) {
        output.line(line);
    }
    for (const std::string& line : java ? java_lines(*java, count) : std::vector<std::string>{}) {
        output.line(line);
    }
}

} // namespace

std::vector<std::string> cpus_lines(const model::CpuCount& count, bool explained) {
    std::vector<std::string> lines = {std::to_string(count.cpus)};
    if (!explained) {
        return lines;
    }
    std::ranges::transform(count.sources, std::back_inserter(lines), line_of);
    if (!count.quota) {
        lines.emplace_back("  quota: none is set");
    } else {
        lines.push_back("  the smallest quota, " + number(*count.quota) + ", is rounded " +
                        (count.rounding == model::CpuRounding::ceil ? "up" : "down"));
    }
    for (const std::string& note : count.notes) {
        lines.push_back("  note: " + note);
    }
    return lines;
}

std::vector<std::string> java_lines(const JavaView& java, const model::CpuCount& count) {
    if (!java.library) {
        return {"java: " + java.problem + ": left alone"};
    }
    const auto& version = java.library->version;
    return {"java: " + java.library->library + (version ? " (version " + std::to_string(*version) + ")" : "") +
                ", knows " + knows(java.library->facts),
            "  counts " + std::to_string(java.plan.counts) + ": " + java.plan.reason,
            "  davit gives it: " + to_do(java.plan, count)};
}

std::string cpus_json(const model::CpuCount& count, const std::optional<JavaView>& java) {
    json::object whole{{"cpus", count.cpus},
                       {"quota", optional_number(count.quota)},
                       {"quotaFrom", count.quota ? json::value(count.quota_from) : json::value()},
                       {"cpuset", optional_number(count.cpuset)},
                       {"affinity", count.affinity},
                       {"round", model::to_string(count.rounding)},
                       {"notes", json::value_from(count.notes)}};
    if (java) {
        whole.emplace("java", java_json(*java));
    }
    return json::serialize(whole);
}

int cpus(const Arguments& arguments) {
    Output output{"cpus", std::chrono::steady_clock::now() + output_patience};
    std::optional<model::CpuCount> shown;
    do {
        model::CpuCount count = os::count_cpus();
        if (shown != count) {
            print(output, arguments, count);
            shown = std::move(count);
        }
    } while (arguments.watch && is_read_for(watch_period));
    return static_cast<int>(api::ClientExit::done);
}

} // namespace davit::cli
