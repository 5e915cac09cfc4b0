// SPDX-License-Identifier: Apache-2.0
#include "cli/watch.h"

#include "api/protocol.h"
#include "cli/columns.h"
#include "cli/output.h"
#include "cli/plan.h"
#include "cli/terminal.h"
#include "cli/watch_frame.h"
#include "model/why.h"
#include "os/client_io.h"
#include "os/terminal.h"

#include <algorithm>
#include <array>
#include <optional>

namespace davit::cli {
namespace {

using api::ClientExit;

constexpr std::chrono::hours as_long_as_it_lasts{24 * 365};
constexpr std::chrono::seconds tick{1};      // of the times on a terminal; where no events come, of everything
constexpr std::chrono::seconds slow_tick{5}; // into a pipe events are enough, but for what is none
constexpr std::chrono::milliseconds answer_time{1000}; // then the screen says that no answer came
constexpr std::chrono::milliseconds breath{100};       // between two frames, whatever happens

TimePoint now() {
    return std::chrono::steady_clock::now();
}

class Watch {
public:
    Watch(const Arguments& arguments, Environment environment)
        : arguments_(arguments), environment_(environment),
          end_(now() + arguments.timeout.value_or(as_long_as_it_lasts)), output_("status", end_),
          is_terminal_(arguments.format != Format::json && os::terminal_size(standard_output).columns > 0) {
        quick_.timeout = answer_time;
        quick_.watch = false;
    }

    ClientExit run() {
        if (!fetch_first()) {
            return end_reason_;
        }
        std::optional<os::CursorGuard> guard;
        if (is_terminal_) {
            guard.emplace();
            output_.text(clear_screen);
        }
        do {
            show();
        } while (!output_.is_broken() && wait() && fetch_again());
        return end_reason_;
    }

private:
    bool fetch_first() {
        const auto body = fetch_body(arguments_, environment_, output_, target());
        if (!body) {
            end_reason_ = body.error();
            return false;
        }
        take(*body);
        follow_events();
        return true;
    }

    void take(std::string body) {
        body_ = std::move(body);
        answered_ = now();
    }

    /// False: it is over. Without an answer what was last known stays on the screen.
    bool fetch_again() {
        auto reply = fetch(quick_, environment_, target(), Duration::zero());
        if (reply && reply->status == 200) {
            take(std::move(reply->body));
            if (!events_) {
                follow_events();
            }
            return true;
        }
        if (!reply && reply.error().exit == ClientExit::timed_out) {
            return true;
        }
        end_reason_ = reply ? ClientExit::negative : ClientExit::unreachable;
        tell_end(reply ? error_text(*reply) : "davit is gone: " + reply.error().text);
        return false;
    }

    /// Where none can be had (too many others follow), the tick is enough.
    void follow_events() {
        Client client{now() + answer_time};
        if (client.connect(places(arguments_, environment_), now())) {
            auto stream = client.hand_over(
                {.method = "GET", .target = std::string{api::events_path} + "?follow=true", .body = {}});
            if (stream) {
                events_ = std::move(*stream);
            }
        }
    }

    void show() {
        if (!is_terminal_) {
            return show_change();
        }
        const Duration silence = now() - answered_;
        draw(silence > answer_time ? "davit has not answered for " + model::describe(silence) : std::string{});
    }

    void show_change() {
        std::string seen = fingerprint(body_);
        if (seen == shown_) {
            return;
        }
        const bool as_json = arguments_.format == Format::json;
        output_.text(as_json ? body_ : (shown_.empty() ? "" : "\n") + status_table(body_, {}));
        shown_ = std::move(seen);
    }

    void draw(const std::string& note) {
        const TableStyle style = terminal_style(environment_);
        const std::size_t rows = os::terminal_size(standard_output).rows;
        const Charset charset = speaks_utf8(environment_) ? Charset::utf8 : Charset::ascii;
        output_.text(
            frame_of(status_table(body_, style), cut(note, std::max<std::size_t>(style.width, 1)), rows, charset));
    }

    void tell_end(const std::string& text) {
        if (is_terminal_) {
            draw(text);
        }
        output_.error(text);
    }

    /// Until there is something to show. False: it is over.
    bool wait() {
        const TimePoint shown = now();
        const bool often = is_terminal_ || !events_;
        TimePoint moment = shown + (often ? tick : slow_tick);
        while (true) {
            const os::News news =
                os::wait_for_news(events_ ? events_.get() : -1, standard_output, std::min(moment, end_));
            if (news == os::News::output_gone) {
                return false;
            }
            if (now() >= end_) {
                end_reason_ = ClientExit::timed_out;
                return false;
            }
            if (news == os::News::none) {
                return true; // or a signal: the terminal has another size
            }
            drop_events();
            moment = std::min(moment, shown + breath);
            if (now() >= moment) {
                return true;
            }
        }
    }

    /// That something happened is enough to know.
    void drop_events() {
        constexpr std::size_t size = std::size_t{16} * 1024;
        std::array<char, size> buffer;
        if (os::receive_within(events_.get(), buffer, now()).end == os::IoEnd::closed) {
            events_ = os::Fd{};
        }
    }

    std::string target() const { return status_target(arguments_, arguments_.format == Format::json ? "" : "explain"); }

    const Arguments& arguments_;
    Environment environment_;
    TimePoint end_;
    Output output_;
    bool is_terminal_;
    Arguments quick_ = arguments_;
    os::Fd events_;
    std::string body_;
    TimePoint answered_;
    std::string shown_;
    ClientExit end_reason_ = ClientExit::done;
};

} // namespace

int watch_status(const Arguments& arguments, Environment environment) {
    return static_cast<int>(Watch{arguments, environment}.run());
}

} // namespace davit::cli
