// SPDX-License-Identifier: Apache-2.0
// The grpc check: HPACK by the examples of RFC 7541, the talk with good and bad servers byte by byte, and the talk over
// a connection with servers of the test.
#include "os/grpc_client.h"
#include "os/grpc_health.h"
#include "os/hpack.h"

#include "support.h"
#include "support/catch.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <memory>

using namespace davit;
using namespace davit::os;
using namespace davit::test;
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

using Fields = std::vector<HeaderField>;

std::string bytes_of(std::string_view hex) {
    std::string bytes;
    std::string digits;
    for (const char digit : hex) {
        if (digit != ' ') {
            digits.push_back(digit);
        }
        if (digits.size() == 2) {
            bytes.push_back(static_cast<char>(std::stoi(digits, nullptr, 16)));
            digits.clear();
        }
    }
    return bytes;
}

std::string number(std::size_t value, int size) {
    std::string bytes;
    for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) {
        bytes.push_back(static_cast<char>(value >> static_cast<unsigned>(shift)));
    }
    return bytes;
}

std::string frame(int type, int flags, std::size_t stream, std::string_view payload) {
    return number(payload.size(), 3) + number(static_cast<std::size_t>(type), 1) +
           number(static_cast<std::size_t>(flags), 1) + number(stream, 4) + std::string{payload};
}

constexpr int end_stream = 1;
constexpr int end_headers = 4;

std::string literal(std::string_view name, std::string_view value) {
    return std::string(1, '\0') + number(name.size(), 1) + std::string{name} + number(value.size(), 1) +
           std::string{value};
}

const std::string settings = frame(4, 0, 0, bytes_of("0003 00000064"));
const std::string status_200 = "\x88";

std::string headers(std::string_view block, int flags = end_headers) {
    return frame(1, flags, 1, block);
}

std::string message(std::string_view protobuf) {
    return std::string(1, '\0') + number(protobuf.size(), 4) + std::string{protobuf};
}

std::string trailers(std::string_view status, std::string_view text = "") {
    return headers(literal("grpc-status", status) + (text.empty() ? "" : literal("grpc-message", text)),
                   end_headers | end_stream);
}

std::string answer_with(std::string_view protobuf) {
    return settings + headers(status_200) + frame(0, 0, 1, message(protobuf)) + trailers("0");
}

const std::string serving = answer_with("\x08\x01");

/// What a call makes of these bytes; the server hangs up behind them.
std::string verdict_on(std::string_view bytes) {
    GrpcHealthCall call{"localhost:1", ""};
    call.take_input(bytes);
    call.take_end();
    return (call.answer()->serving ? "good: " : "bad: ") + call.answer()->text;
}

/// Says the same bytes to everybody and keeps the line open, unless it is to hang up.
class Server {
public:
    enum class Manner { stays, hangs_up, repeats };
    Server(asio::io_context& loop, std::string bytes, Manner manner)
        : acceptor_(loop, tcp::endpoint{asio::ip::address_v4::loopback(), 0}), bytes_(std::move(bytes)),
          manner_(manner) {
        acceptor_.async_accept([this](const boost::system::error_code& error, tcp::socket socket) {
            if (!error) {
                guest_ = std::make_unique<tcp::socket>(std::move(socket));
                say();
            }
        });
    }
    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

private:
    void say() {
        asio::async_write(*guest_, asio::buffer(bytes_), [this](const boost::system::error_code& error, std::size_t) {
            if (!error && manner_ == Manner::repeats) {
                say();
            } else if (manner_ == Manner::hangs_up) {
                guest_.reset();
            }
        });
    }

    tcp::acceptor acceptor_;
    std::string bytes_;
    Manner manner_;
    std::unique_ptr<tcp::socket> guest_;
};

std::string health_of(asio::io_context& loop, std::uint16_t port, Duration timeout = 30s) {
    const GrpcAnswer answer = result_of(loop, ask_grpc_health({.host = {}, .port = port, .timeout = timeout}));
    return answer.answered_by + (answer.health.serving ? " good: " : " bad: ") + answer.health.text;
}

} // namespace

// ---- HPACK -----------------------------------------------------------------------------------------------------

TEST_CASE("header blocks of RFC 7541 without the Huffman code are read", "[hpack]") {
    HpackDecoder decoder;
    CHECK(decoder.decode(bytes_of("400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572")) ==
          Fields{{"custom-key", "custom-header"}});
    CHECK(decoder.decode(bytes_of("be")) == Fields{{"custom-key", "custom-header"}});
    CHECK(decoder.decode(bytes_of("040c 2f73 616d 706c 652f 7061 7468")) == Fields{{":path", "/sample/path"}});
    CHECK(decoder.decode(bytes_of("1008 7061 7373 776f 7264 0673 6563 7265 74")) == Fields{{"password", "secret"}});
    CHECK(decoder.decode(bytes_of("82")) == Fields{{":method", "GET"}});
}

