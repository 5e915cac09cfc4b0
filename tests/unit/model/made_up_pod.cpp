// SPDX-License-Identifier: Apache-2.0
#include "made_up_pod.h"

#include <sstream>
#include <stdexcept>

namespace davit::model {
namespace {

ServiceIndex find_or_add(PodSpec& pod, const std::string& name) {
    if (const auto index = pod.find(name)) {
        return *index;
    }
    pod.services.push_back(ServiceSpec{.name = name});
    return pod.services.size() - 1;
}

/// "*web:" to its name; the marks are set on the service.
ServiceIndex add_service(PodSpec& pod, std::string head) {
    const bool main = head.starts_with('*');
    const bool disabled = head.starts_with('-');
    head = head.substr(main || disabled ? 1 : 0);
    if (head.ends_with(':')) {
        head.pop_back();
    }
    const ServiceIndex index = find_or_add(pod, head);
    pod.services[index].main = main;
    pod.services[index].enabled = !disabled;
    return index;
}

} // namespace

PodSpec made_up_pod(std::string_view text) {
    PodSpec pod;
    std::string line;
    // Twice: first the services in their order, then what they depend on.
    for (std::istringstream lines{std::string{text}}; std::getline(lines, line);) {
        std::string head;
        if (std::istringstream{line} >> head) {
            add_service(pod, head);
        }
    }
    for (std::istringstream lines{std::string{text}}; std::getline(lines, line);) {
        std::istringstream words{line};
        std::string word;
        if (!(words >> word)) {
            continue;
        }
        const ServiceIndex index = add_service(pod, word);
        while (words >> word) {
            const bool required = !word.ends_with('?');
            const ServiceIndex target = find_or_add(pod, required ? word : word.substr(0, word.size() - 1));
            pod.services[index].depends_on.push_back(Dependency{.service = target, .required = required});
        }
    }
    return pod;
}

ServiceIndex index_of(const PodSpec& pod, std::string_view name) {
    if (const auto index = pod.find(name)) {
        return *index;
    }
    throw std::invalid_argument{"no service " + std::string{name}};
}

std::vector<std::string> names_of(const PodSpec& pod, const std::vector<ServiceIndex>& services) {
    std::vector<std::string> names;
    for (const ServiceIndex index : services) {
        names.push_back(pod.services[index].name);
    }
    return names;
}

} // namespace davit::model
