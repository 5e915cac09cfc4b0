// SPDX-License-Identifier: Apache-2.0
#include "api/session.h"

#include "api/cpus.h"
#include "api/json_writer.h"
#include "api/metrics.h"
#include "api/protocol.h"
#include "api/reload.h"
#include "api/timeline.h"
#include "config/graph.h"
#include "config/plan.h"
#include "model/pod_verdict.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <charconv>
#include <exception>

namespace davit::api {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr std::uint32_t max_header = 8 * 1024;
constexpr std::uint64_t max_body = 64 * 1024;
constexpr std::size_t max_lines_kept = 1000;
/// What a client sends while its verb runs is thrown away up to here.
constexpr std::size_t max_unwanted = 64 * 1024;
/// An answer that is known at once comes within these turns of the loop, and may then be a plain 409.
constexpr int turns_for_immediate_answer = 4;
constexpr std::string_view json_type = "application/json";
constexpr std::string_view text_type = "text/plain; charset=utf-8";
constexpr std::string_view yaml_type = "application/yaml";

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);

std::string_view status_text(unsigned status) {
    switch (status) {
    case 200: return "200 OK";
    case 404: return "404 Not Found";
    case 405: return "405 Method Not Allowed";
    case 409: return "409 Conflict";
    case 413: return "413 Content Too Large";
    case 431: return "431 Request Header Fields Too Large";
    case 503: return "503 Service Unavailable";
    }
    return "400 Bad Request";
}

Refusal refusal_of_read_error(const boost::system::error_code& error, std::uint64_t body_limit) {
    if (error == http::error::body_limit) {
        return {.status = 413,
                .error = body_limit == 0 ? "a request here has no body" : "the body is over 64 KiB",
                .allow = {}};
    }
    if (error == http::error::header_limit) {
        return {.status = 431, .error = "the header is over 8 KiB", .allow = {}};
    }
    return {.status = 400, .error = "this is not HTTP: " + error.message(), .allow = {}};
}

/// The client sent something that is no request; everything else is a client or a network that went away.
bool is_rubbish(const boost::system::error_code& error) {
    return error.category() == http::make_error_code(http::error::bad_method).category() &&
           error != http::error::end_of_stream && error != http::error::partial_message;
}

const Refusal too_many_wait{.status = 503, .error = "too many clients wait already", .allow = {}};

std::string timeout_line(Duration timeout) {
    JsonWriter json;
    json.begin_object().key("timeoutSeconds").seconds(to_seconds(timeout)).end_object();
    return json.take();
}

std::string result_line(model::Verdict verdict, std::string_view message) {
    JsonWriter json;
    json.begin_object().key("result").string(to_string(verdict)).key("message").string(message).end_object();
    return json.take();
}

std::string graph_of(const model::PodSpec& spec, GraphFormat format) {
    switch (format) {
    case GraphFormat::text: return config::graph_text(spec, config::Charset::utf8);
    case GraphFormat::ascii: return config::graph_text(spec, config::Charset::ascii);
    case GraphFormat::dot: break;
    }
    return config::graph_dot(spec);
}

std::string text_of(const std::exception_ptr& escaped) {
    try {
        std::rethrow_exception(escaped);
    } catch (const std::exception& error) {
        return error.what();
    } catch (...) {
        return "something that is no exception";
    }
}

} // namespace

Session::Session(Socket socket, const SessionHost& host)
    : socket_(std::move(socket)), host_(host), deadline_(socket_.get_executor()), wake_(socket_.get_executor()) {}

void Session::run(std::shared_ptr<Session> session, std::function<void()> ended) {
    Session& self = *session;
    // The handler owns the session until the coroutine is over, however it ends.
    asio::co_spawn(self.socket_.get_executor(), self.serve(),
                   [session = std::move(session), ended = std::move(ended)](const std::exception_ptr& escaped) {
                       if (escaped) {
                           session->host_.supervisor.report_escaped("a client's session ended: " + text_of(escaped));
                       }
                       session->forget_request();
                       session->close();
                       ended();
                   });
}

void Session::forget_request() {
    if (asked_ && !answer_) {
        host_.supervisor.forget(*asked_);
    }
    asked_.reset();
}

void Session::close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
    deadline_.cancel();
    client_gone_ = true;
    wake_.cancel();
}

