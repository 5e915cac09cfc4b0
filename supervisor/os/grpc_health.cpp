// SPDX-License-Identifier: Apache-2.0
#include "os/grpc_health.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace davit::os {
namespace {

constexpr std::size_t frame_head = 9;
constexpr std::size_t largest_frame = 16384; // SETTINGS_MAX_FRAME_SIZE that nobody raised
constexpr std::size_t message_head = 5;
constexpr std::size_t longest_shown = 200;

enum FrameType : std::uint8_t {
    data = 0,
    headers = 1,
    reset_stream = 3,
    settings = 4,
    push_promise = 5,
    ping = 6,
    go_away = 7,
    continuation = 9,
};

constexpr std::uint8_t end_stream = 0x1;
constexpr std::uint8_t ack = 0x1;
constexpr std::uint8_t end_headers = 0x4;
constexpr std::uint8_t padded = 0x8;
constexpr std::uint8_t with_priority = 0x20;

void append_number(std::string& bytes, std::uint32_t number, int size) {
    for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) {
        bytes.push_back(static_cast<char>(number >> static_cast<unsigned>(shift)));
    }
}

std::uint32_t number_of(std::string_view bytes) {
    std::uint32_t number = 0;
    for (const char byte : bytes) {
        number = number << 8U | static_cast<unsigned char>(byte);
    }
    return number;
}

void append_frame(std::string& bytes, std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                  std::string_view payload) {
    append_number(bytes, static_cast<std::uint32_t>(payload.size()), 3);
    append_number(bytes, type, 1);
    append_number(bytes, flags, 1);
    append_number(bytes, stream, 4);
    bytes += payload;
}

/// Numbers of HPACK (7 bits first) and of protobuf are alike in this: seven bits a byte.
void append_groups(std::string& bytes, std::size_t number) {
    for (; number >= 0x80; number >>= 7U) {
        bytes.push_back(static_cast<char>(number | 0x80U));
    }
    bytes.push_back(static_cast<char>(number));
}

/// A text of HPACK without the Huffman code.
void append_text(std::string& bytes, std::string_view text) {
    constexpr std::size_t most = 0x7f;
    if (text.size() < most) {
        bytes.push_back(static_cast<char>(text.size()));
    } else {
        bytes.push_back(static_cast<char>(most));
        append_groups(bytes, text.size() - most);
    }
    bytes += text;
}

/// Fields that stay out of the server's table; numbers are places in the static table of HPACK.
std::string request_headers(std::string_view authority) {
    std::string block = "\x83\x86"; // :method POST, :scheme http
    block += '\x04';                // :path
    append_text(block, "/grpc.health.v1.Health/Check");
    block += '\x01'; // :authority
    append_text(block, authority);
    block += "\x0f\x10"; // content-type
    append_text(block, "application/grpc");
    block += "\x0f\x2b"; // user-agent
    append_text(block, "davit");
    block += '\0'; // a new name
    append_text(block, "te");
    append_text(block, "trailers");
    return block;
}

/// HealthCheckRequest{service = 1}, as gRPC frames messages.
std::string request_message(std::string_view service) {
    std::string message;
    if (!service.empty()) {
        message.push_back('\x0a');
        append_groups(message, service.size());
        message += service;
    }
    std::string framed(1, '\0'); // not compressed
    append_number(framed, static_cast<std::uint32_t>(message.size()), 4);
    return framed + message;
}

std::string as_shown(std::string_view text) {
    std::string shown{text.substr(0, longest_shown)};
    std::ranges::replace_if(shown, [](unsigned char character) { return character < ' ' || character > 126; }, '?');
    return shown;
}

/// A number of protobuf at the front; nullopt: there is none.
std::optional<std::uint64_t> take_varint(std::string_view& bytes) {
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
        const auto byte = static_cast<unsigned char>(bytes.front());
        bytes.remove_prefix(1);
        number |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
        if ((byte & 0x80U) == 0) {
            return number;
        }
    }
    return std::nullopt;
}

/// HealthCheckResponse{status = 1}: the last value counts, other fields are skipped; nullopt: no such message.
std::optional<std::uint64_t> serving_status(std::string_view message) {
    constexpr std::uint64_t status_field = 1 << 3U;
    std::uint64_t status = 0;
    while (!message.empty()) {
        const auto tag = take_varint(message);
        std::optional<std::uint64_t> skipped;
        switch (tag.value_or(7) & 7U) {
        case 0: skipped = take_varint(message); break;
        case 1: skipped = 8; break;
        case 2: skipped = take_varint(message); break;
        case 5: skipped = 4; break;
        default: break;
        }
        if (!skipped) {
            return std::nullopt;
        }
        if (tag == status_field) {
            status = *skipped;
        } else if ((*tag & 7U) != 0) {
            if (*skipped > message.size()) {
                return std::nullopt;
            }
            message.remove_prefix(*skipped);
        }
    }
    return status;
}

