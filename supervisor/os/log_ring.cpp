// SPDX-License-Identifier: Apache-2.0
#include "os/log_ring.h"

#include "model/json_text.h"
#include "model/text_parts.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace davit::os {
namespace {

constexpr std::size_t segment_size = std::size_t{32} * 1024;

/// Whole lines that fit a segment, or one longer line, or a piece of one that is too long.
std::string_view next_piece(std::string_view text) {
    if (text.size() <= segment_size) {
        return text;
    }
    auto end = text.substr(0, segment_size).rfind('\n');
    if (end == std::string_view::npos) {
        end = text.substr(0, LogRing::longest_line).find('\n', segment_size);
    }
    return end == std::string_view::npos ? model::whole_characters(text, LogRing::longest_line)
                                         : text.substr(0, end + 1);
}

std::uint64_t count_lines(std::string_view text) {
    return static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
}

} // namespace

std::string_view to_string(LogStream stream) {
    return stream == LogStream::output ? "stdout" : "stderr";
}

// ---- adding ----------------------------------------------------------------------------------------------

void LogRing::add(LogStream stream, std::string_view text) {
    if (text.size() > capacity && readers_->empty()) {
        // Nobody would see the rest. What is left may begin inside a line.
        text.remove_prefix(text.find('\n', text.size() - capacity - 1) + 1);
    }
    const auto at = std::chrono::system_clock::now();
    while (!text.empty()) {
        const std::string_view piece = next_piece(text);
        add_piece(stream, piece, at);
        text.remove_prefix(piece.size());
    }
    for (LogRingReader* reader : *readers_) {
        reader->has_more_();
    }
}

void LogRing::add_piece(LogStream stream, std::string_view piece, std::chrono::system_clock::time_point at) {
    if (extend(stream, piece, at)) {
        return;
    }
    if (segments_.empty() || segments_.back().bytes.size() + sizeof(Record) + piece.size() > segment_size) {
        open_segment();
    }
    Segment& segment = segments_.back();
    segment.last_record = segment.bytes.size();
    const Record record{
        .number = ++last_number_, .at = at, .size = static_cast<std::uint32_t>(piece.size()), .stream = stream};
    segment.bytes.append(reinterpret_cast<const char*>(&record), sizeof record);
    segment.bytes += piece;
    size_ += sizeof record + piece.size();
    is_marked_ = false;
    while (size_ - segments_.front().bytes.size() >= capacity) {
        forget_oldest();
    }
}

/// Many short writes in one moment are one record.
bool LogRing::extend(LogStream stream, std::string_view piece, std::chrono::system_clock::time_point at) {
    constexpr std::chrono::milliseconds one_moment{1};
    if (segments_.empty() || is_marked_) {
        return false;
    }
    Segment& segment = segments_.back();
    Record record = record_at(segment, segment.last_record);
    const bool belongs_to_it = record.number == last_number_ && record.stream == stream && at >= record.at &&
                               at - record.at < one_moment && segment.bytes.ends_with('\n');
    if (!belongs_to_it || segment.bytes.size() + piece.size() > segment_size) {
        return false;
    }
    record.size += static_cast<std::uint32_t>(piece.size());
    std::memcpy(segment.bytes.data() + segment.last_record, &record, sizeof record);
    segment.bytes += piece;
    size_ += piece.size();
    return true;
}

void LogRing::open_segment() {
    segments_.push_back({.bytes = std::exchange(spare_, {}), .last_record = 0});
}

void LogRing::forget_oldest() {
    for (LogRingReader* reader : *readers_) {
        reader->lose_oldest_segment();
    }
    std::string bytes = std::move(segments_.front().bytes);
    size_ -= bytes.size();
    if (bytes.capacity() <= 2 * segment_size) {
        bytes.clear();
        spare_ = std::move(bytes);
    }
    segments_.erase(segments_.begin());
    ++first_segment_;
}

// ---- looking ---------------------------------------------------------------------------------------------

LogRing::Record LogRing::record_at(const Segment& segment, std::size_t offset) {
    Record record;
    std::memcpy(&record, segment.bytes.data() + offset, sizeof record);
    return record;
}

