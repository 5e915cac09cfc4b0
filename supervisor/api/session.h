// SPDX-License-Identifier: Apache-2.0
// One client on the unix socket or the status port, from its first byte to its end. A coroutine reads a request within
// its limits, routes it and writes the answer; a verb becomes a stream of lines that ends with its result. A client
// that is slow, gone or talks rubbish ends its own session and nothing else.
#pragma once

#include "api/feed.h"
#include "api/router.h"
#include "api/server.h"
#include "runtime/supervisor.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace davit::api {

/// What a session is about. The last three may stay for long, and need a place for that.
enum class SessionState : std::uint8_t { idle, answering, verb, hook, follower };

/// What every session shares; outlives them all.
struct SessionHost {
    runtime::Supervisor& supervisor;
    ServerOptions options;
    /// Takes a place for one that may wait long (a hook: also of the reserved ones). False: none is left. A follower
    /// that has stalled loses his to one that has no other.
    std::function<bool(SessionState stay)> take_place;
    /// The text of the metrics, until the next turn of the loop.
    std::function<std::string_view()> metrics;
};

/// What there is to see of the supervisor at this moment.
View view_of(const SessionHost& host);

class Session : public std::enable_shared_from_this<Session> {
public:
    using Socket = boost::asio::generic::stream_protocol::socket;

    Session(Socket socket, const SessionHost& host);

    /// Serves requests until the client or a limit ends it; `ended` is called once, also after an exception.
    static void run(std::shared_ptr<Session> session, std::function<void()> ended);

    /// Nobody waits for its verb any more: tells the supervisor, unless the answer has come.
    void forget_request();
    /// Closes the connection; `run` then ends by itself.
    void close();

    /// It waits for a request (of a new client or between two requests), so it may be closed for another's sake.
    bool is_idle() const { return state_ == SessionState::idle; }
    /// The client has not taken all of a short answer yet.
    bool is_answering() const { return state_ == SessionState::answering; }
    bool waits_for_verb() const { return state_ == SessionState::verb; }
    bool is_hook() const { return state_ == SessionState::hook; }
    bool follows() const { return state_ == SessionState::follower; }
    /// It follows, and its client has taken nothing for as long as others may take for all.
    bool has_stalled() const { return has_stalled_; }
    /// The verb has its answer, but the client has not read it yet.
    bool owes_answer() const {
        const bool has_news = feed_ && feed_->has_unread() && !has_stalled_;
        return has_news || ((waits_for_verb() || is_hook()) && answer_.has_value());
    }

private:
    enum class FeedEnd : std::uint8_t { when_all_is_read, never };
    struct AnswerLine {
        model::Verdict verdict;
        std::string message;
    };
    using Flow = boost::asio::awaitable<bool>; // true: the connection goes on

    boost::asio::awaitable<void> serve();
    Flow serve_request(std::string_view method, std::string_view target, std::string_view body);
    Flow serve_verb(const VerbCall& call);
    Flow serve_reload(const ReloadCall& call);
    /// As long as the client stays, or until it has all.
    Flow serve_feed(std::unique_ptr<Feed> feed, FeedEnd end);
    Flow wait_for_answer(const VerbCall& call);
    bool begin_to_stay(SessionState stay);
    Flow stream(const VerbCall& call);
    Flow write_lines();
    Call call_of(std::string_view method, std::string_view target, std::string_view body) const;
    Flow reply(unsigned status, std::string_view content_type, std::string_view body, std::string_view allow = {});
    Flow refuse(const Refusal& refusal);
    Flow write(std::string text);

    bool is_status_port() const { return host_.options.door == Door::status_port; }
    View view() const { return view_of(host_); }
    runtime::Listener listener();
    void add_line(std::string line);
    void watch_client();
    void arm_deadline();
    std::string chunk(std::string_view lines) const;
    std::string stream_head() const;
    std::function<void()> waker() {
        return [this] { wake_.cancel(); };
    }

    Socket socket_;
    const SessionHost& host_;
    boost::asio::steady_timer deadline_;
    boost::asio::steady_timer wake_; // a line, an answer or the client's end
    SessionState state_ = SessionState::idle;
    bool keep_alive_ = true;
    bool http_1_0_ = false;
    bool head_only_ = false; // HEAD: the answer has no body
    bool client_gone_ = false;
    bool has_stalled_ = false;
    std::deque<std::string> lines_;
    std::size_t lines_dropped_ = 0;
    std::optional<model::RequestId> asked_;
    std::optional<AnswerLine> answer_;
    std::unique_ptr<Feed> feed_; // that it reads
    std::array<char, 256> unwanted_{};
    std::size_t unwanted_bytes_ = 0;
};

} // namespace davit::api