TEST_CASE("requests of RFC 7541 with the Huffman code and the dynamic table are read", "[hpack]") {
    HpackDecoder decoder;
    const HeaderField host{":authority", "www.example.com"};
    CHECK(decoder.decode(bytes_of("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff")) ==
          Fields{{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, host});
    CHECK(decoder.decode(bytes_of("8286 84be 5886 a8eb 1064 9cbf")) ==
          Fields{{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, host, {"cache-control", "no-cache"}});
    CHECK(
        decoder.decode(bytes_of("8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf")) ==
        Fields{
            {":method", "GET"}, {":scheme", "https"}, {":path", "/index.html"}, host, {"custom-key", "custom-value"}});
}

TEST_CASE("responses of RFC 7541 with a small table that throws out its oldest are read", "[hpack]") {
    HpackDecoder decoder;
    const std::string table_of_256 = bytes_of("3fe101");
    const HeaderField date{"date", "Mon, 21 Oct 2013 20:13:21 GMT"};
    const HeaderField location{"location", "https://www.example.com"};
    CHECK(
        decoder.decode(table_of_256 + bytes_of("4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 "
                                               "66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3")) ==
        Fields{{":status", "302"}, {"cache-control", "private"}, date, location});
    CHECK(decoder.decode(bytes_of("4883 640e ffc1 c0bf")) ==
          Fields{{":status", "307"}, {"cache-control", "private"}, date, location});
    CHECK(
        decoder.decode(bytes_of("88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad "
                                "94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 "
                                "65c0 03ed 4ee5 b106 3d50 07")) ==
        Fields{{":status", "200"},
               {"cache-control", "private"},
               {"date", "Mon, 21 Oct 2013 20:13:22 GMT"},
               location,
               {"content-encoding", "gzip"},
               {"set-cookie", "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"}});
    CHECK_FALSE(decoder.decode(bytes_of("c1"))); // that one is gone
}

TEST_CASE("header blocks that cannot be are refused", "[hpack]") {
    for (const char* hex : {"80", "ff", "be", "40", "4001", "400161", "40016105", "00ff ff ff ff ff", "ff ff ff ff 0f",
                            "3fe2 1f" /* a table of 4097 bytes */, "0081ff 00" /* a code without end */,
                            "0084ffffffff 00" /* the mark of the end */, "0081 00 00" /* bad filling */}) {
        INFO(hex);
        CHECK_FALSE(HpackDecoder{}.decode(bytes_of(hex)));
    }
}

TEST_CASE("a few bytes that stand for very many are refused", "[hpack]") {
    HpackDecoder decoder;
    std::string block = bytes_of("4001 61 7f a11e") + std::string(4000, 'x'); // an entry of 4000 bytes
    block += std::string(100, '\xbe');
    CHECK_FALSE(decoder.decode(block));
}

TEST_CASE("every byte has its Huffman code", "[hpack]") {
    CHECK(decode_huffman(bytes_of("f1e3 c2e5 f23a 6ba0 ab90 f4ff")) == "www.example.com");
    CHECK(decode_huffman("") == "");
    // 0 is 13 bits 1111111111000, 255 is 26 bits 11111111111111111111101110; together 39 bits and a one.
    CHECK(decode_huffman(bytes_of("ffc7 ffff dd")) == std::string{"\0\xff", 2});
}

// ---- the talk --------------------------------------------------------------------------------------------------

TEST_CASE("a call is one stream of HTTP/2 with the message of the protocol", "[grpc]") {
    GrpcHealthCall call{"db:9090", "shop"};
    const std::string sent = call.take_output();
    const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    REQUIRE(sent.starts_with(preface + frame(4, 0, 0, bytes_of("0002 00000000"))));
    REQUIRE(sent.ends_with(frame(0, end_stream, 1, message("\x0a\x04shop"))));
    const std::size_t begin = preface.size() + 9 + 6 + 9;
    const std::string block = sent.substr(begin, sent.size() - begin - 9 - 5 - 6);
    CHECK(HpackDecoder{}.decode(block) == Fields{{":method", "POST"},
                                                 {":scheme", "http"},
                                                 {":path", "/grpc.health.v1.Health/Check"},
                                                 {":authority", "db:9090"},
                                                 {"content-type", "application/grpc"},
                                                 {"user-agent", "davit"},
                                                 {"te", "trailers"}});
    CHECK(call.take_output().empty());
}

TEST_CASE("SERVING is good, every other health is bad", "[grpc]") {
    CHECK(verdict_on(serving) == "good: SERVING");
    CHECK(verdict_on(answer_with("\x08\x02")) == "bad: NOT_SERVING");
    CHECK(verdict_on(answer_with("\x08\x03")) == "bad: SERVICE_UNKNOWN");
    CHECK(verdict_on(answer_with("")) == "bad: UNKNOWN");
    CHECK(verdict_on(answer_with("\x08\x09")) == "bad: status 9");
    CHECK(verdict_on(answer_with(bytes_of("1203616263 1d01020304 210102030405060708 18ff01 0801"))) == "good: SERVING");
}

TEST_CASE("a failed call is named as gRPC names it", "[grpc]") {
    const auto failed = [](std::string_view status, std::string_view text = "") {
        return verdict_on(settings +
                          headers(status_200 + literal("grpc-status", status) + literal("grpc-message", text),
                                  end_headers | end_stream));
    };
    CHECK(failed("12", "unknown service") == "bad: UNIMPLEMENTED: it has no health service");
    CHECK(failed("5") == "bad: NOT_FOUND: its health service does not know this name");
    CHECK(failed("14", "shutting%20down%0A%zz") == "bad: UNAVAILABLE: shutting down?%zz");
    CHECK(failed("13") == "bad: INTERNAL");
    CHECK(failed("99") == "bad: grpc-status 99");
    CHECK(failed("x\x01") == "bad: grpc-status x?");
}

TEST_CASE("an answer that comes byte by byte is the same answer", "[grpc]") {
    GrpcHealthCall call{"localhost:1", ""};
    for (const char byte : serving) {
        CHECK_FALSE(call.answer());
        call.take_input({&byte, 1});
    }
    REQUIRE(call.answer());
    CHECK(call.answer()->serving);
}

TEST_CASE("settings and pings are acknowledged, what is of no interest is passed over", "[grpc]") {
    GrpcHealthCall call{"localhost:1", ""};
    call.take_output();
    call.take_input(settings + frame(6, 0, 0, "12345678") + frame(6, 1, 0, "12345678") + frame(4, 1, 0, "") +
                    frame(8, 0, 0, number(1, 4)) + frame(2, 0, 1, "12345") + frame(99, 7, 3, "x"));
    CHECK(call.take_output() == frame(4, 1, 0, "") + frame(6, 1, 0, "12345678"));
    CHECK_FALSE(call.answer());
}

TEST_CASE("padding, priority, continuation and earlier headers are understood", "[grpc]") {
    const std::string padded = std::string{"\x03"} + status_200 + "abc";
    const std::string with_priority = "12345" + literal("a", "b");
    const std::string end = literal("grpc-status", "0");
    CHECK(verdict_on(settings + headers(literal(":status", "103")) + headers(padded, end_headers | 8) +
                     frame(0, 8, 1, "\x02" + message("\x08\x01") + "ab") + headers(with_priority, end_stream | 0x20) +
                     frame(9, 0, 1, end.substr(0, 3)) + frame(9, end_headers, 1, end.substr(3))) == "good: SERVING");
}

TEST_CASE("what is no gRPC server is called what it is", "[grpc]") {
    CHECK(verdict_on("HTTP/1.1 400 Bad Request\r\n\r\n") == "bad: answers in HTTP/1: it does not speak gRPC");
    CHECK(verdict_on(bytes_of("15 03 01 00 02 02 46")) == "bad: speaks TLS: a grpc probe does not");
    CHECK(verdict_on("220 mail ESMTP\r\n") == "bad: does not speak HTTP/2");
    CHECK(verdict_on("") == "bad: hung up: it does not speak HTTP/2 without TLS");
    CHECK(verdict_on(settings) == "bad: hung up before it answered");
    CHECK(verdict_on(settings + headers("\x8d", end_headers | end_stream)) ==
          "bad: answers 404: it does not speak gRPC");
    CHECK(verdict_on(settings + headers("", end_headers | end_stream)) == "bad: answers without a status");
    CHECK(verdict_on(settings + headers(status_200, end_headers | end_stream)) == "bad: answers without a grpc-status");
}

TEST_CASE("a server that breaks the rules is bad, not a danger", "[grpc]") {
    const std::string broken = "bad: broke the rules of HTTP/2: ";
    CHECK(verdict_on(settings + frame(1, end_headers, 3, status_200)) == broken + "headers out of place");
    CHECK(verdict_on(settings + frame(9, end_headers, 1, status_200)) == broken + "headers out of place");
    CHECK(verdict_on(settings + frame(1, 0, 1, status_200) + settings) == broken + "headers without an end");
    CHECK(verdict_on(settings + headers("\xff")) == broken + "headers that cannot be read");
    CHECK(verdict_on(settings + headers("\x09", end_headers | 8)) == broken + "headers out of place");
    CHECK(verdict_on(settings + frame(0, 0, 1, "x")) == broken + "data out of place");
    CHECK(verdict_on(settings + headers(status_200) + frame(0, 8, 1, "")) == broken + "data out of place");
    CHECK(verdict_on(settings + frame(4, 0, 0, "x")) == broken + "a bad SETTINGS or PING");
    CHECK(verdict_on(settings + frame(6, 0, 0, "x")) == broken + "a bad SETTINGS or PING");
    CHECK(verdict_on(settings + frame(5, 0, 1, "1234")) == broken + "a push that nobody wanted");
    CHECK(verdict_on(settings + frame(3, 0, 1, number(7, 4))) == "bad: broke the call off (HTTP/2 error 7)");
    CHECK(verdict_on(settings + frame(7, 0, 0, number(0, 8))) == "bad: takes no calls any more");
    CHECK(verdict_on(settings + number(70000, 3) + "\1\4" + number(1, 4)) == "bad: sent a frame of 70000 bytes");
}

TEST_CASE("an answer that is no health is bad", "[grpc]") {
    const auto with_data = [](std::string_view data) {
        return verdict_on(settings + headers(status_200) + frame(0, 0, 1, data) + trailers("0"));
    };
    CHECK(with_data("") == "bad: answers without a message that can be read");
    CHECK(with_data("\1" + message("").substr(1)) == "bad: answers without a message that can be read");
    CHECK(with_data(message("\x08\x01").substr(0, 6)) == "bad: answers without a message that can be read");
    CHECK(with_data(message("\x08")) == "bad: answers with a message that is no health");
    CHECK(with_data(message("\x12\x7f")) == "bad: answers with a message that is no health");
    CHECK(with_data(message("\x0f\x01")) == "bad: answers with a message that is no health");
    CHECK(with_data(message(std::string(11, '\xff'))) == "bad: answers with a message that is no health");
}

TEST_CASE("GOAWAY after a call was taken still lets it end", "[grpc]") {
    CHECK(verdict_on(settings + frame(7, 0, 0, number(1, 4) + number(0, 4)) + serving.substr(settings.size())) ==
          "good: SERVING");
}

TEST_CASE("a server that talks for ever is stopped", "[grpc]") {
    GrpcHealthCall call{"localhost:1", ""};
    call.take_input(settings);
    for (int count = 0; count < 10000 && !call.answer(); ++count) {
        call.take_input(frame(9, 0, 1, "").substr(0, 0) + frame(6, 0, 0, "12345678"));
    }
    REQUIRE(call.answer());
    CHECK(call.answer()->text == "sent 64 KiB and no answer");
}

TEST_CASE("made-up bytes never break a call", "[grpc]") {
    std::uint64_t dice = 4711;
    const auto next = [&] { return dice = dice * 6364136223846793005ULL + 1442695040888963407ULL; };
    for (int round = 0; round < 3000; ++round) {
        std::string bytes = serving;
        for (int change = 0; change < 4; ++change) {
            bytes[next() % 1000003 % bytes.size()] = static_cast<char>(next() >> 33U);
        }
        GrpcHealthCall call{"localhost:1", "x"};
        call.take_input(std::string_view{bytes}.substr(0, bytes.size() / 2));
        call.take_input(std::string_view{bytes}.substr(bytes.size() / 2));
        call.take_end();
        REQUIRE(call.answer());
    }
}

// ---- over a connection -------------------------------------------------------------------------------------------

TEST_CASE("a server over TCP is asked and answers", "[grpc]") {
    asio::io_context loop{1};
    const Server good{loop, serving, Server::Manner::stays};
    CHECK(health_of(loop, good.port()) == "127.0.0.1 good: SERVING");
    const Server hasty{loop, serving, Server::Manner::hangs_up};
    CHECK(health_of(loop, hasty.port()) == "127.0.0.1 good: SERVING");
}

TEST_CASE("bad servers over TCP are told apart", "[grpc]") {
    asio::io_context loop{1};
    const std::uint16_t closed =
        tcp::acceptor{loop, tcp::endpoint{asio::ip::address_v4::loopback(), 0}}.local_endpoint().port();
    CHECK(health_of(loop, closed) == " bad: connection refused");
    const Server silent{loop, "", Server::Manner::stays};
    CHECK(health_of(loop, silent.port(), 300ms) == "127.0.0.1 bad: no answer within 0.3 s");
    const Server half{loop, serving.substr(0, 30), Server::Manner::hangs_up};
    CHECK(health_of(loop, half.port()) == "127.0.0.1 bad: hung up before it answered");
    const Server endless{loop, settings + frame(6, 0, 0, "12345678"), Server::Manner::repeats};
    CHECK(health_of(loop, endless.port()).starts_with("127.0.0.1 bad: sent "));
    const GrpcAnswer long_name = result_of(
        loop, ask_grpc_health({.host = {}, .port = silent.port(), .service = std::string(1025, 'x'), .timeout = 30s}));
    CHECK(long_name.health.text == "its name is longer than 1024 bytes");
}
