// SPDX-License-Identifier: Apache-2.0
// The newest output of a service in memory: what is kept, what is forgotten, and what a reader learns of it.
#include "os/log_ring.h"

#include "support/catch.h"

#include <string>

using namespace davit;
using namespace davit::os;

namespace {

std::string numbered(int first, int last) {
    std::string text;
    for (int number = first; number <= last; ++number) {
        text += "line " + std::to_string(number) + "\n";
    }
    return text;
}

struct Ring {
    std::uint64_t last_number = 0;
    LogRing ring{last_number};
};

void ignore() {}

std::vector<std::string> rest_of(LogRingReader& reader) {
    std::vector<std::string> lines;
    while (reader.has_unread()) {
        lines.emplace_back(reader.next().text);
    }
    return lines;
}

} // namespace

TEST_CASE("the newest lines are kept, whole, and at least as many as the capacity holds", "[log_ring]") {
    Ring kept;
    for (int round = 0; round < 100; ++round) {
        kept.ring.add(LogStream::output, numbered(round * 1000, round * 1000 + 999));
    }

    const auto lines = kept.ring.last_lines(1'000'000);
    std::size_t bytes = 0;
    for (const std::string& line : lines) {
        bytes += line.size() + 1;
    }
    CHECK(bytes >= LogRing::capacity * 9 / 10);
    CHECK(bytes <= LogRing::capacity * 5 / 4);
    CHECK(lines.back() == "line 99999");
    CHECK(lines.front() == "line " + std::to_string(100'000 - lines.size()));
    CHECK(kept.ring.last_lines(2) == std::vector<std::string>{"line 99998", "line 99999"});
}

TEST_CASE("what is more than all that is kept leaves its newest whole lines", "[log_ring]") {
    Ring kept;
    kept.ring.add(LogStream::output, numbered(0, 99'999));

    const auto lines = kept.ring.last_lines(1'000'000);
    CHECK(lines.size() > 20'000);
    CHECK(lines.back() == "line 99999");
    CHECK(lines.front() == "line " + std::to_string(100'000 - lines.size()));
}

TEST_CASE("a mark divides what came before from what comes after", "[log_ring]") {
    Ring kept;
    kept.ring.add(LogStream::output, "before\n");
    const LogMark mark = kept.ring.mark();
    kept.ring.add(LogStream::output, "after\n");

    CHECK(kept.ring.last_lines(10, mark) == std::vector<std::string>{"after"});
    CHECK(kept.ring.last_lines(10) == std::vector<std::string>{"before", "after"});
}

TEST_CASE("a reader gets each line once, with its stream, and what comes later", "[log_ring]") {
    Ring kept;
    kept.ring.add(LogStream::output, "one\ntwo\n");
    int woken = 0;
    LogRingReader reader{kept.ring, [&] { ++woken; }};
    CHECK(rest_of(reader) == std::vector<std::string>{"one", "two"});
    CHECK_FALSE(reader.has_unread());

    kept.ring.add(LogStream::output, "three\n");
    kept.ring.add(LogStream::error, "four\n");

    CHECK(woken == 2);
    REQUIRE(reader.has_unread());
    CHECK(reader.next().text == "three");
    const LogLine line = reader.next();
    CHECK(line.text == "four");
    CHECK(line.stream == LogStream::error);
    CHECK(reader.take_lost() == 0);
}

TEST_CASE("a reader that was too slow learns how many lines it lost", "[log_ring]") {
    Ring kept;
    kept.ring.add(LogStream::output, "first\n");
    LogRingReader reader{kept.ring, ignore};
    for (int round = 0; round < 100; ++round) {
        kept.ring.add(LogStream::output, numbered(round * 1000, round * 1000 + 999));
    }

    const auto lines = rest_of(reader);
    CHECK(reader.take_lost() == 100'001 - lines.size());
    CHECK(reader.take_lost() == 0);
    CHECK(lines.back() == "line 99999");
}

TEST_CASE("a line that is too long is kept in pieces that say so", "[log_ring]") {
    Ring kept;
    kept.ring.add(LogStream::output, std::string(LogRing::longest_line + 10, 'x') + "\nnext\n");
    LogRingReader reader{kept.ring, ignore};

    const LogLine piece = reader.next();
    CHECK(piece.is_partial);
    CHECK(piece.text == std::string(LogRing::longest_line, 'x'));
    const LogLine last = reader.next();
    CHECK_FALSE(last.is_partial);
    CHECK(last.text == std::string(10, 'x'));
    CHECK(reader.next().text == "next");
}

TEST_CASE("records of several rings have one order", "[log_ring]") {
    std::uint64_t last_number = 0;
    LogRing one{last_number};
    LogRing other{last_number};
    one.add(LogStream::output, "1\n");
    other.add(LogStream::output, "2\n");
    one.add(LogStream::output, "3\n");
    LogRingReader reader{one, ignore};
    LogRingReader other_reader{other, ignore};

    CHECK(reader.next_number() < other_reader.next_number());
    reader.next();
    CHECK(reader.next_number() > other_reader.next_number());
}
