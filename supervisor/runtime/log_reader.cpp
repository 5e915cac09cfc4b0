// SPDX-License-Identifier: Apache-2.0
#include "runtime/log_reader.h"

#include <algorithm>
#include <utility>

namespace davit::runtime {
namespace {

struct Record {
    std::uint64_t number;
    std::size_t lines;
};

/// Of all rings, the newest first.
std::vector<Record> records_of(const std::vector<LogSource>& sources) {
    std::vector<Record> records;
    for (const LogSource& source : sources) {
        source.ring->for_each([&](std::uint64_t number, std::string_view text) {
            const auto ends = static_cast<std::size_t>(std::ranges::count(text, '\n'));
            records.push_back({number, ends + (text.ends_with('\n') ? 0 : 1)});
        });
    }
    std::ranges::sort(records, std::ranges::greater{}, &Record::number);
    return records;
}

} // namespace

LogReader::LogReader(std::vector<LogSource> sources, std::optional<std::size_t> newest, LogEnd end,
                     const std::function<void()>& has_more) {
    const std::vector<Record> records = records_of(sources);
    if (end == LogEnd::present) {
        last_ = records.empty() ? 0 : records.front().number;
    }
    for (LogSource& source : sources) {
        os::LogRing& ring = *source.ring;
        followed_.push_back({std::move(source), std::make_unique<os::LogRingReader>(ring, has_more)});
    }
    if (newest) {
        std::size_t lines = 0;
        std::uint64_t first = no_end; // the oldest record that is shown
        for (auto record = records.begin(); record != records.end() && lines < *newest; ++record) {
            lines += record->lines;
            first = record->number;
        }
        skip_until(first, lines - std::min(lines, *newest));
    }
}

/// And the first `lines` of that record.
void LogReader::skip_until(std::uint64_t record, std::size_t lines) {
    for (const Followed& followed : followed_) {
        os::LogRingReader& reader = *followed.reader;
        while (reader.has_unread()) {
            const std::uint64_t number = reader.next_number();
            if (number > record || (number == record && lines == 0)) {
                break;
            }
            lines -= number == record ? 1 : 0;
            reader.next();
        }
    }
}

const LogReader::Followed* LogReader::oldest_unread() const {
    const Followed* oldest = nullptr;
    std::uint64_t least = last_;
    for (const Followed& followed : followed_) {
        if (followed.reader->has_unread() && followed.reader->next_number() <= least) {
            oldest = &followed;
            least = followed.reader->next_number();
        }
    }
    return oldest;
}

bool LogReader::has_unread() const {
    return oldest_unread() != nullptr;
}

void LogReader::read(std::size_t enough, const Observer& observer) {
    std::size_t taken = 0;
    while (taken < enough) {
        const Followed* from = oldest_unread();
        if (from == nullptr) {
            return;
        }
        os::LogRingReader& reader = *from->reader;
        if (const std::uint64_t lost = reader.take_lost(); lost > 0) {
            observer.lost(from->source.service, lost);
        }
        const std::uint64_t number = reader.next_number();
        while (taken < enough && reader.has_unread() && reader.next_number() == number) {
            const os::LogLine line = reader.next();
            observer.line(from->source.service, line);
            taken += line.text.size() + 1;
        }
    }
}

} // namespace davit::runtime
