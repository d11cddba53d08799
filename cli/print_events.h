#pragma once

#include "cli/screen.h"
#include "reconciler/events.h"

#include <string>
#include <vector>

namespace bottle {

/// AGE TYPE REASON OBJECT MESSAGE, and BOTTLE in front where `with_bottle`. Without a heading: `events -f` goes on with what is new.
std::vector<TableRow> event_rows(const std::vector<Event>& events, bool with_bottle, bool heading, std::int64_t now);
std::string events_table(const std::vector<Event>& events, bool with_bottle, std::int64_t now, const Screen& screen);
/// Format "bottle.events/v1".
std::string events_json(const std::vector<Event>& events);
/// One event a line, for `events -f -o json`: the items of the same format, each a document of its own.
std::string events_json_lines(const std::vector<Event>& events);

/// Those of that time and later. `earliest`: RFC 3339 in UTC with seconds; empty: all.
std::vector<Event> since(std::vector<Event> events, const std::string& earliest);

/// GENERATION APPLIED READY CHANGE: the newest last, one line a change.
std::string history_table(const std::vector<HistoryLine>& lines, std::int64_t now, const Screen& screen);
/// Format "bottle.history/v1".
std::string history_json(const std::string& bottle, const std::vector<HistoryLine>& lines);

}  // namespace bottle
