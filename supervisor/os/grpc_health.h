// SPDX-License-Identifier: Apache-2.0
// One call of grpc.health.v1.Health/Check as bytes: what to send, and what the bytes that come back mean. HTTP/2 with
// prior knowledge and without TLS, one stream, no more of it than this call needs (RFC 9113, and gRPC over HTTP/2).
// It waits for nothing and knows no socket, so that every bad server can be made up in a test.
#pragma once

#include "os/hpack.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace davit::os {

struct GrpcHealth {
    bool serving = false;
    std::string text; // "SERVING", "NOT_SERVING", "UNIMPLEMENTED: it has no health service", "hung up ..."

    friend bool operator==(const GrpcHealth&, const GrpcHealth&) = default;
};

class GrpcHealthCall {
public:
    /// What a server may send in all; a healthy one needs less than 1 KiB.
    static constexpr std::size_t most_bytes = std::size_t{64} * 1024;
    /// Of the name of a service that is asked for; it must fit one frame.
    static constexpr std::size_t longest_service = 1024;

    /// `authority` is the host and port; an empty `service` asks for the server as a whole.
    GrpcHealthCall(std::string_view authority, std::string_view service);

    /// What is to be sent now; empty: nothing.
    std::string take_output();
    void take_input(std::string_view bytes);
    /// The server hung up.
    void take_end();
    /// Once there is an answer, all is done.
    const std::optional<GrpcHealth>& answer() const { return answer_; }

private:
    struct Frame;

    void take_frame(const Frame& frame);
    void take_headers(const Frame& frame);
    void take_header_block();
    void take_data(const Frame& frame);
    void acknowledge(const Frame& frame);
    void take_first_bytes();
    void conclude();
    std::string failed_call() const;
    void fail(std::string text);

    std::string output_;
    std::string input_; // not a whole frame yet
    std::size_t received_ = 0;
    bool greeted_ = false;       // its first frame was SETTINGS
    bool headers_go_on_ = false; // CONTINUATION must follow
    bool stream_ends_ = false;   // the present header block is the last thing
    std::string block_;
    HpackDecoder headers_;
    std::string http_status_;
    std::string grpc_status_;
    std::string grpc_message_;
    std::string message_; // length-prefixed, as it came
    std::optional<GrpcHealth> answer_;
};

} // namespace davit::os
