// SPDX-License-Identifier: Apache-2.0
// Who a service is and what it may take: the keys user, group, umask, rlimits, nice, oomScoreAdj, noNewPrivileges, and
// the files of envFile. Names are looked up in the user and group files of this machine, files are read; what only
// this machine lacks (a user, a file, a capability) is an error in run and a warning in check.
#pragma once

#include "config/problem.h"
#include "config/sources.h"
#include "config/yaml_document.h"
#include "model/spec_defaults.h"

namespace davit::config {

/// `root` is the checked tree from which `pod` was read, in the same order. A service that is not enabled has its
/// keys read, but nothing of the machine is asked for it.
void read_identities(const Node& root, const Sources& sources, model::WrittenPod& pod, Problems& problems);

} // namespace davit::config
