// SPDX-License-Identifier: Apache-2.0
#include "api/server.h"

#include "api/metrics.h"
#include "api/session.h"
#include "os/sockets.h"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

namespace davit::api {
namespace {

namespace asio = boost::asio;
using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;

/// Out of descriptors or memory: no client can be taken just now.
constexpr std::chrono::milliseconds pause_after_failed_accept{100};
/// Answers that PID 1 gives while it ends are handed over within these turns of the loop.
constexpr int turns_for_last_answers = 4;

/// Of the status port it may be IPv4 just as well: nobody asks.
asio::generic::stream_protocol protocol_of(Door door) {
    switch (door) {
    case Door::unix_socket: return asio::local::stream_protocol{};
    case Door::status_port: break;
    }
    return asio::ip::tcp::v6();
}

/// The text of the metrics. A walk over /proc is behind it: to write it takes a tenth of davit's time at most, however
/// often it is asked for, since a text stands for some times as long as it took.
class MetricsPage {
public:
    std::string_view text(const SessionHost& host) {
        const View view = view_of(host);
        if (view.now >= stands_until_) {
            text_ = metrics_text(view, host.supervisor.measure());
            const TimePoint done = std::chrono::steady_clock::now();
            stands_until_ = done + rest_per_work * (done - view.now);
        }
        return text_;
    }

private:
    static constexpr int rest_per_work = 9;

    std::string text_;
    TimePoint stands_until_{};
};

} // namespace

class Server::Body : public std::enable_shared_from_this<Server::Body> {
public:
    Body(asio::io_context& loop, runtime::Supervisor& supervisor, ServerOptions options)
        : loop_(loop), host_{.supervisor = supervisor,
                             .options = options,
                             .take_place = [this](SessionState stay) { return take_place(stay); },
                             .metrics = [this] { return metrics_.text(host_); }} {}

    void serve(os::Fd listening_socket) {
        acceptor_.emplace(loop_);
        acceptor_->assign(protocol_of(host_.options.door), listening_socket.release());
        accept();
    }

    void finish(Duration patience, std::function<void()> done) {
        done_ = std::move(done);
        close_acceptor();
        patience_over_.emplace(loop_, patience);
        patience_over_->async_wait([self = shared_from_this()](const boost::system::error_code& error) {
            if (!error) {
                self->tell_done();
            }
        });
        look_again(turns_for_last_answers);
    }

    void shut() {
        close_acceptor();
        for (const auto& session : std::vector{sessions_}) {
            session->close();
        }
    }

private:
    void accept() {
        acceptor_->async_accept(
            [self = shared_from_this()](const boost::system::error_code& error, Session::Socket socket) {
                if (!self->acceptor_ || error == asio::error::operation_aborted) {
                    return;
                }
                if (error) {
                    return self->accept_later();
                }
                self->take(std::move(socket));
                self->accept();
            });
    }

    void accept_later() {
        make_room();
        const auto pause = std::make_shared<asio::steady_timer>(loop_, pause_after_failed_accept);
        pause->async_wait([self = shared_from_this(), pause](const boost::system::error_code&) {
            if (self->acceptor_) {
                self->accept();
            }
        });
    }

    /// A socket that is not taken closes without an answer.
    void take(Session::Socket socket) {
        if (host_.options.door == Door::unix_socket && !os::may_talk_to(socket.native_handle())) {
            return;
        }
        if (sessions_.size() >= host_.options.max_connections && !make_room()) {
            return;
        }
        const auto session = std::make_shared<Session>(std::move(socket), host_);
        sessions_.push_back(session);
        Session::run(session, [self = shared_from_this(), session = session.get()] { self->remove(session); });
    }

    /// Who has not asked anything yet goes, else who is slow to take a short answer, the oldest first. False: all
    /// others wait or follow.
    bool make_room() { return close_oldest(&Session::is_idle) || close_oldest(&Session::is_answering); }

    bool close_oldest(bool (Session::*which)() const) {
        const auto goes = std::ranges::find_if(sessions_, [which](const auto& session) { return (*session.*which)(); });
        if (goes == sessions_.end()) {
            return false;
        }
        (*goes)->close();
        sessions_.erase(goes);
        return true;
    }

    std::size_t count(bool (Session::*which)() const) const {
        return static_cast<std::size_t>(
            std::ranges::count_if(sessions_, [which](const auto& session) { return (*session.*which)(); }));
    }

    bool take_place(SessionState stay) {
        const std::size_t long_ones = count(&Session::waits_for_verb) + count(&Session::follows);
        if (stay == SessionState::hook) {
            return count(&Session::is_hook) + long_ones < host_.options.max_connections;
        }
        const bool has_place = long_ones < host_.options.max_connections - host_.options.reserved_for_hooks;
        return has_place || close_oldest(&Session::has_stalled);
    }

    void remove(const Session* session) {
        std::erase_if(sessions_, [&](const auto& other) { return other.get() == session; });
        if (done_ && waited_for_last_answers_ && !owes_answers()) {
            tell_done();
        }
    }

    bool owes_answers() const {
        return std::ranges::any_of(sessions_, [](const auto& session) { return session->owes_answer(); });
    }

    void look_again(int turns) {
        if (turns > 0) {
            return asio::post(loop_, [self = shared_from_this(), turns] { self->look_again(turns - 1); });
        }
        waited_for_last_answers_ = true;
        if (!owes_answers()) {
            tell_done();
        }
    }

    void tell_done() {
        if (!done_) {
            return;
        }
        patience_over_->cancel();
        const auto done = std::exchange(done_, nullptr);
        done();
    }

    void close_acceptor() {
        if (acceptor_) {
            boost::system::error_code ignored;
            acceptor_->close(ignored);
            acceptor_.reset();
        }
    }

    asio::io_context& loop_;
    SessionHost host_;
    MetricsPage metrics_;
    std::optional<Acceptor> acceptor_;
    std::vector<std::shared_ptr<Session>> sessions_; // oldest first
    std::function<void()> done_;
    std::optional<asio::steady_timer> patience_over_;
    bool waited_for_last_answers_ = false;
};

Server::Server(asio::io_context& loop, runtime::Supervisor& supervisor, ServerOptions options)
    : body_(std::make_shared<Body>(loop, supervisor, options)) {}

Server::~Server() {
    body_->shut();
}

void Server::serve(os::Fd listening_socket) {
    body_->serve(std::move(listening_socket));
}

void Server::finish(Duration patience, std::function<void()> done) {
    body_->finish(patience, std::move(done));
}

} // namespace davit::api
