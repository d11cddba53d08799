#include "cli/print_events.h"

#include "cli/age.h"
#include "cli/json_parts.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace bottle {
namespace {

using nlohmann::json;

json event_json(const Event& event) {
    return {{"bottle", event.bottle}, {"time", text_or_null(event.time)}, {"type", event.type}, {"reason", event.reason}, {"object", event.object}, {"message", event.message}};
}

/// The first line of a revision has its first change, each other change a line of its own.
std::vector<TableRow> rows_of(const HistoryLine& line, std::int64_t now) {
    const auto ready = line.ready.substr(0, line.ready.find(':'));
    auto changes = line.changes;
    if (changes.empty()) changes.push_back(line.first ? "the first that is kept" : "nothing of what it means");
    std::vector<TableRow> rows = {{{fmt::format("{}", line.generation)}, {age(line.time, now)}, {ready.empty() ? "<unknown>" : ready, tone_of_status(ready)}, {changes.front()}}};
    for (std::size_t i = 1; i < changes.size(); ++i) rows.push_back({{""}, {""}, {""}, {changes[i]}});
    return rows;
}

}  // namespace

std::vector<TableRow> event_rows(const std::vector<Event>& events, bool with_bottle, bool heading, std::int64_t now) {
    std::vector<TableRow> rows;
    if (heading) rows.push_back({{"AGE"}, {"TYPE"}, {"REASON"}, {"OBJECT"}, {"MESSAGE"}});
    if (heading && with_bottle) rows.front().insert(rows.front().begin(), {"BOTTLE"});
    for (const auto& event : events) {
        TableRow row = {{age(event.time, now)}, {event.type, event.type == "Warning" ? Tone::Doubt : Tone::Plain}, {event.reason}, {event.object}, {event.message}};
        if (with_bottle) row.insert(row.begin(), {event.bottle});
        rows.push_back(std::move(row));
    }
    return rows;
}

std::string events_table(const std::vector<Event>& events, bool with_bottle, std::int64_t now, const Screen& screen) {
    return table(event_rows(events, with_bottle, true, now), screen);
}

std::string events_json(const std::vector<Event>& events) {
    json items = json::array();
    for (const auto& event : events) items.push_back(event_json(event));
    return dump({{"format", "bottle.events/v1"}, {"items", items}});
}

std::string events_json_lines(const std::vector<Event>& events) {
    std::string text;
    for (const auto& event : events) text += event_json(event).dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
    return text;
}

std::vector<Event> since(std::vector<Event> events, const std::string& earliest) {
    events.erase(std::remove_if(events.begin(), events.end(), [&](const Event& event) { return event.time < earliest; }), events.end());
    return events;
}

std::string history_table(const std::vector<HistoryLine>& lines, std::int64_t now, const Screen& screen) {
    std::vector<TableRow> rows = {{{"GENERATION"}, {"APPLIED"}, {"READY"}, {"CHANGE"}}};
    for (const auto& line : lines) {
        for (auto& row : rows_of(line, now)) rows.push_back(std::move(row));
    }
    return table(rows, screen);
}

std::string history_json(const std::string& bottle, const std::vector<HistoryLine>& lines) {
    json items = json::array();
    for (const auto& line : lines) {
        items.push_back({{"generation", line.generation}, {"appliedAt", text_or_null(line.time)}, {"first", line.first}, {"changes", line.changes}, {"ready", text_or_null(line.ready)}});
    }
    return dump({{"format", "bottle.history/v1"}, {"bottle", bottle}, {"items", items}});
}

}  // namespace bottle
