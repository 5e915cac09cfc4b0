// SPDX-License-Identifier: Apache-2.0
#include "model/downward_api.h"

#include "model/text_parts.h"

namespace davit::model {

bool has_key(std::string_view text, std::string_view key) {
    while (!text.empty()) {
        const std::string_view line = trimmed(next_line(text));
        // Somebody may write the file by hand, and leave the value out.
        if (line.starts_with(key) && (line.size() == key.size() || line[key.size()] == '=')) {
            return true;
        }
    }
    return false;
}

} // namespace davit::model
