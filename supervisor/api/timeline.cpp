// SPDX-License-Identifier: Apache-2.0
#include "api/timeline.h"

#include "api/json_writer.h"

#include <cmath>
#include <optional>

namespace davit::api {
namespace {

/// In whole milliseconds: nobody reads more of a start.
void write_seconds(JsonWriter& json, std::string_view key, const std::optional<Duration>& time) {
    json.key(key);
    constexpr double per_second = 1000;
    time ? json.decimal(std::round(to_seconds(*time) * per_second) / per_second) : json.null();
}

void write_row(JsonWriter& json, const model::TimelineRow& row) {
    json.begin_object();
    json.key("kind").string(to_string(row.kind));
    json.key("name").string(row.name);
    json.key("main").boolean(row.main);
    json.key("critical").boolean(row.critical);
    json.key("state").string(row.state);
    write_seconds(json, "wantedSeconds", row.wanted);
    write_seconds(json, "startedSeconds", row.started);
    write_seconds(json, "runningSeconds", row.running);
    write_seconds(json, "doneSeconds", row.done);
    json.key("waitedFor");
    row.waited_for.empty() ? json.null() : json.string(row.waited_for);
    json.key("starts").number(row.starts);
    json.end_object();
}

} // namespace

std::string timeline_json(std::string_view app, const model::Timeline& timeline, std::string_view began) {
    JsonWriter json;
    json.begin_object();
    json.key("app").string(app);
    json.key("state").string(to_string(timeline.state));
    json.key("began").string(began);
    write_seconds(json, "seconds", timeline.length);
    json.key("sentence").string(timeline.sentence);
    json.key("rows").begin_array();
    for (const model::TimelineRow& row : timeline.rows) {
        write_row(json, row);
    }
    json.end_array().key("critical").begin_array();
    for (const model::ChainLink& link : timeline.critical) {
        json.begin_object();
        json.key("name").string(link.name);
        json.key("what").string(link.what);
        write_seconds(json, "fromSeconds", link.from);
        write_seconds(json, "seconds", link.length);
        json.end_object();
    }
    json.end_array().end_object();
    return json.take() + "\n";
}

} // namespace davit::api
