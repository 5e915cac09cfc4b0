// SPDX-License-Identifier: Apache-2.0
// davit's unix socket, from both sides: where it is, who may talk through it, how davit takes it without ever
// taking it from another davit that lives. A place is a path, or `@NAME` in the abstract namespace.
#pragma once

#include "model/result.h"
#include "os/fd.h"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace davit::os {

/// `@davit-N`, N = inode of this mount namespace: PID 1 and every exec of its container compute the same name,
/// no other container does. Empty without /proc.
std::string abstract_place();

/// Where davit listens when nobody says otherwise, in order: /run/davit/davit.sock, davit.sock in
/// `runtime_directory` ($XDG_RUNTIME_DIR; may be empty), the abstract place.
std::vector<std::string> usual_places(std::string_view runtime_directory);

struct ListeningSocket {
    Fd socket;
    std::string place; // for DAVIT_SOCKET
};

/// Listens (mode 0600) at the first of `places` that can be had. A directory is made only below /run/davit; a
/// socket that nobody listens on is replaced. Error: none can be had, or a living davit has one of them.
Result<ListeningSocket> listen_at(const std::vector<std::string>& places);

/// Who is at the other end of a unix socket, as the kernel says.
struct Peer {
    uid_t uid;
    pid_t pid; // 0: not in this PID namespace
};
Result<Peer> peer_of(int socket);

/// Server side: the peer is root or has davit's own uid, and is in its PID namespace.
bool may_talk_to(int socket);

enum class ConnectProblem : std::uint8_t {
    absent,  // nobody listens there
    busy,    // somebody listens and takes nobody at the moment
    foreign, // who listens there is not a davit that this user may trust
};
struct ConnectFailure {
    ConnectProblem problem;
    std::string text; // "no such file or directory"
};

/// Client side: never waits. The server must be root, this user or the user of PID 1, and in this PID namespace.
/// The socket is non-blocking.
std::expected<Fd, ConnectFailure> connect_to(const std::string& place);

} // namespace davit::os
