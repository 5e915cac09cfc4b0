// SPDX-License-Identifier: Apache-2.0
#include "os/tcp_connections.h"

#include "os/errno_text.h"
#include "os/fd.h"
#include "os/files.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <sys/socket.h>
#include <unistd.h>

namespace davit::os {
namespace {

constexpr std::size_t longest_table = std::size_t{8} << 20;
constexpr int most_answers = 4096; // of the kernel, 32 KiB each

bool is_one_of(std::uint16_t port, std::span<const std::uint16_t> ports) {
    return std::ranges::find(ports, port) != ports.end();
}

struct DumpRequest {
    nlmsghdr header;
    inet_diag_req_v2 question;
};

bool ask(int socket, std::uint8_t family) {
    DumpRequest request{};
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request.question.sdiag_family = family;
    request.question.sdiag_protocol = IPPROTO_TCP;
    request.question.idiag_states = 1U << TCP_ESTABLISHED;
    return ::send(socket, &request, sizeof request, MSG_DONTWAIT) == static_cast<ssize_t>(sizeof request);
}

struct Count {
    std::size_t connections = 0;
    enum class State : std::uint8_t { goes_on, done, failed } state = State::goes_on;
};

void count_messages(std::span<const char> buffer, std::span<const std::uint16_t> ports, Count& count) {
    while (buffer.size() >= sizeof(nlmsghdr) && count.state == Count::State::goes_on) {
        nlmsghdr header;
        std::memcpy(&header, buffer.data(), sizeof header);
        const bool is_whole = header.nlmsg_len >= sizeof header && header.nlmsg_len <= buffer.size();
        const bool is_connection =
            header.nlmsg_type == SOCK_DIAG_BY_FAMILY && header.nlmsg_len >= NLMSG_LENGTH(sizeof(inet_diag_msg));
        if (is_whole && header.nlmsg_type == NLMSG_DONE) {
            count.state = Count::State::done;
        } else if (is_whole && is_connection) {
            inet_diag_msg connection;
            std::memcpy(&connection, buffer.data() + NLMSG_HDRLEN, sizeof connection);
            count.connections += is_one_of(ntohs(connection.id.idiag_sport), ports) ? 1 : 0;
        } else {
            count.state = Count::State::failed; // NLMSG_ERROR: this kernel or sandbox has no such thing
        }
        buffer = buffer.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), buffer.size()));
    }
}

/// nullopt: the kernel does not answer this question.
std::optional<std::size_t> count_by_netlink(std::uint8_t family, std::span<const std::uint16_t> ports) {
    const Fd socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)};
    if (!socket || !ask(socket.get(), family)) {
        return std::nullopt;
    }
    Count count;
    alignas(nlmsghdr) std::array<char, std::size_t{32} * 1024> buffer;
    for (int answer = 0; answer < most_answers && count.state == Count::State::goes_on; ++answer) {
        // The kernel answers a dump within the call that asks: nothing there means that nothing comes.
        const ssize_t size = ::recv(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (size <= 0) {
            return std::nullopt;
        }
        count_messages({buffer.data(), static_cast<std::size_t>(size)}, ports, count);
    }
    return count.state == Count::State::done ? std::optional{count.connections} : std::nullopt;
}

Result<std::size_t> count_by_text(std::span<const std::uint16_t> ports) {
    if (::access("/proc/net/tcp", R_OK) != 0) {
        return failure("cannot read /proc/net/tcp: " + errno_text(errno));
    }
    return count_established_in(read_kernel_file("/proc/net/tcp", longest_table), ports) +
           count_established_in(read_kernel_file("/proc/net/tcp6", longest_table), ports);
}

/// The field at the front of `text`, which loses it.
std::string_view take_field(std::string_view& text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    const std::string_view field = text.substr(0, text.find(' '));
    text.remove_prefix(field.size());
    return field;
}

std::optional<std::uint16_t> port_of(std::string_view address) {
    const auto colon = address.rfind(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view digits = address.substr(colon + 1);
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port, 16);
    return error == std::errc{} && end == digits.data() + digits.size() ? std::optional{port} : std::nullopt;
}

bool is_established_on(std::string_view line, std::span<const std::uint16_t> ports) {
    take_field(line); // the number of the line
    const auto port = port_of(take_field(line));
    take_field(line); // the other side
    return port && take_field(line) == "01" && is_one_of(*port, ports);
}

} // namespace

std::size_t count_established_in(std::string_view text, std::span<const std::uint16_t> ports) {
    std::size_t count = 0;
    while (!text.empty()) {
        const auto end = text.find('\n');
        count += is_established_on(text.substr(0, end), ports) ? 1 : 0;
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return count;
}

Result<std::size_t> count_established(std::span<const std::uint16_t> ports) {
    const auto version_4 = count_by_netlink(AF_INET, ports);
    const auto version_6 = version_4 ? count_by_netlink(AF_INET6, ports) : std::nullopt;
    if (version_4 && version_6) {
        return *version_4 + *version_6;
    }
    return count_by_text(ports);
}

} // namespace davit::os
