// SPDX-License-Identifier: Apache-2.0
// The body of hpack.h. The Huffman code is canonical (codes of one length are in the order of their symbols), so the
// lengths are the whole table.
#include "os/hpack.h"

#include <array>
#include <cstdint>

namespace davit::os {
namespace {

constexpr std::size_t symbols = 257; // every byte, and the mark of the end
constexpr std::size_t end_mark = 256;
constexpr std::size_t longest_code = 30;
constexpr std::size_t cost_of_entry = 32; // RFC 7541, 4.1
constexpr std::uint32_t largest_number = 1U << 20U;

// clang-format off
constexpr std::array<std::uint8_t, symbols> code_lengths{
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30};
// clang-format on

/// How many codes of each length there are, and the symbols in the order of their codes.
struct Code {
    std::array<std::uint16_t, longest_code + 1> counts{};
    std::array<std::uint16_t, symbols> ordered{};
};

constexpr Code make_code() {
    Code code;
    std::size_t place = 0;
    for (std::size_t length = 1; length <= longest_code; ++length) {
        for (std::size_t symbol = 0; symbol < symbols; ++symbol) {
            if (code_lengths[symbol] == length) {
                code.ordered[place++] = static_cast<std::uint16_t>(symbol);
                ++code.counts[length];
            }
        }
    }
    return code;
}

constexpr Code huffman = make_code();

struct StaticField {
    std::string_view name;
    std::string_view value;
};

/// RFC 7541, appendix A; index 1 stands first.
constexpr std::array<StaticField, 61> static_table{{{":authority", ""},
                                                    {":method", "GET"},
                                                    {":method", "POST"},
                                                    {":path", "/"},
                                                    {":path", "/index.html"},
                                                    {":scheme", "http"},
                                                    {":scheme", "https"},
                                                    {":status", "200"},
                                                    {":status", "204"},
                                                    {":status", "206"},
                                                    {":status", "304"},
                                                    {":status", "400"},
                                                    {":status", "404"},
                                                    {":status", "500"},
                                                    {"accept-charset", ""},
                                                    {"accept-encoding", "gzip, deflate"},
                                                    {"accept-language", ""},
                                                    {"accept-ranges", ""},
                                                    {"accept", ""},
                                                    {"access-control-allow-origin", ""},
                                                    {"age", ""},
                                                    {"allow", ""},
                                                    {"authorization", ""},
                                                    {"cache-control", ""},
                                                    {"content-disposition", ""},
                                                    {"content-encoding", ""},
                                                    {"content-language", ""},
                                                    {"content-length", ""},
                                                    {"content-location", ""},
                                                    {"content-range", ""},
                                                    {"content-type", ""},
                                                    {"cookie", ""},
                                                    {"date", ""},
                                                    {"etag", ""},
                                                    {"expect", ""},
                                                    {"expires", ""},
                                                    {"from", ""},
                                                    {"host", ""},
                                                    {"if-match", ""},
                                                    {"if-modified-since", ""},
                                                    {"if-none-match", ""},
                                                    {"if-range", ""},
                                                    {"if-unmodified-since", ""},
                                                    {"last-modified", ""},
                                                    {"link", ""},
                                                    {"location", ""},
                                                    {"max-forwards", ""},
                                                    {"proxy-authenticate", ""},
                                                    {"proxy-authorization", ""},
                                                    {"range", ""},
                                                    {"referer", ""},
                                                    {"refresh", ""},
                                                    {"retry-after", ""},
                                                    {"server", ""},
                                                    {"set-cookie", ""},
                                                    {"strict-transport-security", ""},
                                                    {"transfer-encoding", ""},
                                                    {"user-agent", ""},
                                                    {"vary", ""},
                                                    {"via", ""},
                                                    {"www-authenticate", ""}}};

std::size_t cost_of(const HeaderField& field) {
    return field.name.size() + field.value.size() + cost_of_entry;
}

/// The bits of a text, the highest of each byte first.
class Bits {
public:
    explicit Bits(std::string_view bytes) : bytes_(bytes) {}

