// SPDX-License-Identifier: Apache-2.0
// The journal keeps the newest changes and numbers them.
#include "runtime/journal.h"

#include "support/catch.h"

namespace davit::runtime {

TEST_CASE("entries are numbered from 1, and the oldest go when there are too many", "[journal]") {
    Journal journal;
    for (std::size_t count = 0; count < Journal::capacity + 3; ++count) {
        journal.add({.number = 0, .at = {}, .service = "web", .from = "a", .to = "b", .reason = {}});
    }
    REQUIRE(journal.entries().size() == Journal::capacity);
    CHECK(journal.entries().front().number == 4);
    CHECK(journal.entries().back().number == Journal::capacity + 3);
}

namespace {

void add(Journal& journal, std::size_t count) {
    for (std::size_t added = 0; added < count; ++added) {
        journal.add({.number = 0, .at = {}, .service = "web", .from = "a", .to = "b", .reason = {}});
    }
}

} // namespace

TEST_CASE("a reader sees each entry once, from the oldest on, as much at a time as it asks for", "[journal]") {
    Journal journal;
    add(journal, 3);
    int woken = 0;
    JournalReader reader{journal, [&] { ++woken; }};
    CHECK(reader.has_unread());
    CHECK(reader.read(2).entries.size() == 2);
    CHECK(reader.read(2).entries.back().number == 3);
    CHECK_FALSE(reader.has_unread());
    CHECK(reader.read(2).entries.empty());

    add(journal, 1);
    CHECK(woken == 1);
    CHECK(reader.read(10).entries.front().number == 4);
}

TEST_CASE("a reader that is too slow learns how much it lost", "[journal]") {
    Journal journal;
    JournalReader reader{journal, [] {}};
    add(journal, Journal::capacity + 5);
    const JournalPart part = reader.read(1);
    CHECK(part.lost == 5);
    CHECK(part.entries.front().number == 6);
    CHECK(reader.read(1).lost == 0);
}

TEST_CASE("a reader that comes late has not lost what was forgotten before, and one that is gone is told nothing",
          "[journal]") {
    Journal journal;
    add(journal, Journal::capacity + 5);
    int woken = 0;
    {
        JournalReader reader{journal, [&] { ++woken; }};
        CHECK(reader.read(1).lost == 0);
    }
    add(journal, 1);
    CHECK(woken == 0);
}

} // namespace davit::runtime
