// SPDX-License-Identifier: Apache-2.0
#include "os/http_client.h"

#include "os/dns.h"
#include "os/errno_text.h"
#include "os/wake_up.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <curl/curl.h>
#include <sys/socket.h>
#include <unordered_map>

namespace davit::os {
namespace {

namespace asio = boost::asio;

constexpr std::size_t longest_headers = std::size_t{256} * 1024;
constexpr std::size_t most_idle_handles = 4;

struct EasyCleanup {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using Easy = std::unique_ptr<CURL, EasyCleanup>;

struct ListCleanup {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, ListCleanup>;

void append(List& list, const std::string& text) {
    curl_slist* const old = list.release();
    curl_slist* const longer = curl_slist_append(old, text.c_str());
    list.reset(longer != nullptr ? longer : old);
}

/// What a URL says about whom to connect to.
struct Target {
    std::string host;
    std::string port;
};

Result<Target> target_of(const std::string& url) {
    const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed{curl_url(), curl_url_cleanup};
    const auto part = [&](CURLUPart which) {
        char* text = nullptr;
        std::string value;
        if (curl_url_get(parsed.get(), which, &text, CURLU_DEFAULT_PORT) == CURLUE_OK) {
            value = text;
        }
        curl_free(text);
        return value;
    };
    if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
        return failure("not a URL");
    }
    const std::string scheme = part(CURLUPART_SCHEME);
    if (scheme != "http" && scheme != "https") {
        return failure("neither http nor https: " + scheme);
    }
    return Target{.host = part(CURLUPART_HOST), .port = part(CURLUPART_PORT)};
}

/// "host:port:address,address", for CURLOPT_RESOLVE. Empty: the host is an address.
std::string resolution_of(const Target& target, const std::vector<asio::ip::address>& addresses) {
    boost::system::error_code error;
    asio::ip::make_address(target.host, error);
    if (!error || target.host.starts_with('[')) {
        return {};
    }
    std::string text = target.host + ":" + target.port + ":";
    for (const auto& address : addresses) {
        text += address.is_v6() ? "[" + address.to_string() + "]," : address.to_string() + ",";
    }
    text.pop_back();
    return text;
}

bool has_header(const std::vector<std::string>& headers, std::string_view name) {
    return std::ranges::any_of(headers, [&](const std::string& header) {
        return header.size() > name.size() && header[name.size()] == ':' &&
               std::ranges::equal(std::string_view{header}.substr(0, name.size()), name, [](char left, char right) {
                   return std::tolower(static_cast<unsigned char>(left)) ==
                          std::tolower(static_cast<unsigned char>(right));
               });
    });
}

List header_list(const HttpRequest& request) {
    List list;
    for (const std::string& header : request.headers) {
        // libcurl takes "Name:" as "leave it out", and "Name;" as "without a value".
        const bool is_empty = header.ends_with(':');
        append(list, is_empty ? header.substr(0, header.size() - 1) + ";" : header);
    }
    append(list, "Expect:");
    if (!request.body.empty() && !has_header(request.headers, "content-type")) {
        append(list, "Content-Type:");
    }
    return list;
}

curl_socket_t open_socket(void*, curlsocktype, curl_sockaddr* address) {
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
}

/// A request on its way.
struct Transfer {
    Transfer(const asio::any_io_executor& executor, HttpRequest asked) : request(std::move(asked)), wake_up(executor) {}

    HttpRequest request;
    WakeUp wake_up;
    Easy easy;
    List headers;
    List resolution;
    std::array<char, CURL_ERROR_SIZE> message{};
    HttpResponse response;
    std::size_t header_bytes = 0;
    bool has_enough = false;
    bool is_done = false;
    CURLcode result = CURLE_OK;

    static std::size_t on_body(char* bytes, std::size_t, std::size_t size, void* self) {
        auto& transfer = *static_cast<Transfer*>(self);
        std::string& body = transfer.response.body;
        const std::size_t room = transfer.request.kept_body - body.size();
        body.append(bytes, std::min(size, room));
        transfer.has_enough = size > room;
        // Less than it was given: libcurl ends the transfer.
        return transfer.has_enough ? 0 : size;
    }

