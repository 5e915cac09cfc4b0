// SPDX-License-Identifier: Apache-2.0
// Reads the rings of several services as one log, in the order in which davit read the lines. It goes at its own pace:
// what a ring forgets meanwhile is told as a number of lost lines.
#pragma once

#include "os/log_ring.h"

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace davit::runtime {

struct LogSource {
    std::string service;
    os::LogRing* ring; // nothing can be read any more once it is gone
};

enum class LogEnd : std::uint8_t { present, never }; // with what is there now; it goes on with what comes

class LogReader {
public:
    /// `newest`: only so many lines of what is there, of all services together. `has_more` must do no more than wake
    /// somebody.
    LogReader(std::vector<LogSource> sources, std::optional<std::size_t> newest, LogEnd end,
              const std::function<void()>& has_more);

    bool has_unread() const;

    struct Observer {
        std::function<void(const std::string& service, const os::LogLine& line)> line;
        std::function<void(const std::string& service, std::uint64_t lines)> lost;
    };
    /// At least one line if there is one, and more until they are `enough` bytes.
    void read(std::size_t enough, const Observer& observer);

private:
    struct Followed {
        LogSource source;
        std::unique_ptr<os::LogRingReader> reader; // it does not move
    };

    static constexpr std::uint64_t no_end = std::numeric_limits<std::uint64_t>::max();

    void skip_until(std::uint64_t record, std::size_t lines);
    const Followed* oldest_unread() const;

    std::vector<Followed> followed_;
    std::uint64_t last_ = no_end; // the record to end with
};

} // namespace davit::runtime
