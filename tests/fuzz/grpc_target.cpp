// SPDX-License-Identifier: Apache-2.0
// What a server may send to a grpc check: it comes whole or in pieces, and the check makes the same of it.
#include "os/grpc_health.h"

#include "target.h"

#include <algorithm>

namespace davit::fuzz {

namespace {

os::GrpcHealth health_of(std::string_view bytes, std::size_t piece) {
    os::GrpcHealthCall call{"localhost:1", "shop"};
    std::size_t sent = call.take_output().size();
    while (!bytes.empty() && !call.answer()) {
        call.take_input(bytes.substr(0, piece));
        sent += call.take_output().size();
        bytes.remove_prefix(std::min(piece, bytes.size()));
    }
    call.take_end();
    demand(call.answer().has_value(), "a call has an answer when the server has hung up");
    demand(sent < 4 * os::GrpcHealthCall::most_bytes, "a server cannot make a call talk for ever");
    return *call.answer();
}

} // namespace

void run(std::string_view input) {
    input = input.substr(0, os::GrpcHealthCall::most_bytes);
    const os::GrpcHealth whole = health_of(input, std::max<std::size_t>(input.size(), 1));
    demand_readable(whole.text);
    demand(!whole.serving || whole.text == "SERVING", "good is only who says SERVING");
    demand(health_of(input, 1) == whole, "bytes one by one are the same bytes");
    if (const auto text = os::decode_huffman(input)) {
        demand(text->size() <= input.size() * 8 / 5 + 1, "no code is shorter than five bits");
    }
}

} // namespace davit::fuzz