void Session::arm_deadline() {
    deadline_.expires_after(host_.options.io_timeout);
    deadline_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        const auto session = weak.lock();
        if (error || !session) {
            return;
        }
        // Who follows may pause: it costs a place and one part of the stream, and it is told what it has missed.
        if (session->follows()) {
            session->has_stalled_ = true;
        } else {
            session->close();
        }
    });
}

asio::awaitable<void> Session::serve() {
    boost::beast::flat_buffer buffer{max_header + (is_status_port() ? 0 : max_body)};
    bool goes_on = true;
    while (goes_on) {
        http::request_parser<http::string_body> parser;
        parser.header_limit(max_header);
        parser.body_limit(is_status_port() ? 0 : max_body);
        state_ = SessionState::idle;
        head_only_ = false;
        arm_deadline();
        const auto [error, size] = co_await http::async_read(socket_, buffer, parser, as_values);
        deadline_.cancel();
        state_ = SessionState::answering;
        if (error) {
            keep_alive_ = false;
            if (is_rubbish(error)) {
                co_await refuse(refusal_of_read_error(error, is_status_port() ? 0 : max_body));
            }
            co_return;
        }
        const auto& message = parser.get();
        keep_alive_ = message.keep_alive();
        http_1_0_ = message.version() < 11;
        head_only_ = message.method() == http::verb::head;
        const auto method = message.method_string();
        const auto target = message.target();
        goes_on =
            co_await serve_request({method.data(), method.size()}, {target.data(), target.size()}, message.body());
    }
}

Session::Flow Session::serve_request(std::string_view method, std::string_view target, std::string_view body) {
    const Call call = call_of(method, target, body);
    if (const auto* refusal = std::get_if<Refusal>(&call)) {
        co_return co_await refuse(*refusal);
    }
    if (const auto* status = std::get_if<StatusCall>(&call)) {
        co_return co_await reply(200, json_type, status_json(view(), status->services, status->detail));
    }
    if (const auto* probe = std::get_if<ProbeCall>(&call)) {
        const ProbeAnswer answer = answer_probe(view(), probe->question);
        co_return co_await reply(answer.yes ? 200 : 503, text_type, answer.line + "\n");
    }
    if (std::holds_alternative<MetricsCall>(call)) {
        co_return co_await reply(200, metrics_content_type, host_.metrics());
    }
    if (const auto* verb = std::get_if<VerbCall>(&call)) {
        co_return co_await serve_verb(*verb);
    }
    if (const auto* env = std::get_if<EnvCall>(&call)) {
        const runtime::Supervisor& supervisor = host_.supervisor;
        co_return co_await reply(200, json_type,
                                 service_env_json(supervisor.spec().services[env->service],
                                                  supervisor.surroundings_of(env->service), env->values));
    }
    if (std::holds_alternative<TimelineCall>(call)) {
        const runtime::Supervisor& supervisor = host_.supervisor;
        const model::StartRecord& record = supervisor.way_up();
        const auto made = model::timeline(supervisor.spec(), record, std::chrono::steady_clock::now());
        co_return co_await reply(200, json_type,
                                 timeline_json(supervisor.spec().app, made, supervisor.wall_clock(record.began)));
    }
    if (std::holds_alternative<CpusCall>(call)) {
        co_return co_await reply(200, json_type, cpus_json(host_.supervisor));
    }
    if (const auto* reload = std::get_if<ReloadCall>(&call)) {
        co_return co_await serve_reload(*reload);
    }
    if (const auto* plan = std::get_if<PlanCall>(&call)) {
        const config::PlanNode tree = config::plan_of(host_.supervisor.spec());
        const bool yaml = plan->format == PlanFormat::yaml;
        const std::string text = yaml ? config::yaml_text(tree) : config::json_text(tree);
        co_return co_await reply(200, yaml ? yaml_type : json_type, text);
    }
    if (const auto* graph = std::get_if<GraphCall>(&call)) {
        co_return co_await reply(200, text_type, graph_of(host_.supervisor.spec(), graph->format));
    }
    if (const auto* logs = std::get_if<LogsCall>(&call)) {
        const FeedEnd end = logs->follows ? FeedEnd::never : FeedEnd::when_all_is_read;
        co_return co_await serve_feed(read_logs(host_.supervisor, *logs, waker()), end);
    }
    if (std::get<EventsCall>(call).follows) {
        auto feed = follow_events(host_.supervisor, [this] { return view(); }, waker());
        co_return co_await serve_feed(std::move(feed), FeedEnd::never);
    }
    co_return co_await reply(200, stream_content_type, events_json(view()));
}