    std::size_t left() const { return bytes_.size() * 8 - place_; }
    std::uint32_t next() {
        const auto byte = static_cast<unsigned char>(bytes_[place_ / 8]);
        return (byte >> (7 - place_++ % 8)) & 1U;
    }

private:
    std::string_view bytes_;
    std::size_t place_ = 0;
};

} // namespace

std::optional<std::string> decode_huffman(std::string_view bytes) {
    std::string text;
    Bits bits{bytes};
    std::uint32_t code = 0;  // of the symbol that is being read
    std::uint32_t first = 0; // the first code of this length
    std::size_t shorter = 0; // how many symbols have shorter codes
    std::size_t length = 0;
    bool only_ones = true;
    while (bits.left() > 0) {
        const std::uint32_t bit = bits.next();
        only_ones = only_ones && bit == 1;
        code = code << 1U | bit;
        first <<= 1U;
        const std::uint32_t count = huffman.counts[++length];
        if (code - first < count) {
            const std::size_t symbol = huffman.ordered[shorter + code - first];
            if (symbol == end_mark) {
                return std::nullopt;
            }
            text.push_back(static_cast<char>(symbol));
            code = first = 0;
            shorter = length = 0;
            only_ones = true;
            continue;
        }
        if (length == longest_code) {
            return std::nullopt;
        }
        first += count;
        shorter += count;
    }
    // The last byte is filled up with the beginning of the mark of the end, which is all ones.
    return length < 8 && only_ones ? std::optional{std::move(text)} : std::nullopt;
}

/// One header block at work.
class HpackDecoder::Block {
public:
    Block(HpackDecoder& decoder, std::string_view bytes) : decoder_(decoder), rest_(bytes) {}

    std::optional<std::vector<HeaderField>> read() {
        std::size_t size = 0;
        while (!rest_.empty() && !failed_) {
            const auto kind = static_cast<unsigned char>(rest_.front());
            if ((kind & 0xe0U) == 0x20U) {
                take_table_size();
                continue;
            }
            HeaderField field = read_field(kind);
            size += cost_of(field);
            failed_ = failed_ || size > largest_block;
            fields_.push_back(std::move(field));
        }
        return failed_ ? std::nullopt : std::optional{std::move(fields_)};
    }

private:
    HeaderField read_field(unsigned char kind) {
        if ((kind & 0x80U) != 0) {
            return entry(number(7));
        }
        const bool is_kept = (kind & 0x40U) != 0;
        const std::uint32_t index = number(is_kept ? 6 : 4);
        HeaderField field;
        field.name = index == 0 ? text() : entry(index).name;
        field.value = text();
        if (is_kept && !failed_) {
            decoder_.insert(field);
        }
        return field;
    }

    void take_table_size() {
        const std::uint32_t size = number(5);
        failed_ = failed_ || size > largest_table;
        if (!failed_) {
            decoder_.limit_to(size);
        }
    }

    HeaderField entry(std::size_t index) {
        if (index >= 1 && index <= static_table.size()) {
            const StaticField& field = static_table[index - 1];
            return {.name = std::string{field.name}, .value = std::string{field.value}};
        }
        const std::size_t place = index - static_table.size() - 1;
        if (index == 0 || place >= decoder_.table_.size()) {
            failed_ = true;
            return {};
        }
        return decoder_.table_[place];
    }

    /// RFC 7541, 5.1: what does not fit the low `bits` of the first byte follows in groups of seven.
    std::uint32_t number(unsigned bits) {
        const std::uint32_t most = (1U << bits) - 1;
        std::uint32_t value = byte() & most;
        if (value < most) {
            return value;
        }
        for (unsigned shift = 0; !failed_; shift += 7) {
            const std::uint32_t more = byte();
            value += (more & 0x7fU) << shift;
            failed_ = failed_ || value > largest_number || shift > 14;
            if ((more & 0x80U) == 0) {
                break;
            }
        }
        return failed_ ? 0 : value;
    }

    std::string text() {
        const bool is_huffman = !rest_.empty() && (static_cast<unsigned char>(rest_.front()) & 0x80U) != 0;
        const std::uint32_t length = number(7);
        if (failed_ || length > rest_.size()) {
            failed_ = true;
            return {};
        }
        const std::string_view bytes = rest_.substr(0, length);
        rest_.remove_prefix(length);
        if (!is_huffman) {
            return std::string{bytes};
        }
        std::optional<std::string> decoded = decode_huffman(bytes);
        failed_ = !decoded;
        return decoded.value_or(std::string{});
    }

    std::uint32_t byte() {
        if (rest_.empty()) {
            failed_ = true;
            return 0;
        }
        const auto value = static_cast<unsigned char>(rest_.front());
        rest_.remove_prefix(1);
        return value;
    }

    HpackDecoder& decoder_;
    std::string_view rest_;
    std::vector<HeaderField> fields_;
    bool failed_ = false;
};

std::optional<std::vector<HeaderField>> HpackDecoder::decode(std::string_view block) {
    return Block{*this, block}.read();
}

void HpackDecoder::insert(const HeaderField& field) {
    table_.insert(table_.begin(), field);
    size_ += cost_of(field);
    limit_to(limit_);
}

void HpackDecoder::limit_to(std::size_t size) {
    limit_ = size;
    while (size_ > limit_) {
        size_ -= cost_of(table_.back());
        table_.pop_back();
    }
}

} // namespace davit::os
