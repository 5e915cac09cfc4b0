// SPDX-License-Identifier: Apache-2.0
#include "os/wall_clock.h"

#include <cstdio>

namespace davit::os {

std::string utc_text(std::chrono::system_clock::time_point moment) {
    // Calendar arithmetic of the library: gmtime would read the machine's time zone first.
    const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(moment);
    const auto day = std::chrono::floor<std::chrono::days>(milliseconds);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss time{milliseconds - day};
    char text[40];
    const int size =
        std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                      static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                      static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
    return {text, static_cast<std::size_t>(size)};
}

} // namespace davit::os