Session::Flow Session::serve_feed(std::unique_ptr<Feed> feed, FeedEnd end) {
    if (!begin_to_stay(SessionState::follower)) {
        co_return co_await refuse(too_many_wait);
    }
    watch_client();
    feed_ = std::move(feed);
    if (!co_await write(stream_head())) {
        co_return false;
    }
    while (!client_gone_) {
        if (feed_->has_unread()) {
            if (!co_await write(chunk(feed_->next_lines()))) {
                co_return false;
            }
            continue;
        }
        if (end == FeedEnd::when_all_is_read) {
            co_await write(http_1_0_ ? "" : "0\r\n\r\n");
            co_return false;
        }
        wake_.expires_at(asio::steady_timer::time_point::max());
        co_await wake_.async_wait(as_values);
    }
    co_return false;
}

Call Session::call_of(std::string_view method, std::string_view target, std::string_view body) const {
    const HttpRequest request{.method = method, .target = target, .body = body};
    return is_status_port() ? route_on_status_port(request) : route(host_.supervisor.spec(), request);
}

/// False: there is no place left.
bool Session::begin_to_stay(SessionState stay) {
    if (!host_.take_place(stay)) {
        return false;
    }
    state_ = stay;
    return true;
}

Session::Flow Session::serve_verb(const VerbCall& call) {
    if (!begin_to_stay(call.is_hook ? SessionState::hook : SessionState::verb)) {
        co_return co_await refuse(too_many_wait);
    }
    asked_ = host_.supervisor.ask(call.request, listener());
    co_return co_await wait_for_answer(call);
}

Session::Flow Session::serve_reload(const ReloadCall& call) {
    runtime::Supervisor& supervisor = host_.supervisor;
    const std::string refusal = model::refusal_of(supervisor.spec(), supervisor.pod(), call.request);
    if (!refusal.empty()) {
        co_return co_await refuse({.status = 409, .error = refusal, .allow = {}});
    }
    config::LoadResult loaded = host_.options.load();
    if (config::has_error(loaded, config::Purpose::run)) {
        supervisor.report_refused_reload(refused_line(loaded));
        co_return co_await reply(409, json_type, problems_json(loaded));
    }
    const auto plan = model::plan_reload(supervisor.spec(), supervisor.pod(), loaded.pod, call.request.main_restart);
    if (!plan) {
        supervisor.report_refused_reload("reload refused: " + plan.error().text);
        co_return co_await refuse({.status = 409, .error = plan.error().text, .allow = {}});
    }
    std::vector<std::string> lines = warning_lines(loaded);
    std::ranges::move(difference_lines(supervisor.spec(), *plan), std::back_inserter(lines));
    if (!begin_to_stay(SessionState::verb)) {
        co_return co_await refuse(too_many_wait);
    }
    std::ranges::move(lines, std::back_inserter(lines_));
    if (call.dry_run) {
        answer_ = AnswerLine{model::Verdict::done,
                             plan->changes_nothing() ? "nothing would change" : "dry run: nothing was changed"};
    } else {
        asked_ =
            supervisor.reload(call.request, std::move(loaded.pod), changed_keys(supervisor.spec(), *plan), listener());
    }
    const VerbCall waiting{.request = call.request, .told_timeout = {}};
    co_return co_await wait_for_answer(waiting);
}

Session::Flow Session::wait_for_answer(const VerbCall& call) {
    watch_client();
    for (int turn = 0; turn < turns_for_immediate_answer && !answer_; ++turn) {
        co_await asio::post(socket_.get_executor(), asio::use_awaitable);
    }
    if (answer_ && answer_->verdict == model::Verdict::refused) {
        keep_alive_ = false; // The watch on the client reads from the connection.
        co_return co_await reply(409, json_type, json_object("error", answer_->message) + "\n");
    }
    co_await stream(call);
    co_return false;
}

/// Writes the head, then lines as they come, then the result. False: the client is gone.
Session::Flow Session::stream(const VerbCall& call) {
    std::string head = stream_head();
    if (call.told_timeout) {
        head += chunk(timeout_line(*call.told_timeout) + "\n");
    }
    if (!co_await write(std::move(head))) {
        co_return false;
    }
    while (!client_gone_) {
        if (!lines_.empty()) {
            if (!co_await write_lines()) {
                co_return false;
            }
            continue;
        }
        if (answer_) {
            std::string last = chunk(result_line(answer_->verdict, answer_->message) + "\n");
            last += http_1_0_ ? "" : "0\r\n\r\n";
            co_return co_await write(std::move(last));
        }
        wake_.expires_at(asio::steady_timer::time_point::max());
        co_await wake_.async_wait(as_values);
    }
    co_return false;
}

