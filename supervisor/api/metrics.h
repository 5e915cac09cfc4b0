// SPDX-License-Identifier: Apache-2.0
// The text of GET /metrics, in the exposition format of Prometheus, version 0.0.4. Pure: values in, text out. Names and
// labels are a promise to the people who wrote dashboards and alerts.
#pragma once

#include "api/status.h"
#include "runtime/measures.h"

#include <string>
#include <string_view>

namespace davit::api {

inline constexpr std::string_view metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

/// `measures` is of the same moment as `view`. Services that are disabled or were removed are not in it.
std::string metrics_text(const View& view, const runtime::Measures& measures);

} // namespace davit::api
