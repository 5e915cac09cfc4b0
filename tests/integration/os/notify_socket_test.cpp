// SPDX-License-Identifier: Apache-2.0
// The socket of sd_notify, with the credentials that the kernel adds, and what belongs to a service.
#include "os/notify_socket.h"

#include "os/child_reaper.h"
#include "os/session_scan.h"
#include "os/sockets.h"
#include "os/unix_address.h"
#include "support.h"
#include "support/catch.h"

#include <boost/asio/steady_timer.hpp>

#include <cstring>
#include <fstream>
#include <iterator>
#include <sys/socket.h>

using namespace davit;
using namespace davit::os;
using namespace davit::test;
namespace asio = boost::asio;

namespace {

struct Listening {
    explicit Listening(const std::vector<std::string>& places)
        : socket(loop,
                 [this](std::span<const NotifyDatagram> datagrams) {
                     portions.push_back(datagrams.size());
                     received.insert(received.end(), datagrams.begin(), datagrams.end());
                 }),
          place(socket.open(places)) {}

    bool wait_for(std::size_t count) {
        return run_until(loop, [&] { return received.size() >= count; });
    }

    asio::io_context loop{1};
    std::vector<NotifyDatagram> received;
    std::vector<std::size_t> portions;
    NotifySocket socket;
    Result<std::string> place;
};

Fd sender() {
    return Fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
}

/// With a descriptor of its own, if it is not negative. 0, or errno.
int send_to(const std::string& place, std::string text, int descriptor = -1) {
    const Fd socket = sender();
    auto address = *unix_address_of(place);
    iovec part{.iov_base = text.data(), .iov_len = text.size()};
    msghdr message{};
    message.msg_name = &address.address;
    message.msg_namelen = address.size;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    if (descriptor >= 0) {
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        cmsghdr* rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(rights), &descriptor, sizeof descriptor);
    }
    return ::sendmsg(socket.get(), &message, 0) < 0 ? errno : 0;
}

} // namespace

TEST_CASE("a datagram comes with the pid and uid of its sender", "[notify_socket]") {
    const Folder folder;
    Listening listening{{folder / "davit.sock.web"}};
    REQUIRE(listening.place == folder / "davit.sock.web");
    CHECK(send_to(*listening.place, "READY=1") == 0);
    REQUIRE(listening.wait_for(1));
    CHECK(listening.received[0].text == "READY=1");
    CHECK(listening.received[0].sender == ::getpid());
    CHECK(listening.received[0].uid == ::getuid());
    CHECK_FALSE(listening.received[0].is_cut);
}