    static std::size_t on_header(char*, std::size_t, std::size_t size, void* self) {
        auto& transfer = *static_cast<Transfer*>(self);
        // Answers like "100 continue" may follow each other for ever.
        transfer.header_bytes += size;
        return transfer.header_bytes > longest_headers ? 0 : size;
    }
};

template <typename Value>
void set(const Transfer& transfer, CURLoption option, Value value) {
    curl_easy_setopt(transfer.easy.get(), option, value);
}

void set_limits(Transfer& transfer, Duration left) {
    const long milliseconds =
        std::max<long>(1, static_cast<long>(std::chrono::duration_cast<std::chrono::milliseconds>(left).count()));
    set(transfer, CURLOPT_NOSIGNAL, 1L);
    set(transfer, CURLOPT_TIMEOUT_MS, milliseconds);
    set(transfer, CURLOPT_CONNECTTIMEOUT_MS, milliseconds);
    set(transfer, CURLOPT_FOLLOWLOCATION, 0L);
    set(transfer, CURLOPT_PROXY, ""); // else http_proxy of the environment takes the probes
    set(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
    set(transfer, CURLOPT_FRESH_CONNECT, 1L);
    set(transfer, CURLOPT_FORBID_REUSE, 1L);
    set(transfer, CURLOPT_OPENSOCKETFUNCTION, open_socket);
}

void set_message(Transfer& transfer) {
    const HttpRequest& request = transfer.request;
    set(transfer, CURLOPT_URL, request.url.c_str());
    set(transfer, CURLOPT_USERAGENT, "davit");
    if (!request.body.empty()) {
        set(transfer, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        set(transfer, CURLOPT_POSTFIELDS, request.body.data());
    } else if (request.method == "POST" || request.method == "PUT") {
        set(transfer, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t{0});
        set(transfer, CURLOPT_POSTFIELDS, "");
    }
    if (request.method == "HEAD") {
        set(transfer, CURLOPT_NOBODY, 1L);
    } else {
        set(transfer, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    transfer.headers = header_list(request);
    set(transfer, CURLOPT_HTTPHEADER, transfer.headers.get());
    if (request.trust == TlsTrust::any) {
        set(transfer, CURLOPT_SSL_VERIFYPEER, 0L);
        set(transfer, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

void set_receivers(Transfer& transfer, const std::string& resolution) {
    set(transfer, CURLOPT_ERRORBUFFER, transfer.message.data());
    set(transfer, CURLOPT_PRIVATE, &transfer);
    set(transfer, CURLOPT_WRITEFUNCTION, Transfer::on_body);
    set(transfer, CURLOPT_WRITEDATA, &transfer);
    set(transfer, CURLOPT_HEADERFUNCTION, Transfer::on_header);
    set(transfer, CURLOPT_HEADERDATA, &transfer);
    if (!resolution.empty()) {
        append(transfer.resolution, resolution);
        set(transfer, CURLOPT_RESOLVE, transfer.resolution.get());
    }
}

std::string no_answer_within(Duration timeout) {
    char text[48];
    std::snprintf(text, sizeof text, "no answer within %gs", to_seconds(timeout));
    return text;
}

std::string reason_of(const Transfer& transfer) {
    if (transfer.result == CURLE_OPERATION_TIMEDOUT) {
        return no_answer_within(transfer.request.timeout);
    }
    if (transfer.result == CURLE_WRITE_ERROR) {
        return "its headers do not end";
    }
    long system_error = 0;
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_OS_ERRNO, &system_error);
    if (transfer.result == CURLE_COULDNT_CONNECT && system_error != 0) {
        return errno_text(static_cast<int>(system_error));
    }
    std::string text = transfer.message.front() != '\0' ? transfer.message.data() : curl_easy_strerror(transfer.result);
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    return text;
}

} // namespace

/// libcurl's many-transfers handle and what Asio watches for it. Callbacks of libcurl come from inside its own
/// functions, so what they see is looked up again after each call into it.
class HttpClient::Body {
public:
    explicit Body(asio::io_context& loop) : loop_(loop), timer_(loop) {
        curl_global_init(CURL_GLOBAL_DEFAULT);
        multi_ = curl_multi_init();
        curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, on_socket);
        curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
        curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, on_timer);
        curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    }
    Body(const Body&) = delete;
    Body& operator=(const Body&) = delete;
    ~Body() { curl_multi_cleanup(multi_); }

    void begin(Transfer& transfer, const std::string& resolution, Duration left) {
        transfer.easy = take_handle();
        set_limits(transfer, left);
        set_message(transfer);
        set_receivers(transfer, resolution);
        // Calls on_timer, which starts the transfer in the next turn of the loop.
        curl_multi_add_handle(multi_, transfer.easy.get());
    }

    void end(Transfer& transfer) {
        if (!transfer.easy) {
            return;
        }
        curl_multi_remove_handle(multi_, transfer.easy.get());
        if (idle_.size() < most_idle_handles) {
            curl_easy_reset(transfer.easy.get());
            idle_.push_back(std::move(transfer.easy));
        }
        transfer.easy.reset();
    }

private:
    struct Socket {
        Socket(asio::io_context& loop, int descriptor) : stream(loop, descriptor) {}
        ~Socket() {
            // libcurl closes it.
            stream.release();
        }
        asio::posix::stream_descriptor stream;
        bool wants_read = false;
        bool wants_write = false;
        bool waits_to_read = false;
        bool waits_to_write = false;
    };

    Easy take_handle() {
        if (idle_.empty()) {
            return Easy{curl_easy_init()};
        }
        Easy easy = std::move(idle_.back());
        idle_.pop_back();
        return easy;
    }

    static int on_socket(CURL*, curl_socket_t descriptor, int what, void* self, void*) {
        static_cast<Body*>(self)->watch(descriptor, what);
        return 0;
    }

    static int on_timer(CURLM*, long milliseconds, void* self) {
        static_cast<Body*>(self)->set_timer(milliseconds);
        return 0;
    }

    void watch(curl_socket_t descriptor, int what) {
        if (what == CURL_POLL_REMOVE) {
            sockets_.erase(descriptor);
            return;
        }
        auto& socket = sockets_[descriptor];
        if (!socket) {
            socket = std::make_shared<Socket>(loop_, descriptor);
        }
        socket->wants_read = (what & CURL_POLL_IN) != 0;
        socket->wants_write = (what & CURL_POLL_OUT) != 0;
        wait_for(socket);
    }

    /// One wait at a time in each direction, as long as libcurl wants it.
    void wait_for(const std::shared_ptr<Socket>& socket) {
        if (socket->wants_read && !socket->waits_to_read) {
            socket->waits_to_read = true;
            socket->stream.async_wait(asio::posix::descriptor_base::wait_read,
                                      [this, weak = std::weak_ptr{socket}](const boost::system::error_code& error) {
                                          on_ready(weak, &Socket::waits_to_read, CURL_CSELECT_IN, error);
                                      });
        }
        if (socket->wants_write && !socket->waits_to_write) {
            socket->waits_to_write = true;
            socket->stream.async_wait(asio::posix::descriptor_base::wait_write,
                                      [this, weak = std::weak_ptr{socket}](const boost::system::error_code& error) {
                                          on_ready(weak, &Socket::waits_to_write, CURL_CSELECT_OUT, error);
                                      });
        }
    }

    void on_ready(const std::weak_ptr<Socket>& weak, bool Socket::* waits, int what,
                  const boost::system::error_code& error) {
        // Expired: libcurl let go of it, or this object is gone.
        if (const auto socket = weak.lock(); socket && !error) {
            (*socket).*waits = false;
            const bool is_wanted = what == CURL_CSELECT_IN ? socket->wants_read : socket->wants_write;
            if (is_wanted) {
                act(socket->stream.native_handle(), what);
            }
        }
        if (const auto socket = weak.lock(); socket && !error) {
            wait_for(socket);
        }
    }

    void set_timer(long milliseconds) {
        if (milliseconds < 0) {
            timer_.cancel();
            return;
        }
        timer_.expires_after(std::chrono::milliseconds{milliseconds});
        timer_.async_wait([this](const boost::system::error_code& error) {
            if (!error) {
                act(CURL_SOCKET_TIMEOUT, 0);
            }
        });
    }

    void act(curl_socket_t descriptor, int what) {
        int running = 0;
        curl_multi_socket_action(multi_, descriptor, what, &running);
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
            if (message->msg != CURLMSG_DONE) {
                continue;
            }
            Transfer* transfer = nullptr;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
            transfer->result = message->data.result;
            transfer->is_done = true;
            transfer->wake_up.wake();
        }
    }

    asio::io_context& loop_;
    asio::steady_timer timer_;
    CURLM* multi_ = nullptr;
    std::unordered_map<curl_socket_t, std::shared_ptr<Socket>> sockets_;
    std::vector<Easy> idle_;
};

HttpClient::HttpClient(asio::io_context& loop) : loop_(loop) {}

HttpClient::~HttpClient() = default;

asio::awaitable<Result<HttpResponse>> HttpClient::send(HttpRequest request) {
    const TimePoint deadline = std::chrono::steady_clock::now() + request.timeout;
    const auto target = target_of(request.url);
    if (!target) {
        co_return std::unexpected{target.error()};
    }
    const auto addresses = co_await resolve(target->host, request.timeout);
    if (!addresses) {
        co_return std::unexpected{addresses.error()};
    }
    if (!body_) {
        body_ = std::make_unique<Body>(loop_);
    }
    Transfer transfer{loop_.get_executor(), std::move(request)};
    // Also where the coroutine is destroyed while it sleeps.
    const auto end = [this](Transfer* ended) { body_->end(*ended); };
    const std::unique_ptr<Transfer, decltype(end)> ends{&transfer, end};

    const Duration left = deadline - std::chrono::steady_clock::now();
    body_->begin(transfer, resolution_of(*target, *addresses), left);
    while (!transfer.is_done) {
        // libcurl keeps the time; this deadline is for the case that it does not.
        const bool goes_on = co_await transfer.wake_up.sleep_until(deadline + std::chrono::milliseconds{100});
        if (!goes_on) {
            co_return failure("cancelled");
        }
        if (!transfer.is_done && std::chrono::steady_clock::now() > deadline) {
            co_return failure(no_answer_within(transfer.request.timeout));
        }
    }
    if (transfer.result != CURLE_OK && !transfer.has_enough) {
        co_return failure(reason_of(transfer));
    }
    long status = 0;
    curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
    transfer.response.status = static_cast<int>(status);
    co_return std::move(transfer.response);
}

} // namespace davit::os
