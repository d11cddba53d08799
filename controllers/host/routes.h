#pragma once

#include "reconciler/observed.h"

#include <cstdint>
#include <string>
#include <vector>

// What the kernel's routing says (rtnetlink). Reads only.
namespace bottle {

/// Where a packet of a process with `uid` to the IPv4 `address` would go. Absent: the network is unreachable.
Observation<Route> route_to(const std::string& address, std::int64_t uid);

/// Destinations of all IPv4 routes of the host but the default ones and loopback's, "a.b.c.d/n", sorted, each once.
/// Throws Error{Exit::Failed} when the kernel does not answer.
std::vector<std::string> routed_destinations();

}  // namespace bottle
