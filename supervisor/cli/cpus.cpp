// SPDX-License-Identifier: Apache-2.0
#include "cli/cpus.h"

#include "api/protocol.h"
#include "cli/output.h"
#include "cli/system_sources.h"
#include "config/load.h"
#include "os/cpus.h"
#include "os/preload_reach.h"
#include "os/shim_library.h"

#include <boost/json.hpp>

#include <algorithm>
#include <chrono>
#include <expected>
#include <iterator>
#include <poll.h>
#include <unistd.h>
#include <utility>

namespace davit::cli {
namespace {

namespace json = boost::json;

constexpr std::chrono::seconds output_patience{60};
/// A changed quota tells nobody (no inotify event in cgroup files): it is looked for.
constexpr std::chrono::seconds watch_period{1};

std::string cpus_text(double value) {
    return model::cpu_text(value) + (value == 1 ? " CPU" : " CPUs");
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
    case model::JvmAction::flag: return std::string{model::count_flag} + std::to_string(count.cpus);
    case model::JvmAction::shim: return "preload libdavit-cpus.so, which answers " + std::to_string(count.cpus);
    }
    std::unreachable();
}

JavaView view_of(const std::string& program, const model::CpuCount& count, const model::CpusSpec& settings,
                 Environment environment) {
    JavaView view;
    auto library = os::find_jvm(program, environment("PATH"));
    if (!library) {
        view.problem = std::move(library.error().text);
        return view;
    }
    const std::string tool_options = environment(model::tool_options_name);
    const std::string jdk_options = environment(model::jdk_options_name);
    const std::string underscore_options = environment(model::underscore_options_name);
    const model::JvmChoice choice = model::choice_in({.tool_options = tool_options,
                                                      .jdk_options = jdk_options,
                                                      .command_line = {},
                                                      .underscore_options = underscore_options});
    view.plan = model::plan_for_jvm(library->facts, count, choice, settings);
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

/// What is known besides the count.
struct Known {
    std::optional<Running> running;
    model::CpusSpec settings;
};

/// The davit that runs here, else (for `-o env`, which needs the names) the configuration. An error is told, but where
/// nobody said that there is a davit.
std::expected<Known, api::ClientExit> find_settings(const Arguments& arguments, Environment environment,
                                                    Output& output) {
    const auto reply = fetch(arguments, environment, std::string{api::cpus_path}, Duration::zero());
    if (!reply && (reply.error().exit != api::ClientExit::unreachable || arguments.socket)) {
        output.error(reply.error().text);
        return std::unexpected{reply.error().exit};
    }
    if (auto running = reply && reply->status == 200 ? parse_running(reply->body) : std::nullopt) {
        const model::CpusSpec settings = running->settings;
        return Known{.running = std::move(running), .settings = settings};
    }
    if (arguments.format != Format::env) {
        return Known{};
    }
    const config::LoadResult loaded = config::load(system_sources(), {.path = {}, .purpose = config::Purpose::plan});
    return Known{.running = {},
                 .settings = config::has_error(loaded, config::Purpose::plan) ? model::CpusSpec{} : loaded.pod.cpus};
}

model::CpuCount count_with(const model::CpusSpec& settings) {
    model::CpuCount count = os::CpuFiles{}.count(settings.rounding);
    if (settings.count) {
        count.cpus = *settings.count;
        count.notes.push_back("cpus.count of the configuration says " + std::to_string(count.cpus));
    }
    return count;
}

std::vector<std::string> text_lines(const Arguments& arguments, const model::CpuCount& count, const Known& known,
                                    const std::optional<JavaView>& java) {
    std::vector<std::string> lines = cpus_lines(count, arguments.explain);
    if (arguments.explain && known.running) {
        const auto why_not = [](int pid) { return os::why_not_preloaded(pid, os::shim_library_name); };
        std::ranges::move(service_lines(*known.running, why_not), std::back_inserter(lines));
    } else if (arguments.explain) {
        lines.emplace_back("  no davit runs here: nothing is set for anybody");
    }
    if (java) {
        std::ranges::move(java_lines(*java, count), std::back_inserter(lines));
    }
    return lines;
}

void print(Output& output, const Arguments& arguments, Environment environment, const model::CpuCount& count,
           const Known& known) {
    const std::optional<JavaView> java =
        arguments.java ? std::optional{view_of(*arguments.java, count, known.settings, environment)} : std::nullopt;
    output.set_deadline(std::chrono::steady_clock::now() + output_patience);
    if (arguments.format == Format::json) {
        return output.line(cpus_json(count, java));
    }
    for (const std::string& line : arguments.format == Format::env ? env_lines(count, known.settings, environment)
                                                                   : text_lines(arguments, count, known, java)) {
        output.line(line);
    }
}

const json::value* member(const json::value& value, std::string_view name) {
    const json::object* object = value.if_object();
    return object == nullptr ? nullptr : object->if_contains(name);
}

std::optional<int> number_in(const json::value* value) {
    return value != nullptr && value->is_int64() ? std::optional{static_cast<int>(value->get_int64())} : std::nullopt;
}

/// Empty: it is no text.
std::string_view text_in(const json::value* value) {
    return value != nullptr && value->is_string() ? std::string_view{value->get_string()} : std::string_view{};
}

std::vector<std::string> strings_in(const json::value* value) {
    std::vector<std::string> texts;
    if (value != nullptr && value->is_array()) {
        for (const json::value& text : value->get_array()) {
            if (text.is_string()) {
                texts.emplace_back(std::string_view{text.get_string()});
            }
        }
    }
    return texts;
}

GivenToService service_in(const json::value& value) {
    const json::value* shim = member(value, "shim");
    return {.name = std::string{text_in(member(value, "name"))},
            .pid = number_in(member(value, "pid")),
            .cpus = number_in(member(value, "cpus")).value_or(1),
            .has_library = shim != nullptr && shim->is_bool() && shim->get_bool(),
            .reasons = strings_in(member(value, "reasons"))};
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
        lines.push_back("  the smallest quota, " + model::cpu_text(*count.quota) + ", is rounded " +
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

std::optional<Running> parse_running(std::string_view text) {
    boost::system::error_code error;
    const json::value whole = json::parse(text, error);
    const json::value* services = error ? nullptr : member(whole, "services");
    if (services == nullptr || !services->is_array()) {
        return std::nullopt;
    }
    Running running;
    const bool is_floor = text_in(member(whole, "round")) == model::to_string(model::CpuRounding::floor);
    running.settings.rounding = is_floor ? model::CpuRounding::floor : model::CpuRounding::ceil;
    running.settings.count = number_in(member(whole, "count"));
    running.settings.env = strings_in(member(whole, "env"));
    std::ranges::transform(services->get_array(), std::back_inserter(running.services), service_in);
    return running;
}

std::vector<std::string> service_lines(const Running& running,
                                       const std::function<std::string(int pid)>& why_not_loaded) {
    std::vector<std::string> lines;
    bool any_has_library = false;
    for (const GivenToService& service : running.services) {
        lines.push_back(service.name + ": " + cpus_text(service.cpus) +
                        (service.pid ? ", pid " + std::to_string(*service.pid) : ", does not run"));
        for (const std::string& reason : service.reasons) {
            lines.push_back("  " + reason);
        }
        if (service.has_library && service.pid) {
            const std::string why_not = why_not_loaded(*service.pid);
            lines.push_back(why_not.empty() ? "  the library is loaded" : "  the library is not loaded: " + why_not);
        }
        any_has_library = any_has_library || service.has_library;
    }
    if (any_has_library) {
        lines.emplace_back("libdavit-cpus.so does not reach static programs, set-uid programs and those of another "
                           "architecture");
    }
    return lines;
}

std::vector<std::string> env_lines(const model::CpuCount& count, const model::CpusSpec& settings,
                                   Environment environment) {
    std::vector<std::string> lines = {"DAVIT_CPUS=" + std::to_string(count.cpus)};
    for (const std::string& name : settings.env) {
        if (name != "DAVIT_CPUS" && environment(name.c_str()).empty()) {
            lines.push_back(name + "=" + std::to_string(count.cpus));
        }
    }
    return lines;
}

int cpus(const Arguments& arguments, Environment environment) {
    Output output{"cpus", std::chrono::steady_clock::now() + output_patience};
    const auto known = find_settings(arguments, environment, output);
    if (!known) {
        return static_cast<int>(known.error());
    }
    std::optional<model::CpuCount> shown;
    do {
        model::CpuCount count = count_with(known->settings);
        if (shown != count) {
            print(output, arguments, environment, count, *known);
            shown = std::move(count);
        }
    } while (arguments.watch && is_read_for(watch_period));
    return static_cast<int>(api::ClientExit::done);
}

} // namespace davit::cli
