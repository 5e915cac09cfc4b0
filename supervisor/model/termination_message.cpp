// SPDX-License-Identifier: Apache-2.0
#include "model/termination_message.h"

namespace davit::model {

std::string_view cut_at_character(std::string_view text, std::size_t limit) {
    if (text.size() <= limit) {
        return text;
    }
    std::size_t end = limit;
    const auto continues = [&](std::size_t at) { return (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U; };
    while (end > 0 && continues(end)) {
        --end;
    }
    return text.substr(0, end);
}

std::string termination_message(const std::vector<std::string>& reasons, const std::vector<std::string>& last_output) {
    std::string message;
    for (const std::string& reason : reasons) {
        message += reason;
        message += '\n';
    }
    message.resize(cut_at_character(message, termination_message_limit).size());
    std::size_t size = message.size();
    auto first = last_output.end();
    while (first != last_output.begin() && size + std::prev(first)->size() + 1 <= termination_message_limit) {
        --first;
        size += first->size() + 1;
    }
    for (; first != last_output.end(); ++first) {
        message += *first;
        message += '\n';
    }
    return message;
}

} // namespace davit::model
