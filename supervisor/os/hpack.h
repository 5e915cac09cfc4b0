// SPDX-License-Identifier: Apache-2.0
// Reads the compressed headers of HTTP/2 (HPACK, RFC 7541): the static and the dynamic table, and the Huffman code.
// Bytes in, fields out, nothing else; what a server sends is foreign input, so everything has a limit.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::os {

struct HeaderField {
    std::string name;
    std::string value;
    friend bool operator==(const HeaderField&, const HeaderField&) = default;
};

/// The decoder of one connection: later blocks refer to what earlier ones said.
class HpackDecoder {
public:
    /// The size of the table that both sides begin with (SETTINGS_HEADER_TABLE_SIZE).
    static constexpr std::size_t largest_table = 4096;
    /// Of the fields of one block, counted as the table counts them; a few bytes can stand for many.
    static constexpr std::size_t largest_block = std::size_t{64} * 1024;

    /// The fields of one whole header block; nullopt: it cannot be understood, or is too large. Then the connection
    /// is of no use any more.
    std::optional<std::vector<HeaderField>> decode(std::string_view block);

private:
    class Block;

    void insert(const HeaderField& field);
    void limit_to(std::size_t size);

    std::vector<HeaderField> table_; // the newest first
    std::size_t size_ = 0;
    std::size_t limit_ = largest_table;
};

/// A text in the Huffman code of RFC 7541, appendix B; nullopt: it is none.
std::optional<std::string> decode_huffman(std::string_view bytes);

} // namespace davit::os
