// SPDX-License-Identifier: Apache-2.0
// What happened when: the newest changes of the pod and its services, each with its reason, kept in
// memory with a bound. Readers remember the number of the last entry that they saw.
#pragma once

#include "model/time.h"

#include <cstdint>
#include <deque>
#include <string>

namespace davit::runtime {

struct JournalEntry {
    std::uint64_t number; // counts from 1, without gaps
    TimePoint at;
    std::string service; // empty: the pod
    std::string from;
    std::string to;
    std::string reason;
};

class Journal {
public:
    static constexpr std::size_t capacity = 2000;

    void add(JournalEntry entry); // gives it its number
    const std::deque<JournalEntry>& entries() const { return entries_; }

private:
    std::deque<JournalEntry> entries_;
    std::uint64_t next_number_ = 1;
};

} // namespace davit::runtime
