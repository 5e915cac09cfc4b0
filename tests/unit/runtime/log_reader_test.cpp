// SPDX-License-Identifier: Apache-2.0
// Several rings read as one log: the order, how much of it, where it ends.
#include "runtime/log_reader.h"

#include "support/catch.h"

#include <algorithm>

namespace davit::runtime {
namespace {

void ignore() {}

struct Rings {
    std::uint64_t last_number = 0;
    os::LogRing web{last_number};
    os::LogRing agent{last_number};

    Rings() {
        web.add(os::LogStream::output, "web 1\nweb 2\n");
        agent.add(os::LogStream::output, "agent 3\n");
        web.add(os::LogStream::error, "web 4\n");
    }
    std::vector<LogSource> sources() { return {{"agent", &agent}, {"web", &web}}; }
};

std::string read(LogReader& reader, std::size_t enough = 1'000'000) {
    std::string text;
    reader.read(enough,
                {.line = [&](const std::string& service,
                             const os::LogLine& line) { text += service + ":" + std::string{line.text} + "|"; },
                 .lost = [&](const std::string& service,
                             std::uint64_t lines) { text += service + " lost " + std::to_string(lines) + "|"; }});
    return text;
}

} // namespace

TEST_CASE("lines of several services come in the order in which they were read", "[log_reader]") {
    Rings rings;
    LogReader reader{rings.sources(), std::nullopt, LogEnd::present, ignore};

    CHECK(read(reader) == "web:web 1|web:web 2|agent:agent 3|web:web 4|");
    CHECK_FALSE(reader.has_unread());
}

TEST_CASE("so many of the newest lines as are asked for, of all services together", "[log_reader]") {
    const std::vector<std::string> expected{"",
                                            "web:web 4|",
                                            "agent:agent 3|web:web 4|",
                                            "web:web 2|agent:agent 3|web:web 4|",
                                            "web:web 1|web:web 2|agent:agent 3|web:web 4|",
                                            "web:web 1|web:web 2|agent:agent 3|web:web 4|"};
    for (std::size_t lines = 0; lines < expected.size(); ++lines) {
        INFO(lines);
        Rings rings;
        LogReader reader{rings.sources(), lines, LogEnd::present, ignore};
        CHECK(read(reader) == expected[lines]);
    }
}

TEST_CASE("a reader of the present ends there, one that follows goes on", "[log_reader]") {
    Rings rings;
    int woken = 0;
    LogReader present{rings.sources(), 0, LogEnd::present, ignore};
    LogReader follower{rings.sources(), 0, LogEnd::never, [&] { ++woken; }};

    rings.web.add(os::LogStream::output, "web 5\n");

    CHECK_FALSE(present.has_unread());
    CHECK(woken == 1);
    CHECK(read(follower) == "web:web 5|");
}

TEST_CASE("reading stops when it is enough, and goes on there", "[log_reader]") {
    Rings rings;
    LogReader reader{rings.sources(), std::nullopt, LogEnd::present, ignore};

    CHECK(read(reader, 1) == "web:web 1|");
    CHECK(read(reader, 12) == "web:web 2|agent:agent 3|");
    CHECK(read(reader) == "web:web 4|");
}

TEST_CASE("what was forgotten before it was read is told with its service", "[log_reader]") {
    Rings rings;
    LogReader reader{{{"web", &rings.web}}, std::nullopt, LogEnd::never, ignore};
    const std::string line = std::string(999, 'x') + "\n";
    for (int count = 0; count < 1000; ++count) {
        rings.web.add(os::LogStream::output, line);
    }

    const std::string text = read(reader);
    const auto lost = std::stoul(text.substr(std::string{"web lost "}.size()));
    CHECK(text.starts_with("web lost "));
    CHECK(static_cast<std::size_t>(std::ranges::count(text, '|')) - 1 + lost == 1003);
}

} // namespace davit::runtime
