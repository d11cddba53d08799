#pragma once

#include "cli/print_get.h"
#include "reconciler/events.h"

#include <string>
#include <vector>

namespace bottle {

/// Everything a person wants to know of one bottle, as `describe` shows it.
struct Description {
    BottleRow row;
    Manifest manifest;
    Desired desired;
    Snapshot snapshot;
    std::vector<Event> events;  ///< the newest, the oldest of them first
};

/// How many of the newest events are shown.
inline constexpr std::size_t kDescribedEvents = 8;

/// Of variables the names alone.
std::string describe_text(const Description& description, std::int64_t now, const Screen& screen);
/// Format "bottle.describe/v1".
std::string describe_json(const Description& description);

}  // namespace bottle
