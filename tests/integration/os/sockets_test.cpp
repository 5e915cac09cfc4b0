// SPDX-License-Identifier: Apache-2.0
// davit's socket: taking it, never taking it away, and who is at the other end.
#include "os/sockets.h"

#include "support.h"
#include "support/catch.h"

#include <cstddef>
#include <cstring>
#include <sys/socket.h>
#include <sys/un.h>

using namespace davit;
using namespace davit::os;
using namespace davit::test;

namespace {

Fd accepted_from(const ListeningSocket& listening) {
    return Fd{::accept4(listening.socket.get(), nullptr, nullptr, SOCK_CLOEXEC)};
}

} // namespace

TEST_CASE("the socket is its owner's alone", "[sockets]") {
    const Folder folder;
    const auto listening = listen_at({folder / "davit.sock"});
    REQUIRE(listening);

    struct stat status{};
    REQUIRE(::stat((folder / "davit.sock").c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    CHECK(listening->place == folder / "davit.sock");
}

TEST_CASE("a client and davit know each other", "[sockets]") {
    const Folder folder;
    const auto listening = listen_at({folder / "davit.sock"});
    REQUIRE(listening);

    const auto client = connect_to(folder / "davit.sock");
    REQUIRE(client);
    const Fd server = accepted_from(*listening);

    CHECK(may_talk_to(server.get()));
    CHECK(peer_of(server.get())->pid == ::getpid());
    CHECK(peer_of(client->get())->uid == ::geteuid());
}

TEST_CASE("a socket that nobody listens on any more is replaced", "[sockets]") {
    const Folder folder;
    listen_at({folder / "davit.sock"}).value().socket.reset();

    const auto listening = listen_at({folder / "davit.sock"});
    REQUIRE(listening);
    CHECK(connect_to(folder / "davit.sock").has_value());
}

TEST_CASE("the socket of a davit that lives is never taken, and no other place is tried", "[sockets]") {
    const Folder folder;
    const auto first = listen_at({folder / "davit.sock"});
    REQUIRE(first);

    const auto second = listen_at({folder / "davit.sock", folder / "other.sock"});

    REQUIRE_FALSE(second);
    CHECK(second.error().text == "cannot listen on " + (folder / "davit.sock") + ": another davit listens there");
    CHECK(connect_to(folder / "davit.sock").has_value());
}

TEST_CASE("a file that is no socket is not removed", "[sockets]") {
    const Folder folder;
    folder.write("davit.sock", "precious");

    CHECK_FALSE(listen_at({folder / "davit.sock"}));
    CHECK(std::filesystem::file_size(folder / "davit.sock") == 8);
}

TEST_CASE("where a place cannot be had, the next one is taken", "[sockets]") {
    const Folder folder;
    const auto listening = listen_at({"/nowhere/davit.sock", folder / "davit.sock"});

    REQUIRE(listening);
    CHECK(listening->place == folder / "davit.sock");
}

TEST_CASE("all places that failed are told", "[sockets]") {
    const auto listening = listen_at({"/nowhere/a.sock", "/nowhere/b.sock"});

    REQUIRE_FALSE(listening);
    CHECK(listening.error().text == "cannot listen on /nowhere/a.sock: no such file or directory; "
                                    "cannot listen on /nowhere/b.sock: no such file or directory");
}

TEST_CASE("the abstract place is named after this mount namespace and works like a path", "[sockets]") {
    CHECK(abstract_place().starts_with("@davit-"));

    const std::string place = "@davit-test-" + std::to_string(::getpid());
    const auto listening = listen_at({place});
    REQUIRE(listening);
    CHECK(connect_to(place).has_value());
    CHECK_FALSE(listen_at({place}));
}

TEST_CASE("the usual places come in the order of the documentation", "[sockets]") {
    CHECK(usual_places("/run/user/7") ==
          std::vector<std::string>{"/run/davit/davit.sock", "/run/user/7/davit.sock", abstract_place()});
    CHECK(usual_places("").size() == 2);
}

TEST_CASE("a path that is too long for a socket is an error, not cut", "[sockets]") {
    const std::string place = "/tmp/" + std::string(200, 'x');

    CHECK_FALSE(listen_at({place}));
    CHECK(connect_to(place).error().problem == ConnectProblem::absent);
}

TEST_CASE("nobody there and nobody free are told apart", "[sockets]") {
    const Folder folder;
    CHECK(connect_to(folder / "davit.sock").error().problem == ConnectProblem::absent);

    const auto listening = listen_at({folder / "davit.sock"});
    std::vector<Fd> clients;
    while (clients.size() < 1000) {
        auto client = connect_to(folder / "davit.sock");
        if (!client) {
            CHECK(client.error().problem == ConnectProblem::busy);
            break;
        }
        clients.push_back(std::move(*client));
    }
    CHECK(clients.size() < 1000);
}

TEST_CASE("root's davit does not talk to another user, and that user's client does not trust a third", "[sockets]") {
    if (::geteuid() != 0) {
        SUCCEED("needs root");
        return;
    }
    const std::string place = "@davit-test-users-" + std::to_string(::getpid());
    const auto listening = listen_at({place});
    REQUIRE(listening);
    const pid_t stranger = ::fork();
    if (stranger == 0) {
        // 1: connected, as root's socket may be trusted.
        ::_exit(::setuid(65534) == 0 && connect_to(place) ? 1 : 2);
    }
    const Fd server = accepted_from(*listening);
    CHECK_FALSE(may_talk_to(server.get()));
    CHECK(WEXITSTATUS(wait_for(stranger)) == 1);
}
