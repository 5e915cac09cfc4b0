// SPDX-License-Identifier: Apache-2.0
#include "app/run_options.h"

#include <optional>
#include <span>
#include <string_view>

namespace davit::app {
namespace {

/// Walks over the words, one option at a time.
class Parser {
public:
    explicit Parser(std::span<const std::string> words) : words_(words) {}

    Result<RunOptions> parse() {
        while (next_ < words_.size()) {
            const std::string_view word = words_[next_];
            if (word == "--" || !word.starts_with('-')) {
                take_command(word == "--");
                return options_;
            }
            ++next_;
            if (auto taken = take_option(word); !taken) {
                return std::unexpected{taken.error()};
            }
        }
        return options_;
    }

private:
    /// CMD may stand without `--`, as tini allows.
    void take_command(bool after_dashes) {
        const auto command = words_.subspan(next_ + (after_dashes ? 1 : 0));
        options_.command.assign(command.begin(), command.end());
    }

    Result<void> take_option(std::string_view word) {
        if (word == "-h" || word == "--help") {
            options_.help = true;
            return {};
        }
        if (word == "-g") {
            options_.signal_group = true;
            return {};
        }
        for (const auto& [name, value] : {std::pair{std::string_view{"-c"}, &options_.config},
                                          std::pair{std::string_view{"--config"}, &options_.config},
                                          std::pair{std::string_view{"--app"}, &options_.app_file},
                                          std::pair{std::string_view{"--mode"}, &options_.mode},
                                          std::pair{std::string_view{"--socket"}, &options_.socket}}) {
            if (word == name || (name.starts_with("--") && is_assignment(word, name))) {
                return take_value(word, name, *value);
            }
        }
        return failure("unknown option " + std::string{word} + " (CMD's own options go after --)");
    }

    static bool is_assignment(std::string_view word, std::string_view name) {
        return word.size() > name.size() && word.starts_with(name) && word[name.size()] == '=';
    }

    Result<void> take_value(std::string_view word, std::string_view name, std::optional<std::string>& value) {
        if (word != name) {
            value = word.substr(name.size() + 1);
        } else if (next_ < words_.size()) {
            value = words_[next_++];
        } else {
            return failure("option " + std::string{name} + " needs a value");
        }
        if (value->empty()) {
            return failure("option " + std::string{name} + " has an empty value");
        }
        return {};
    }

    std::span<const std::string> words_;
    std::size_t next_ = 0;
    RunOptions options_;
};

} // namespace

Result<RunOptions> parse_run_options(const std::vector<std::string>& arguments) {
    return Parser{arguments}.parse();
}

} // namespace davit::app