GrpcHealth health_of(std::uint64_t status) {
    constexpr std::array<std::string_view, 4> names{"UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"};
    return {.serving = status == 1,
            .text = status < names.size() ? std::string{names[status]} : "status " + std::to_string(status)};
}

/// google.rpc.Code
std::string name_of_status(std::string_view status) {
    constexpr std::array<std::string_view, 17> names{
        "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
        "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
        "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
        "DATA_LOSS", "UNAUTHENTICATED"};
    std::size_t number = names.size();
    std::from_chars(status.data(), status.data() + status.size(), number);
    return number < names.size() ? std::string{names[number]} : "grpc-status " + as_shown(status);
}

/// grpc-message is percent-encoded.
std::string decode_percent(std::string_view text) {
    std::string decoded;
    while (!text.empty()) {
        unsigned byte = 0;
        const bool is_code = text.size() >= 3 && text.front() == '%' &&
                             std::from_chars(text.data() + 1, text.data() + 3, byte, 16).ptr == text.data() + 3;
        decoded.push_back(is_code ? static_cast<char>(byte) : text.front());
        text.remove_prefix(is_code ? 3 : 1);
    }
    return decoded;
}

} // namespace

struct GrpcHealthCall::Frame {
    std::uint8_t type;
    std::uint8_t flags;
    std::uint32_t stream;
    std::string_view payload;

    bool has(std::uint8_t flag) const { return (flags & flag) != 0; }

    /// The payload without padding and priority; nullopt: it is padded with more than there is.
    std::optional<std::string_view> content() const {
        std::string_view inside = payload;
        std::size_t padding = 0;
        if (has(padded)) {
            if (inside.empty()) {
                return std::nullopt;
            }
            padding = static_cast<unsigned char>(inside.front());
            inside.remove_prefix(1);
        }
        const std::size_t before = type == headers && has(with_priority) ? 5 : 0;
        if (inside.size() < before + padding) {
            return std::nullopt;
        }
        return inside.substr(before, inside.size() - before - padding);
    }
};

GrpcHealthCall::GrpcHealthCall(std::string_view authority, std::string_view service)
    : output_("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") {
    // No pushed streams; everything else as the protocol begins.
    append_frame(output_, settings, 0, 0, std::string_view{"\0\2\0\0\0\0", 6});
    append_frame(output_, headers, end_headers, 1, request_headers(authority));
    append_frame(output_, data, end_stream, 1, request_message(service.substr(0, longest_service)));
}

std::string GrpcHealthCall::take_output() {
    return std::exchange(output_, {});
}

void GrpcHealthCall::take_input(std::string_view bytes) {
    received_ += bytes.size();
    input_ += bytes;
    take_first_bytes();
    std::size_t taken = 0;
    while (!answer_ && input_.size() - taken >= frame_head) {
        const std::string_view rest = std::string_view{input_}.substr(taken);
        const std::uint32_t length = number_of(rest.substr(0, 3));
        if (length > largest_frame) {
            return fail("sent a frame of " + std::to_string(length) + " bytes");
        }
        if (rest.size() < frame_head + length) {
            break;
        }
        constexpr std::uint32_t without_reserved = 0x7fffffff;
        take_frame(Frame{.type = static_cast<std::uint8_t>(rest[3]),
                         .flags = static_cast<std::uint8_t>(rest[4]),
                         .stream = number_of(rest.substr(5, 4)) & without_reserved,
                         .payload = rest.substr(frame_head, length)});
        taken += frame_head + length;
    }
    input_.erase(0, taken);
    if (!answer_ && received_ > most_bytes) {
        fail("sent " + std::to_string(received_ / 1024) + " KiB and no answer");
    }
}

void GrpcHealthCall::take_end() {
    if (!answer_) {
        fail(greeted_ ? "hung up before it answered" : "hung up: it does not speak HTTP/2 without TLS");
    }
}

/// A server that speaks something else shows it at once.
void GrpcHealthCall::take_first_bytes() {
    if (greeted_ || answer_) {
        return;
    }
    constexpr std::string_view http_1 = "HTTP/1";
    constexpr std::string_view tls_alert = "\x15\x03";
    if (input_.starts_with(http_1)) {
        fail("answers in HTTP/1: it does not speak gRPC");
    } else if (input_.starts_with(tls_alert)) {
        fail("speaks TLS: a grpc probe does not");
    } else if (input_.size() >= frame_head && (input_[3] != settings || number_of(input_.substr(5, 4)) != 0)) {
        fail("does not speak HTTP/2");
    } else {
        greeted_ = input_.size() >= frame_head;
    }
}

