// SPDX-License-Identifier: Apache-2.0
#include "cli/client.h"

#include "os/client_io.h"
#include "os/sockets.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <array>
#include <thread>

namespace davit::cli {
namespace {

namespace http = boost::beast::http;
using Parser = http::response_parser<http::string_body>;

constexpr std::size_t read_size = std::size_t{16} * 1024;
constexpr std::chrono::milliseconds first_pause{1};
constexpr std::chrono::milliseconds longest_pause{50};

TimePoint now() {
    return std::chrono::steady_clock::now();
}

Failure gone() {
    return {api::ClientExit::negative, "davit ended before it answered"};
}

/// davit closes a caller that it does not serve without a word; one that dies at this moment does too.
Failure not_served() {
    return {
        api::ClientExit::unreachable,
        "davit closed the connection without an answer: it serves root and its own user, from inside its container"};
}

Failure not_understood(const std::string& what) {
    return {api::ClientExit::unreachable, "what answers on the socket is not davit: " + what};
}

std::string as_text(const ApiRequest& request) {
    std::string text{request.method};
    text += ' ';
    text += request.target;
    text += " HTTP/1.1\r\nHost: davit\r\nConnection: close\r\n";
    if (!request.body.empty()) {
        text += "Content-Type: application/json\r\n";
    }
    if (request.method != "GET") {
        text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
    }
    return text + "\r\n" + request.body;
}

/// Hands the whole lines at the start of `text` to `on_line` and leaves the rest.
void take_lines(std::string& text, const std::function<void(std::string_view line)>& on_line) {
    std::size_t begin = 0;
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
        on_line(std::string_view{text}.substr(begin, end - begin));
        begin = end + 1;
    }
    text.erase(0, begin);
}

bool is_stream(const Parser& parser) {
    const auto type = parser.get()[http::field::content_type];
    return parser.is_header_done() && std::string_view{type.data(), type.size()} == api::stream_content_type;
}

} // namespace

Client::Attempt Client::try_all(const std::vector<std::string>& sockets, std::string& problems) {
    problems.clear();
    for (const std::string& place : sockets) {
        auto connected = os::connect_to(place);
        if (connected) {
            socket_ = std::move(*connected);
            return Attempt::connected;
        }
        if (connected.error().problem == os::ConnectProblem::busy) {
            problems = place + " (" + connected.error().text + ")";
            return Attempt::busy;
        }
        problems += (problems.empty() ? "" : ", ") + place + " (" + connected.error().text + ")";
    }
    return Attempt::absent;
}

Outcome<void> Client::connect(const std::vector<std::string>& sockets, TimePoint patience) {
    std::string problems;
    for (Duration pause = first_pause;; pause = std::min<Duration>(pause * 2, longest_pause)) {
        const Attempt attempt = try_all(sockets, problems);
        if (attempt == Attempt::connected) {
            return {};
        }
        const TimePoint limit = attempt == Attempt::busy ? deadline_ : std::min(patience, deadline_);
        const TimePoint moment = now();
        if (moment >= limit && attempt == Attempt::busy) {
            return std::unexpected{Failure{api::ClientExit::timed_out, "davit takes no clients: " + problems}};
        }
        if (moment >= limit) {
            return std::unexpected{Failure{api::ClientExit::unreachable, "no davit reachable: " + problems}};
        }
        std::this_thread::sleep_for(std::min<Duration>(pause, limit - moment));
    }
}

Outcome<os::Fd> Client::hand_over(const ApiRequest& request) {
    if (os::send_within(socket_.get(), as_text(request), deadline_) == os::IoEnd::deadline) {
        return std::unexpected{Failure{api::ClientExit::timed_out, "no answer in time"}};
    }
    return std::move(socket_);
}

Outcome<Reply> Client::call(const ApiRequest& request, const std::function<void(std::string_view line)>& on_line) {
    const Failure too_late{api::ClientExit::timed_out, "no answer in time"};
    const os::IoEnd sent = os::send_within(socket_.get(), as_text(request), deadline_);
    if (sent == os::IoEnd::deadline) {
        return std::unexpected{too_late};
    }
    Parser parser;
    parser.eager(true);
    parser.body_limit(boost::none);
    std::string unread;
    std::array<char, read_size> buffer;
    while (!parser.is_done()) {
        const os::Received received = os::receive_within(socket_.get(), buffer, deadline_);
        if (received.end == os::IoEnd::deadline) {
            return std::unexpected{too_late};
        }
        boost::system::error_code error;
        if (received.end == os::IoEnd::closed) {
            if (parser.got_some()) {
                parser.put_eof(error);
            }
            if (error || !parser.is_done()) {
                return std::unexpected{parser.got_some() ? gone() : not_served()};
            }
            break;
        }
        unread.append(buffer.data(), received.size);
        const std::size_t used = parser.put(boost::asio::buffer(unread), error);
        unread.erase(0, used);
        if (error && error != http::error::need_more) {
            return std::unexpected{not_understood(error.message())};
        }
        if (is_stream(parser)) {
            take_lines(parser.get().body(), on_line);
        }
    }
    return Reply{.status = parser.get().result_int(), .body = std::move(parser.get().body())};
}

} // namespace davit::cli
