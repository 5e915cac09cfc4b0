// SPDX-License-Identifier: Apache-2.0
// Line by line. See env_file.h.
#include "config/env_file.h"

#include "config/concat.h"
#include "model/text_parts.h"

#include <algorithm>
#include <optional>
#include <string>

namespace davit::config {

namespace {

constexpr std::string_view escaped_in_double_quotes = "\"\\$`";

bool is_letter(char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') || character == '_';
}

/// What Kubernetes takes as the name of a variable.
bool is_name(std::string_view text) {
    return !text.empty() && (is_letter(text.front()) || text.front() == '.' || text.front() == '-') &&
           std::ranges::all_of(text, [](char character) {
               return is_letter(character) || (character >= '0' && character <= '9') || character == '.' ||
                      character == '-';
           });
}

class EnvFile {
public:
    EnvFile(std::string_view text, std::uint32_t file, Problems& problems)
        : rest_(text), file_(file), problems_(problems) {}

    std::vector<model::EnvVariable> parse() {
        constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
        if (rest_.starts_with(byte_order_mark)) {
            rest_.remove_prefix(byte_order_mark.size());
        }
        while (!rest_.empty()) {
            const std::size_t end = std::min(rest_.find('\n'), rest_.size());
            const std::string_view line = model::trimmed(rest_.substr(0, end));
            rest_.remove_prefix(std::min(end + 1, rest_.size()));
            ++line_;
            if (!line.empty() && line.front() != '#') {
                take(line);
            }
        }
        return std::move(variables_);
    }

private:
    void tell(std::string text, Severity severity = Severity::error) {
        problems_.add({.file = file_, .line = line_, .column = 1}, "", std::move(text), severity);
    }

    void take(std::string_view line) {
        if (line.contains('\0')) {
            return tell("there is a NUL character in this line");
        }
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos) {
            return tell("expected NAME=value, found a line without \"=\"");
        }
        const std::string_view name = model::trimmed(line.substr(0, equals));
        if (name.starts_with("export ") || name.starts_with("export\t")) {
            return tell("this is no shell script: leave out \"export\"");
        }
        if (!is_name(name)) {
            return tell("a variable's name has letters, digits, \"_\", \".\" and \"-\" and does not begin with a "
                        "digit, found " +
                        quoted(name));
        }
        if (std::optional<std::string> value = value_of(name, model::trimmed(line.substr(equals + 1)))) {
            keep(name, *std::move(value));
        }
    }

    void keep(std::string_view name, std::string value) {
        const auto known = std::ranges::find(variables_, name, &model::EnvVariable::name);
        if (known == variables_.end()) {
            variables_.push_back({.name = std::string{name}, .value = std::move(value)});
            return;
        }
        tell(concat(name, " stands in this file twice: the later one counts"), Severity::warning);
        known->value = std::move(value);
    }

    std::optional<std::string> value_of(std::string_view name, std::string_view written) {
        if (written.empty() || (written.front() != '"' && written.front() != '\'')) {
            return std::string{written};
        }
        const char quote = written.front();
        std::string value;
        for (std::size_t index = 1; index < written.size(); ++index) {
            if (written[index] == quote) {
                if (index + 1 == written.size()) {
                    return value;
                }
                tell(concat(name, ": there is text after the closing quote"));
                return std::nullopt;
            }
            const bool escapes = quote == '"' && written[index] == '\\' && index + 1 < written.size() &&
                                 escaped_in_double_quotes.contains(written[index + 1]);
            index += escapes ? 1 : 0;
            value += written[index];
        }
        tell(concat(name, ": the quote is not closed on this line"));
        return std::nullopt;
    }

    std::string_view rest_;
    std::uint32_t file_;
    std::uint32_t line_ = 0;
    Problems& problems_;
    std::vector<model::EnvVariable> variables_;
};

} // namespace

std::vector<model::EnvVariable> parse_env_file(std::string_view text, std::uint32_t file, Problems& problems) {
    return EnvFile{text, file, problems}.parse();
}

} // namespace davit::config
