// SPDX-License-Identifier: Apache-2.0
#include "os/dns.h"

#include "os/wake_up.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <ares.h>
#include <cstdio>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <unordered_map>

namespace davit::os {
namespace {

namespace asio = boost::asio;
using Addresses = std::vector<asio::ip::address>;

asio::ip::address address_of(const sockaddr& socket_address) {
    if (socket_address.sa_family == AF_INET) {
        sockaddr_in version_4;
        std::memcpy(&version_4, &socket_address, sizeof version_4);
        return asio::ip::address_v4{ntohl(version_4.sin_addr.s_addr)};
    }
    sockaddr_in6 version_6;
    std::memcpy(&version_6, &socket_address, sizeof version_6);
    asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &version_6.sin6_addr, bytes.size());
    return asio::ip::address_v6{bytes, version_6.sin6_scope_id};
}

/// One question, with a channel of its own: resolv.conf may have changed, and to cancel it is to destroy it.
/// c-ares may call back from inside any of its functions.
class Question : public std::enable_shared_from_this<Question> {
public:
    explicit Question(const asio::any_io_executor& executor) : executor_(executor), wake_up_(executor) {}
    Question(const Question&) = delete;
    Question& operator=(const Question&) = delete;
    ~Question() {
        if (channel_ != nullptr) {
            ares_destroy(channel_);
        }
    }

    /// False: c-ares cannot start; `status` says why.
    bool ask(const std::string& host, Duration timeout) {
        ares_options options{};
        options.sock_state_cb = on_socket_state;
        options.sock_state_cb_data = this;
        // A server that does not answer is asked again, and the next one, all within the caller's time.
        options.timeout = static_cast<int>(std::clamp<std::int64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count() / 3, 50, 5000));
        options.tries = 2;
        status_ = ares_init_options(&channel_, &options, ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
        if (status_ != ARES_SUCCESS) {
            channel_ = nullptr;
            return false;
        }
        ares_addrinfo_hints hints{};
        hints.ai_family = AF_UNSPEC;
        hints.ai_flags = ARES_AI_NOSORT;
        hints.ai_socktype = SOCK_STREAM;
        ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, on_answer, this);
        return true;
    }

    bool is_answered() const { return is_answered_; }
    int status() const { return status_; }
    const Addresses& addresses() const { return addresses_; }

    asio::awaitable<bool> wait(TimePoint deadline) {
        timeval until_timeout{};
        TimePoint next = deadline;
        if (ares_timeout(channel_, nullptr, &until_timeout) != nullptr) {
            const auto pause =
                std::chrono::seconds{until_timeout.tv_sec} + std::chrono::microseconds{until_timeout.tv_usec};
            next = std::min(next, std::chrono::steady_clock::now() + pause);
        }
        const bool goes_on = co_await wake_up_.sleep_until(next);
        ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        co_return goes_on;
    }

private:
    struct Socket {
        explicit Socket(const asio::any_io_executor& executor, int descriptor) : stream(executor, descriptor) {}
        ~Socket() {
            // c-ares closes it.
            stream.release();
        }
        asio::posix::stream_descriptor stream;
        bool wants_read = false;
        bool wants_write = false;
    };

    static void on_socket_state(void* self, ares_socket_t descriptor, int readable, int writable) {
        auto& sockets = static_cast<Question*>(self)->sockets_;
        if (readable == 0 && writable == 0) {
            sockets.erase(descriptor);
            return;
        }
        auto& socket = sockets[descriptor];
        if (!socket) {
            socket = std::make_shared<Socket>(static_cast<Question*>(self)->executor_, descriptor);
        }
        socket->wants_read = readable != 0;
        socket->wants_write = writable != 0;
        static_cast<Question*>(self)->watch(descriptor);
    }

