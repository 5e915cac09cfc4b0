// SPDX-License-Identifier: Apache-2.0
// What the container ends with: its exit code, and the lines of the termination log. Rules of contract 5.
//
//   cause of the end                       | code
//   ---------------------------------------+----------------------------------------------------------
//   a start failed (preload, gate, online) | 121
//   a critical service failed for good     | 122
//   main cannot be executed, not found     | 126, 127
//   main ended, nobody asked               | its own; 0 before the first online: 121
//   main failed a probe, left processes    | its own; 0: 122, before the first online 121
//   a stop was asked for                   | main's own (a listed code: 0); 0 or never ran, and online
//                                          | never succeeded: 121
//   plain init                             | CMD's own
#pragma once

#include "model/pod_machine.h"

#include <string>
#include <variant>
#include <vector>

namespace davit::model {

inline constexpr int code_start_failed = 121;
inline constexpr int code_critical_failed = 122;
inline constexpr int code_cannot_run = 125;

/// How main ended, in words: "exit code 3"; empty: it has not ended in this cycle.
std::string main_end(const PodSpec& spec, const Pod& pod);

/// The reasons for a non-zero end, best first; empty for code 0.
std::vector<std::string> end_lines(const PodSpec& spec, const Pod& pod);

/// Whose last lines explain the end: the service or the step that failed the start, the critical service, else main.
Blame output_behind_end(const PodSpec& spec, const Pod& pod);

} // namespace davit::model
