// SPDX-License-Identifier: Apache-2.0
// How times and lists are said in reasons and errors, so that every room says them alike.
#pragma once

#include "model/time.h"

#include <cstdint>
#include <string>

namespace davit::model {

/// "0.5 s", "15 s", "600 s": at most one digit after the point, none when it is zero.
std::string seconds_text(Duration length);

/// "512 MiB", "1.5 GiB", "900 KiB", "17 bytes": as Kubernetes writes quantities, at most one digit after the point.
std::string bytes_text(std::uint64_t bytes);

/// "1 restart", "2 restarts".
std::string counted(unsigned long count, std::string_view noun);

} // namespace davit::model