    static void on_answer(void* self, int status, int, ares_addrinfo* answer) {
        const std::unique_ptr<ares_addrinfo, decltype(&ares_freeaddrinfo)> owned{answer, ares_freeaddrinfo};
        if (status == ARES_EDESTRUCTION) {
            return;
        }
        auto& question = *static_cast<Question*>(self);
        question.status_ = status;
        question.is_answered_ = true;
        for (const auto* node = answer == nullptr ? nullptr : answer->nodes; node != nullptr; node = node->ai_next) {
            question.addresses_.push_back(address_of(*node->ai_addr));
        }
        question.wake_up_.wake();
    }

    void watch(int descriptor) {
        const auto socket = sockets_.at(descriptor);
        socket->stream.cancel();
        if (socket->wants_read) {
            wait_for(descriptor, socket, asio::posix::descriptor_base::wait_read);
        }
        if (socket->wants_write) {
            wait_for(descriptor, socket, asio::posix::descriptor_base::wait_write);
        }
    }

    void wait_for(int descriptor, const std::shared_ptr<Socket>& socket, asio::posix::descriptor_base::wait_type what) {
        socket->stream.async_wait(what, [weak = weak_from_this(), watched = std::weak_ptr{socket}, descriptor,
                                         what](const boost::system::error_code& error) {
            const auto self = weak.lock();
            if (error || !self || watched.expired()) {
                return;
            }
            const bool is_read = what == asio::posix::descriptor_base::wait_read;
            ares_process_fd(self->channel_, is_read ? descriptor : ARES_SOCKET_BAD,
                            is_read ? ARES_SOCKET_BAD : descriptor);
            self->wake_up_.wake();
            // It may be closed by now, and its number in use again.
            const auto still = watched.lock();
            if (still && (is_read ? still->wants_read : still->wants_write)) {
                self->wait_for(descriptor, still, what);
            }
        });
    }

    asio::any_io_executor executor_;
    WakeUp wake_up_;
    ares_channel channel_ = nullptr;
    std::unordered_map<int, std::shared_ptr<Socket>> sockets_;
    bool is_answered_ = false;
    int status_ = ARES_SUCCESS;
    Addresses addresses_;
};

std::string seconds_text(Duration duration) {
    char text[32];
    std::snprintf(text, sizeof text, "%gs", to_seconds(duration));
    return text;
}

std::string reason_of(int status) {
    switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA: return "no such host";
    case ARES_ECONNREFUSED: return "no name server answers";
    case ARES_ETIMEOUT: return "the name servers do not answer";
    default: return ares_strerror(status);
    }
}

} // namespace

std::optional<std::vector<asio::ip::address>> addresses_without_asking(const std::string& host) {
    const bool is_bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    boost::system::error_code error;
    const auto address = asio::ip::make_address(is_bracketed ? host.substr(1, host.size() - 2) : host, error);
    if (!error) {
        return Addresses{address};
    }
    if (host == "localhost" || host == "localhost.") {
        return Addresses{asio::ip::address_v4::loopback(), asio::ip::address_v6::loopback()};
    }
    return std::nullopt;
}

asio::awaitable<Result<std::vector<asio::ip::address>>> resolve(std::string host, Duration timeout) {
    if (auto known = addresses_without_asking(host)) {
        co_return std::move(*known);
    }
    const TimePoint deadline = std::chrono::steady_clock::now() + timeout;
    const auto executor = co_await asio::this_coro::executor;
    const auto question = std::make_shared<Question>(executor);
    const std::string what = "cannot resolve " + host + ": ";
    if (!question->ask(host, timeout)) {
        co_return failure(what + reason_of(question->status()));
    }
    while (!question->is_answered()) {
        if (std::chrono::steady_clock::now() >= deadline) {
            co_return failure(what + "no answer within " + seconds_text(timeout));
        }
        const bool goes_on = co_await question->wait(deadline);
        if (!goes_on) {
            co_return failure(what + "cancelled");
        }
    }
    if (question->addresses().empty()) {
        co_return failure(what + reason_of(question->status() == ARES_SUCCESS ? ARES_ENODATA : question->status()));
    }
    co_return question->addresses();
}

} // namespace davit::os
