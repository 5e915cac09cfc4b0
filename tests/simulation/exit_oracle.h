// SPDX-License-Identifier: Apache-2.0
// Section 5 of the contract, written a second time and from the outside: which codes may a container end with,
// given what a bystander saw. A set, because a bystander cannot always tell which of two reasons was first.
#pragma once

#include "ledger.h"

#include <set>

namespace davit::simulation {

std::set<int> allowed_codes(const model::PodSpec& spec, const Ledger& ledger);

} // namespace davit::simulation
