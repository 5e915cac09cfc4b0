// SPDX-License-Identifier: Apache-2.0
#include "runtime/journal.h"

#include <algorithm>
#include <utility>

namespace davit::runtime {

void Journal::add(JournalEntry entry) {
    entry.number = next_number_++;
    if (entries_.size() >= capacity) {
        entries_.pop_front();
    }
    entries_.push_back(std::move(entry));
    for (const auto& has_more : *readers_) {
        has_more();
    }
}

JournalReader::JournalReader(Journal& journal, std::function<void()> has_more)
    : journal_(journal), readers_(journal.readers_),
      place_(journal.readers_->insert(journal.readers_->end(), std::move(has_more))) {
    if (!journal.entries().empty()) {
        next_ = journal.entries().front().number; // what was forgotten before nobody has lost
    }
}

JournalReader::~JournalReader() {
    if (const auto readers = readers_.lock()) {
        readers->erase(place_);
    }
}

JournalPart JournalReader::read(std::size_t most) {
    JournalPart part;
    const std::deque<JournalEntry>& entries = journal_.entries();
    if (!has_unread()) {
        return part;
    }
    const std::uint64_t oldest = entries.front().number;
    part.lost = oldest > next_ ? oldest - next_ : 0;
    next_ += part.lost;
    const std::size_t first = static_cast<std::size_t>(next_ - oldest);
    const std::size_t last = std::min(entries.size(), first + most);
    for (std::size_t index = first; index < last; ++index) {
        part.entries.push_back(entries[index]);
    }
    next_ += part.entries.size();
    return part;
}

} // namespace davit::runtime