TEST_CASE("everybody may send to the path, an old one is replaced, and it goes with the socket", "[notify_socket]") {
    const Folder folder;
    const std::string path = folder.write("davit.sock.web", "old");
    {
        const Listening listening{{path}};
        REQUIRE(listening.place);
        struct stat status{};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        CHECK(S_ISSOCK(status.st_mode));
        CHECK((status.st_mode & 0777) == 0666);
    }
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("where a path cannot be had the abstract namespace is used", "[notify_socket]") {
    const std::string place = abstract_place() + "-" + std::to_string(::getpid()) + "-test";
    Listening listening{{"/nowhere/davit.sock.web", "/" + std::string(200, 'x'), place}};
    REQUIRE(listening.place == place);
    CHECK(send_to(place, "READY=1") == 0);
    CHECK(listening.wait_for(1));
    const Listening nowhere{{"/nowhere/davit.sock.web"}};
    CHECK(nowhere.place.error().text ==
          "cannot make its notify socket: /nowhere/davit.sock.web: no such file or directory");
}

TEST_CASE("a path that another user cannot reach is no place for it", "[notify_socket]") {
    const Folder folder; // mkdtemp: 0700
    const std::string abstract = abstract_place() + "-" + std::to_string(::getpid()) + "-notify-3";
    const std::string davit = folder / "davit.sock";
    CHECK(notify_places(davit, "web", 3, Reach::own_user) == std::vector{davit + ".web", abstract});
    CHECK(notify_places(davit, "web", 3, Reach::everybody) == std::vector{abstract});
    CHECK(notify_places("/tmp/davit.sock", "web", 3, Reach::everybody) ==
          std::vector<std::string>{"/tmp/davit.sock.web", abstract});
    CHECK(notify_places("@davit-1", "web", 3, Reach::own_user) == std::vector{abstract});
}

TEST_CASE("descriptors that come with a datagram are closed once it was handled", "[notify_socket]") {
    const Folder folder;
    Listening listening{{folder / "n"}};
    Pipe pipe = open_pipe();
    CHECK(send_to(*listening.place, "BARRIER=1", pipe.write.get()) == 0);
    pipe.write.reset();
    REQUIRE(listening.wait_for(1));
    CHECK(listening.received[0].text == "BARRIER=1");
    char byte = 0;
    CHECK(::read(pipe.read.get(), &byte, 1) == 0); // the last writer is gone
}

TEST_CASE("a datagram that is too long is marked", "[notify_socket]") {
    const Folder folder;
    Listening listening{{folder / "n"}};
    CHECK(send_to(*listening.place, "STATUS=" + std::string(5000, 'x')) == 0);
    REQUIRE(listening.wait_for(1));
    CHECK(listening.received[0].is_cut);
    CHECK(listening.received[0].text.size() == 4096);
}

TEST_CASE("a flood is read in portions, and whoever waits beside it has its turn", "[notify_socket]") {
    const Folder folder;
    Listening listening{{folder / "n"}};
    asio::steady_timer other{listening.loop};
    int turns = 0;
    std::function<void()> take_turn = [&] {
        other.expires_after(1ms);
        other.async_wait([&](const boost::system::error_code& error) {
            if (!error) {
                ++turns;
                // As many as fit: the queue of the socket is always full.
                while (send_to(*listening.place, "WATCHDOG=1") == 0) {
                }
                take_turn();
            }
        });
    };
    take_turn();
    REQUIRE(listening.wait_for(100));
    CHECK(2 * turns >= static_cast<int>(listening.portions.size()));
    for (const std::size_t portion : listening.portions) {
        CHECK(portion <= NotifySocket::datagrams_in_one_turn);
    }
}

TEST_CASE("a socket that is closed by what came tells nothing more", "[notify_socket]") {
    const Folder folder;
    asio::io_context loop{1};
    int calls = 0;
    std::unique_ptr<NotifySocket> socket;
    socket = std::make_unique<NotifySocket>(loop, [&](std::span<const NotifyDatagram>) {
        ++calls;
        socket.reset();
    });
    const auto place = socket->open({folder / "n"});
    REQUIRE(place);
    CHECK(send_to(*place, "READY=1") == 0);
    CHECK(run_until(loop, [&] { return calls == 1; }));
    CHECK(send_to(*place, "READY=1") == ENOENT);
}

TEST_CASE("the leader, its session and its descendants may have sent, a stranger may not", "[notify_socket]") {
    asio::io_context loop{1};
    const ChildReaper reaper{loop};
    const SessionScan scan{reaper};
    auto request = shell("setsid sleep 1000 & sleep 1000 & wait");
    const auto leader = spawn(request);
    REQUIRE(leader);
    const SessionQuery query{.leader = *leader, .service = "web", .excluded = {}};
    const auto children = [&] {
        const std::string id = std::to_string(*leader);
        std::ifstream list{"/proc/" + id + "/task/" + id + "/children"};
        return std::vector<pid_t>{std::istream_iterator<pid_t>{list}, {}};
    };
    REQUIRE(eventually([&] { return children().size() == 2; }));
    CHECK(scan.may_have_sent(query, *leader));
    for (const pid_t child : children()) {
        CHECK(scan.may_have_sent(query, child));
    }
    const auto stranger = spawn(shell("exec sleep 1000"));
    REQUIRE(stranger);
    CHECK_FALSE(scan.may_have_sent(query, *stranger));
    CHECK_FALSE(scan.may_have_sent(query, ::getpid()));
    CHECK_FALSE(scan.may_have_sent(query, 0));
    auto named = shell("exec sleep 1000");
    named.environment.emplace_back("DAVIT_SERVICE=web");
    const auto escaped = spawn(named);
    REQUIRE(escaped);
    // Its environment is there once exec is done, which is a moment after spawn.
    CHECK(eventually([&] { return scan.may_have_sent(query, *escaped); }));
    const auto kids = children();
    for (const pid_t pid : {*leader, *stranger, *escaped, kids[0], kids[1]}) {
        ::kill(pid, SIGKILL);
    }
    for (const pid_t pid : {*leader, *stranger, *escaped}) {
        wait_for(pid);
    }
    CHECK(scan.may_have_sent(query, *stranger)); // it has ended: nobody can tell
}
