// SPDX-License-Identifier: Apache-2.0
// What davit must agree with in a manifest of Kubernetes: of each Pod, or Pod template of a workload (Deployment,
// StatefulSet, DaemonSet, Job, CronJob, ...; also inside a List), the grace period and of each container the hooks,
// probes, command and security context. The rest of a manifest is the API server's business and is not looked at.
#pragma once

#include "config/problem.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::config {

/// A value of a manifest, with its place and the way to it: `spec.containers[0].lifecycle.preStop`.
template <typename T>
struct Found {
    T value{};
    Place place;
    std::string path;
};

/// What a hook or probe does: exec, httpGet, tcpSocket, grpc or sleep.
struct ManifestHandler {
    std::string kind;                 // empty: none of them
    std::vector<std::string> command; // of exec
    std::string port;            // of httpGet, tcpSocket and grpc: a number, or the name of a port of the container
    std::string path = "/";      // of httpGet
    std::string host;            // of httpGet and tcpSocket; empty: the Pod's own address
    std::string scheme = "HTTP"; // of httpGet
};

/// A TCP port that a container declares.
struct ManifestPort {
    std::string name; // may be empty
    double number = 0;
};

struct ManifestProbe {
    ManifestHandler handler;
    double initial_delay = 0;
    double period = 10;
    double timeout = 1;
    double failure_threshold = 3;
    std::optional<Found<double>> grace; // of a container that this probe ends
};

struct ManifestSecurity {
    std::optional<Found<double>> run_as_user;
    bool run_as_non_root = false;
    std::vector<std::string> added_capabilities; // upper case, without CAP_
    std::vector<std::string> dropped_capabilities;
    std::optional<Found<bool>> dropped; // where they are dropped
};

struct ManifestContainer {
    std::string name;
    Place place;
    std::string path;
    std::optional<Found<std::vector<std::string>>> command; // replaces the image's ENTRYPOINT
    std::vector<std::string> args;
    std::vector<ManifestPort> ports;
    std::optional<Found<ManifestHandler>> post_start;
    std::optional<Found<ManifestHandler>> pre_stop;
    std::optional<Found<std::string>> stop_signal;
    std::optional<Found<ManifestProbe>> startup;
    std::optional<Found<ManifestProbe>> readiness;
    std::optional<Found<ManifestProbe>> liveness;
    ManifestSecurity security; // the Pod's, with the container's over it
};

struct ManifestPod {
    std::string title; // "Deployment shop"
    Place place;       // of its specification
    std::string path;  // `spec.template.spec`
    std::optional<Found<double>> grace;
    std::vector<ManifestContainer> containers;
};

/// The Pods and workloads of a file. That there is none is told, and so are values of another type than Kubernetes
/// takes. `text`: YAML or JSON, several documents.
std::vector<ManifestPod> read_manifest(std::string_view text, std::uint32_t file, Problems& problems);

} // namespace davit::config
