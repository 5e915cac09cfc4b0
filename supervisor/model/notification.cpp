// SPDX-License-Identifier: Apache-2.0
#include "model/notification.h"

#include "model/contains.h"
#include "model/termination_message.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

namespace davit::model {
namespace {

/// davit watches its own child, keeps no descriptors, and takes every process of the service.
constexpr std::array<std::string_view, 6> unused_names{"MAINPID", "MAINPIDFDID",   "FDSTORE",
                                                       "FDNAME",  "FDSTOREREMOVE", "NOTIFYACCESS"};
constexpr std::size_t most_lines = 64;

std::string_view take_line(std::string_view& text) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

/// Microseconds; nullopt: no number. What is too long (also "infinity" as a number) is cut.
std::optional<Duration> parse_microseconds(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || end != text.data() + text.size() || error == std::errc::invalid_argument) {
        return std::nullopt;
    }
    constexpr auto most = std::chrono::duration_cast<std::chrono::microseconds>(longest_notified_time);
    if (error == std::errc::result_out_of_range || number > static_cast<std::uint64_t>(most.count())) {
        return longest_notified_time;
    }
    return std::chrono::microseconds{static_cast<std::int64_t>(number)};
}

std::string as_shown(std::string_view text) {
    std::string clean = valid_utf8(text.substr(0, 2 * longest_status));
    std::ranges::replace_if(clean, [](unsigned char character) { return character < ' ' || character == 127; }, ' ');
    return std::string{cut_at_character(clean, longest_status)};
}

std::string errno_in_words(std::string_view value) {
    int number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size()) {
        return "errno " + as_shown(value);
    }
    return "errno " + std::to_string(number) + " (" + std::generic_category().message(number) + ")";
}

SelfWord word_of(std::string_view name) {
    for (const SelfWord word : {SelfWord::ready, SelfWord::reloading, SelfWord::stopping}) {
        if (to_string(word).starts_with(name) && to_string(word).size() == name.size() + 2) {
            return word;
        }
    }
    return SelfWord::none;
}

void take_watchdog(Notification& said, std::string_view value) {
    said.alive = said.alive || value == "1";
    said.wants_to_be_killed = said.wants_to_be_killed || value == "trigger";
}

void take(Notification& said, std::string_view name, std::string_view value) {
    const SelfWord word = value == "1" ? word_of(name) : SelfWord::none;
    if (word != SelfWord::none) {
        said.word = word;
        said.said_ready = said.said_ready || word == SelfWord::ready;
        if (word != SelfWord::reloading) { // Who reloads goes on as before.
            said.ready = word == SelfWord::ready;
        }
    } else if (name == "STATUS") {
        said.status = as_shown(value);
    } else if (name == "ERRNO") {
        said.error = errno_in_words(value);
    } else if (name == "BUSERROR") {
        said.error = as_shown(value);
    } else if (name == "EXTEND_TIMEOUT_USEC") {
        said.extend = parse_microseconds(value);
    } else if (name == "WATCHDOG") {
        take_watchdog(said, value);
    } else if (name == "WATCHDOG_USEC") {
        const auto length = parse_microseconds(value);
        said.watchdog = length == longest_notified_time ? Duration::zero() : length; // infinity
    } else if (const auto* unused = std::ranges::find(unused_names, name); unused != unused_names.end()) {
        said.unused.push_back(*unused);
    }
}

template <typename Value>
void replace(std::optional<Value>& earlier, std::optional<Value> later) {
    if (later) {
        earlier = std::move(later);
    }
}

} // namespace

std::string_view to_string(SelfWord word) {
    switch (word) {
    case SelfWord::none: return "";
    case SelfWord::ready: return "READY=1";
    case SelfWord::reloading: return "RELOADING=1";
    case SelfWord::stopping: break;
    }
    return "STOPPING=1";
}

Notification parse_notification(std::string_view datagram) {
    Notification said;
    for (std::size_t count = 0; !datagram.empty() && count < most_lines; ++count) {
        const std::string_view line = take_line(datagram);
        const auto equals = line.find('=');
        if (equals != std::string_view::npos) {
            take(said, line.substr(0, equals), line.substr(equals + 1));
        }
    }
    return said;
}

void add(Notification& earlier, Notification later) {
    if (later.word != SelfWord::none) {
        earlier.word = later.word;
    }
    earlier.said_ready = earlier.said_ready || later.said_ready;
    earlier.alive = earlier.alive || later.alive;
    earlier.wants_to_be_killed = earlier.wants_to_be_killed || later.wants_to_be_killed;
    replace(earlier.ready, later.ready);
    replace(earlier.status, std::move(later.status));
    replace(earlier.error, std::move(later.error));
    replace(earlier.extend, later.extend);
    replace(earlier.watchdog, later.watchdog);
    for (const std::string_view name : later.unused) {
        if (!contains(earlier.unused, name)) {
            earlier.unused.push_back(name);
        }
    }
}

} // namespace davit::model