std::string_view LogRing::text_at(const Segment& segment, std::size_t offset) {
    return std::string_view{segment.bytes}.substr(offset + sizeof(Record), record_at(segment, offset).size);
}

LogMark LogRing::mark() {
    is_marked_ = true;
    return {.number = last_number_};
}

void LogRing::for_each(const std::function<void(std::uint64_t number, std::string_view text)>& call) const {
    for (const Segment& segment : segments_) {
        for (std::size_t offset = 0; offset < segment.bytes.size();) {
            const std::string_view text = text_at(segment, offset);
            call(record_at(segment, offset).number, text);
            offset += sizeof(Record) + text.size();
        }
    }
}

std::vector<std::string> LogRing::last_lines(std::size_t count, LogMark since) const {
    std::vector<std::string> lines;
    for (auto segment = segments_.rbegin(); segment != segments_.rend() && lines.size() < count; ++segment) {
        std::vector<std::string> older;
        for (std::size_t offset = 0; offset < segment->bytes.size();) {
            std::string_view text = text_at(*segment, offset);
            const bool is_wanted = record_at(*segment, offset).number > since.number;
            offset += sizeof(Record) + text.size();
            while (is_wanted && !text.empty()) {
                older.emplace_back(model::next_line(text));
            }
        }
        lines.insert(lines.begin(), std::make_move_iterator(older.begin()), std::make_move_iterator(older.end()));
    }
    if (lines.size() > count) {
        lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(count));
    }
    return lines;
}

// ---- following -------------------------------------------------------------------------------------------

LogRingReader::LogRingReader(LogRing& ring, std::function<void()> has_more)
    : ring_(ring), readers_(ring.readers_), has_more_(std::move(has_more)), place_{.segment = ring.first_segment_} {
    ring.readers_->push_back(this);
}

LogRingReader::~LogRingReader() {
    if (const auto readers = readers_.lock()) {
        std::erase(*readers, this);
    }
}

/// Moves on to a record with something to read; false: there is none. At the end of the last record it stays: that
/// one may still grow.
bool LogRingReader::settle(Place& place) const {
    while (place.segment - ring_.first_segment_ < ring_.segments_.size()) {
        const LogRing::Segment& segment = segment_of(place);
        const std::size_t size = LogRing::record_at(segment, place.record).size;
        if (place.text < size) {
            return true;
        }
        const std::size_t next = place.record + sizeof(LogRing::Record) + size;
        if (next < segment.bytes.size()) {
            place = {.segment = place.segment, .record = next};
        } else if (place.segment + 1 - ring_.first_segment_ < ring_.segments_.size()) {
            place = {.segment = place.segment + 1};
        } else {
            return false;
        }
    }
    return false;
}

bool LogRingReader::has_unread() const {
    Place place = place_;
    return settle(place);
}

std::uint64_t LogRingReader::next_number() const {
    Place place = place_;
    settle(place);
    return LogRing::record_at(segment_of(place), place.record).number;
}

LogLine LogRingReader::next() {
    settle(place_);
    const LogRing::Segment& segment = segment_of(place_);
    const LogRing::Record record = LogRing::record_at(segment, place_.record);
    std::string_view rest = LogRing::text_at(segment, place_.record).substr(place_.text);
    const std::size_t before = rest.size();
    const bool is_partial = !rest.contains('\n');
    const std::string_view text = model::next_line(rest);
    place_.text += before - rest.size();
    return {.at = record.at, .stream = record.stream, .text = text, .is_partial = is_partial};
}

std::uint64_t LogRingReader::take_lost() {
    return std::exchange(lost_, 0);
}

void LogRingReader::lose_oldest_segment() {
    if (place_.segment != ring_.first_segment_) {
        return;
    }
    Place place = place_;
    const Place after{.segment = place_.segment + 1};
    while (settle(place) && place.segment == place_.segment) {
        const std::string_view text = LogRing::text_at(segment_of(place), place.record);
        lost_ += count_lines(text.substr(place.text));
        place.text = text.size();
    }
    place_ = after;
}

} // namespace davit::os
