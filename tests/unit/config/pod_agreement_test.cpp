// SPDX-License-Identifier: Apache-2.0
// Manifests against davit's configuration: each rule by its whole text, at the place where it is to be mended.
#include "config/pod_agreement.h"

#include "made_up_files.h"
#include "support/catch.h"

#include <string>

namespace davit::config {

namespace {

using namespace std::chrono_literals;

model::PodSpec davits(Duration grace = 40s) {
    model::PodSpec pod;
    pod.grace = grace;
    pod.lifecycle.ready_timeout = 100s;
    pod.services.push_back({.name = "web", .main = true, .command = {"web"}});
    return pod;
}

std::string lines_of(Problems& problems) {
    std::string lines;
    for (const Problem& problem : problems.take()) {
        lines += std::string{problem.severity == Severity::warning ? "warning: " : ""} + describe(problem) + "\n";
    }
    return lines;
}

std::string compare(const std::string& manifest, const model::PodSpec& pod = davits()) {
    Problems problems;
    const std::uint32_t file = problems.add_file("pod.yaml");
    for (const ManifestPod& one : read_manifest(manifest, file, problems)) {
        check_agreement(pod, one, problems);
    }
    return lines_of(problems);
}

const std::string good_probes = "      readinessProbe: {exec: {command: [davit, probe, ready]}}\n";
const std::string good_hooks = "      lifecycle:\n"
                               "        postStart: {exec: {command: [davit, poststart]}}\n"
                               "        preStop: {exec: {command: [/opt/davit/hooks/prestop]}}\n";

/// A Pod of one container whose keys begin in line 7.
std::string pod_with(const std::string& keys) {
    return "kind: Pod\n"
           "metadata: {name: shop}\n"
           "spec:\n"
           "  terminationGracePeriodSeconds: 40\n"
           "  containers:\n"
           "    - name: shop\n" +
           keys;
}

} // namespace

TEST_CASE("a manifest that agrees with davit has nothing to be told", "[pod_agreement]") {
    CHECK(compare(pod_with(good_hooks + good_probes +
                           "      startupProbe: {exec: {command: [davit, probe, startup]}, periodSeconds: 2, "
                           "failureThreshold: 50}\n"
                           "      livenessProbe: {exec: {command: [davit, probe, live, --timeout, \"1.5\"]}, "
                           "timeoutSeconds: 2}\n"
                           "      command: [davit, run]\n")) == "");
}

TEST_CASE("workloads of any kind are compared by the Pod of their template", "[pod_agreement]") {
    const std::string pod = "{containers: [{name: shop}]}";
    const std::string told = "has no terminationGracePeriodSeconds, so it is 30 here, and 40 in davit's configuration: "
                             "write the same number in both\n";
    for (const char* kind : {"Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicaSet", "CloneSet"}) {
        CHECK(compare("kind: " + std::string{kind} + "\nspec: {template: {spec: " + pod + "}}\n")
                  .starts_with("pod.yaml:2:19: spec.template.spec: " + told));
    }
    CHECK(compare("kind: CronJob\nspec: {jobTemplate: {spec: {template: {spec: " + pod + "}}}}\n")
              .starts_with("pod.yaml:2:40: spec.jobTemplate.spec.template.spec: " + told));
    CHECK(compare("kind: List\nitems:\n  - kind: Pod\n    spec: " + pod + "\n")
              .starts_with("pod.yaml:4:5: items[0].spec: " + told));
}

TEST_CASE("each document of a file is looked at, and what is no workload is passed over", "[pod_agreement]") {
    const std::string text =
        compare("kind: Service\nspec: {ports: []}\n---\n---\n" + pod_with(good_hooks + good_probes) +
                "---\nkind: Pod\nspec:\n  terminationGracePeriodSeconds: 7\n  containers: []\n");
    CHECK(text ==
          "pod.yaml:17:1: spec: none of its containers names davit in its command, hooks or probes: cannot tell "
          "which one this configuration is for\n"
          "pod.yaml:18:34: spec.terminationGracePeriodSeconds: is 7 here, and 40 in davit's configuration: "
          "write the same number in both\n");
}

TEST_CASE("a manifest without a Pod is told, with what is in it", "[pod_agreement]") {
    CHECK(compare("") == "pod.yaml: no Pod or workload is in it\n");
    CHECK(compare("kind: Service\nspec: {}\n---\nkind: ConfigMap\n---\na: b\n") ==
          "pod.yaml: no Pod or workload is in it, found Service and ConfigMap and something without a kind\n");
    CHECK(compare("- a\n") == "pod.yaml:1:1: expected a manifest of Kubernetes, found no map\n");
}

TEST_CASE("a template that was not rendered is told as one", "[pod_agreement]") {
    CHECK(compare("kind: Pod\nspec: {{ .Values.spec }}\n") ==
          "pod.yaml: looks like a template: give what `helm template` makes of it\n"
          "pod.yaml:2:8: a key must be a text\n");
}

TEST_CASE("values of a wrong type are told and the rest is compared", "[pod_agreement]") {
    CHECK(
        compare("kind: Pod\nspec:\n  terminationGracePeriodSeconds: soon\n  containers: {}\n") ==
        "pod.yaml:2:1: spec: has no terminationGracePeriodSeconds, so it is 30 here, and 40 in davit's configuration: "
        "write the same number in both\n"
        "pod.yaml:2:1: spec: none of its containers names davit in its command, hooks or probes: cannot tell which one "
        "this configuration is for\n"
        "pod.yaml:3:34: spec.terminationGracePeriodSeconds: expected a whole number, found \"soon\"\n"
        "pod.yaml:4:15: spec.containers: expected a list\n");
}

TEST_CASE("merge keys of a manifest are followed", "[pod_agreement]") {
    CHECK(compare("kind: Pod\n"
                  "common: &common {terminationGracePeriodSeconds: 40}\n"
                  "spec:\n"
                  "  <<: *common\n"
                  "  containers:\n"
                  "    - name: shop\n" +
                  good_hooks + good_probes) == "");
}

TEST_CASE("hooks must be exec and call davit", "[pod_agreement]") {
    CHECK(compare(pod_with(good_probes + "      lifecycle:\n"
                                         "        postStart: {httpGet: {path: /, port: 1}}\n"
                                         "        preStop: {sleep: {seconds: 5}}\n")) ==
          "pod.yaml:9:9: spec.containers[0].lifecycle.postStart: must be exec with davit poststart, found httpGet: the "
          "kubelet waits for no other hook's outcome\n"
          "pod.yaml:10:9: spec.containers[0].lifecycle.preStop: must be exec with davit prestop, found sleep: the "
          "kubelet "
          "waits for no other hook's outcome\n");
    CHECK(compare(pod_with(good_probes + "      lifecycle:\n"
                                         "        postStart: {exec: {command: [sh, -c, \"davit prestop\"]}}\n"
                                         "        preStop: {exec: {command: [sleep, \"10\"]}}\n")) ==
          "pod.yaml:9:9: spec.containers[0].lifecycle.postStart: must call davit poststart, found \"sh -c davit "
          "prestop\"\n"
          "pod.yaml:10:9: spec.containers[0].lifecycle.preStop: must call davit prestop, found \"sleep 10\"\n");
    CHECK(compare(pod_with(good_probes +
                           "      lifecycle:\n"
                           "        preStop: {exec: {command: [sh, -c, \"exec /davit prestop || true\"]}}\n")) == "");
}

TEST_CASE("a missing preStop and readinessProbe are warnings that say what to write", "[pod_agreement]") {
    CHECK(compare(pod_with("      image: x\n")) == "warning: pod.yaml:6:7: spec.containers[0]: has no "
                                                   "lifecycle.preStop, so the pod goes offline only when SIGTERM "
                                                   "comes: write preStop: {exec: {command: [davit, prestop]}}\n"
                                                   "warning: pod.yaml:6:7: spec.containers[0]: has no readinessProbe, "
                                                   "so it gets traffic also when it is not online: "
                                                   "write readinessProbe: {exec: {command: [davit, probe, ready]}}\n");
}

TEST_CASE("only a signal that stops davit may be the container's", "[pod_agreement]") {
    const auto with_signal = [](const std::string& signal) {
        return compare(pod_with(good_probes +
                                "      lifecycle:\n"
                                "        stopSignal: " +
                                signal +
                                "\n"
                                "        preStop: {exec: {command: [davit, prestop]}}\n"));
    };
    CHECK(with_signal("SIGQUIT") == "");
    CHECK(with_signal("SIGRTMIN+3") == "");
    CHECK(with_signal("SIGHUP") == "pod.yaml:9:21: spec.containers[0].lifecycle.stopSignal: must be one of SIGTERM, "
                                   "SIGINT, SIGQUIT and SIGRTMIN+3, "
                                   "which stop davit, found \"SIGHUP\"\n");
}

TEST_CASE("each probe must ask for its own thing", "[pod_agreement]") {
    CHECK(compare(pod_with(good_hooks + "      readinessProbe: {exec: {command: [davit, probe, live]}}\n"
                                        "      livenessProbe: {exec: {command: [davit, status]}}\n")) ==
          "pod.yaml:10:7: spec.containers[0].readinessProbe: must call davit probe ready, found \"davit probe live\"\n"
          "pod.yaml:11:7: spec.containers[0].livenessProbe: must call davit probe live, found \"davit status\"\n");
}

TEST_CASE("a probe past davit is a warning that says what it costs", "[pod_agreement]") {
    CHECK(
        compare(pod_with(good_hooks + "      readinessProbe: {tcpSocket: {port: 8080}}\n"
                                      "      livenessProbe: {httpGet: {path: /, port: 8080}}\n")) ==
        "warning: pod.yaml:10:7: spec.containers[0].readinessProbe: does not ask davit, so it gets traffic also when "
        "it is "
        "not online: use davit probe ready\n"
        "warning: pod.yaml:11:7: spec.containers[0].livenessProbe: does not ask davit, so the kubelet ends the whole "
        "container, its helpers and what there is to see: use davit probe live, and a livenessProbe of the service in "
        "davit's configuration\n");
}

TEST_CASE("a probe has time to say why before the kubelet cuts it off", "[pod_agreement]") {
    CHECK(compare(pod_with(good_hooks + "      readinessProbe: {exec: {command: [davit, probe, ready, --timeout=3]}, "
                                        "timeoutSeconds: 3}\n")) ==
          "pod.yaml:10:7: spec.containers[0].readinessProbe: timeoutSeconds is 3, and davit probe may take 3: the "
          "kubelet "
          "cuts it off before it says why\n");
}

TEST_CASE("the startup probe lasts as long as the ready gate", "[pod_agreement]") {
    CHECK(
        compare(pod_with(good_hooks + good_probes +
                         "      startupProbe: {exec: {command: [davit, probe, startup]}, initialDelaySeconds: 9, "
                         "failureThreshold: 9}\n")) ==
        "pod.yaml:11:7: spec.containers[0].startupProbe: gives up after 99 s (initialDelaySeconds + failureThreshold × "
        "periodSeconds), and davit's lifecycle.readyTimeoutSeconds is 100: make it at least as long\n");
}

TEST_CASE("a grace period of the liveness probe alone is told", "[pod_agreement]") {
    CHECK(
        compare(pod_with(good_hooks + good_probes +
                         "      livenessProbe: {exec: {command: [davit, probe, live]}, terminationGracePeriodSeconds: "
                         "5}\n")) ==
        "warning: pod.yaml:11:93: spec.containers[0].livenessProbe.terminationGracePeriodSeconds: is 5 for a container "
        "that this probe ends, and davit plans with 40\n");
}

TEST_CASE("the statusPort is a port that the container declares", "[pod_agreement]") {
    model::PodSpec pod = davits();
    pod.status_port = 9100;
    CHECK(compare(pod_with(good_hooks + good_probes), pod) ==
          "pod.yaml:6:7: spec.containers[0]: declares no port 9100, which is davit's statusPort: write ports: [{name: "
          "status, containerPort: 9100}]\n");
    CHECK(compare(pod_with(good_hooks + good_probes + "      ports: [{containerPort: 9100, protocol: UDP}]\n"), pod)
              .contains("declares no port 9100"));
    CHECK(compare(pod_with(good_hooks + good_probes + "      ports: [{containerPort: 80}, {containerPort: 9100}]\n"),
                  pod) == "");
    CHECK(compare(pod_with(good_hooks + good_probes + "      ports: [{containerPort: x}]\n"), pod)
              .contains("pod.yaml:11:31: spec.containers[0].ports[0].containerPort: expected a whole number, found "
                        "\"x\"\n"));
}

TEST_CASE("a probe by HTTP on the statusPort must ask for its own thing", "[pod_agreement]") {
    model::PodSpec pod = davits();
    pod.status_port = 9100;
    const std::string ports = "      ports: [{name: status, containerPort: 9100}]\n";
    CHECK(compare(pod_with(good_hooks + ports +
                           "      startupProbe: {httpGet: {path: /startupz, port: 9100}, periodSeconds: 100}\n"
                           "      readinessProbe: {httpGet: {path: readyz, port: status}}\n"
                           "      livenessProbe: {httpGet: {path: \"/livez?verbose\", port: \"9100\"}}\n"),
                  pod) == "");
    CHECK(compare(pod_with(good_hooks + ports +
                           "      startupProbe: {httpGet: {path: /readyz, port: 9100}, periodSeconds: 100}\n"
                           "      readinessProbe: {httpGet: {path: /healthz, port: status}}\n"
                           "      livenessProbe: {httpGet: {path: /metrics, port: 9100, scheme: HTTPS}}\n"),
                  pod) ==
          "pod.yaml:11:7: spec.containers[0].startupProbe: must ask for /startupz, found \"/readyz\"\n"
          "warning: pod.yaml:12:7: spec.containers[0].readinessProbe: asks davit for \"/healthz\", and the answer is "
          "404: ask for /readyz\n"
          "pod.yaml:13:7: spec.containers[0].livenessProbe: asks by HTTPS, and davit's statusPort speaks HTTP alone\n"
          "warning: pod.yaml:13:7: spec.containers[0].livenessProbe: asks davit for \"/metrics\", and the answer is "
          "always good: ask for /livez\n");
}

TEST_CASE("a startup probe by HTTP on the statusPort lasts as long as the ready gate", "[pod_agreement]") {
    model::PodSpec pod = davits();
    pod.status_port = 9100;
    CHECK(compare(pod_with(good_hooks + good_probes +
                           "      ports: [{containerPort: 9100}]\n"
                           "      startupProbe: {httpGet: {path: /startupz, port: 9100}}\n"),
                  pod)
              .contains("startupProbe: gives up after 30 s"));
}

TEST_CASE("the kubelet does not reach a statusAddress of this network namespace alone", "[pod_agreement]") {
    model::PodSpec pod = davits();
    pod.status_port = 9100;
    const std::string manifest =
        pod_with(good_hooks + "      ports: [{containerPort: 9100}]\n"
                              "      readinessProbe: {httpGet: {path: /readyz, port: 9100}}\n");
    pod.status_address = "::1";
    CHECK(compare(manifest, pod) == "pod.yaml:11:7: spec.containers[0].readinessProbe: comes from outside of the Pod, "
                                    "and davit's statusAddress is ::1: leave statusAddress out\n");
    pod.status_address = "0.0.0.0";
    CHECK(compare(manifest, pod) == "");
}

TEST_CASE("a probe of another port or host does not ask davit", "[pod_agreement]") {
    model::PodSpec pod = davits();
    pod.status_port = 9100;
    const std::string ports = "      ports: [{containerPort: 9100}]\n";
    for (const char* probe : {"{httpGet: {path: /readyz, port: 8080}}", "{httpGet: {path: /readyz, port: web}}",
                              "{httpGet: {path: /readyz, port: 9100, host: other}}", "{tcpSocket: {port: 9100}}"}) {
        INFO(probe);
        CHECK(compare(pod_with(good_hooks + ports + "      readinessProbe: " + probe + "\n"), pod)
                  .contains("readinessProbe: does not ask davit"));
    }
}

TEST_CASE("who asks davit's statusPort is davit's container", "[pod_agreement]") {
    model::PodSpec pod = davits();
    pod.status_port = 9100;
    const std::string other = "    - name: other\n      image: x\n";
    const std::string told = compare(pod_with("      ports: [{containerPort: 9100}]\n"
                                              "      readinessProbe: {httpGet: {path: /readyz, port: 9100}}\n" +
                                              other),
                                     pod);
    CHECK(told.starts_with("warning: pod.yaml:6:7: spec.containers[0]: has no lifecycle.preStop"));
    CHECK(!told.contains("cannot tell which"));
}

TEST_CASE("the container is the one that names davit", "[pod_agreement]") {
    const std::string other = "    - name: other\n      image: x\n";
    CHECK(compare(pod_with(good_hooks + good_probes + other)) == "");
    CHECK(compare(pod_with(good_hooks + good_probes + other + "      args: [davit, run]\n")) ==
          "pod.yaml:3:1: spec: several of its containers name davit in its command, hooks or probes: cannot tell which "
          "one "
          "this configuration is for\n");
}

TEST_CASE("a command that leaves davit out is a warning", "[pod_agreement]") {
    CHECK(compare(pod_with(good_hooks + good_probes + "      command: [/entrypoint.sh]\n")) ==
          "warning: pod.yaml:11:16: spec.containers[0].command: replaces the image's ENTRYPOINT by \"/entrypoint.sh\", "
          "which "
          "does not say `davit run`\n");
}

TEST_CASE("what needs a right that the container does not have is told", "[pod_agreement]") {
    model::PodSpec pod = davits();
    pod.services[0].identity.user = model::Principal{.written = "app", .id = 1000};
    pod.services[0].identity.primary_group = 1000;
    const auto with_security = [&](const std::string& keys) {
        return compare(pod_with(good_hooks + good_probes + "      securityContext: {" + keys + "}\n"), pod);
    };

    CHECK(with_security("") == "");
    CHECK(with_security("runAsUser: 0") == "");
    CHECK(with_security("runAsUser: 1000, runAsNonRoot: true") == "");
    CHECK(with_security("runAsUser: 7") ==
          "pod.yaml:11:36: spec.containers[0].securityContext.runAsUser: davit's configuration has services.web.user, "
          "which needs CAP_SETUID, CAP_SETGID and CAP_KILL, which davit (uid 7) does not have: add them to the "
          "container's capabilities, or run all of it as this user (runAsUser: 1000)\n");
    CHECK(with_security("runAsNonRoot: true") ==
          "pod.yaml:6:7: spec.containers[0]: davit's configuration has services.web.user, which needs CAP_SETUID, "
          "CAP_SETGID and CAP_KILL, which davit (uid 65534) does not have: add them to the container's capabilities, "
          "or run all of it as this user (runAsUser: 1000)\n");
    CHECK(with_security("capabilities: {drop: [ALL], add: [cap_setuid, KILL]}") ==
          "pod.yaml:11:46: spec.containers[0].securityContext.capabilities.drop: davit's configuration has "
          "services.web.user, which needs CAP_SETGID, which davit (uid 0) does not have: add them to the container's "
          "capabilities, or run all of it as this user (runAsUser: 1000)\n");
    CHECK(with_security("capabilities: {drop: [ALL], add: [SETUID, SETGID, KILL]}") == "");

    pod.services[0].identity = {.nice = -5};
    CHECK(with_security("runAsUser: 0") ==
          "pod.yaml:6:7: spec.containers[0]: davit's configuration has services.web.nice, which needs CAP_SYS_NICE, "
          "which davit "
          "(uid 0) does not have: without it only a value from davit's own 0 upwards can be had\n");
    CHECK(with_security("capabilities: {add: [SYS_NICE]}") == "");
}

TEST_CASE("manifests are read through the sources, and what cannot be read is told", "[pod_agreement]") {
    MadeUpFiles files{.files = {{"one.yaml", "kind: Service\n"}, {"two.yaml", pod_with(good_hooks + good_probes)}},
                      .executables = {},
                      .unreadable = {"secret.yaml"},
                      .environment = {}};
    std::string lines;
    for (const Problem& problem :
         compare_with_manifests(davits(7s), {"two.yaml", "one.yaml", "secret.yaml", "none.yaml"}, files.sources())) {
        lines += describe(problem) + "\n";
    }
    CHECK(lines ==
          "two.yaml:4:34: spec.terminationGracePeriodSeconds: is 40 here, and 7 in davit's configuration: write the "
          "same number in both\n"
          "one.yaml: no Pod or workload is in it, found Service\n"
          "secret.yaml: cannot read it: permission denied\n"
          "none.yaml: cannot read it: no such file or directory\n");
}

TEST_CASE("a manifest may be larger than a configuration, but not without end", "[pod_agreement]") {
    const std::string comment(300UL * 1024, '#');
    CHECK(compare(comment + "\n" + pod_with(good_hooks + good_probes)) == "");
    CHECK(compare(std::string(1025UL * 1024, '#')) == "pod.yaml: larger than 1024 KiB, the most a manifest may have\n");
}

TEST_CASE("a plain init has no times of its own to compare", "[pod_agreement]") {
    model::PodSpec pod = davits(2s);
    pod.plain_init = true;
    CHECK(
        compare(pod_with(good_hooks + good_probes + "      startupProbe: {exec: {command: [davit, probe, startup]}}\n"),
                pod) == "");
}

} // namespace davit::config
