// SPDX-License-Identifier: Apache-2.0
// The body of interpolation.h: finds each reference with the brace that closes it, resolves it, and goes on behind it.
// Values are never read again, so a variable cannot bring references in.
#include "model/interpolation.h"

#include <algorithm>

namespace davit::model {
namespace {

constexpr int deepest_default = 16;

using Outcome = std::expected<std::string, InterpolationError>;

bool is_name(std::string_view name) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    const auto part = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
    return !name.empty() && letter(name.front()) && std::ranges::all_of(name, part);
}

class Interpolator {
public:
    explicit Interpolator(const InterpolationSources& sources) : sources_(sources) {}

    Outcome resolve(std::string_view text, std::size_t base, int depth) const {
        std::string result;
        std::size_t at = 0;
        while (at < text.size()) {
            const std::size_t dollar = text.find('$', at);
            result += text.substr(at, dollar - at);
            if (dollar == std::string_view::npos) {
                break;
            }
            const char next = dollar + 1 < text.size() ? text[dollar + 1] : '\0';
            if (next != '{') {
                result += '$';
                at = dollar + (next == '$' ? 2 : 1);
                continue;
            }
            const std::size_t close = closing_brace(text, dollar + 2);
            if (close == std::string_view::npos) {
                return error(InterpolationFault::unclosed, base + dollar, "${ is never closed with }");
            }
            Outcome value = resolve_reference(text.substr(dollar + 2, close - dollar - 2), base + dollar, depth);
            if (!value) {
                return value;
            }
            result += *value;
            at = close + 1;
        }
        return result;
    }

private:
    static std::unexpected<InterpolationError> error(InterpolationFault fault, std::size_t offset, std::string text) {
        return std::unexpected{InterpolationError{fault, offset, std::move(text)}};
    }

    /// The `}` that belongs to a `${` whose inside begins at `at`; nested ones are passed over.
    static std::size_t closing_brace(std::string_view text, std::size_t at) {
        int open = 1;
        for (; at < text.size(); ++at) {
            if (text[at] == '$' && at + 1 < text.size() && text[at + 1] == '{') {
                ++open;
                ++at;
            } else if (text[at] == '}' && --open == 0) {
                return at;
            }
        }
        return std::string_view::npos;
    }

    Outcome resolve_reference(std::string_view inside, std::size_t offset, int depth) const {
        if (inside.starts_with("file:/") && sources_.file) {
            return resolve_file(std::string{inside.substr(5)}, offset);
        }
        const std::size_t colon = inside.find(':');
        const std::string name{inside.substr(0, colon)};
        const std::string_view rest = colon == std::string_view::npos ? std::string_view{} : inside.substr(colon);
        const bool with_default = rest.starts_with(":-");
        const bool with_message = rest.starts_with(":?");
        if (!is_name(name) || (!rest.empty() && !with_default && !with_message)) {
            return error(
                InterpolationFault::bad_name, offset,
                "\"${" + std::string{inside} +
                    "}\" is neither ${NAME}, ${NAME:-default}, ${NAME:?message} nor ${file:/path}; write $$ for a $");
        }
        const std::optional<std::string> value = sources_.variable(name);
        // As in a shell, the forms with a colon treat an empty value as none.
        if (value && (rest.empty() || !value->empty())) {
            return *value;
        }
        if (with_default) {
            if (depth == deepest_default) {
                return error(InterpolationFault::too_deep, offset, "defaults are nested too deep");
            }
            return resolve(rest.substr(2), offset + 2 + name.size() + 2, depth + 1);
        }
        if (with_message) {
            const std::string message{rest.substr(2)};
            return error(InterpolationFault::message, offset, name + ": " + (message.empty() ? "is not set" : message));
        }
        return error(InterpolationFault::unset, offset,
                     "the variable " + name + " is not set; write ${" + name + ":-default} to do without it");
    }

    Outcome resolve_file(const std::string& path, std::size_t offset) const {
        Result<std::string> content = sources_.file(path);
        if (!content) {
            return error(InterpolationFault::file, offset, "cannot read " + path + ": " + content.error().text);
        }
        const std::size_t line_end = content->ends_with("\r\n") ? 2 : content->ends_with('\n') ? 1 : 0;
        content->resize(content->size() - line_end);
        return std::move(*content);
    }

    const InterpolationSources& sources_;
};

} // namespace

std::expected<std::string, InterpolationError> interpolate(std::string_view text, const InterpolationSources& sources) {
    return Interpolator{sources}.resolve(text, 0, 0);
}

bool needs_interpolation(std::string_view text) {
    return text.contains("$$") || text.contains("${");
}

} // namespace davit::model
