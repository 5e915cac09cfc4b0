// SPDX-License-Identifier: Apache-2.0
// A pod written as text, so that a test shows its graph at a glance:
//
//   *web: mesh db?     main, requires mesh, waits for db but goes on without it
//   -old: web          not enabled
//   mesh:
#pragma once

#include "model/spec.h"

#include <string>
#include <string_view>
#include <vector>

namespace davit::model {

/// One service a line; a service that is only named as a dependency is added behind the others.
PodSpec made_up_pod(std::string_view text);

ServiceIndex index_of(const PodSpec& pod, std::string_view name);

std::vector<std::string> names_of(const PodSpec& pod, const std::vector<ServiceIndex>& services);

} // namespace davit::model
