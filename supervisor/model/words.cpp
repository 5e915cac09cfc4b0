// SPDX-License-Identifier: Apache-2.0
// The body of words.h: numbers to words, one way for all rooms.
#include "model/words.h"

namespace davit::model {

std::string seconds_text(Duration length) {
    const auto tenths = std::chrono::round<std::chrono::duration<long, std::deci>>(length).count();
    std::string text = std::to_string(tenths / 10);
    if (tenths % 10 != 0) {
        text += "." + std::to_string(tenths % 10);
    }
    return text + " s";
}

std::string counted(unsigned long count, std::string_view noun) {
    return std::to_string(count) + " " + std::string{noun} + (count == 1 ? "" : "s");
}

} // namespace davit::model
