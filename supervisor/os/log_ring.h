// SPDX-License-Identifier: Apache-2.0
// The newest output of one service, kept in memory over its restarts: for `davit logs`, for `status` and for reasons.
// What one read brought is one record, with its time; records lie in segments, so that the oldest are forgotten
// without moving the others, and a service that wrote little takes little. A reader follows at its own pace and learns
// how many lines it was too slow for; nobody waits for it.
//
//   segments  ┌ record record record ┐┌ record record ┐┌ record ...  ◄── add
//   forgotten ┘        ▲ reader                                 one record: number, time, stream, whole lines
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace davit::os {

enum class LogStream : std::uint8_t { output, error };

std::string_view to_string(LogStream stream); // "stdout", "stderr"

/// A line, or a piece of one that is too long. Valid until more is added.
struct LogLine {
    std::chrono::system_clock::time_point at; // when it was read
    LogStream stream;
    std::string_view text;   // without its line feed; bytes may be anything
    bool is_partial = false; // the line goes on with what this stream brings next
};

/// A moment in the life of a ring.
struct LogMark {
    std::uint64_t number = 0;
};

class LogRing {
public:
    /// What is kept at least, once there was so much.
    static constexpr std::size_t capacity = std::size_t{256} * 1024;
    /// A line that is longer is kept in pieces.
    static constexpr std::size_t longest_line = std::size_t{64} * 1024;

    /// `last_number` is shared by all rings, so that their records have one order; it must outlive the ring.
    explicit LogRing(std::uint64_t& last_number) : last_number_(last_number) {}
    LogRing(const LogRing&) = delete;
    LogRing& operator=(const LogRing&) = delete;

    /// Whole lines, each with its line feed, or one piece of a line without.
    void add(LogStream stream, std::string_view text);

    /// What is added from now on comes after it.
    LogMark mark();
    /// The newest lines after `since`, oldest first, at most `count`.
    std::vector<std::string> last_lines(std::size_t count, LogMark since = {}) const;

    /// Calls for each record, oldest first.
    void for_each(const std::function<void(std::uint64_t number, std::string_view text)>& call) const;

private:
    friend class LogRingReader;

    struct Record {
        std::uint64_t number;
        std::chrono::system_clock::time_point at;
        std::uint32_t size; // of the text that follows it
        LogStream stream;
    };
    struct Segment {
        std::string bytes; // records, each before its text
        std::size_t last_record = 0;
    };

    static Record record_at(const Segment& segment, std::size_t offset);
    static std::string_view text_at(const Segment& segment, std::size_t offset);
    void add_piece(LogStream stream, std::string_view piece, std::chrono::system_clock::time_point at);
    bool extend(LogStream stream, std::string_view piece, std::chrono::system_clock::time_point at);
    void open_segment();
    void forget_oldest();

    std::uint64_t& last_number_;
    std::vector<Segment> segments_;
    std::uint64_t first_segment_ = 0; // the number of segments_[0], counted over all there ever were
    std::size_t size_ = 0;            // of all segments
    std::string spare_;               // of a forgotten segment, to be filled again
    bool is_marked_ = false;          // what comes is a record of its own
    using Readers = std::vector<class LogRingReader*>;
    std::shared_ptr<Readers> readers_ = std::make_shared<Readers>();
};

/// Reads a ring from its oldest line on. It may outlive the ring, but cannot read any more then.
class LogRingReader {
public:
    /// `has_more` is called from inside `LogRing::add`: it must do no more than wake somebody.
    LogRingReader(LogRing& ring, std::function<void()> has_more);
    ~LogRingReader();
    LogRingReader(const LogRingReader&) = delete;
    LogRingReader& operator=(const LogRingReader&) = delete;

    bool has_unread() const;
    /// Of the record that the next line belongs to. There must be one, as for `next`.
    std::uint64_t next_number() const;
    LogLine next();
    /// Lines that were forgotten before they were read, since the last call.
    std::uint64_t take_lost();

private:
    friend class LogRing;
    struct Place {
        std::uint64_t segment;
        std::size_t record = 0; // offset in the segment
        std::size_t text = 0;   // offset in the text of the record
    };

    const LogRing::Segment& segment_of(const Place& place) const {
        return ring_.segments_[place.segment - ring_.first_segment_];
    }
    bool settle(Place& place) const;
    void lose_oldest_segment();

    LogRing& ring_;
    std::weak_ptr<LogRing::Readers> readers_;
    std::function<void()> has_more_;
    Place place_;
    std::uint64_t lost_ = 0;
};

} // namespace davit::os
