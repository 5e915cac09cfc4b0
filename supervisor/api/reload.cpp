// SPDX-License-Identifier: Apache-2.0
#include "api/reload.h"

#include "api/json_writer.h"
#include "config/plan.h"
#include "model/words.h"

#include <algorithm>

namespace davit::api {
namespace {

using config::KeyChange;
using model::Fate;
using model::ReloadPlan;
using model::ServiceIndex;

/// In a log line keys are enough, and not all of them.
constexpr std::size_t most_keys_told = 8;

std::vector<std::string> errors_of(const config::LoadResult& loaded) {
    std::vector<std::string> lines;
    for (const config::Problem& problem : loaded.problems) {
        if (config::is_error(problem, config::Purpose::run)) {
            lines.push_back(config::describe(problem));
        }
    }
    return lines;
}

std::string error_text(std::size_t problems) {
    return "the configuration has " + model::counted(problems, "problem") + "; nothing was changed";
}

std::vector<KeyChange> changes_of(const model::PodSpec& present, const ReloadPlan& plan, ServiceIndex index) {
    const bool compares = index < present.services.size() && !present.services[index].removed &&
                          !plan.next.services[index].removed && plan.services[index].fate != Fate::unchanged;
    return compares ? config::changed_keys_of_service(present, index, plan.next, index) : std::vector<KeyChange>{};
}

std::string_view sign_of(Fate fate) {
    switch (fate) {
    case Fate::added: return "+ ";
    case Fate::disabled:
    case Fate::removed: return "- ";
    case Fate::unchanged:
    case Fate::adjusted:
    case Fate::restarted:
    case Fate::started:
    case Fate::kept: break;
    }
    return "~ ";
}

void add_changes(std::vector<std::string>& lines, const std::vector<KeyChange>& changes) {
    constexpr std::string_view nothing = "(not there)";
    for (const KeyChange& change : changes) {
        std::string line = "    " + change.key + ": ";
        line += change.before.empty() ? nothing : change.before;
        line += " → ";
        line += change.after.empty() ? nothing : change.after;
        lines.push_back(std::move(line));
    }
}

std::string_view pod_line(const ReloadPlan& plan) {
    if (!plan.pod_changed) {
        return "~ pod and life cycle: change from the next transition on";
    }
    return plan.lifecycle_changed ? "~ pod: changes at once, its life cycle from the next transition on"
                                  : "~ pod: changes at once";
}

std::string keys_of(const std::vector<KeyChange>& changes) {
    std::string text;
    for (std::size_t index = 0; index < changes.size(); ++index) {
        if (index == most_keys_told) {
            return text + " and " + std::to_string(changes.size() - index) + " more";
        }
        text += (index == 0 ? "" : ", ") + changes[index].key;
    }
    return text;
}

} // namespace

std::string problems_json(const config::LoadResult& loaded) {
    const std::vector<std::string> errors = errors_of(loaded);
    JsonWriter json;
    json.begin_object().key("error").string(error_text(errors.size())).key("problems").begin_array();
    for (const std::string& error : errors) {
        json.string(error);
    }
    json.end_array().end_object();
    return json.take() + "\n";
}

std::string refused_line(const config::LoadResult& loaded) {
    const std::vector<std::string> errors = errors_of(loaded);
    return "reload refused: " + error_text(errors.size()) + (errors.empty() ? "" : ": " + errors.front());
}

std::vector<std::string> warning_lines(const config::LoadResult& loaded) {
    std::vector<std::string> lines;
    for (const config::Problem& problem : loaded.problems) {
        if (!config::is_error(problem, config::Purpose::run)) {
            lines.push_back(config::describe(problem, config::Purpose::run));
        }
    }
    return lines;
}

std::vector<std::string> difference_lines(const model::PodSpec& present, const ReloadPlan& plan) {
    std::vector<std::string> lines;
    for (ServiceIndex index = 0; index < plan.services.size(); ++index) {
        const Fate fate = plan.services[index].fate;
        if (fate == Fate::unchanged) {
            continue;
        }
        lines.push_back(std::string{sign_of(fate)} + plan.next.services[index].name + ": " +
                        std::string{model::to_string(fate)});
        add_changes(lines, changes_of(present, plan, index));
    }
    if (plan.pod_changed || plan.lifecycle_changed) {
        lines.emplace_back(pod_line(plan));
        add_changes(lines, config::changed_keys_of_pod(present, plan.next));
    }
    if (plan.other_fixed_keys) {
        model::PodSpec other = present;
        other.status_port = plan.other_fixed_keys->status_port;
        other.status_address = plan.other_fixed_keys->status_address;
        other.state_dir = plan.other_fixed_keys->state_dir;
        lines.emplace_back("~ these stay as they are, start the container anew for others:");
        add_changes(lines, config::changed_keys_of_pod(present, other));
    }
    return lines;
}

std::vector<model::ChangedKeys> changed_keys(const model::PodSpec& present, const ReloadPlan& plan) {
    std::vector<model::ChangedKeys> all;
    for (ServiceIndex index = 0; index < plan.services.size(); ++index) {
        std::string keys = keys_of(changes_of(present, plan, index));
        if (!keys.empty()) {
            all.push_back({plan.next.services[index].name, std::move(keys)});
        }
    }
    if (plan.pod_changed || plan.lifecycle_changed) {
        all.push_back({"", keys_of(config::changed_keys_of_pod(present, plan.next))});
    }
    return all;
}

} // namespace davit::api
