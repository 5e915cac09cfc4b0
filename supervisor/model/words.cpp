// SPDX-License-Identifier: Apache-2.0
// The body of words.h: numbers to words, one way for all rooms.
#include "model/words.h"

#include <array>

namespace davit::model {

std::string seconds_text(Duration length) {
    const auto tenths = std::chrono::round<std::chrono::duration<long, std::deci>>(length).count();
    std::string text = std::to_string(tenths / 10);
    if (tenths % 10 != 0) {
        text += "." + std::to_string(tenths % 10);
    }
    return text + " s";
}

std::string bytes_text(std::uint64_t bytes) {
    constexpr std::uint64_t step = 1024;
    std::uint64_t unit = 1;
    std::size_t name = 0;
    constexpr std::array<std::string_view, 5> names{"bytes", "KiB", "MiB", "GiB", "TiB"};
    while (bytes / unit >= step && name + 1 < names.size()) {
        unit *= step;
        ++name;
    }
    std::string text = std::to_string(bytes / unit);
    if (const std::uint64_t tenths = bytes % unit * 10 / unit; tenths > 0) {
        text += "." + std::to_string(tenths);
    }
    return text + " " + std::string{names.at(name)};
}

std::string counted(unsigned long count, std::string_view noun) {
    return std::to_string(count) + " " + std::string{noun} + (count == 1 ? "" : "s");
}

} // namespace davit::model
