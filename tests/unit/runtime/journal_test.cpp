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

} // namespace davit::runtime
