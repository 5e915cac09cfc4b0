// SPDX-License-Identifier: Apache-2.0
// Whether a Pod and davit's configuration agree. Each alone may be right, and together they still fail at the worst
// moment: a grace period of 30 s beside one of 40 s, a hook that the kubelet does not wait for, a startup probe that
// gives up before the ready gate does. Every problem stands at its place in the manifest.
//
//   the Pod                                     davit                            where they do not agree
//   terminationGracePeriodSeconds               the same key                     error
//   lifecycle.postStart, preStop                davit poststart, davit prestop   not exec, another command: error
//   lifecycle.stopSignal                        TERM INT QUIT RTMIN+3 stop       error
//   startupProbe: initial + failures x period   readyTimeoutSeconds              shorter: error
//   startup-, readiness-, livenessProbe         davit probe startup, ready,      the wrong one: error
//                                               live; or statusPort: /startupz   not davit: warning
//                                               /readyz /livez
//   probe's timeoutSeconds                      davit probe --timeout            not longer: error
//   ports                                       statusPort                       not declared: error
//   securityContext                             services' user, nice, ...        a right that is not there: error
#pragma once

#include "config/pod_manifest.h"
#include "config/problem.h"
#include "config/sources.h"
#include "model/spec.h"

namespace davit::config {

/// Tells everything in which `manifest` and `pod` do not agree. The container is the one that names davit in its
/// command, hooks or probes, or the only one.
void check_agreement(const model::PodSpec& pod, const ManifestPod& manifest, Problems& problems);

/// Reads the manifests at `paths` and compares each Pod in them. Sorted by file in the order of `paths`, line and
/// column.
std::vector<Problem> compare_with_manifests(const model::PodSpec& pod, const std::vector<std::string>& paths,
                                            const Sources& sources);

} // namespace davit::config
