// SPDX-License-Identifier: Apache-2.0
// What happened when: the newest changes of the pod and its services, each with its reason, kept in
// memory with a bound. A reader follows it at its own pace, and learns how much it was too slow for.
#pragma once

#include "model/time.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

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

    void add(JournalEntry entry); // gives it its number, and tells the readers
    const std::deque<JournalEntry>& entries() const { return entries_; }
    std::uint64_t next_number() const { return next_number_; }

private:
    friend class JournalReader;

    std::deque<JournalEntry> entries_;
    std::uint64_t next_number_ = 1;
    using Readers = std::list<std::function<void()>>;
    std::shared_ptr<Readers> readers_ = std::make_shared<Readers>();
};

/// What a reader has not seen yet.
struct JournalPart {
    std::uint64_t lost = 0; // entries that the journal has forgotten before they were read
    std::vector<JournalEntry> entries;
};

/// Follows a journal from its oldest entry on. It may outlive the journal, but cannot read any more then.
class JournalReader {
public:
    /// `has_more` is called from inside `Journal::add`: it must do no more than wake somebody.
    JournalReader(Journal& journal, std::function<void()> has_more);
    ~JournalReader();
    JournalReader(const JournalReader&) = delete;
    JournalReader& operator=(const JournalReader&) = delete;

    bool has_unread() const { return next_ < journal_.next_number(); }
    /// At most `most` entries.
    JournalPart read(std::size_t most);

private:
    Journal& journal_;
    std::uint64_t next_ = 1;
    std::weak_ptr<Journal::Readers> readers_;
    Journal::Readers::iterator place_;
};

} // namespace davit::runtime
