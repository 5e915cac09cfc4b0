// SPDX-License-Identifier: Apache-2.0
// The JSON of `timeline`: how the last way up went, with its critical chain. Stable, and described in the README.
#pragma once

#include "model/timeline.h"

#include <string>
#include <string_view>

namespace davit::api {

/// `began`: the beginning by the wall clock; times count from it, in seconds. What has not happened is null.
std::string timeline_json(std::string_view app, const model::Timeline& timeline, std::string_view began);

} // namespace davit::api
