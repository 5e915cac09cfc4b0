// SPDX-License-Identifier: Apache-2.0
#include "made_up_server.h"

#include <array>
#include <cstddef>
#include <cstdio>
#include <poll.h>
#include <stdexcept>
#include <unistd.h>

namespace davit::cli {

MadeUpPlace::MadeUpPlace() {
    static std::atomic<int> counter = 0;
    const std::string name = "davit-cli-test-" + std::to_string(::getpid()) + "-" + std::to_string(++counter);
    name_ = "@" + name;
    address_.sun_family = AF_UNIX;
    name.copy(&address_.sun_path[1], name.size());
    size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
}

os::Fd MadeUpPlace::listen(int backlog) const {
    os::Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const auto* address = reinterpret_cast<const sockaddr*>(&address_);
    if (::bind(socket.get(), address, size_) != 0 || ::listen(socket.get(), backlog) != 0) {
        throw std::runtime_error("cannot listen at " + name_);
    }
    return socket;
}

os::Fd MadeUpPlace::connect_without_waiting() const {
    os::Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    const auto* address = reinterpret_cast<const sockaddr*>(&address_);
    return ::connect(socket.get(), address, size_) == 0 ? std::move(socket) : os::Fd{};
}

MadeUpServer::MadeUpServer(std::string answer, Then then)
    : listener_(place_.listen(8)), answer_(std::move(answer)), then_(then), stop_(os::open_pipe()),
      thread_([this] { serve(); }) {}

MadeUpServer::~MadeUpServer() {
    stop_.write.reset();
    if (thread_.joinable()) {
        thread_.join();
    }
}

std::string MadeUpServer::request() {
    stop_.write.reset();
    thread_.join();
    return request_;
}

bool MadeUpServer::wait_readable(int descriptor) const {
    std::array<pollfd, 2> entries{
        {{.fd = descriptor, .events = POLLIN, .revents = 0}, {.fd = stop_.read.get(), .events = POLLIN, .revents = 0}}};
    ::poll(entries.data(), entries.size(), -1);
    return entries[0].revents != 0;
}

void MadeUpServer::serve() {
    if (!wait_readable(listener_.get())) {
        return;
    }
    const os::Fd client{::accept(listener_.get(), nullptr, nullptr)};
    std::array<char, 4096> buffer{};
    while (!request_.contains("\r\n\r\n") && wait_readable(client.get())) {
        const ssize_t size = ::recv(client.get(), buffer.data(), buffer.size(), 0);
        if (size <= 0) {
            return;
        }
        request_.append(buffer.data(), static_cast<std::size_t>(size));
    }
    ::send(client.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
    if (then_ == Then::freeze) {
        pollfd stop{.fd = stop_.read.get(), .events = POLLIN, .revents = 0};
        ::poll(&stop, 1, -1);
    }
}

std::string plain_answer(const std::string& status, const std::string& body) {
    return "HTTP/1.1 " + status +
           "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\nConnection: close\r\n\r\n" + body;
}

std::string stream_answer(const std::vector<std::string>& lines) {
    std::string text = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n"
                       "Transfer-Encoding: chunked\r\n\r\n";
    for (const std::string& line : lines) {
        std::array<char, 16> size{};
        std::snprintf(size.data(), size.size(), "%zx\r\n", line.size() + 1);
        text += size.data() + line + "\n\r\n";
    }
    return text;
}

} // namespace davit::cli