std::string Session::stream_head() const {
    const std::string head =
        "HTTP/1.1 200 OK\r\nContent-Type: " + std::string{stream_content_type} + "\r\nConnection: close\r\n";
    return head + (http_1_0_ ? "\r\n" : "Transfer-Encoding: chunked\r\n\r\n");
}

Session::Flow Session::write_lines() {
    std::string text;
    if (lines_dropped_ > 0) {
        text = json_object("progress", "... " + std::to_string(lines_dropped_) + " lines were not read in time") + "\n";
        lines_dropped_ = 0;
    }
    for (const std::string& line : lines_) {
        text += json_object("progress", line) + "\n";
    }
    lines_.clear();
    co_return co_await write(chunk(text));
}

std::string Session::chunk(std::string_view lines) const {
    if (http_1_0_) {
        return std::string{lines};
    }
    std::array<char, 16> size{};
    const auto end = std::to_chars(size.data(), size.data() + size.size(), lines.size(), 16);
    return std::string{size.data(), end.ptr} + "\r\n" + std::string{lines} + "\r\n";
}

Session::Flow Session::reply(unsigned status, std::string_view content_type, std::string_view body,
                             std::string_view allow) {
    std::string text = "HTTP/1.1 " + std::string{status_text(status)} +
                       "\r\nContent-Type: " + std::string{content_type} +
                       "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    if (!allow.empty()) {
        text += "Allow: " + std::string{allow} + "\r\n";
    }
    text += keep_alive_ ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
    text += head_only_ ? std::string_view{} : body;
    const bool written = co_await write(std::move(text));
    co_return written&& keep_alive_;
}

Session::Flow Session::refuse(const Refusal& refusal) {
    if (is_status_port()) {
        co_return co_await reply(refusal.status, text_type, refusal.error + "\n", refusal.allow);
    }
    const std::string body = json_object("error", refusal.error) + "\n";
    co_return co_await reply(refusal.status, json_type, body, refusal.allow);
}

Session::Flow Session::write(std::string text) {
    arm_deadline();
    const auto [error, size] = co_await asio::async_write(socket_, asio::buffer(text), as_values);
    deadline_.cancel();
    has_stalled_ = false;
    co_return !error;
}

View view_of(const SessionHost& host) {
    const runtime::Supervisor& supervisor = host.supervisor;
    return View{
        .spec = supervisor.spec(),
        .pod = supervisor.pod(),
        .journal = supervisor.journal(),
        .now = std::chrono::steady_clock::now(),
        .cpus = model::count_for(supervisor.cpu_count(), supervisor.spec().cpus),
        .wall_clock = [&supervisor](TimePoint moment) { return supervisor.wall_clock(moment); },
        .last_output = [&supervisor](model::ServiceIndex service,
                                     std::size_t count) { return supervisor.last_output(service, count); },
    };
}

runtime::Listener Session::listener() {
    return {
        .progress =
            [weak = weak_from_this()](std::string_view line) {
                if (const auto session = weak.lock()) {
                    session->add_line(std::string{line});
                }
            },
        .answer =
            [weak = weak_from_this()](model::Verdict verdict, std::string_view message) {
                if (const auto session = weak.lock()) {
                    session->answer_ = AnswerLine{verdict, std::string{message}};
                    session->wake_.cancel();
                }
            },
    };
}

void Session::add_line(std::string line) {
    if (lines_.size() >= max_lines_kept) {
        lines_.pop_front();
        ++lines_dropped_;
    }
    lines_.push_back(std::move(line));
    wake_.cancel();
}

/// While a verb runs the client has nothing to say; its end of file means that it left.
void Session::watch_client() {
    socket_.async_read_some(asio::buffer(unwanted_),
                            [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
                                self->unwanted_bytes_ += size;
                                if (error || self->unwanted_bytes_ > max_unwanted) {
                                    self->client_gone_ = true;
                                    self->wake_.cancel();
                                    return;
                                }
                                self->watch_client();
                            });
}

} // namespace davit::api
