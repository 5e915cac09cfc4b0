// SPDX-License-Identifier: Apache-2.0
#include "api/feed.h"

#include "api/json_writer.h"
#include "model/why.h"
#include "os/wall_clock.h"

#include <utility>

namespace davit::api {
namespace {

class EventsFeed : public Feed {
public:
    EventsFeed(runtime::Journal& journal, std::function<View()> view, std::function<void()> wake)
        : view_(std::move(view)), reader_(journal, std::move(wake)) {}

    bool has_unread() const override { return reader_.has_unread(); }

    std::string next_lines() override {
        constexpr std::size_t most_at_once = 100;
        const runtime::JournalPart part = reader_.read(most_at_once);
        std::string lines;
        if (part.lost > 0) {
            JsonWriter json;
            json.begin_object().key("lost").number(static_cast<std::int64_t>(part.lost)).end_object();
            lines = json.take() + "\n";
        }
        const View now = view_();
        for (const runtime::JournalEntry& entry : part.entries) {
            lines += event_json(now, entry) + "\n";
        }
        return lines;
    }

private:
    std::function<View()> view_;
    runtime::JournalReader reader_;
};

std::string note_json(const std::string& service, const std::string& note) {
    JsonWriter json;
    json.begin_object().key("service").string(service).key("note").string(note).end_object();
    return json.take() + "\n";
}

std::string lost_json(const std::string& service, std::uint64_t lines) {
    JsonWriter json;
    json.begin_object().key("service").string(service);
    json.key("lost").number(static_cast<std::int64_t>(lines)).end_object();
    return json.take() + "\n";
}

std::string line_json(const std::string& service, const os::LogLine& line) {
    JsonWriter json;
    json.begin_object().key("time").string(os::utc_text(line.at)).key("service").string(service);
    json.key("stream").string(os::to_string(line.stream)).key("message").string(line.text);
    if (line.is_partial) {
        json.key("partial").boolean(true);
    }
    json.end_object();
    return json.take() + "\n";
}

class LogsFeed : public Feed {
public:
    LogsFeed(runtime::LogReader reader, std::string notes) : reader_(std::move(reader)), notes_(std::move(notes)) {}

    bool has_unread() const override { return !notes_.empty() || reader_.has_unread(); }

    std::string next_lines() override {
        constexpr std::size_t enough = std::size_t{64} * 1024;
        std::string lines = std::exchange(notes_, {});
        reader_.read(
            enough,
            {.line = [&](const std::string& service, const os::LogLine& line) { lines += line_json(service, line); },
             .lost = [&](const std::string& service, std::uint64_t count) { lines += lost_json(service, count); }});
        return lines;
    }

private:
    runtime::LogReader reader_;
    std::string notes_;
};

} // namespace

std::unique_ptr<Feed> follow_events(runtime::Supervisor& supervisor, std::function<View()> view,
                                    std::function<void()> wake) {
    return std::make_unique<EventsFeed>(supervisor.journal(), std::move(view), std::move(wake));
}

std::unique_ptr<Feed> read_logs(runtime::Supervisor& supervisor, const LogsCall& call,
                                const std::function<void()>& wake) {
    const model::PodSpec& spec = supervisor.spec();
    std::vector<runtime::LogSource> sources;
    std::string notes;
    for (const model::ServiceIndex service : call.services) {
        const std::string& name = spec.services[service].name;
        if (const std::string reason = model::why_no_output(spec, service); !reason.empty()) {
            notes += note_json(name, reason);
        } else {
            sources.push_back({.service = name, .ring = &supervisor.output_of(service)});
        }
    }
    const auto end = call.follows ? runtime::LogEnd::never : runtime::LogEnd::present;
    return std::make_unique<LogsFeed>(runtime::LogReader{std::move(sources), call.newest, end, wake}, std::move(notes));
}

} // namespace davit::api
