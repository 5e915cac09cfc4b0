// SPDX-License-Identifier: Apache-2.0
#include "os/sockets.h"

#include "os/errno_text.h"
#include "os/unix_address.h"

#include <cerrno>
#include <optional>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::os {
namespace {

constexpr const char* own_directory = "/run/davit";
constexpr int waiting_clients = 128;

Fd new_socket() {
    return Fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
}

std::unexpected<Error> cannot_listen(const std::string& place, const std::string& reason) {
    return failure("cannot listen on " + place + ": " + reason);
}

/// A place that cannot be had: the next one may do. A living davit there: none will do.
struct NoPlace {
    bool is_taken;
    Error error;
};

/// Only the owner may connect. One thread: nobody else sees the changed mask.
int bind_for_owner(int socket, const UnixAddress& address) {
    const mode_t before = ::umask(0177);
    const int result = ::bind(socket, address.get(), address.size) == 0 ? 0 : errno;
    ::umask(before);
    return result;
}

enum class Occupant : std::uint8_t { nobody, somebody, no_socket };

Occupant occupant_of(const std::string& place, const UnixAddress& address) {
    struct stat status{};
    if (!is_abstract_place(place) && ::lstat(place.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode)) {
        return Occupant::no_socket;
    }
    const Fd probe = new_socket();
    if (::connect(probe.get(), address.get(), address.size) != 0 && (errno == ECONNREFUSED || errno == ENOENT)) {
        return Occupant::nobody;
    }
    // Also when it takes nobody at the moment, or may not be asked: it lives.
    return Occupant::somebody;
}

/// 0, or the error number of bind; a socket that nobody listens on is replaced.
std::expected<void, NoPlace> bind_at(const std::string& place, int socket, const UnixAddress& address) {
    int error = bind_for_owner(socket, address);
    if (error == EADDRINUSE) {
        switch (occupant_of(place, address)) {
        case Occupant::somebody:
            return std::unexpected{NoPlace{true, {"cannot listen on " + place + ": another davit listens there"}}};
        case Occupant::no_socket:
            return std::unexpected{NoPlace{true, {"cannot listen on " + place + ": it is there and is no socket"}}};
        case Occupant::nobody: ::unlink(place.c_str()); error = bind_for_owner(socket, address);
        }
    }
    if (error != 0) {
        return std::unexpected{NoPlace{false, cannot_listen(place, errno_text(error)).error()}};
    }
    return {};
}

std::expected<ListeningSocket, NoPlace> listen_at_place(const std::string& place) {
    const auto address = unix_address_of(place);
    if (!address) {
        return std::unexpected{NoPlace{false, cannot_listen(place, "a path of 1 to 107 bytes is needed").error()}};
    }
    if (place.starts_with(std::string{own_directory} + "/")) {
        constexpr mode_t everybody_may_enter = 0755;
        ::mkdir(own_directory, everybody_may_enter);
    }
    Fd socket = new_socket();
    if (!socket) {
        return std::unexpected{NoPlace{false, cannot_listen(place, errno_text(errno)).error()}};
    }
    if (const auto bound = bind_at(place, socket.get(), *address); !bound) {
        return std::unexpected{bound.error()};
    }
    if (::listen(socket.get(), waiting_clients) != 0) {
        return std::unexpected{NoPlace{false, cannot_listen(place, errno_text(errno)).error()}};
    }
    return ListeningSocket{.socket = std::move(socket), .place = place};
}

std::optional<uid_t> user_of_pid_1() {
    struct stat status{};
    return ::stat("/proc/1", &status) == 0 ? std::optional{status.st_uid} : std::nullopt;
}

} // namespace

std::string abstract_place() {
    struct stat status{};
    if (::stat("/proc/self/ns/mnt", &status) != 0) {
        return {};
    }
    return "@davit-" + std::to_string(status.st_ino);
}

std::vector<std::string> usual_places(std::string_view runtime_directory) {
    std::vector<std::string> places = {std::string{own_directory} + "/davit.sock"};
    if (!runtime_directory.empty()) {
        places.push_back(std::string{runtime_directory} + "/davit.sock");
    }
    if (std::string place = abstract_place(); !place.empty()) {
        places.push_back(std::move(place));
    }
    return places;
}

Result<ListeningSocket> listen_at(const std::vector<std::string>& places) {
    std::string problems;
    for (const std::string& place : places) {
        auto listening = listen_at_place(place);
        if (listening) {
            return std::move(*listening);
        }
        if (listening.error().is_taken) {
            return std::unexpected{listening.error().error};
        }
        problems += (problems.empty() ? "" : "; ") + listening.error().error.text;
    }
    return failure(problems.empty() ? "cannot listen: no place for the socket" : problems);
}

Result<Peer> peer_of(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
        return failure("cannot see who is at the other end: " + errno_text(errno));
    }
    return Peer{.uid = credentials.uid, .pid = credentials.pid};
}

bool may_talk_to(int socket) {
    const auto peer = peer_of(socket);
    return peer && peer->pid != 0 && (peer->uid == 0 || peer->uid == ::geteuid());
}

std::expected<Fd, ConnectFailure> connect_to(const std::string& place) {
    const auto failed = [](ConnectProblem problem, std::string text) {
        return std::unexpected{ConnectFailure{.problem = problem, .text = std::move(text)}};
    };
    const auto address = unix_address_of(place);
    if (!address) {
        return failed(ConnectProblem::absent, "no path of 1 to 107 bytes");
    }
    Fd socket = new_socket();
    if (!socket || ::connect(socket.get(), address->get(), address->size) != 0) {
        return failed(errno == EAGAIN ? ConnectProblem::busy : ConnectProblem::absent, errno_text(errno));
    }
    const auto peer = peer_of(socket.get());
    if (!peer || peer->pid == 0) {
        return failed(ConnectProblem::foreign, "who listens there is not in this container");
    }
    if (peer->uid != 0 && peer->uid != ::geteuid() && peer->uid != user_of_pid_1()) {
        return failed(ConnectProblem::foreign, "uid " + std::to_string(peer->uid) + " listens there");
    }
    return socket;
}

} // namespace davit::os
