// SPDX-License-Identifier: Apache-2.0
#include "runtime/journal.h"

#include <utility>

namespace davit::runtime {

void Journal::add(JournalEntry entry) {
    entry.number = next_number_++;
    if (entries_.size() >= capacity) {
        entries_.pop_front();
    }
    entries_.push_back(std::move(entry));
}

} // namespace davit::runtime
