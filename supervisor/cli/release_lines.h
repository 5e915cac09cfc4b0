// SPDX-License-Identifier: Apache-2.0
// What `davit isolate` prints at its end: the kubectl line that makes the pod's workload let go of it, so that the
// scene stays and another pod takes its place. A workload owns the pods that carry the labels of its selector; the
// ReplicaSet of a Deployment selects by pod-template-hash as well.
#pragma once

#include "cli/fetch.h"

#include <string>
#include <vector>

namespace davit::cli {

struct PodName {
    std::string name;
    std::string name_space; // empty: not known, kubectl's own counts
};
/// The pod of this container: its host name, unless the pod runs in the network of its node (then POD_NAME helps).
PodName this_pod(Environment environment);

/// What the configuration says of isolation by a key; empty: nothing.
struct IsolationKey {
    std::string file; // its base name says what it holds: labels, or annotations
    std::string key;
};

/// In the order in which they are to be read.
std::vector<std::string> release_lines(const PodName& pod, const IsolationKey& key);

} // namespace davit::cli