void GrpcHealthCall::take_frame(const Frame& frame) {
    if (headers_go_on_ && frame.type != continuation) {
        return fail("broke the rules of HTTP/2: headers without an end");
    }
    switch (frame.type) {
    case settings:
    case ping: return acknowledge(frame);
    case headers:
    case continuation: return take_headers(frame);
    case data: return take_data(frame);
    case reset_stream:
        return fail("broke the call off (HTTP/2 error " + std::to_string(number_of(frame.payload)) + ")");
    case go_away:
        // It may still answer what it has taken.
        if (frame.payload.size() < 8 || (number_of(frame.payload.substr(0, 4)) & 0x7fffffffU) < 1) {
            fail("takes no calls any more");
        }
        return;
    case push_promise: return fail("broke the rules of HTTP/2: a push that nobody wanted");
    default: return; // priorities, windows, extensions
    }
}

void GrpcHealthCall::acknowledge(const Frame& frame) {
    const bool whole = frame.type == ping ? frame.payload.size() == 8 : frame.payload.size() % 6 == 0;
    if (!whole || frame.stream != 0) {
        return fail("broke the rules of HTTP/2: a bad SETTINGS or PING");
    }
    if (!frame.has(ack)) {
        append_frame(output_, frame.type, ack, 0, frame.type == ping ? frame.payload : std::string_view{});
    }
}

void GrpcHealthCall::take_headers(const Frame& frame) {
    const bool goes_on = frame.type == continuation;
    const auto content = goes_on ? std::optional{frame.payload} : frame.content();
    if (!content || frame.stream != 1 || goes_on != headers_go_on_) {
        return fail("broke the rules of HTTP/2: headers out of place");
    }
    block_ += *content;
    stream_ends_ = goes_on ? stream_ends_ : frame.has(end_stream);
    headers_go_on_ = !frame.has(end_headers);
    if (!headers_go_on_) {
        take_header_block();
    }
}

void GrpcHealthCall::take_header_block() {
    const auto fields = headers_.decode(std::exchange(block_, {}));
    if (!fields) {
        return fail("broke the rules of HTTP/2: headers that cannot be read");
    }
    for (const HeaderField& field : *fields) {
        if (field.name == ":status") {
            http_status_ = field.value;
        } else if (field.name == "grpc-status") {
            grpc_status_ = field.value;
        } else if (field.name == "grpc-message") {
            grpc_message_ = field.value;
        }
    }
    if (stream_ends_) {
        conclude();
    }
}

void GrpcHealthCall::take_data(const Frame& frame) {
    const auto content = frame.content();
    if (!content || frame.stream != 1 || http_status_.empty()) {
        return fail("broke the rules of HTTP/2: data out of place");
    }
    message_ += *content;
    if (frame.has(end_stream)) {
        conclude();
    }
}

/// The stream has ended: everything that will be known is known.
void GrpcHealthCall::conclude() {
    if (http_status_.empty()) {
        return fail("answers without a status");
    }
    if (http_status_ != "200") {
        return fail("answers " + as_shown(http_status_) + ": it does not speak gRPC");
    }
    if (grpc_status_.empty()) {
        return fail("answers without a grpc-status");
    }
    if (grpc_status_ != "0") {
        return fail(failed_call());
    }
    const bool is_plain = message_.size() >= message_head && message_[0] == '\0';
    const std::uint32_t length = is_plain ? number_of(std::string_view{message_}.substr(1, 4)) : 0;
    if (!is_plain || message_.size() < message_head + length) {
        return fail("answers without a message that can be read");
    }
    const auto status = serving_status(std::string_view{message_}.substr(message_head, length));
    if (!status) {
        return fail("answers with a message that is no health");
    }
    answer_ = health_of(*status);
}

std::string GrpcHealthCall::failed_call() const {
    const std::string name = name_of_status(grpc_status_);
    if (name == "UNIMPLEMENTED") {
        return name + ": it has no health service";
    }
    if (name == "NOT_FOUND") {
        return name + ": its health service does not know this name";
    }
    return grpc_message_.empty() ? name : name + ": " + as_shown(decode_percent(grpc_message_));
}

void GrpcHealthCall::fail(std::string text) {
    if (!answer_) {
        answer_ = GrpcHealth{.serving = false, .text = std::move(text)};
    }
}

} // namespace davit::os
