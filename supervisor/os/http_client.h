// SPDX-License-Identifier: Apache-2.0
// HTTP and HTTPS requests on davit's loop: probes and steps. libcurl does the protocol, Asio does the waiting, no
// thread is made. Nothing of libcurl or TLS is initialised before the first request. Every request uses a
// connection of its own, follows no redirect, knows no proxy, and has a limit for time and bytes.
#pragma once

#include "model/result.h"
#include "model/time.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace davit::os {

/// Whether the name and the signer of a server's certificate matter. A probe takes any, as the kubelet does.
enum class TlsTrust : std::uint8_t { verified, any };

struct HttpRequest {
    std::string method = "GET";
    std::string url;                  // http or https
    std::vector<std::string> headers; // "Name: value"
    std::string body;
    Duration timeout = std::chrono::seconds{1};     // for all of it: name, connection, answer
    std::size_t kept_body = std::size_t{10} * 1024; // the answer is over when there is more
    TlsTrust trust = TlsTrust::verified;
};

struct HttpResponse {
    int status = 0;
    std::string body; // the first `kept_body` bytes
};

class HttpClient {
public:
    /// `loop` must outlive it; it must outlive its requests.
    explicit HttpClient(boost::asio::io_context& loop);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    /// The answer, whatever its status. May be cancelled. Error: why there is none, without the address ("connection
    /// refused", "no answer within 1s").
    boost::asio::awaitable<Result<HttpResponse>> send(HttpRequest request);

private:
    class Body;
    boost::asio::io_context& loop_;
    std::unique_ptr<Body> body_; // made by the first request
};

} // namespace davit::os
