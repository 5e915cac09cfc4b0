// SPDX-License-Identifier: Apache-2.0
// The body of command_line.h: one pass over the text, one function for each kind of quoting. A word exists as soon as
// something, be it an empty pair of quotes, has begun it.
#include "model/command_line.h"

#include <optional>

namespace davit::model {
namespace {

class Splitter {
public:
    explicit Splitter(std::string_view text) : text_(text) {}

    Result<std::vector<std::string>> run() {
        while (at_ < text_.size()) {
            const char letter = text_[at_];
            if (letter == '\'' || letter == '"') {
                if (auto taken = take_quoted(letter); !taken) {
                    return std::unexpected{taken.error()};
                }
            } else if (letter == '\\') {
                if (auto taken = take_escaped(); !taken) {
                    return std::unexpected{taken.error()};
                }
            } else if (text_.substr(at_).starts_with("${")) {
                take_reference();
            } else if (letter == ' ' || letter == '\t' || letter == '\n') {
                end_word();
                ++at_;
            } else {
                word() += letter;
                ++at_;
            }
        }
        end_word();
        return std::move(words_);
    }

private:
    std::string& word() {
        if (!word_) {
            word_.emplace();
        }
        return *word_;
    }

    void end_word() {
        if (word_) {
            words_.push_back(std::move(*word_));
            word_.reset();
        }
    }

    /// `${NAME:-a default}` is one piece, blanks and quotes in it too; an unclosed one reaches to the end.
    void take_reference() {
        int open = 0;
        do {
            open += text_.substr(at_).starts_with("${") ? 1 : text_[at_] == '}' ? -1 : 0;
            word() += text_[at_++];
        } while (open > 0 && at_ < text_.size());
    }

    Result<void> take_escaped() {
        if (at_ + 1 == text_.size()) {
            return failure("a backslash at the end escapes nothing (character " + std::to_string(at_ + 1) + ")");
        }
        if (text_[at_ + 1] != '\n') { // a continued line
            word() += text_[at_ + 1];
        }
        at_ += 2;
        return {};
    }

    Result<void> take_quoted(char quote) {
        const std::size_t opened = at_++;
        word();
        while (at_ < text_.size() && text_[at_] != quote) {
            if (quote == '"' && text_[at_] == '\\' && at_ + 1 < text_.size() && is_escapable(text_[at_ + 1])) {
                ++at_;
                if (text_[at_] == '\n') {
                    ++at_;
                    continue;
                }
            }
            word() += text_[at_++];
        }
        if (at_ == text_.size()) {
            return failure(std::string{"the quote "} + quote + " is never closed (character " +
                           std::to_string(opened + 1) + ")");
        }
        ++at_;
        return {};
    }

    /// Inside double quotes a backslash is itself before any other letter.
    static bool is_escapable(char letter) {
        return letter == '"' || letter == '\\' || letter == '$' || letter == '`' || letter == '\n';
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::optional<std::string> word_;
    std::vector<std::string> words_;
};

} // namespace

Result<std::vector<std::string>> split_command_line(std::string_view text) {
    return Splitter{text}.run();
}

} // namespace davit::model
