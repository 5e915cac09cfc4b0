// SPDX-License-Identifier: Apache-2.0
// The JSON of GET /v1/cpus: the CPU count as PID 1 sees it, what the configuration makes of it, and what each service
// was given at its last start, with the reasons.
//
//   {"cpus": 2, "quota": 1.5, "quotaFrom": "/sys/fs/cgroup/cpu.max", "cpuset": 4, "affinity": 4, "round": "ceil",
//    "notes": [], "count": null, "env": ["GOMAXPROCS"],
//    "services": [{"name": "web", "pid": 17, "cpus": 2, "shim": true, "reasons": ["DAVIT_CPUS=2", ...]}]}
#pragma once

#include "runtime/supervisor.h"

#include <string>

namespace davit::api {

std::string cpus_json(const runtime::Supervisor& supervisor);

} // namespace davit::api
