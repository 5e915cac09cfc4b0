// SPDX-License-Identifier: Apache-2.0
// The JSON of GET /v1/services/NAME/env: everything that `davit exec` needs to become a process of that service, and
// what `davit env` shows.
//
//   {"service": "web", "uid": 1000, "gid": 1000, "groups": [27], "workingDir": "/srv", "umask": "0022", "nice": 0,
//    "oomScoreAdj": 0, "noNewPrivileges": false, "rlimits": {"nofile": {"soft": 1024, "hard": "unlimited"}, ...},
//    "env": {"PATH": "***", ...}}
//
// A variable that is no UTF-8 cannot stand in JSON. Where values are revealed it is left out of `env` and stands in one
// more list, as the bytes of NAME=value in hex: "envBytes": ["4e414d453dff", ...]. Without such a variable there is
// none.
#pragma once

#include "model/spec.h"
#include "runtime/supervisor.h"

#include <cstdint>
#include <string>

namespace davit::api {

enum class EnvValues : std::uint8_t { masked, revealed };

std::string service_env_json(const model::ServiceSpec& service, const runtime::ServiceSurroundings& surroundings,
                             EnvValues values);

} // namespace davit::api
