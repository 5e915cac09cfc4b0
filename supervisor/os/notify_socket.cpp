// SPDX-License-Identifier: Apache-2.0
#include "os/notify_socket.h"

#include "model/notification.h"
#include "os/errno_text.h"
#include "os/fd.h"
#include "os/sockets.h"
#include "os/unix_address.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <sys/socket.h>
#include <unistd.h>

namespace davit::os {
namespace {

namespace asio = boost::asio;

/// After a full portion: a flood costs no more than some hundred datagrams a second, and its sender waits.
constexpr std::chrono::milliseconds pause_after_full_turn{50};
/// More than these of one datagram the kernel keeps to itself, and closes them.
constexpr std::size_t most_descriptors = 4;

/// Everybody may send: what is taken is decided by who sent it. One thread: nobody else sees the changed mask.
int bind_for_everybody(int socket, const UnixAddress& address) {
    constexpr mode_t no_execution = 0111;
    const mode_t before = ::umask(no_execution);
    const int result = ::bind(socket, address.get(), address.size) == 0 ? 0 : errno;
    ::umask(before);
    return result;
}

Result<Fd> bind_at(const std::string& place) {
    const auto address = unix_address_of(place);
    Fd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    constexpr int on = 1;
    if (!address || !socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) {
        return failure(address ? errno_text(errno) : "a path of 1 to 107 bytes is needed");
    }
    if (!is_abstract_place(place)) {
        // Its name begins with that of davit's own socket, which only one davit has: it is an old one of ours.
        ::unlink(place.c_str());
    }
    if (const int error = bind_for_everybody(socket.get(), *address); error != 0) {
        return failure(errno_text(error));
    }
    return socket;
}

void take_control(const cmsghdr& control, NotifyDatagram& datagram, std::vector<Fd>& descriptors) {
    const std::size_t size = control.cmsg_len - CMSG_LEN(0);
    if (control.cmsg_level != SOL_SOCKET) {
        return;
    }
    if (control.cmsg_type == SCM_CREDENTIALS && size >= sizeof(ucred)) {
        ucred credentials{};
        std::memcpy(&credentials, CMSG_DATA(&control), sizeof credentials);
        datagram.sender = credentials.pid;
        datagram.uid = credentials.uid;
    } else if (control.cmsg_type == SCM_RIGHTS) {
        for (std::size_t index = 0; index < size / sizeof(int); ++index) {
            int descriptor = -1;
            std::memcpy(&descriptor, CMSG_DATA(&control) + index * sizeof(int), sizeof descriptor);
            descriptors.emplace_back(descriptor);
        }
    }
}

/// nullopt: nothing is there.
std::optional<NotifyDatagram> receive(int socket, std::vector<Fd>& descriptors) {
    std::array<char, model::longest_notification> buffer;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(most_descriptors * sizeof(int))> control;
    iovec part{.iov_base = buffer.data(), .iov_len = buffer.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0) {
        return std::nullopt;
    }
    NotifyDatagram datagram{.text = {buffer.data(), static_cast<std::size_t>(size)},
                            .is_cut = (message.msg_flags & MSG_TRUNC) != 0};
    for (cmsghdr* next = CMSG_FIRSTHDR(&message); next != nullptr; next = CMSG_NXTHDR(&message, next)) {
        take_control(*next, datagram, descriptors);
    }
    return datagram;
}

} // namespace

struct NotifySocket::State : std::enable_shared_from_this<NotifySocket::State> {
    State(asio::io_context& loop, OnDatagrams call) : socket(loop), pause(loop), on_datagrams(std::move(call)) {}

    void wait() {
        socket.async_wait(asio::posix::descriptor_base::wait_read,
                          [self = shared_from_this()](const boost::system::error_code& error) {
                              if (!error && self->on_datagrams) {
                                  self->read();
                              }
                          });
    }

    void read() {
        std::vector<Fd> descriptors; // closed when what came with them is handled
        std::vector<NotifyDatagram> portion;
        while (portion.size() < datagrams_in_one_turn) {
            auto datagram = receive(socket.native_handle(), descriptors);
            if (!datagram) {
                break;
            }
            portion.push_back(std::move(*datagram));
        }
        const bool is_full = portion.size() == datagrams_in_one_turn;
        if (const OnDatagrams call = on_datagrams; !portion.empty()) {
            call(portion);
        }
        if (!on_datagrams) {
            return; // It was closed meanwhile.
        }
        is_full ? wait_a_little() : wait();
    }

    void wait_a_little() {
        pause.expires_after(pause_after_full_turn);
        pause.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
            if (!error && self->on_datagrams) {
                self->wait();
            }
        });
    }

    void close() {
        on_datagrams = nullptr;
        boost::system::error_code ignored;
        socket.close(ignored);
        pause.cancel();
        if (!path.empty()) {
            ::unlink(path.c_str());
        }
    }

    asio::posix::stream_descriptor socket;
    asio::steady_timer pause;
    OnDatagrams on_datagrams; // empty: it is closed
    std::string path;         // to be removed; empty: none
};

std::vector<std::string> notify_places(std::string_view davits_place, std::string_view service, std::size_t number,
                                       Reach reach) {
    std::vector<std::string> places;
    std::string path{davits_place};
    path.append(".").append(service);
    const bool is_path = !davits_place.empty() && !is_abstract_place(davits_place);
    if (is_path && (reach == Reach::own_user || everybody_may_enter(path))) {
        places.push_back(std::move(path));
    }
    if (const std::string own = abstract_place(); !own.empty()) {
        places.push_back(own + "-" + std::to_string(::getpid()) + "-notify-" + std::to_string(number));
    }
    return places;
}

NotifySocket::NotifySocket(asio::io_context& loop, OnDatagrams on_datagrams)
    : state_(std::make_shared<State>(loop, std::move(on_datagrams))) {}

NotifySocket::~NotifySocket() {
    state_->close();
}

Result<std::string> NotifySocket::open(const std::vector<std::string>& places) {
    std::string problems;
    for (const std::string& place : places) {
        auto bound = bind_at(place);
        if (!bound) {
            problems += (problems.empty() ? "" : "; ") + place + ": " + bound.error().text;
            continue;
        }
        boost::system::error_code error;
        state_->socket.assign(bound->get(), error);
        if (error) {
            return failure("cannot watch its notify socket: " + error.message());
        }
        bound->release();
        state_->path = is_abstract_place(place) ? std::string{} : place;
        state_->wait();
        return place;
    }
    return failure("cannot make its notify socket: " + (problems.empty() ? "no place for it" : problems));
}

} // namespace davit::os
