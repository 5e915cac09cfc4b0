// SPDX-License-Identifier: Apache-2.0
#include "os/tcp_listener.h"

#include "model/contains.h"
#include "model/text_parts.h"
#include "os/errno_text.h"
#include "os/files.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace davit::os {
namespace {

constexpr int waiting_clients = 128;
constexpr std::size_t longest_table = std::size_t{8} << 20;
/// What the kernel keeps for a client that does not read, or for davit: without a limit megabytes.
constexpr int send_buffer = 64 * 1024;
constexpr int receive_buffer = 16 * 1024;

struct TcpAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;

    int family() const { return storage.ss_family; }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

TcpAddress v4_address(in_addr number, std::uint16_t port) {
    TcpAddress address;
    auto* const place = reinterpret_cast<sockaddr_in*>(&address.storage);
    *place = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = number, .sin_zero = {}};
    address.size = sizeof *place;
    return address;
}

TcpAddress v6_address(in6_addr number, std::uint16_t port) {
    TcpAddress address;
    auto* const place = reinterpret_cast<sockaddr_in6*>(&address.storage);
    *place = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_flowinfo = 0, .sin6_addr = number, .sin6_scope_id = 0};
    address.size = sizeof *place;
    return address;
}

std::optional<TcpAddress> address_of(const std::string& text, std::uint16_t port) {
    in_addr v4{};
    if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) {
        return v4_address(v4, port);
    }
    in6_addr v6{};
    return ::inet_pton(AF_INET6, text.c_str(), &v6) == 1 ? std::optional{v6_address(v6, port)} : std::nullopt;
}

enum class Versions : std::uint8_t { own_only, both };

/// The error is a number of errno.
std::expected<Fd, int> listen_at(const TcpAddress& address, Versions versions) {
    Fd socket{::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!socket) {
        return std::unexpected{errno};
    }
    const int on = 1;
    // Connections of an earlier davit that still wait for their end hold up nobody (socket(7)).
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    // Connections inherit these (tcp(7)).
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    if (address.family() == AF_INET6) {
        const int only_v6 = versions == Versions::own_only ? 1 : 0;
        ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof only_v6);
    }
    if (::bind(socket.get(), address.get(), address.size) != 0 || ::listen(socket.get(), waiting_clients) != 0) {
        return std::unexpected{errno};
    }
    return socket;
}

std::expected<Fd, int> listen_everywhere(std::uint16_t port) {
    auto both = listen_at(v6_address(in6addr_any, port), Versions::both);
    const bool has_no_v6 = !both && (both.error() == EAFNOSUPPORT || both.error() == EADDRNOTAVAIL);
    return has_no_v6 ? listen_at(v4_address({.s_addr = INADDR_ANY}, port), Versions::own_only) : std::move(both);
}

// ---- who has the port --------------------------------------------------------------------------

/// `socket:[4711]`, as a descriptor of it is called.
bool is_one_of(std::string_view link, const std::vector<std::uint64_t>& sockets) {
    constexpr std::string_view begin = "socket:[";
    std::uint64_t inode = 0;
    if (!link.starts_with(begin)) {
        return false;
    }
    std::from_chars(link.data() + begin.size(), link.data() + link.size(), inode);
    return model::contains(sockets, inode);
}

bool has_socket(const std::string& process, const std::vector<std::uint64_t>& sockets) {
    const std::string folder = "/proc/" + process + "/fd";
    const auto descriptors = list_directory(folder);
    for (std::size_t index = 0; descriptors && index < descriptors->size(); ++index) {
        std::array<char, 64> link{};
        const ssize_t size = ::readlink((folder + "/" + (*descriptors)[index]).c_str(), link.data(), link.size());
        if (size > 0 && is_one_of({link.data(), static_cast<std::size_t>(size)}, sockets)) {
            return true;
        }
    }
    return false;
}

/// "java (pid 41)"; empty: nobody whom davit sees.
std::string owner_of(std::uint16_t port) {
    std::vector<std::uint64_t> sockets = listeners_in(read_kernel_file("/proc/net/tcp", longest_table), port);
    const auto of_v6 = listeners_in(read_kernel_file("/proc/net/tcp6", longest_table), port);
    sockets.insert(sockets.end(), of_v6.begin(), of_v6.end());
    const auto processes = list_directory("/proc");
    for (std::size_t index = 0; processes && !sockets.empty() && index < processes->size(); ++index) {
        const std::string& process = (*processes)[index];
        if (process.front() >= '0' && process.front() <= '9' && has_socket(process, sockets)) {
            const std::string name = read_kernel_file("/proc/" + process + "/comm");
            return std::string{model::trimmed(name)} + " (pid " + process + ")";
        }
    }
    return {};
}

std::string reason_of(int error, const std::string& address, std::uint16_t port) {
    if (error == EADDRINUSE) {
        const std::string owner = owner_of(port);
        return owner.empty() ? "another process listens there, maybe in another container of the Pod: they share ports"
                             : owner + " listens there";
    }
    if (error == EADDRNOTAVAIL) {
        return address + " is no address of this container";
    }
    if (error == EACCES) {
        return errno_text(error) + ": a port below 1024 needs CAP_NET_BIND_SERVICE";
    }
    return errno_text(error);
}

} // namespace

Result<Fd> listen_on_tcp(const std::string& address, std::uint16_t port) {
    const auto number = address.empty() ? std::nullopt : address_of(address, port);
    if (!address.empty() && !number) {
        return failure("cannot listen at " + address + ": it is no address");
    }
    auto socket = number ? listen_at(*number, Versions::own_only) : listen_everywhere(port);
    if (!socket) {
        return failure("cannot listen on port " + std::to_string(port) +
                       (address.empty() ? std::string{} : " of " + address) + ": " +
                       reason_of(socket.error(), address, port));
    }
    return std::move(*socket);
}

std::vector<std::uint64_t> listeners_in(std::string_view text, std::uint16_t port) {
    constexpr std::string_view listening = "0A"; // TCP_LISTEN
    std::vector<std::uint64_t> inodes;
    while (!text.empty()) {
        std::string_view line = model::next_line(text);
        std::vector<std::string_view> fields; // number local remote state queues timer retries uid timeout inode
        for (std::string_view word = model::next_word(line); !word.empty(); word = model::next_word(line)) {
            fields.push_back(word);
        }
        if (fields.size() < 10 || fields[3] != listening) {
            continue;
        }
        const std::string_view digits = fields[1].substr(std::min(fields[1].rfind(':'), fields[1].size() - 1) + 1);
        std::uint16_t found = 0;
        std::uint64_t inode = 0;
        const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), found, 16);
        std::from_chars(fields[9].data(), fields[9].data() + fields[9].size(), inode);
        if (read.ec == std::errc{} && found == port && inode != 0) {
            inodes.push_back(inode);
        }
    }
    return inodes;
}

} // namespace davit::os
