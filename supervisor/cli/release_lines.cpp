// SPDX-License-Identifier: Apache-2.0
#include "cli/release_lines.h"

#include "os/files.h"
#include "os/process_setup.h"

namespace davit::cli {

PodName this_pod(Environment environment) {
    constexpr const char* namespace_file = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
    PodName pod{.name = environment("POD_NAME"), .name_space = environment("POD_NAMESPACE")};
    if (pod.name.empty()) {
        pod.name = os::host_name();
    }
    if (pod.name_space.empty()) {
        constexpr std::size_t longest_name = 253;
        pod.name_space = os::read_file(namespace_file, longest_name).value_or("");
    }
    return pod;
}

std::vector<std::string> release_lines(const PodName& pod, const IsolationKey& key) {
    const std::string in_namespace = pod.name_space.empty() ? "" : " -n " + pod.name_space;
    const std::string target = in_namespace + " pod " + pod.name;
    const bool is_annotation = key.file.substr(key.file.rfind('/') + 1).contains("annotation");
    std::string label = "kubectl label" + target + " pod-template-hash-";
    std::vector<std::string> lines = {"to keep this pod and let its workload start another:"};
    if (!key.key.empty() && !is_annotation) {
        label += " " + key.key + "=true";
    }
    lines.push_back("  " + label);
    if (!key.key.empty() && is_annotation) {
        lines.push_back("  kubectl annotate" + target + " " + key.key + "=true");
    }
    lines.emplace_back("(pod-template-hash is a Deployment's; of another workload take a label of its selector)");
    lines.emplace_back("kubectl drain of its node will then ask for --force, for nothing owns the pod");
    return lines;
}

} // namespace davit::cli
