// SPDX-License-Identifier: Apache-2.0
// Says why a service or the pod is in the state it is in, in one line for the person on call: the cause,
// what it waits for, since when, and what was last seen. Also what that person can do about it.
// Pure: it reads the pod's value and changes nothing; times come in as arguments.
#pragma once

#include "model/pod_machine.h"
#include "model/spec.h"
#include "model/time.h"

#include <string>

namespace davit::model {

/// "0.4s", "12.5s", "3m05s", "2h03m", "4d02h": short and never longer than six characters below 100 days.
std::string describe(Duration length);

/// One line that begins with the state, or for a running service with "ready" or "not ready":
/// "blocked: waits for mesh to be ready (GET http://127.0.0.1:15021/ready connection refused)".
std::string why(const PodSpec& spec, const Pod& pod, ServiceIndex service, TimePoint now);

/// The same for the pod: begins with the phase.
std::string pod_why(const PodSpec& spec, const Pod& pod, TimePoint now);

/// Of a service that davit keeps no output of: why, and where it is. Empty: it is kept.
std::string why_no_output(const PodSpec& spec, ServiceIndex index);

/// For somebody who waits and has heard nothing for a while: "after 10.0s still starting: web is blocked: ...". Empty:
/// nobody with this request waits.
std::string still_waiting(const PodSpec& spec, const Pod& pod, RequestId request, TimePoint now);

/// What a person can do now; empty: nothing needs doing.
std::string what_to_do(const PodSpec& spec, const Pod& pod, ServiceIndex service);
std::string pod_what_to_do(const PodSpec& spec, const Pod& pod);

} // namespace davit::model
