// SPDX-License-Identifier: Apache-2.0
// Joins texts and whole numbers to one string, without the weight of a formatting library: each call makes views of
// its parts, and one function does the rest.
#pragma once

#include <array>
#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

namespace davit::config {

std::string join(std::initializer_list<std::string_view> parts);

/// A part as text, for as long as the call lasts.
class Piece {
public:
    Piece(std::string_view text) : text_(text) {}
    Piece(const std::string& text) : text_(text) {}
    Piece(const char* text) : text_(text) {}
    Piece(char letter) : digits_{letter}, text_(digits_.data(), 1) {}
    explicit Piece(long long number);
    template <std::integral Number>
    Piece(Number number) : Piece(static_cast<long long>(number)) {}
    Piece(const Piece&) = delete;
    Piece& operator=(const Piece&) = delete;

    std::string_view text() const { return text_; }

private:
    std::array<char, 24> digits_{};
    std::string_view text_;
};

template <typename... Parts>
std::string concat(const Parts&... parts) {
    return join({Piece{parts}.text()...});
}

} // namespace davit::config
