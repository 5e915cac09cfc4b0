// SPDX-License-Identifier: Apache-2.0
#include "os/tcp_connect.h"

#include "os/dns.h"
#include "os/errno_text.h"
#include "os/wake_up.h"

#include <boost/asio/this_coro.hpp>

#include <memory>
#include <optional>

namespace davit::os {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

/// One address. Kept alive by its own completion: the coroutine may be gone by then.
struct Attempt {
    explicit Attempt(const asio::any_io_executor& executor) : socket(executor), wake_up(executor) {}
    tcp::socket socket;
    WakeUp wake_up;
    std::optional<boost::system::error_code> result;
};

std::shared_ptr<Attempt> begin(const asio::any_io_executor& executor, const tcp::endpoint& endpoint) {
    auto attempt = std::make_shared<Attempt>(executor);
    attempt->socket.async_connect(endpoint, [attempt](const boost::system::error_code& error) {
        attempt->result = error;
        attempt->wake_up.wake();
    });
    return attempt;
}

} // namespace

asio::awaitable<Result<tcp::socket>> connect_to_first(std::vector<asio::ip::address> addresses, std::uint16_t port,
                                                      TimePoint deadline) {
    const auto executor = co_await asio::this_coro::executor;
    std::string reason;
    for (const auto& address : addresses) {
        const auto attempt = begin(executor, tcp::endpoint{address, port});
        const bool goes_on = co_await attempt->wake_up.sleep_until(deadline);
        if (goes_on && attempt->result && !*attempt->result) {
            co_return std::move(attempt->socket);
        }
        boost::system::error_code ignored;
        attempt->socket.close(ignored);
        if (!goes_on) {
            co_return failure("cancelled");
        }
        if (!attempt->result) {
            co_return failure("no answer in time");
        }
        // The first address is the one that the user means; what the others say is of little use.
        if (reason.empty()) {
            reason = errno_text(attempt->result->value());
        }
    }
    co_return failure(reason);
}

asio::awaitable<Result<void>> try_connect(std::string host, std::uint16_t port, Duration timeout) {
    const TimePoint deadline = std::chrono::steady_clock::now() + timeout;
    if (host.empty()) {
        host = "localhost";
    }
    auto addresses = co_await resolve(host, timeout);
    if (!addresses) {
        co_return std::unexpected{addresses.error()};
    }
    const auto connected = co_await connect_to_first(std::move(*addresses), port, deadline);
    if (!connected) {
        co_return failure("cannot connect to " + host + ":" + std::to_string(port) + ": " + connected.error().text);
    }
    co_return Result<void>{};
}

} // namespace davit::os
