// SPDX-License-Identifier: Apache-2.0
// What a start after a crash has to know of the run before: that the pod was taken online and its offline did not end,
// and that somebody isolated it. One small text in stateDir, written anew with each change:
//
//   davit state 1
//   app trade-order
//   host trade-order-7
//   online 3                  the number of the online attempt whose offline is owed; 0: none is
//   isolated by hand          absent: it is not isolated by hand (a key in the isolate file speaks for itself)
//   sum 5d41402abc4b2a76      FNV-1a of everything above: a text that was cut, or never ours, is told and ignored
//
// Pure: text in, text out.
#pragma once

#include "model/result.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace davit::model {

struct PodRecord {
    unsigned online_owed = 0; // number of the online attempt whose offline has not ended; 0: none
    bool isolated = false;    // by hand
    std::string isolated_because;

    friend bool operator==(const PodRecord&, const PodRecord&) = default;
};

/// Whose record it is. Pods that share a directory of the node do not take each other's.
struct RecordOwner {
    std::string app;
    std::string host; // the Pod's name

    friend bool operator==(const RecordOwner&, const RecordOwner&) = default;
};

/// No record is longer; a reader need not take more.
inline constexpr std::size_t longest_record = 4096;

std::string record_text(const PodRecord& record, const RecordOwner& owner);

/// Error: it is torn, of another version, or of another owner, in words that follow the file's name.
Result<PodRecord> read_record(std::string_view text, const RecordOwner& owner);

} // namespace davit::model
